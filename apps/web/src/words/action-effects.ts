// What a word to a rollout does to how many devices, said before it is done.

import { plural, t } from "@lingui/core/macro";
import type { RolloutAction } from "@flipside/api/rollout-transitions";
import type { Rollout, RolloutSummary } from "@flipside/api/types";
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
    : [
        plural(many, {
          one: "# device that is at work on it goes on",
          other: "# devices that are at work on it go on",
        }),
      ];
};

function nextWave({ waves, currentWave }: Counted): string[] {
  const next = waves[currentWave + 1];
  if (next === undefined) return [];
  const [wave, devices] = [next.index + 1, next.total];
  return [t`wave ${wave} begins: ${plural(devices, { one: "# device is", other: "# devices are" })} offered the image`];
}

const effects: Record<RolloutAction, (rollout: Counted) => string[]> = {
  pause: (rollout) => {
    const { now, later } = waiting(rollout);
    const many = now + later;
    return [
      ...(many === 0
        ? []
        : [
            plural(many, {
              one: "# device that waits is not offered it",
              other: "# devices that wait are not offered it",
            }),
          ]),
      ...goOn(rollout),
    ];
  },
  resume: (rollout) => {
    const { now } = waiting(rollout);
    const failures = failed(rollout);
    return [
      ...(now === 0
        ? []
        : [plural(now, { one: "# device that waits is offered it", other: "# devices that wait are offered it" })]),
      ...(failures === 0
        ? []
        : [plural(failures, { one: "# failure counts as accepted", other: "# failures count as accepted" })]),
    ];
  },
  approve: nextWave,
  "start-next-wave": (rollout) => [...nextWave(rollout), ...goOn(rollout)],
  "close-target": (rollout) => goOn(rollout),
  cancel: (rollout) => withdrawnWords(rollout),
  "end-late-offers": ({ counts: { unreached: away } }) =>
    away === 0
      ? []
      : [plural(away, { one: "# device that was away gets nothing", other: "# devices that were away get nothing" })],
};

/** Parts of a sentence; empty: it is done to no device as things stand. */
export const actionEffects = (action: RolloutAction, rollout: Counted): string[] => effects[action](rollout);

/** Who a roll-back is for, of one wave or of all. */
export function rolledBack({ counts, waves }: Pick<Rollout, "counts" | "waves">, wave: number | undefined): string {
  const many =
    wave === undefined
      ? counts.confirmed + counts.installed + counts.rebooting + counts.testing
      : (waves[wave]?.succeeded ?? 0);
  if (wave === undefined) return plural(many, { one: "# device goes back", other: "# devices go back" });
  const number = wave + 1;
  const who = plural(many, { one: "# device goes back", other: "# devices go back" });
  return t`${who}, as far as it has been confirmed in wave ${number}`;
}
