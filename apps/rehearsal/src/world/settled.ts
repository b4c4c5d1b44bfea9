// Waits for a step of the server's, with all that threads and timers have to do for it.

import { microtasksDone } from "./machine.ts";
import type { Schedule } from "./schedule.ts";

const roundsMax = 2_000_000;

/** What was asked for will not come any more. */
export class GivenUp extends Error {}

/**
 * `schedule`: lets simulated time go on as well, for what waits for a timer. `isInVain`: whoever does it is no more;
 * throws GivenUp then.
 */
export async function settled<T>(
  work: Promise<T>,
  { schedule, isInVain = () => false }: { schedule?: Schedule; isInVain?: () => boolean } = {},
): Promise<T> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  work.then(over, over);
  for (let round = 1; !isOver; round++) {
    await microtasksDone();
    if (isInVain()) {
      work.catch(() => {});
      throw new GivenUp();
    }
    // Threads get their time first: what they do takes none in the world.
    if (schedule !== undefined && round % 1_000 === 0) schedule.step();
    if (round > roundsMax) throw new Error("the server does not come to an end with what it was asked for");
  }
  return work;
}
