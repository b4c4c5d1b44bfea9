// Auth sets, as Mender calls them: a key that speaks, or would like to speak, for the device of an identity. A stranger
// waits until an operator accepts it; another key for an identity is another stranger. Of those that wait there are so
// many at most, and those that have stopped asking go.

import { randomBytes } from "node:crypto";
import type { MenderAuthSet, MenderAuthSetPage, MenderAuthSetState } from "@flipside/api/types";
import { targetIdPattern } from "@flipside/api/limits";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import { hashOfSecret, newSecretText } from "../../secret-text.ts";
import type { MenderAuthSetRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { OtherAgents } from "../device-records/other-agents.ts";
import { lockDevice } from "../device-records/store.ts";
import { insertDevice, isTaken } from "../other-agents/device-rows.ts";
import { deviceIdOf, type DeviceKey, type Identity } from "./identity.ts";

/** As its cursors name it. */
export const authSetList = "mender-auth-sets";

const idBytes = 10;
export const pendingMax = 1_000;
const hourMs = 3_600_000;
const pendingAgeMsMax = 7 * 24 * hourMs;
/** Clients ask again every few minutes: each time would be a write. */
const askedEveryMs = 60_000;
/** As long as Mender's own. */
const tokenLifeMs = 7 * 24 * hourMs;

/** What an operator says of a device that is accepted. */
export interface Admission {
  id?: string | undefined;
  product?: string | undefined;
  hardware?: string | undefined;
  revision?: number | undefined;
}

export interface AuthSets {
  list(page: PageAsked, state: MenderAuthSetState | undefined): Promise<MenderAuthSetPage>;
  /** The device has asked, and has signed it. A token, or undefined: it is not accepted. */
  ask(identity: Identity, key: DeviceKey): Promise<string | undefined>;
  /** The device that a token in force was given to. */
  deviceOf(token: string): Promise<string | undefined>;
  /** Throws ApiError. */
  accept(id: string, admission: Admission, by: string): Promise<MenderAuthSet>;
  /** What it has been let in by is worthless at once. Throws ApiError. */
  reject(id: string, by: string): Promise<MenderAuthSet>;
  /** A device that has not come yet. Throws ApiError. */
  preauthorize(identity: Identity, key: DeviceKey, admission: Admission, by: string): Promise<MenderAuthSet>;
}

const hexOf = (token: string): string => hashOfSecret(token).toString("hex");

const view = (row: MenderAuthSetRow): MenderAuthSet => ({
  id: row.id,
  identity: JSON.parse(row.identity) as Record<string, string>,
  publicKey: row.publicKey,
  state: row.state,
  deviceId: row.deviceId,
  createdAt: iso(row.createdAt),
  askedAt: isoOrNull(row.askedAt),
});

const noToken = { tokenHash: null, tokenEndsAt: null };

export function createAuthSets(options: {
  storage: Storage;
  otherAgents: Pick<OtherAgents, "add">;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs" | "steadyMs">;
}): AuthSets {
  const { storage, deviceLog, clock } = options;

  const find = (db: Queries, { hash }: Pick<Identity, "hash">, key: Pick<DeviceKey, "hash">) =>
    db
      .selectFrom("menderAuthSets")
      .selectAll()
      .where("identityHash", "=", hash)
      .where("keyHash", "=", key.hash)
      .executeTakeFirst();

  async function rowOf(db: Queries, id: string): Promise<MenderAuthSetRow> {
    const row = await db.selectFrom("menderAuthSets").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new ApiError("not-found", "There is no such auth set.");
    return row;
  }

  const insert = (db: Queries, identity: Identity, key: DeviceKey, askedAt: number | null): Promise<unknown> =>
    db
      .insertInto("menderAuthSets")
      .values({
        ...{ id: randomBytes(idBytes).toString("hex"), identityHash: identity.hash, identity: identity.text },
        ...{ keyHash: key.hash, publicKey: key.pem, state: "pending", deviceId: null },
        ...{ createdAt: clock.wallMs(), askedAt, ...noToken },
      })
      .onConflict((conflict) => conflict.columns(["identityHash", "keyHash"]).doNothing())
      .execute();

  /** Who has asked least lately goes first: one that is there asks again. */
  async function makeRoom(db: Queries): Promise<void> {
    const old = clock.wallMs() - pendingAgeMsMax;
    await db.deleteFrom("menderAuthSets").where("state", "=", "pending").where("askedAt", "<", old).execute();
    const over = await db
      .selectFrom("menderAuthSets")
      .select("id")
      .where("state", "=", "pending")
      .orderBy("askedAt", "desc")
      .offset(pendingMax - 1)
      .limit(pendingMax)
      .execute();
    if (over.length === 0) return;
    const ids = over.map(({ id }) => id);
    await db.deleteFrom("menderAuthSets").where("id", "in", ids).execute();
  }

  /** Nobody is let in. */
  async function noteStranger(identity: Identity, key: DeviceKey, row: MenderAuthSetRow | undefined): Promise<void> {
    const at = clock.wallMs();
    if (row !== undefined) {
      if (at - (row.askedAt ?? 0) >= askedEveryMs)
        await storage.db.updateTable("menderAuthSets").set({ askedAt: at }).where("id", "=", row.id).execute();
      return;
    }
    await storage.transaction(async ({ db }) => {
      await makeRoom(db);
      await insert(db, identity, key, at);
    });
  }

  const isServed = async (deviceId: string | null): Promise<boolean> =>
    deviceId !== null &&
    (await storage.db
      .selectFrom("devices")
      .select("id")
      .where("id", "=", deviceId)
      .where("agent", "=", "mender")
      .where("revokedAt", "is", null)
      .where("deletedAt", "is", null)
      .executeTakeFirst()) !== undefined;

  /** The device of its identity: another key has spoken for it, or it is made now. */
  async function admit(work: Work, row: MenderAuthSetRow, admission: Admission): Promise<string> {
    const { db } = work;
    const known = await db
      .selectFrom("menderAuthSets")
      .select("deviceId")
      .where("identityHash", "=", row.identityHash)
      .where("deviceId", "is not", null)
      .executeTakeFirst();
    if (known?.deviceId != null) {
      if ((await lockDevice(db, known.deviceId))?.revokedAt != null)
        throw new ApiError("device-revoked", `${known.deviceId} is revoked. Delete it first, if it is to come back.`);
      if (admission.id !== undefined && admission.id !== known.deviceId)
        throw new ApiError("device-exists", `This identity is the device ${known.deviceId}. Leave the id out.`);
      return known.deviceId;
    }
    const { product, hardware = null, revision = 1 } = admission;
    if (product === undefined) {
      const message = "of the releases that are for it: this is a device that nobody knows yet";
      throw new ApiError("validation-failed", "Say its product.", { errors: [{ path: "product", message }] });
    }
    const members = JSON.parse(row.identity) as Record<string, string>;
    const id = admission.id ?? deviceIdOf({ members, hash: row.identityHash });
    if (!targetIdPattern.test(id) || (await isTaken(db, id)))
      throw new ApiError("device-exists", `There is a device ${id}, or a claim of one. Give this one another id.`);
    await insertDevice(db, { id, agent: "mender", product, hardware, revision }, clock.wallMs());
    return id;
  }

  /** One key speaks for a device at a time. */
  async function acceptIn(work: Work, row: MenderAuthSetRow, admission: Admission): Promise<MenderAuthSetRow> {
    const { db } = work;
    const deviceId = await admit(work, row, admission);
    await db
      .updateTable("menderAuthSets")
      .set({ state: "rejected", ...noToken })
      .where("identityHash", "=", row.identityHash)
      .where("state", "=", "accepted")
      .where("id", "<>", row.id)
      .execute();
    const accepted = { state: "accepted", deviceId } as const;
    await db.updateTable("menderAuthSets").set(accepted).where("id", "=", row.id).execute();
    work.changed({ kind: "device", id: deviceId });
    return { ...row, ...accepted };
  }

  function noteAccepted({ deviceId, keyHash }: MenderAuthSetRow, by: string): void {
    options.otherAgents.add(deviceId!, "mender");
    deviceLog.add(deviceId!, "enrolment", `Mender's client with the key ${keyHash.slice(0, 16)} was accepted by ${by}`);
  }

  return {
    async list({ limit, after }, state) {
      const rows = await storage.db
        .selectFrom("menderAuthSets")
        .selectAll()
        .$if(state !== undefined, (q) => q.where("state", "=", state!))
        .$if(after !== undefined, (q) =>
          q.where((or) =>
            or.or([
              or("createdAt", ">", Number(after![0])),
              or.and([or("createdAt", "=", Number(after![0])), or("id", ">", String(after![1]))]),
            ]),
          ),
        )
        .orderBy("createdAt")
        .orderBy("id")
        .limit(limit + 1)
        .execute();
      const page = paged(authSetList, rows, limit, ({ createdAt, id }) => [createdAt, id]);
      return { authSets: page.rows.map(view), next: page.next };
    },

    async ask(identity, key) {
      const row = await find(storage.db, identity, key);
      if (row?.state !== "accepted" || !(await isServed(row.deviceId))) {
        await noteStranger(identity, key, row);
        return undefined;
      }
      const token = newSecretText();
      const changed = await storage.db
        .updateTable("menderAuthSets")
        .set({
          askedAt: clock.wallMs(),
          tokenHash: hexOf(token),
          tokenEndsAt: clock.steadyMs() + tokenLifeMs,
        })
        .where("id", "=", row.id)
        // It may have been rejected meanwhile.
        .where("state", "=", "accepted")
        .executeTakeFirst();
      return changed.numUpdatedRows === 0n ? undefined : token;
    },

    async deviceOf(token) {
      const row = await storage.db
        .selectFrom("menderAuthSets")
        .select(["deviceId", "tokenEndsAt"])
        .where("tokenHash", "=", hexOf(token))
        .where("state", "=", "accepted")
        .executeTakeFirst();
      if (row === undefined || (row.tokenEndsAt ?? 0) <= clock.steadyMs()) return undefined;
      return (await isServed(row.deviceId)) ? row.deviceId! : undefined;
    },

    async accept(id, admission, by) {
      const row = await storage.transaction(async (work) => acceptIn(work, await rowOf(work.db, id), admission));
      noteAccepted(row, by);
      return view(row);
    },

    async reject(id, by) {
      const row = await storage.transaction(async ({ db }) => {
        const found = await rowOf(db, id);
        const rejected = { state: "rejected", ...noToken } as const;
        await db.updateTable("menderAuthSets").set(rejected).where("id", "=", id).execute();
        return { ...found, ...rejected };
      });
      if (row.deviceId !== null)
        deviceLog.add(
          row.deviceId,
          "enrolment",
          `Mender's client with the key ${row.keyHash.slice(0, 16)} was rejected by ${by}`,
        );
      return view(row);
    },

    async preauthorize(identity, key, admission, by) {
      const row = await storage.transaction(async (work) => {
        await insert(work.db, identity, key, null);
        return acceptIn(work, (await find(work.db, identity, key))!, admission);
      });
      noteAccepted(row, by);
      return view(row);
    },
  };
}
