// One case: power fails at each of these operations, one power-up after the other; then it stays, the story has to end
// as it does without cuts, and what it ended in has to stay.

import type { End } from "./device-under-test.ts";

/** What of a rig with a device on it a case needs. */
interface OnRig<C> {
  powerUp(cut: C | undefined, settled: () => boolean): Promise<End>;
  readonly beside: {
    readonly deployment: unknown;
    readonly outcome: string | undefined;
    readonly lastCheckIn: unknown;
  };
  readonly violations: string[];
}

/** The header's tries: every cut during its trial uses up one of a candidate's. */
const TRIES = 3;

/** Nothing more is expected: an update is over, or, without one, the device has checked in. */
export const settledOn =
  ({ beside }: Pick<OnRig<unknown>, "beside">) =>
  (): boolean =>
    beside.deployment ? beside.outcome !== undefined : beside.lastCheckIn !== undefined;

/** Returns the cuts that came; what did not hold is in the rig's violations. */
export async function playCase<C>(rig: OnRig<C>, outcome: string | undefined, cuts: readonly C[]): Promise<C[]> {
  const made: C[] = [];
  for (const cut of cuts) {
    if ((await rig.powerUp(cut, settledOn(rig))) !== "cut") break;
    made.push(cut);
  }
  for (const when of ["after the last cut", "at the power-up after that"]) {
    await rig.powerUp(undefined, settledOn(rig));
    const ended = rig.beside.outcome;
    const triesUsedUp = made.length >= TRIES && ended === "rolled-back";
    if (ended !== outcome && !triesUsedUp) rig.violations.push(`${when} the update is ${ended}, not ${outcome}`);
  }
  return made;
}
