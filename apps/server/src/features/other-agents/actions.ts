// Actions: what a try of a deployment is to a device of another agent. Their numbers are given once, and are the same
// after a restart; clients of hawkBit's interface keep them in 32 bits with a sign.
//
// One is *open* from its first offer until the device closes it. What has ended here without a word of the device's is
// *cancelling* until it answers, or has been told often enough: older rauc-hawkbit-updaters never answer.

import type { ActionRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";

const actionIdMax = 0x7fff_ffff;

/** As an address names one: within int32, and above 0. Undefined: it names none. */
export function readActionId(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= actionIdMax ? id : undefined;
}

type Try = Pick<ActionRow, "deploymentId" | "attempt" | "digest">;

export interface Actions {
  /** The action of this try, made when there is none. */
  of(deviceId: string, of: Try, at: number): Promise<ActionRow>;
  /** Oldest first. */
  unclosed(deviceId: string): Promise<ActionRow[]>;
  /** Undefined: the device has none of that number. */
  find(deviceId: string, id: number): Promise<ActionRow | undefined>;
  newestOf(deviceId: string, digest: string): Promise<ActionRow | undefined>;
  /** The newest that has succeeded, by the device's word or by what it has shown. */
  installed(deviceId: string): Promise<ActionRow | undefined>;
  change(
    id: number,
    change: Partial<Pick<ActionRow, "state" | "cancelsShown" | "claimedAt" | "provenAt">>,
  ): Promise<void>;
}

const ofTry = (db: Queries, { deploymentId, attempt }: Try): Promise<ActionRow | undefined> =>
  db
    .selectFrom("otherAgentActions")
    .selectAll()
    .where("deploymentId", "=", deploymentId)
    .where("attempt", "=", attempt)
    .executeTakeFirst();

export function createActions({ db }: Storage): Actions {
  const all = (deviceId: string) => db.selectFrom("otherAgentActions").selectAll().where("deviceId", "=", deviceId);
  return {
    async of(deviceId, { deploymentId, attempt, digest }, at) {
      const known = await ofTry(db, { deploymentId, attempt, digest });
      if (known !== undefined) return known;
      await db
        .insertInto("otherAgentActions")
        .values({ deviceId, deploymentId, attempt, digest, state: "open", cancelsShown: 0, createdAt: at })
        .onConflict((conflict) => conflict.columns(["deploymentId", "attempt"]).doNothing())
        .execute();
      const made = (await ofTry(db, { deploymentId, attempt, digest }))!;
      if (made.id > actionIdMax) throw new Error(`action ${made.id} is above what clients take, ${actionIdMax}`);
      return made;
    },
    unclosed: (deviceId) => all(deviceId).where("state", "<>", "closed").orderBy("id").execute(),
    find: (deviceId, id) => all(deviceId).where("id", "=", id).executeTakeFirst(),
    newestOf: (deviceId, digest) =>
      all(deviceId).where("digest", "=", digest).orderBy("id", "desc").limit(1).executeTakeFirst(),
    installed: (deviceId) =>
      all(deviceId)
        .where((q) => q.or([q("claimedAt", "is not", null), q("provenAt", "is not", null)]))
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst(),
    async change(id, change) {
      await db.updateTable("otherAgentActions").set(change).where("id", "=", id).execute();
    },
  };
}
