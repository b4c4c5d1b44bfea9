// Which devices another agent than ours speaks for: they poll, and seldom, so that they are away after another silence.

import type { AgentKind } from "@flipside/api/types";
import type { Feed } from "../../changes/feed.ts";
import type { Queries } from "../../storage/storage.ts";
import { findDevice } from "./store.ts";

export type OtherAgent = Exclude<AgentKind, "flipside">;

export interface OtherAgents {
  /** Undefined: an agent of ours does. */
  of(deviceId: string): OtherAgent | undefined;
  /** It was registered. */
  add(deviceId: string, agent: OtherAgent): void;
  ids(): Iterable<string>;
}

export async function loadOtherAgents(db: Queries, feed: Pick<Feed, "follow">): Promise<OtherAgents> {
  const rows = await db.selectFrom("devices").select(["id", "agent"]).where("agent", "<>", "flipside").execute();
  const known = new Map(rows.map(({ id, agent }) => [id, agent as OtherAgent]));

  /** It may have been deleted, or have got a board with an agent of ours. */
  async function lookAgain(id: string): Promise<void> {
    const device = await findDevice(db, id);
    if (device === undefined || device.agent === "flipside") known.delete(id);
  }
  feed.follow((change, position) => {
    // What fails is looked at with the next change.
    if (change.kind === "device" && position !== undefined && known.has(change.id))
      lookAgain(change.id).catch(() => {});
  });

  return { of: (id) => known.get(id), add: (id, agent) => void known.set(id, agent), ids: () => known.keys() };
}
