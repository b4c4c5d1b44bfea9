// Enrolment: a device with a claim gets its secret (docs/protocol.md, "Enrolment"). The claim is proved by MAC, never
// sent. Anybody may send these messages, so what waits for step 2 is bounded and has a deadline.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { NONCE_BYTES } from "@flipside/image-format";
import { enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import { enrolBeginMessage, enrolProofMessage, type ParsedObject } from "@flipside/protocol/messages";
import {
  base64url,
  type EnrolmentRefusal,
  enrolmentChallenge,
  enrolmentDone,
  enrolmentRefusal,
} from "@flipside/protocol/server-messages";
import type { LinkMessage } from "../../mqtt/device-link.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { type ClaimRow, afterEnrolment, refusalAfterProof, refusalBeforeProof } from "./claim-rules.ts";
import { addSecret, awaitedKey, findDevice, lockDevice } from "../device-records/store.ts";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";

const nonceLifeMs = 60_000;
const pendingMax = 2_000;
const pendingPerDeviceMax = 4;

interface Pending {
  deviceId: string;
  publicKey: string;
  nonce: string;
  expiresAt: number;
  used: boolean;
}

export interface Enrolment {
  handle(message: LinkMessage, object: ParsedObject): Promise<void>;
  sweep(): void;
}

export function createEnrolment(options: {
  storage: Storage;
  deviceLog: DeviceLog;
  now: () => number;
  wallMs: () => number;
  secretAdded: (deviceId: string, secret: Buffer) => Promise<void>;
}): Enrolment {
  const { storage, deviceLog, now } = options;
  /** By server nonce, oldest first. */
  const pending = new Map<string, Pending>();

  const refuse = (message: LinkMessage, step: 1 | 2, nonce: unknown, error: EnrolmentRefusal): Promise<void> =>
    message.reply(enrolmentRefusal(step, nonce, error));

  function remember(serverNonce: string, entry: Pending): void {
    const own = [...pending].filter(([, other]) => other.deviceId === entry.deviceId);
    if (own.length >= pendingPerDeviceMax) pending.delete(own[0]![0]);
    if (pending.size >= pendingMax) pending.delete(pending.keys().next().value!);
    pending.set(serverNonce, entry);
  }

  const claimOf = (deviceId: string) =>
    storage.db.selectFrom("claims").selectAll().where("deviceId", "=", deviceId).executeTakeFirst();

  async function first(message: LinkMessage, object: ParsedObject): Promise<void> {
    const parsed = enrolBeginMessage.safeParse(object);
    if (!parsed.success || parsed.data.device !== message.deviceId)
      return refuse(message, 1, object["nonce"], "malformed");
    const { nonce, publicKey } = parsed.data;
    const claim = await claimOf(message.deviceId);
    if (claim === undefined) return refuse(message, 1, nonce, "claim-unknown");
    const spent = refusalBeforeProof(claim, options.wallMs());
    if (spent !== undefined) return refuse(message, 1, nonce, spent);
    const device = await findDevice(storage.db, message.deviceId);
    if (device !== undefined && device.revokedAt !== null) return refuse(message, 1, nonce, "revoked");
    const serverNonce = randomBytes(NONCE_BYTES).toString("base64url");
    remember(serverNonce, {
      deviceId: message.deviceId,
      publicKey,
      nonce,
      expiresAt: now() + nonceLifeMs,
      used: false,
    });
    const mac = enrolServerMac(claim.secret, { deviceId: message.deviceId, nonce, serverNonce });
    await message.reply(enrolmentChallenge(nonce, serverNonce, base64url(mac)));
  }

  /** Counts it, or says why not. One that waits for an operator's word is remembered, for that to name its key. */
  async function useClaim(
    db: Queries,
    { deviceId, secret }: ClaimRow,
    key: Buffer,
    known: Uint8Array | undefined,
  ): Promise<EnrolmentRefusal | undefined> {
    // It may have been withdrawn, or replaced, since its proof was computed.
    const claim = await db
      .selectFrom("claims")
      .selectAll()
      .where("deviceId", "=", deviceId)
      .forUpdate()
      .executeTakeFirst();
    if (claim === undefined || !equalInConstantTime(claim.secret, secret)) return "claim-unknown";
    const nowMs = options.wallMs();
    const refusal = refusalAfterProof(claim, key, known, nowMs);
    const change = refusal === undefined ? afterEnrolment(claim, nowMs) : { askedKey: key, askedAt: nowMs };
    if (refusal === undefined || refusal === "approval-awaited")
      await db.updateTable("claims").set(change).where("deviceId", "=", deviceId).execute();
    return refusal;
  }

  async function second(message: LinkMessage, object: ParsedObject): Promise<void> {
    const parsed = enrolProofMessage.safeParse(object);
    if (!parsed.success) return refuse(message, 2, object["nonce"], "malformed");
    const { deviceId } = message;
    const { serverNonce, mac } = parsed.data;
    const entry = pending.get(serverNonce);
    if (entry === undefined || entry.deviceId !== deviceId) return refuse(message, 2, undefined, "expired");
    const { nonce, publicKey } = entry;
    if (entry.used || now() > entry.expiresAt) return refuse(message, 2, nonce, "expired");
    entry.used = true;
    const claim = await claimOf(deviceId);
    if (claim === undefined) return refuse(message, 2, nonce, "claim-unknown");
    const proved = { deviceId, nonce, serverNonce, publicKey };
    const expected = enrolDeviceMac(claim.secret, proved);
    if (!equalInConstantTime(expected, Buffer.from(mac, "base64url"))) {
      deviceLog.add(deviceId, "enrolment", "refused: the claim was not proved");
      return refuse(message, 2, nonce, "mac-invalid");
    }
    const key = Buffer.from(publicKey, "base64url");
    const secret = Buffer.from(enrolledSecret(claim.secret, proved));
    const refusal = await storage.transaction(async ({ db, changed }): Promise<EnrolmentRefusal | undefined> => {
      const device = await lockDevice(db, deviceId);
      if (device !== undefined && device.revokedAt !== null) return "revoked";
      const isAwaited = device?.publicKey.length === awaitedKey.length;
      if (
        device !== undefined &&
        !isAwaited &&
        !isDeepStrictEqual(new Uint8Array(device.publicKey), new Uint8Array(key))
      )
        return "key-mismatch";
      const refusal = await useClaim(db, claim, key, isAwaited ? undefined : device?.publicKey);
      if (refusal !== undefined) return refusal;
      if (isAwaited) await db.updateTable("devices").set({ publicKey: key }).where("id", "=", deviceId).execute();
      if (device === undefined) {
        await db
          .insertInto("devices")
          .values({ id: deviceId, publicKey: key, enrolledAt: options.wallMs(), health: "unknown" })
          .execute();
      }
      await addSecret(db, deviceId, secret);
      changed({ kind: "device", id: deviceId });
      if (device === undefined || isAwaited)
        changed({ kind: "fact", id: deviceId, fact: "device.enrolled", at: options.wallMs() });
      return undefined;
    });
    // Those begun before it are over: a second step of theirs that is still on its way would bring a secret that the
    // device has given up.
    if (refusal === undefined) {
      for (const other of pending.values()) {
        if (other === entry) break;
        if (other.deviceId === deviceId) other.used = true;
      }
    }
    deviceLog.add(deviceId, "enrolment", refusal === undefined ? "enrolled" : `refused: ${refusal}`);
    if (refusal !== undefined) return refuse(message, 2, nonce, refusal);
    await options.secretAdded(deviceId, secret);
    await message.reply(enrolmentDone(nonce));
  }

  return {
    async handle(message, object) {
      if (object["step"] === 1) return first(message, object);
      return second(message, object);
    },
    sweep() {
      // Kept for a while after its end, so that a late step 2 hears `expired` under its own nonce.
      const limit = now() - nonceLifeMs;
      for (const [serverNonce, entry] of pending) if (entry.expiresAt < limit) pending.delete(serverNonce);
    },
  };
}
