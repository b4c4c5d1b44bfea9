// What a rehearsal supposes of the fleet: of each simulated device when it is there and how fast its link is, of all
// how long an update takes and how it fails. Made from what the database knows (take-snapshot.ts); what it does not
// know is supposed, and said. A pure function: the same snapshot gives the same model.

import { createHash } from "node:crypto";
import type { RehearsedFleet, WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import { counted } from "../../domain/counted.ts";
import type { FleetSnapshot, PastDeployment, SampledDevice } from "./fleet-snapshot.ts";
import { type Presences, presencesIn } from "./presences.ts";
import { quantile, quantiles } from "./quantiles.ts";
import { linksAssumed, paceOf } from "./update-pace.ts";

export interface ModelledDevice {
  /** Of the simulation: no device of the fleet is named. */
  id: string;
  hardware: string;
  isThere: boolean;
  isOnline: boolean;
  /** Milliseconds after the beginning at which it comes or goes, by turns; after the last one it stays as it is. */
  turnsMs: number[];
  /** Nothing shows when it comes: after so long, in the mean; null: it does not. */
  returnsAfterMs: number | null;
  payloadBytes: number;
  /** Of its own updates; null: drawn from `links`. */
  bytesPerSecond: number | null;
}

export interface PastFailure {
  state: DeploymentStateName;
  code: number;
  share: number;
}

export interface FleetModel {
  atMs: number;
  waves: { total: number; rules: WaveRules; devices: ModelledDevice[] }[];
  /** Bytes per second, ascending, evenly spaced percentiles over devices. */
  links: number[];
  aroundMs: number;
  failures: PastFailure[];
  crashesPerDeviceDay: number;
  onlineByHour: number[] | null;
  kinds: RehearsedFleet["kinds"];
  outcomes: number;
  assumptions: string[];
}

const linkQuantiles = 21;
/** Of fewer nobody says what share fails. */
const outcomesMin = 5;
const deviceDaysMin = 1;

/** How deployments end, where nobody had to stop them. A cancelled one says nothing. */
function failuresIn(past: readonly PastDeployment[]): { failures: PastFailure[]; outcomes: number } {
  const ended = past.filter(({ isOfWhole, state, tookMs }) => isOfWhole && state !== "cancelled" && tookMs !== null);
  if (ended.length < outcomesMin) return { failures: [], outcomes: ended.length };
  const counts = new Map<string, PastFailure & { count: number }>();
  for (const { state, code } of ended) {
    if (state === "confirmed") continue;
    const key = `${state} ${code}`;
    const known = counts.get(key) ?? { state, code, share: 0, count: 0 };
    known.count++;
    counts.set(key, known);
  }
  const failures = [...counts]
    .sort(([one, { count }], [other, { count: otherCount }]) => otherCount - count || (one < other ? -1 : 1))
    .map(([, { state, code, count }]) => ({ state, code, share: count / ended.length }));
  return { failures, outcomes: ended.length };
}

function modelledDevice(
  { id, hardware, isThere, isOnline, payloadBytes }: SampledDevice,
  presences: Presences,
  own: ReadonlyMap<string, number>,
  simulatedId: string,
): ModelledDevice {
  const { turnsMs, returnsAfterMs } = presences.of(id);
  const known = { hardware, isThere, isOnline, turnsMs, returnsAfterMs, payloadBytes };
  return { id: simulatedId, ...known, bytesPerSecond: own.get(id) ?? null };
}

function kindsOf(devices: readonly SampledDevice[]): RehearsedFleet["kinds"] {
  const kinds = new Map<string, RehearsedFleet["kinds"][number]>();
  for (const { hardware, version } of devices) {
    const key = JSON.stringify([hardware, version]);
    const kind = kinds.get(key) ?? { hardware, version, count: 0 };
    kind.count++;
    kinds.set(key, kind);
  }
  return [...kinds].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kind]) => kind);
}

function failureAssumption(outcomes: number): string[] {
  if (outcomes >= outcomesMin) return [];
  const known = outcomes === 0 ? "No deployment has come to its end yet" : `${counted(outcomes, "deployment")} ended`;
  return [`${known}, too few to tell how often updates fail: a good image is taken to fail on no device.`];
}

const crashAssumption = (deviceDays: number): string[] =>
  deviceDays >= deviceDaysMin
    ? []
    : [
        "The device log is too short to tell how often devices crash: they are taken not to, as long as the image is good.",
      ];

export function fleetModelOf(snapshot: FleetSnapshot): FleetModel {
  const { atMs, past, crashes } = snapshot;
  const sampled = snapshot.waves.flatMap(({ sample }) => sample);
  const presences = presencesIn(snapshot, sampled);
  const pace = paceOf(past);
  const { failures, outcomes } = failuresIn(past);
  let number = 0;
  const speeds = [...pace.byDevice.values()].sort((one, other) => one - other);
  return {
    atMs,
    waves: snapshot.waves.map(({ total, rules, sample }) => ({
      total,
      rules,
      devices: sample.map((device) => modelledDevice(device, presences, pace.byDevice, `device-${++number}`)),
    })),
    links: speeds.length === 0 ? [linksAssumed] : quantiles(speeds, linkQuantiles),
    aroundMs: pace.aroundMs,
    failures,
    crashesPerDeviceDay: crashes.deviceDays >= deviceDaysMin ? crashes.count / crashes.deviceDays : 0,
    onlineByHour: presences.byHour,
    kinds: kindsOf(sampled),
    outcomes,
    assumptions: [
      ...pace.assumptions,
      ...failureAssumption(outcomes),
      ...presences.assumptions,
      ...crashAssumption(crashes.deviceDays),
    ],
  };
}

/** SHA-256, hex. */
export const digestOfModel = (model: FleetModel): string =>
  createHash("sha256").update(JSON.stringify(model)).digest("hex");

/** As it is shown with an answer. */
export function shownFleet(model: FleetModel): Omit<RehearsedFleet, "failures"> & { failures: PastFailure[] } {
  const devices = model.waves.flatMap((wave) => wave.devices);
  const { links, aroundMs, outcomes, onlineByHour, crashesPerDeviceDay, kinds, failures } = model;
  const [p10, p50, p90] = [0.1, 0.5, 0.9].map((share) => Math.round(quantile(links, share))) as [
    number,
    number,
    number,
  ];
  return {
    devices: model.waves.reduce((sum, { total }) => sum + total, 0),
    simulated: devices.length,
    online: devices.filter(({ isOnline }) => isOnline).length,
    bytesPerSecond: { p10, p50, p90 },
    ...{ kinds, onlineByHour, aroundMs, outcomes, failures, crashesPerDeviceDay },
  };
}
