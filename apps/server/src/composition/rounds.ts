// What happens by itself, again and again: deadlines, forgetting, keeping the time.

import { watchLoop } from "./loop-delay.ts";
import type { Features } from "./features.ts";
import type { Foundation } from "./foundation.ts";
import { isCaretaker } from "./members.ts";

const sweepEveryMs = 1_000;
export const tickEveryMs = 1_000;
/** And it is looked whether anything is too old. */
const clockStoredEveryMs = 60_000;

export interface Rounds {
  /** Looks at deadlines now. */
  tick(): Promise<void>;
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>;
}

export function startRounds(
  { accounts, attempts, clock, log, members }: Foundation,
  {
    passingTime,
    rollBacks,
    commands,
    deviceCounts,
    fleetCounting,
    sessions,
    enrolment,
    slots,
    deviceLog,
    carryingOut,
    retention,
    fileRemoval,
    foreign,
    webhookDesk,
  }: Features,
  tickMs: number,
): Rounds {
  let ticking: Promise<void> | undefined;
  async function lookAtDeadlines(): Promise<void> {
    if (!isCaretaker(members)) return;
    // What another caretaker has left, or what has failed.
    carryingOut.wake();
    // A bucket may take its time.
    void fileRemoval.tick();
    webhookDesk.wake();
    await Promise.all([
      passingTime.tick(),
      rollBacks.tick(),
      commands.tick(),
      deviceCounts.tick(),
      fleetCounting.tick(),
    ]);
    if (members !== undefined) await deviceLog.catchUp(members.others.settled);
  }

  function tick(): Promise<void> {
    accounts.watched.tick();
    retention.observe();
    ticking ??= lookAtDeadlines()
      .catch((error: unknown) => log.error({ err: error as Error }, "deadlines could not be looked at"))
      .finally(() => (ticking = undefined));
    return ticking;
  }

  const loop = watchLoop();
  const timers = [
    setInterval(() => void tick(), tickMs),
    setInterval(() => {
      sessions.sweep();
      foreign.sweep();
      enrolment.sweep();
      slots.sweep(loop.take().p99Ms);
      members?.owners.sweep();
    }, sweepEveryMs),
    setInterval(() => {
      retention.wake();
      if (!isCaretaker(members)) return;
      clock.store().catch((error: unknown) => log.error({ err: error as Error }, "the time could not be kept"));
      attempts
        ?.prune()
        .catch((error: unknown) => log.error({ err: error as Error }, "old attempts could not be removed"));
    }, clockStoredEveryMs),
  ];
  return {
    async tick() {
      // What is under way may have looked already.
      await ticking;
      await tick();
    },
    async stop() {
      timers.forEach(clearInterval);
      loop.stop();
      await ticking;
      await fileRemoval.stop();
    },
  };
}
