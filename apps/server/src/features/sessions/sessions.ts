// Sessions: a device proves by its key that it is there now, before anything of it is believed (docs/protocol.md,
// "Session"). Sessions live in memory only; a restart of the server makes devices prove themselves again.

import type { Channel } from "@flipside/api/channels";
import { randomBytes } from "node:crypto";
import { NONCE_BYTES, signingPrefixes, type StrictVerifier } from "@flipside/image-format";
import { contactMac, tlsPassword } from "@flipside/protocol/macs";
import { helloMessage, type ParsedObject, proofMessage } from "@flipside/protocol/messages";
import {
  base64url,
  type ServerMessage,
  type SessionRefusal,
  sessionAcceptance,
  sessionChallenge,
  sessionRefusal,
} from "@flipside/protocol/server-messages";
import { isLater, type MessageOrder } from "../../domain/identity-conflict.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Connection, DeviceLink, LinkMessage } from "../../mqtt/device-link.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { findDevice, identityOf, retireSecretsBefore } from "../device-records/store.ts";
import { type Measured, readMeasurement, signedMeasurement } from "./measurement.ts";
import { proofVerifier } from "./proof-verifier.ts";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";

const nonceLifeMs = 30_000;
/**
 * Sessions of one device that wait for their proof; a late hello of an old connection must not push the newest one out.
 */
const pendingMax = 16;
/** A device is heard at every poll; one may be lost, and a slow link takes its time. */
const pollsMissedMax = 2;
const slackMs = 10_000;

export interface Session {
  readonly deviceId: string;
  readonly id: string;
  readonly connection: Connection;
  readonly channel: Channel;
  /** What the last will of the device's connection names. */
  readonly willId: string;
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
  /** By which the device is this server's, among several (members/device-owners.ts); else 0. */
  generation: number;
  /** Which of the device's secrets the contact MAC was made with. */
  secretGeneration: number;
  /** There are older ones, which are worthless once the device has taken the contact MAC. */
  hasOlderSecrets: boolean;
  /** The newest that was heard in this session. */
  newest: MessageOrder | undefined;
  /** The newest of the sessions before, as far as they were at this server and since it has started. */
  newestBefore: MessageOrder | undefined;
  checkedIn: boolean;
  /** What was logged last of the device's trust record beside the server's. */
  trustRelation: string | undefined;
  /** When something of it was last heard, in steady time. */
  heardAtMs: number;
  /** As it was last told to those who watch. */
  shownOnline: boolean;
  /** What the device has started from, as it has signed that beside its proof; undefined: an older agent. */
  measured: Measured | undefined;
  /** The proof that was taken, and what it was answered with: a proof that comes twice is answered twice. */
  taken: { proof: string; answer: ServerMessage } | undefined;
}

/** Where several servers share a fleet: whose a device is. */
export interface Owners {
  take(deviceId: string): Promise<number>;
  note(deviceId: string, generation: number, state: "here" | "silent" | "gone"): void;
  owned<T>(deviceId: string, generation: number, work: () => Promise<T>): Promise<T>;
}

export interface Sessions {
  hello(message: LinkMessage, object: ParsedObject): Promise<void>;
  proof(message: LinkMessage, object: ParsedObject): Promise<void>;
  /** The proven session of a device, or undefined. */
  of(deviceId: string): Session | undefined;
  /** Whether the device's session is proven and something of it was heard within two polls. */
  isOnline(deviceId: string): boolean;
  /** Of these, in no order. */
  online(): string[];
  /** A message of a proven session has come. */
  heard(session: Session): void;
  /**
   * The last will of a connection names one of its sessions: that one ends. False when it is not a session that there
   * is.
   */
  gone(deviceId: string, id: string): boolean;
  /** The session that a message belongs to, proven or not. */
  find(deviceId: string, sessionId: unknown): Session | undefined;
  /** Whether (boot, sequence) is newer than all before it in this session; notes it if so. */
  admitNewer(session: Session, boot: number, sequence: number): boolean;
  /** The device has accepted the contact MAC (it checks in): secrets older than that one's are retired. */
  contacted(session: Session): Promise<void>;
  /** Ends the device's session; with `connection`, only when it is that one's. */
  end(deviceId: string, why: string, connection?: Connection): void;
  /** Ends all of them, and what waits for a proof. Returns whose they were. */
  endAll(why: string): string[];
  /** The device was taken over: its session ends, unless it is a newer one than that. */
  overtaken(deviceId: string, generation: number): void;
  /** By device, the generation of each proven session. */
  generations(): Map<string, number>;
  /** Runs work that changes something for the session's device, which fails once the device is another server's. */
  owning<T>(session: Session, work: () => Promise<T>): Promise<T>;
  /** Checks a password against the device's secrets, newest first; `exported` as LinkHandlers has it. */
  authenticate(
    deviceId: string,
    password: Uint8Array,
    exported?: string,
  ): Promise<"accepted" | "unknown" | "wrong" | "revoked">;
  /** Forgets nonces that nobody has answered, and tells of devices that have gone silent. */
  sweep(): void;
}

/** So long a device may be silent that is there: it polls. */
export const silenceMaxMs = (pollMs: number): number => pollsMissedMax * pollMs + slackMs;

export function createSessions(options: {
  /** Who is at the door does not wait for long. */
  storage: Storage;
  /** What was said is not said again. */
  patient: Storage;
  verifier: StrictVerifier;
  deviceLog: DeviceLog;
  now: () => number;
  /** Whether it tells which secret a device has connected with; otherwise the contact MAC tries them in turn. */
  link: Pick<DeviceLink, "checksCredentials">;
  feed: Feed;
  /** As it was when it was read last, or changed. */
  memory: { device(id: string): Promise<{ revokedAt: number | null } | null> };
  pollMs: number;
  /** A session was proven. */
  began: (deviceId: string) => Promise<void>;
  owners?: Owners | undefined;
}): Sessions {
  const { storage, patient, deviceLog, now, owners } = options;
  const proofs = proofVerifier(options.verifier);
  /** The proven session of each device. */
  const sessions = new Map<string, Session>();
  /** Those that wait for their proof, oldest first. */
  const pending = new Map<string, Session[]>();
  const silentMs = silenceMaxMs(options.pollMs);
  const isHeard = (session: Session): boolean => now() - session.heardAtMs <= silentMs;
  /** By device: the generation of the secret that it has connected with. */
  const connectedWith = new Map<string, number>();
  /** By device, for links that don't check credentials: contact MACs sent that no check-in has answered. */
  const unanswered = new Map<string, number>();
  /** By device: the newest message of sessions that have ended. */
  const newestOf = new Map<string, MessageOrder>();

  const refuse = (message: LinkMessage, session: unknown, error: SessionRefusal): Promise<void> => {
    deviceLog.add(message.deviceId, "session", `session refused: ${error}`);
    return message.reply(sessionRefusal(session, error));
  };

  function dropPending(deviceId: string, which: (session: Session) => boolean): boolean {
    const before = pending.get(deviceId) ?? [];
    const left = before.filter((session) => !which(session));
    if (left.length > 0) pending.set(deviceId, left);
    else pending.delete(deviceId);
    return left.length < before.length;
  }

  function endProven(session: Session, why: string): void {
    sessions.delete(session.deviceId);
    if (session.newest !== undefined) newestOf.set(session.deviceId, session.newest);
    owners?.note(session.deviceId, session.generation, "gone");
    deviceLog.add(session.deviceId, "session", `session ended: ${why}`);
    options.feed.announce({ kind: "device", id: session.deviceId });
  }

  function find(deviceId: string, id: unknown): Session | undefined {
    const proven = sessions.get(deviceId);
    return proven?.id === id ? proven : pending.get(deviceId)?.find((session) => session.id === id);
  }

  function show(session: Session, isOnline: boolean): void {
    session.shownOnline = isOnline;
    owners?.note(session.deviceId, session.generation, isOnline ? "here" : "silent");
    options.feed.announce({ kind: "device", id: session.deviceId });
  }

  return {
    endAll(why) {
      const ended = [...sessions.values()];
      pending.clear();
      for (const session of ended) endProven(session, why);
      return ended.map(({ deviceId }) => deviceId);
    },
    overtaken(deviceId, generation) {
      const session = sessions.get(deviceId);
      if (session !== undefined && session.generation <= generation)
        endProven(session, "the device began a new one at another server");
    },
    generations: () => new Map([...sessions].map(([deviceId, { generation }]) => [deviceId, generation])),
    owning: (session, work) =>
      owners === undefined ? work() : owners.owned(session.deviceId, session.generation, work),
    end(deviceId, why, connection) {
      const isMeant = (session: Session): boolean => connection === undefined || session.connection === connection;
      dropPending(deviceId, isMeant);
      const session = sessions.get(deviceId);
      if (session !== undefined && isMeant(session)) endProven(session, why);
    },
    gone(deviceId, id) {
      const isMeant = (session: Session): boolean => session.id === id || session.willId === id;
      const waited = dropPending(deviceId, isMeant);
      const session = sessions.get(deviceId);
      if (session === undefined || !isMeant(session)) return waited;
      endProven(session, "the connection is gone");
      return true;
    },
    of: (deviceId) => sessions.get(deviceId),
    isOnline(deviceId) {
      const session = sessions.get(deviceId);
      return session !== undefined && isHeard(session);
    },
    online: () => [...sessions.values()].filter(isHeard).map(({ deviceId }) => deviceId),
    heard(session) {
      session.heardAtMs = now();
      if (!session.shownOnline) show(session, true);
    },
    find,
    async hello(message, object) {
      const { deviceId } = message;
      const parsed = helloMessage.safeParse(object);
      if (!parsed.success) return refuse(message, object["session"], "malformed");
      // A proof asks the database itself; who has enrolled a moment ago may not be known here yet.
      const device = (await options.memory.device(deviceId)) ?? (await findDevice(patient.db, deviceId));
      // Behind a broker of the operator's, anybody that it admits may say hello under a name that never enrolled.
      if (device === undefined) return;
      if (device.revokedAt !== null) return refuse(message, parsed.data.session, "revoked");
      // What is proven ends when the next one is proven, not before: a hello may be late, repeated, or somebody else's.
      const { session: id } = parsed.data;
      const known = find(deviceId, id);
      if (known?.proven) {
        deviceLog.add(deviceId, "refused-message", "hello ignored: its session is proven");
        return;
      }
      if (
        known !== undefined &&
        known.connection === message.connection &&
        !known.nonceUsed &&
        now() <= known.nonceExpiresAt
      ) {
        return message.reply(sessionChallenge(id, known.nonce));
      }
      const waiting = (pending.get(deviceId) ?? []).filter((session) => session.id !== id).slice(1 - pendingMax);
      const nonce = randomBytes(NONCE_BYTES).toString("base64url");
      const session: Session = {
        deviceId,
        id,
        connection: message.connection,
        channel: message.channel,
        willId: parsed.data.connection ?? id,
        nonce,
        nonceExpiresAt: now() + nonceLifeMs,
        nonceUsed: false,
        proven: false,
        deviceNonce: "",
        commandsSent: 0,
        commandOnItsWay: undefined,
        generation: 0,
        secretGeneration: 0,
        hasOlderSecrets: false,
        newest: undefined,
        newestBefore: undefined,
        checkedIn: false,
        trustRelation: undefined,
        heardAtMs: 0,
        shownOnline: true,
        measured: undefined,
        taken: undefined,
      };
      pending.set(deviceId, [...waiting, session]);
      await message.reply(sessionChallenge(id, nonce));
    },
    async proof(message, object) {
      const { deviceId } = message;
      const parsed = proofMessage.safeParse(object);
      if (!parsed.success) return refuse(message, object["session"], "malformed");
      const { session: id, nonce, deviceNonce, signature, measured, measuredSignature } = parsed.data;
      const session = find(deviceId, id);
      if (session === undefined || session.connection !== message.connection) return refuse(message, id, "expired");
      const proof = JSON.stringify([nonce, deviceNonce, signature, measured, measuredSignature]);
      // At QoS 1 it may come twice.
      if (session.taken?.proof === proof) return message.reply(session.taken.answer);
      if (session.nonceUsed || session.nonce !== nonce || now() > session.nonceExpiresAt)
        return refuse(message, id, "expired");
      session.nonceUsed = true;
      const device = await identityOf(patient.db, deviceId);
      if (device === undefined) return;
      if (device.revokedAt !== null) return refuse(message, id, "revoked");
      const proven = `${deviceId}\n${id}\n${nonce}\n${deviceNonce}`;
      const holds = (by: string, signed: Uint8Array): boolean =>
        proofs.isValid(device.publicKey, Buffer.from(by, "base64url"), signed);
      if (
        !holds(signature, Buffer.from(`${signingPrefixes.session}${proven}`)) ||
        !(measured === undefined || holds(measuredSignature!, signedMeasurement(proven, measured)))
      ) {
        dropPending(deviceId, (other) => other === session);
        return refuse(message, id, "proof-invalid");
      }
      const { secrets } = device;
      if (secrets.length === 0) return;
      let secret = secrets.find((s) => s.generation === connectedWith.get(deviceId)) ?? secrets[0]!;
      if (!options.link.checksCredentials) {
        // The device may have stored any of the secrets that are still valid; it begins anew when the MAC doesn't hold.
        const turn = secrets.length > 1 ? (unanswered.get(deviceId) ?? 0) : 0;
        secret = secrets[turn % secrets.length]!;
        if (secrets.length > 1) unanswered.set(deviceId, turn + 1);
      }
      const generation = (await owners?.take(deviceId)) ?? 0;
      // It may have been revoked, or begun anew, while the database was asked.
      const waiting = pending.get(deviceId) ?? [];
      if (!waiting.includes(session)) {
        owners?.note(deviceId, generation, "gone");
        return;
      }
      // It goes with those that were begun before it: a proof of theirs that is still on its way comes too late.
      dropPending(deviceId, (other) => waiting.indexOf(other) <= waiting.indexOf(session));
      const before = sessions.get(deviceId);
      if (before !== undefined) endProven(before, "the device began a new one");
      session.newestBefore = newestOf.get(deviceId);
      session.generation = generation;
      session.secretGeneration = secret.generation;
      session.hasOlderSecrets = secrets.some(({ generation }) => generation < secret.generation);
      session.deviceNonce = deviceNonce;
      session.measured = measured === undefined ? undefined : readMeasurement(measured);
      session.proven = true;
      session.heardAtMs = now();
      const mac = contactMac(secret.secret, { deviceId, session: id, deviceNonce });
      const accepted = sessionAcceptance(id, base64url(mac));
      session.taken = { proof, answer: accepted };
      sessions.set(deviceId, session);
      deviceLog.add(deviceId, "session", "session proven");
      options.feed.announce({ kind: "device", id: deviceId });
      await message.reply(accepted);
      await options.began(deviceId);
    },
    admitNewer(session, boot, sequence) {
      const order = { boot, sequence };
      if (session.newest !== undefined && !isLater(order, session.newest)) return false;
      session.newest = order;
      return true;
    },
    async contacted(session) {
      if (session.checkedIn) return;
      session.checkedIn = true;
      unanswered.delete(session.deviceId);
      // None is added but newer ones.
      if (session.hasOlderSecrets) await retireSecretsBefore(patient.db, session.deviceId, session.secretGeneration);
    },
    async authenticate(deviceId, password, exported) {
      const device = await identityOf(storage.db, deviceId);
      if (device === undefined) return "unknown";
      if (device.revokedAt !== null) return "revoked";
      for (const { generation, secret } of device.secrets) {
        const shown = exported === undefined ? secret : Buffer.from(tlsPassword(secret, deviceId, exported));
        if (!equalInConstantTime(Buffer.from(shown.toString("base64url")), password)) continue;
        connectedWith.set(deviceId, generation);
        if (device.secrets.at(-1)!.generation < generation) await retireSecretsBefore(storage.db, deviceId, generation);
        return "accepted";
      }
      return "wrong";
    },
    sweep() {
      const limit = now();
      for (const deviceId of [...pending.keys()]) dropPending(deviceId, (session) => limit > session.nonceExpiresAt);
      for (const session of sessions.values()) {
        if (session.shownOnline && !isHeard(session)) show(session, false);
      }
    },
  };
}
