// How fast updates were: what the past says of links, and of the time that an update takes besides its download. The
// database knows when an update was offered and when it had ended, and not when its download had: where images of
// different sizes were installed the two can be told apart, as the slope and the foot of a line.

import { counted } from "../../domain/counted.ts";
import type { PastDeployment } from "./fleet-snapshot.ts";
import { median } from "./quantiles.ts";

/** Bytes per second: a slow link of a mobile network. */
export const linksAssumed = 65_536;
/** A verification of some seconds, a restart, a trial of some seconds. */
const aroundMsAssumed = 20_000;
/** Of what an update took: as much is around its download at most, where nothing tells it apart. */
const aroundShareMax = 0.5;
/** Sizes that lie so far apart, of so many updates each. */
const sizeRatioMin = 1.5;
const ofASizeMin = 3;
const aroundMsMin = 1_000;
const tookMsMin = 1;

interface Confirmed {
  deviceId: string;
  tookMs: number;
  payloadBytes: number;
}

export interface Pace {
  /** Bytes per second, of devices that were updated. */
  byDevice: ReadonlyMap<string, number>;
  aroundMs: number;
  assumptions: string[];
}

const isTimed = (past: PastDeployment): past is PastDeployment & { tookMs: number } =>
  past.state === "confirmed" && past.tookMs !== null && past.tookMs >= tookMsMin && past.payloadBytes > 0;

/** The foot of the line through the medians of the smallest and the largest size; undefined: there is none. */
function footOf(confirmed: readonly Confirmed[]): number | undefined {
  const bySize = new Map<number, number[]>();
  for (const { payloadBytes, tookMs } of confirmed)
    bySize.set(payloadBytes, [...(bySize.get(payloadBytes) ?? []), tookMs]);
  const sizes = [...bySize].filter(([, took]) => took.length >= ofASizeMin).sort(([one], [other]) => one - other);
  const [least, most] = [sizes[0], sizes.at(-1)];
  if (least === undefined || most === undefined || most[0] < sizeRatioMin * least[0]) return undefined;
  const [leastMs, mostMs] = [median(least[1]), median(most[1])];
  const msPerByte = (mostMs - leastMs) / (most[0] - least[0]);
  const foot = leastMs - msPerByte * least[0];
  return msPerByte > 0 && foot >= aroundMsMin ? foot : undefined;
}

const secondsText = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

export function paceOf(past: readonly PastDeployment[]): Pace {
  const confirmed: Confirmed[] = past.filter(isTimed);
  if (confirmed.length === 0)
    return {
      byDevice: new Map(),
      aroundMs: aroundMsAssumed,
      assumptions: [
        `No update has been confirmed yet: links are taken to bring ${linksAssumed / 1024} KiB a second, and verification, restart and trial to take ${secondsText(aroundMsAssumed)}.`,
      ],
    };
  const foot = footOf(confirmed);
  const fastestMs = Math.min(...confirmed.map(({ tookMs }) => tookMs));
  const aroundMs = Math.round(foot ?? Math.min(aroundMsAssumed, aroundShareMax * fastestMs));
  const byDevice = new Map<string, number[]>();
  for (const { deviceId, tookMs, payloadBytes } of confirmed) {
    const bytesPerSecond = (payloadBytes / Math.max(tookMs - aroundMs, tookMs * (1 - aroundShareMax))) * 1_000;
    byDevice.set(deviceId, [...(byDevice.get(deviceId) ?? []), bytesPerSecond]);
  }
  const told = `${counted(confirmed.length, "confirmed update")} tell how long an update takes, from its offer to its end`;
  return {
    byDevice: new Map([...byDevice].map(([id, speeds]) => [id, median(speeds)])),
    aroundMs,
    assumptions:
      foot === undefined
        ? [`${told}, and not how long its download does: ${secondsText(aroundMs)} of it are taken to be the rest.`]
        : [],
  };
}
