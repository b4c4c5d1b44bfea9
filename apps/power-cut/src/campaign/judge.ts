// Whether a power-up without a further cut may end as it did (invariants 2 and 3).

import type { DeviceState, PowerUpResult, BoardUnderTest } from "../device/board-under-test.ts";
import type { Story } from "../stories/story.ts";

/** The header's tries: so many cuts during a trial use them up. */
const TRIES = 3;
/** `tries-exhausted`, `connection-tries-exhausted`: docs/image-format.md. */
const TRIES_EXHAUSTED = ["rolled-back 75", "dropped 97"];
/** `flash-failed`, `read-back-mismatch`, chunk and table mismatches. */
const flashFailures = /^(dropped 60|refused 60|failed (60|61|13|14)|rolled-back (1|3|4|5|6|8|9|1[0-4]|49|60|75))$/;
const headerFailures = /^failed ([1-9]|1[0-2])$/;

export function allowedEnd(story: Story, tested: BoardUnderTest, state: DeviceState, result: PowerUpResult): string[] {
  const hasBadFlash = state.wornSector >= 0 || state.isRotten || state.liar !== undefined;
  // The verdict on what follows was given before.
  if (result.end === "known") return [];
  if (result.end === "cut") return ["the run was cut and nobody asked for it"];
  if (result.end === "recovery" || result.end === "late")
    return hasBadFlash && result.violations.length === 0
      ? []
      : result.violations.length === 0
        ? [`it ended in ${result.end}`]
        : [];
  const { outcome } = tested.server.memory;
  if (state.cuts < TRIES && story.isTriedOut?.(tested.server))
    return [`invariant 3: its tries were used up by ${state.cuts} cuts`];
  const expected = story.outcome === "checked-in" ? undefined : story.outcome;
  if (outcome === expected || story.otherOutcomes.includes(outcome ?? "")) return [];
  if (state.cuts >= TRIES && TRIES_EXHAUSTED.includes(outcome ?? "")) return [];
  // the agent did not find what the loader had found, and was reset
  if (state.liar?.fades && outcome === "rolled-back 71") return [];
  // A header that reads otherwise now is refused for whatever it then seems to say.
  if (state.liar?.fades && outcome !== undefined && headerFailures.test(outcome)) return [];
  if (hasBadFlash && outcome !== undefined && (flashFailures.test(outcome) || outcome === "confirmed")) return [];
  return [`invariant 3: the update is ${outcome ?? "not over"}, not ${story.outcome}`];
}
