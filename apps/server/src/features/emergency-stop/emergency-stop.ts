// The stop for the whole fleet: kept in the database, asked before each offer, ended by a person alone.
//
// It counts from before its transaction begins, and no longer only when that fails: an offer that is being made
// meanwhile is not sent.

import type { EmergencyStop as EmergencyStopView } from "@flipside/api/types";
import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import type { RolloutEvent } from "../../domain/rollout-events.ts";
import { iso } from "../../identifiers.ts";
import { Turns } from "../../turns.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { Brake, Stop } from "../deployments/brake.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";

const metaKey = "emergency-stop";
const fact = { kind: "fact", id: metaKey } as const;

export interface EmergencyStop extends Brake {
  view(): EmergencyStopView;
  set(reason: string, by: string): Promise<EmergencyStopView>;
  end(by: string): Promise<EmergencyStopView>;
  /** Takes what is stored: another server may have changed it. */
  reload(): Promise<void>;
}

export async function openEmergencyStop(options: {
  storage: Pick<Storage, "db" | "transaction">;
  feed: Pick<Feed, "announce">;
  engineRoom: Pick<EngineRoom, "apply">;
  clock: Pick<Clock, "wallMs">;
  /** Resolves when the other servers have taken it, too. */
  everywhere?: (() => Promise<void>) | undefined;
}): Promise<EmergencyStop> {
  const { storage, feed, engineRoom, clock } = options;
  let stop = await stored();

  async function stored(): Promise<Stop | undefined> {
    const row = await storage.db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
    return row === undefined ? undefined : (JSON.parse(row.value.toString()) as Stop);
  }

  async function reload(): Promise<void> {
    const before = stop;
    stop = await stored();
    if ((before === undefined) !== (stop === undefined)) feed.announce({ kind: "emergency-stop" });
  }

  const view = (): EmergencyStopView => ({
    stopped: stop !== undefined,
    since: stop === undefined ? null : iso(stop.at),
    by: stop?.by ?? null,
    reason: stop?.reason ?? null,
  });

  async function tellRollouts(work: Work, event: RolloutEvent): Promise<void> {
    const open = await work.db
      .selectFrom("rollouts")
      .select("id")
      .where("state", "in", ["running", "paused"])
      .orderBy("id")
      .execute();
    for (const { id } of open) await engineRoom.apply(work, id, async () => event);
  }

  async function begin(reason: string, by: string): Promise<EmergencyStopView> {
    if (stop !== undefined) return view();
    const begun = (stop = { at: clock.wallMs(), by, reason });
    try {
      const isFirst = await storage.transaction(async (work) => {
        const value = Buffer.from(JSON.stringify(begun));
        const inserted = await work.db
          .insertInto("meta")
          .values({ key: metaKey, value })
          .onConflict((conflict) => conflict.doNothing())
          .returning("key")
          .executeTakeFirst();
        if (inserted === undefined) return false;
        await tellRollouts(work, { type: "emergency-stop", by, reason });
        work.changed({ ...fact, fact: "emergency-stop.begun", at: begun.at, about: { by, reason } });
        return true;
      });
      if (!isFirst) stop = await stored();
    } catch (error) {
      stop = undefined;
      throw error;
    }
    feed.announce({ kind: "emergency-stop" });
    return view();
  }

  async function end(by: string): Promise<EmergencyStopView> {
    if (stop === undefined) return view();
    await storage.transaction(async (work) => {
      const ended = await work.db.deleteFrom("meta").where("key", "=", metaKey).returning("key").executeTakeFirst();
      if (ended === undefined) return;
      await tellRollouts(work, { type: "emergency-over", by });
      work.changed({ ...fact, fact: "emergency-stop.ended", at: clock.wallMs(), about: { by } });
    });
    stop = undefined;
    feed.announce({ kind: "emergency-stop" });
    return view();
  }

  // One at a time: nobody is told of a stop that is still to be stored, or of one that is being ended.
  const turns = new Turns();
  async function inTurn(change: () => Promise<EmergencyStopView>): Promise<EmergencyStopView> {
    const changed = await turns.run(metaKey, change);
    await options.everywhere?.();
    return changed;
  }
  return {
    get stop() {
      return stop;
    },
    view,
    reload: () => turns.run(metaKey, reload),
    set: (reason, by) => inTurn(() => begin(reason, by)),
    end: (by) => inTurn(() => end(by)),
  };
}
