// When a rollout is likely to end: the pace of the wave that last had devices come to their end, carried on over what
// is left. Pure. It promises nothing, so it says what it follows from; and where nobody can say it, why.

import { isSettled, type WaveTally } from "@flipside/api/rollout-arithmetic";
import type { HeldFor, RolloutState, WaveRules } from "@flipside/api/types";
import { counted } from "./counted.ts";
import { durationText } from "./duration-text.ts";

/** How fast devices of a wave came to their end. Moments of the wall clock. */
export interface Pace {
  wave: number;
  finished: number;
  /** They are all of the wave that have come to their end; else the newest of many. */
  isWhole: boolean;
  /** When the first of them was offered the image (of many: ended), and when the last of them ended. */
  beganAt: number;
  endedAt: number;
}

export interface EstimateFacts {
  state: RolloutState;
  heldFor: HeldFor | null;
  isStopped: boolean;
  /** Not all of it is made yet. */
  isPreparing: boolean;
  targetOpen: boolean;
  hasMaintenance: boolean;
  currentWave: number;
  /** Of the wall clock. */
  soakUntil: number | null;
  waves: readonly WaveTally[];
  rules: readonly Pick<WaveRules, "soakMs" | "approval" | "startAt" | "deadlineMs">[];
  pace: Pace | undefined;
  now: number;
}

export interface Estimate {
  /** Of the wall clock; null: nobody can say it. */
  endsAt: number | null;
  sentence: string;
}

const unknown = (sentence: string): Estimate => ({ endsAt: null, sentence });

/** What makes any number a guess. */
function whyUnknown(facts: EstimateFacts): string | undefined {
  const { state, isStopped, isPreparing, heldFor, targetOpen, hasMaintenance, currentWave, rules } = facts;
  if (state === "paused") return "It is paused, and ends when somebody resumes it and it has gone on.";
  if (state !== "running") return "It is over.";
  if (isStopped) return "All updates are stopped; it goes on when that is ended.";
  if (isPreparing) return "It is still being made.";
  if (heldFor === "joiners" || targetOpen) return "It stays open for devices that come to match.";
  if (hasMaintenance) return "It offers in maintenance windows only, which differ from device to device.";
  const approved = rules.findIndex(({ approval }, wave) => approval && wave > currentWave);
  if (approved >= 0) return `Wave ${approved + 1} waits for somebody’s approval, and nobody can say when that comes.`;
  return undefined;
}

/** In a unit that suits it: nobody wants milliseconds here. */
function roughly(ms: number): string {
  const unit = ms >= 5_400_000 ? 3_600_000 : ms >= 90_000 ? 60_000 : 1_000;
  return durationText(Math.max(1, Math.round(ms / unit)) * unit);
}

interface Left {
  devices: number;
  watches: number;
  /** Of the wall clock: when all of it is done. */
  at: number;
}

/** Wave after wave, from now on. */
function carriedOn(facts: EstimateFacts, msPerDevice: number): Left {
  const left: Left = { devices: 0, watches: 0, at: facts.now };
  for (const [index, wave] of facts.waves.entries()) {
    if (index < facts.currentWave) continue;
    const { soakMs, startAt, deadlineMs } = facts.rules[index]!;
    const isPresent = index === facts.currentWave;
    if (!isPresent && startAt !== null) left.at = Math.max(left.at, Date.parse(startAt));
    const open = Math.max(0, wave.total - wave.finished - wave.unreached);
    left.devices += open;
    left.at += Math.min(open * msPerDevice, deadlineMs);
    const isWatched = isPresent && isSettled(wave);
    left.at = isWatched ? Math.max(left.at, facts.soakUntil ?? left.at) : left.at + soakMs;
    if (soakMs > 0 && !(isWatched && facts.soakUntil === null)) left.watches++;
  }
  return left;
}

const asItWent = ({ wave, isWhole }: Pace): string =>
  isWhole ? `As wave ${wave + 1} went` : `As wave ${wave + 1} went of late`;

export function estimateOf(facts: EstimateFacts): Estimate {
  const why = whyUnknown(facts);
  if (why !== undefined) return unknown(why);
  const { pace, currentWave, now } = facts;
  if (pace === undefined || pace.finished === 0)
    return unknown("No device has come to its end yet; the first ones tell how fast it goes.");
  // A wave that goes on has had until now, also when its last device ended a while ago.
  const goesOn = pace.wave === currentWave && !isSettled(facts.waves[currentWave]!);
  const took = Math.max(1, (goesOn ? now : pace.endedAt) - pace.beganAt);
  const { devices, watches, at } = carriedOn(facts, took / pace.finished);
  const parts = [
    ...(devices === 0 ? [] : [counted(devices, "device")]),
    ...(watches === 0 ? [] : [`${counted(watches, "time")} of watching`]),
  ];
  const are = devices + watches === 1 ? "is" : "are";
  const rest = parts.length === 0 ? "nothing is left but its end" : `${parts.join(" and ")} ${are} left`;
  return {
    endsAt: Math.round(at),
    sentence: `${asItWent(pace)} (${counted(pace.finished, "device")} in ${roughly(took)}): ${rest}.`,
  };
}
