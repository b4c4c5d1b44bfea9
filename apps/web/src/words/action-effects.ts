// What a word to a rollout does to how many devices, said before it is done.

import type { RolloutAction } from "@flipside/api/rollout-transitions";
import type { Rollout, RolloutSummary } from "@flipside/api/types";
import { plural } from "./quantities.ts";
import { withdrawnWords } from "./withdrawal-words.ts";

type Counted = Pick<RolloutSummary, "counts" | "waves" | "currentWave">;

const atWork = ({ counts }: Counted): number =>
  counts.offered + counts.downloading + counts.verifying + counts.installed + counts.rebooting + counts.testing;

const failed = ({ counts }: Counted): number =>
  counts.failed + counts.rejected + counts["timed-out"] + counts["rolled-back"];

/** Those that wait in waves that have begun, and in later ones. */
function waiting({ waves, currentWave }: Counted): { now: number; later: number } {
  const sum = (isLater: boolean): number =>
    waves.reduce((total, wave) => total + (wave.index > currentWave === isLater ? wave.waiting : 0), 0);
  return { now: sum(false), later: sum(true) };
}

const goOn = (rollout: Counted): string[] => {
  const many = atWork(rollout);
  return many === 0
    ? []
    : [plural(many, "device that is at work on it goes on", "devices that are at work on it go on")];
};

function nextWave({ waves, currentWave }: Counted): string[] {
  const next = waves[currentWave + 1];
  if (next === undefined) return [];
  return [`wave ${next.index + 1} begins: ${plural(next.total, "device is", "devices are")} offered the image`];
}

const effects: Record<RolloutAction, (rollout: Counted) => string[]> = {
  pause: (rollout) => {
    const { now, later } = waiting(rollout);
    return [
      ...(now + later === 0
        ? []
        : [plural(now + later, "device that waits is", "devices that wait are") + " not offered it"]),
      ...goOn(rollout),
    ];
  },
  resume: (rollout) => {
    const many = failed(rollout);
    return [
      ...(waiting(rollout).now === 0
        ? []
        : [plural(waiting(rollout).now, "device that waits is", "devices that wait are") + " offered it"]),
      ...(many === 0 ? [] : [plural(many, "failure counts", "failures count") + " as accepted"]),
    ];
  },
  approve: nextWave,
  "start-next-wave": (rollout) => [...nextWave(rollout), ...goOn(rollout)],
  "close-target": (rollout) => goOn(rollout),
  cancel: (rollout) => withdrawnWords(rollout),
  "end-late-offers": ({ counts }) =>
    counts.unreached === 0
      ? []
      : [plural(counts.unreached, "device that was away gets nothing", "devices that were away get nothing")],
};

/** Parts of a sentence; empty: it is done to no device as things stand. */
export const actionEffects = (action: RolloutAction, rollout: Counted): string[] => effects[action](rollout);

/** Who a roll-back is for, of one wave or of all. */
export function rolledBack({ counts, waves }: Pick<Rollout, "counts" | "waves">, wave: number | undefined): string {
  const many =
    wave === undefined
      ? counts.confirmed + counts.installed + counts.rebooting + counts.testing
      : (waves[wave]?.succeeded ?? 0);
  const who = `${plural(many, "device", "devices")} ${many === 1 ? "goes" : "go"} back`;
  return wave === undefined ? who : `${who}, as far as it has been confirmed in wave ${wave + 1}`;
}
