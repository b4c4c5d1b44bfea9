// Which cuts the campaigns of the Node host make. The board tries each way at each operation
// (apps/power-cut/src/campaign/explore.ts); here a power-up is a whole device with its crypto, so of each fault class
// one example is taken at each operation, and another by the next seed.

import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { allWays, drawLeaves, wayOf, type Way } from "@flipside/machine/faults/torn-operation";
import { readings } from "@flipside/machine/faults/unstable-reads";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";

const EXAMPLES_OF_A_CLASS = 1;
type Kind = FlashOperation["kind"];

/** The way of this name. Throws RangeError when there is none. */
export function wayNamed(kind: Kind, name: string): Way {
  const way = allWays[kind].find((each) => each.name === name);
  if (!way) throw new RangeError(`${name} is no way to leave a ${kind}`);
  return way;
}

/** A cut at a program that leaves it so, and then reads so; an erase there would be whole. */
export const cutAtProgram = (operation: number, name: string, reading: Cut["reading"]): Cut => ({
  operation,
  leaves: { ...wayOf.everything, program: wayNamed("program", name) },
  reading,
});

/** Any cut at this operation. */
export const drawCut = (operation: number, random: SeededRandom): Cut => ({
  operation,
  leaves: drawLeaves(random),
  reading: random.pick(readings),
});

/** Single cuts at an operation of this kind: of every class, by names of their own. */
export function singleCuts(operation: number, kind: Kind, random: SeededRandom): { name: string; cut: Cut }[] {
  const faults = [...new Set(allWays[kind].map(({ fault }) => fault))];
  const chosen = faults.flatMap((fault) => {
    const left = allWays[kind].filter((way) => way.fault === fault);
    while (left.length > EXAMPLES_OF_A_CLASS) left.splice(random.below(left.length), 1);
    return left;
  });
  return chosen.map((way) => {
    const reading = random.pick(readings);
    return {
      name: `${operation}:${way.name}~${reading}`,
      cut: { operation, leaves: { ...wayOf.nothing, [kind]: way }, reading },
    };
  });
}
