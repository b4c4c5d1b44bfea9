// Sessions: a device proves by its key that it is there now, before anything of it is believed (docs/protocol.md,
// "Session"). Sessions live in memory only; a restart of the server makes devices prove themselves again.

import { randomBytes } from "node:crypto";
import { MAC_CONTACT, NONCE_BYTES, signingPrefixes, type StrictVerifier } from "@flipside/image-format";
import type { Connection, LinkMessage } from "../../mqtt/device-link.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../devices/device-log.ts";
import { findDevice, retireSecretsBefore, secretsOf } from "../devices/store.ts";
import { equalInConstantTime, macOver } from "./mac.ts";
import { helloMessage, type ParsedObject, proofMessage } from "./messages.ts";

const nonceLifeMs = 30_000;

export interface Session {
  readonly deviceId: string;
  readonly id: string;
  readonly connection: Connection;
  readonly nonce: string;
  readonly nonceExpiresAt: number;
  nonceUsed: boolean;
  proven: boolean;
  /** base64url; what the device chose for this session, once it is proven. */
  deviceNonce: string;
  /** Counts the commands of this session. */
  commandsSent: number;
  /** Id of the command that the device has not answered yet. */
  commandOnItsWay: string | undefined;
  /** Which of the device's secrets the contact MAC was made with. */
  secretGeneration: number;
  /** The newest (boot counter, sequence) heard in this session. */
  newest: { boot: number; sequence: number } | undefined;
  checkedIn: boolean;
}

export interface Sessions {
  hello(message: LinkMessage, object: ParsedObject): Promise<void>;
  proof(message: LinkMessage, object: ParsedObject): Promise<void>;
  /** The proven session of a device, or undefined. */
  of(deviceId: string): Session | undefined;
  /** The session that a message belongs to, proven or not. */
  find(deviceId: string, sessionId: unknown): Session | undefined;
  /** Whether (boot, sequence) is newer than all before it in this session; notes it if so. */
  admitNewer(session: Session, boot: number, sequence: number): boolean;
  /** The device has accepted the contact MAC (it checks in): secrets older than that one's are retired. */
  contacted(session: Session): Promise<void>;
  /** Ends the device's session; with `connection`, only when it is that one's. */
  end(deviceId: string, why: string, connection?: Connection): void;
  /** Checks a password against the device's secrets, newest first. */
  authenticate(deviceId: string, password: Uint8Array): Promise<"accepted" | "unknown" | "wrong" | "revoked">;
  /** Forgets nonces that nobody has answered. */
  sweep(): void;
}

export function createSessions(options: {
  storage: Storage;
  verifier: StrictVerifier;
  deviceLog: DeviceLog;
  now: () => number;
  /** Whether the link tells which secret a device has connected with; otherwise the contact MAC tries them in turn. */
  linkChecksCredentials: () => boolean;
  onlineChanged: (deviceId: string) => void;
}): Sessions {
  const { storage, verifier, deviceLog, now } = options;
  const sessions = new Map<string, Session>();
  /** By device: the generation of the secret that it has connected with. */
  const connectedWith = new Map<string, number>();
  /** By device, for links that don't check credentials: contact MACs sent that no check-in has answered. */
  const unanswered = new Map<string, number>();
  const prefix = Buffer.from(signingPrefixes.session);

  const answer = (message: LinkMessage, content: object): Promise<void> => message.reply("challenge", JSON.stringify(content));
  const refuse = (message: LinkMessage, session: unknown, error: string): Promise<void> => {
    deviceLog.add(message.deviceId, "session", `session refused: ${error}`);
    return answer(message, { session: typeof session === "string" ? session.slice(0, 64) : "", accepted: false, error });
  };

  function end(deviceId: string, why: string, connection?: Connection): void {
    const session = sessions.get(deviceId);
    if (session === undefined || (connection !== undefined && session.connection !== connection)) return;
    sessions.delete(deviceId);
    if (!session.proven) return;
    deviceLog.add(deviceId, "session", `session ended: ${why}`);
    options.onlineChanged(deviceId);
  }

  return {
    end,
    of(deviceId) {
      const session = sessions.get(deviceId);
      return session?.proven ? session : undefined;
    },
    find(deviceId, sessionId) {
      const session = sessions.get(deviceId);
      return session !== undefined && session.id === sessionId ? session : undefined;
    },
    async hello(message, object) {
      const { deviceId } = message;
      const parsed = helloMessage.safeParse(object);
      if (!parsed.success) return refuse(message, object["session"], "malformed");
      const device = await findDevice(storage.db, deviceId);
      // Behind a broker of the operator's, anybody that it admits may say hello under a name that never enrolled.
      if (device === undefined) return;
      if (device.revokedAt !== null) return refuse(message, parsed.data.session, "revoked");
      end(deviceId, "the device began a new one");
      const nonce = randomBytes(NONCE_BYTES).toString("base64url");
      sessions.set(deviceId, {
        deviceId,
        id: parsed.data.session,
        connection: message.connection,
        nonce,
        nonceExpiresAt: now() + nonceLifeMs,
        nonceUsed: false,
        proven: false,
        deviceNonce: "",
        commandsSent: 0,
        commandOnItsWay: undefined,
        secretGeneration: 0,
        newest: undefined,
        checkedIn: false,
      });
      await answer(message, { session: parsed.data.session, nonce });
    },
    async proof(message, object) {
      const { deviceId } = message;
      const parsed = proofMessage.safeParse(object);
      if (!parsed.success) return refuse(message, object["session"], "malformed");
      const { session: id, nonce, deviceNonce, signature } = parsed.data;
      const session = sessions.get(deviceId);
      if (session === undefined || session.id !== id || session.connection !== message.connection) return refuse(message, id, "expired");
      if (session.nonceUsed || session.nonce !== nonce || now() > session.nonceExpiresAt) return refuse(message, id, "expired");
      session.nonceUsed = true;
      const device = await findDevice(storage.db, deviceId);
      if (device === undefined) return;
      if (device.revokedAt !== null) return refuse(message, id, "revoked");
      const signed = Buffer.from(`${deviceId}\n${id}\n${nonce}\n${deviceNonce}`);
      const verdict = verifier.verify(device.publicKey, Buffer.from(signature, "base64url"), prefix, signed);
      if (verdict !== "valid") {
        sessions.delete(deviceId);
        return refuse(message, id, "proof-invalid");
      }
      const secrets = await secretsOf(storage.db, deviceId);
      if (secrets.length === 0) return;
      let secret = secrets.find((s) => s.generation === connectedWith.get(deviceId)) ?? secrets[0]!;
      if (!options.linkChecksCredentials()) {
        // The device may have stored any of the secrets that are still valid; it begins anew when the MAC doesn't hold.
        const turn = secrets.length > 1 ? (unanswered.get(deviceId) ?? 0) : 0;
        secret = secrets[turn % secrets.length]!;
        if (secrets.length > 1) unanswered.set(deviceId, turn + 1);
      }
      // It may have been revoked, or begun anew, while the database was asked.
      if (sessions.get(deviceId) !== session) return;
      session.secretGeneration = secret.generation;
      session.deviceNonce = deviceNonce;
      session.proven = true;
      deviceLog.add(deviceId, "session", "session proven");
      options.onlineChanged(deviceId);
      await answer(message, {
        session: id,
        accepted: true,
        mac: macOver(secret.secret, MAC_CONTACT, deviceId, id, deviceNonce).toString("base64url"),
      });
    },
    admitNewer(session, boot, sequence) {
      const before = session.newest;
      if (before !== undefined && (boot < before.boot || (boot === before.boot && sequence <= before.sequence))) return false;
      session.newest = { boot, sequence };
      return true;
    },
    async contacted(session) {
      if (session.checkedIn) return;
      session.checkedIn = true;
      unanswered.delete(session.deviceId);
      await retireSecretsBefore(storage.db, session.deviceId, session.secretGeneration);
    },
    async authenticate(deviceId, password) {
      const device = await findDevice(storage.db, deviceId);
      if (device === undefined) return "unknown";
      if (device.revokedAt !== null) return "revoked";
      for (const { generation, secret } of await secretsOf(storage.db, deviceId)) {
        if (!equalInConstantTime(Buffer.from(secret.toString("base64url")), password)) continue;
        connectedWith.set(deviceId, generation);
        await retireSecretsBefore(storage.db, deviceId, generation);
        return "accepted";
      }
      return "wrong";
    },
    sweep() {
      const limit = now();
      for (const [deviceId, session] of sessions) if (!session.proven && limit > session.nonceExpiresAt) sessions.delete(deviceId);
    },
  };
}
