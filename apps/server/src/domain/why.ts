// What a rollout waits for, in one sentence. Pure.

import { asSentence } from "./as-sentence.ts";
import { failuresOf, isSettled } from "@flipside/api/rollout-arithmetic";
import { presentWave, type RolloutSnapshot } from "./snapshots.ts";
import { counted } from "./counted.ts";

export interface Reason {
  sentence: string;
  /** In words that follow "You can". */
  actions: string[];
}

const backLater = (away: number): string =>
  away === 1
    ? "1 device that is away gets the image when it comes back"
    : `${away} devices that are away get the image when they come back`;

export function whyRolloutWaits(rollout: RolloutSnapshot): Reason {
  const { state, pauseReason, supersededBy, waves, currentWave, soakUntil, heldFor, targetOpen } = rollout;
  const sum = (pick: (each: (typeof waves)[number]) => number): number =>
    waves.reduce((total, each) => total + pick(each), 0);
  if (state === "cancelled" && supersededBy !== null)
    return { sentence: `It was ${pauseReason}; devices that are at work on it go on to their end.`, actions: [] };
  if (state === "cancelled" || state === "rolled-back") {
    const why = pauseReason === null ? "" : ` by itself (${pauseReason})`;
    const what = state === "cancelled" ? "cancelled" : "rolled back";
    return { sentence: `It was ${what}${why}, and waits for nothing.`, actions: [] };
  }
  if (state === "completed") {
    const away = sum(({ unreached }) => unreached);
    const ends = `${sum(({ succeeded }) => succeeded)} confirmed and ${sum((each) => failuresOf(each).failed)} failed`;
    return {
      sentence: away === 0 ? `It is over, with ${ends}.` : `It is over, with ${ends}; ${backLater(away)}.`,
      actions: [],
    };
  }
  if (state === "paused")
    return {
      sentence: asSentence(`It is paused: ${pauseReason}`),
      actions: ["resume it, which accepts what has failed", "cancel it", "roll it back"],
    };
  const end = targetOpen ? "it stays open for devices that come to match" : "the rollout ends";
  const next = currentWave === waves.length - 1 ? end : `wave ${currentWave + 2} starts`;
  const actions = ["pause it", ...(targetOpen ? ["close its target"] : []), "cancel it"];
  if (heldFor === "joiners") {
    const done = sum(({ total }) => total);
    const what =
      done === 0 ? "No device has matched it yet" : `Its ${counted(done, "device")} ${done === 1 ? "is" : "are"} done`;
    const away = sum(({ unreached }) => unreached);
    const later = away === 0 ? "" : `; ${backLater(away)}`;
    return { sentence: `${what}${later}; it stays open for devices that come to match.`, actions };
  }
  if (heldFor !== null) {
    const waitsFor = heldFor === "approval" ? "somebody else's approval" : "its start time";
    const what = heldFor === "approval" ? ["have somebody else approve it"] : ["start the wave now"];
    return { sentence: `Wave ${currentWave + 2} waits for ${waitsFor}.`, actions: [...what, ...actions] };
  }
  const wave = presentWave(rollout);
  if (wave === undefined) return { sentence: "It is about to start.", actions };
  if (soakUntil !== null)
    return { sentence: `Wave ${currentWave + 1} has finished and is watched; then ${next}.`, actions };
  const waiting = isSettled(wave) ? (waves.find((each) => !isSettled(each)) ?? wave) : wave;
  const atIt = waiting.total - waiting.finished - waiting.waiting - waiting.unreached;
  const parts = [
    ...(atIt > 0 ? [`${counted(atIt, "device")} at work on it`] : []),
    ...(waiting.waiting > 0 ? [`${counted(waiting.waiting, "device")} not offered it yet`] : []),
  ];
  return { sentence: `Wave ${waves.indexOf(waiting) + 1} waits for ${parts.join(" and ")}; then ${next}.`, actions };
}
