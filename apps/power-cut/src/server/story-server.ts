// The fleet's side of a story: a policy of the reference server (packages/protocol) that says the same each time, at
// once. What it knows of the device is a small value that goes with the flash's content from power-up to power-up.

import type { CheckIn, CommandAnswer, Fetch } from "@flipside/protocol/messages";
import type { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { command, offer } from "@flipside/protocol/reference-server/answers";
import { base64url } from "@flipside/protocol/server-messages";
import { newConnection, type Session } from "@flipside/protocol/reference-server/connection";
import { admit, hear } from "@flipside/protocol/reference-server/hear";
import { fetchEnd } from "@flipside/protocol/reference-server/pieces";
import type { Policy, Report, Say } from "@flipside/protocol/reference-server/policy";
import { type DeviceLeaf, type ServerLeaf, topicPrefixOf } from "@flipside/protocol/topics";
import { MadeOnce, nonces } from "./made-once.ts";
import { MqttWire, type WireServer } from "./mqtt-wire.ts";
import { COMMAND_ID, newServerMemory, outcomeFor, type Wishes } from "./story-memory.ts";

const POLL_MS = 1_000;

const encoder = new TextEncoder();

export class StoryServer implements WireServer, Policy {
  readonly wire: MqttWire;
  memory = newServerMemory();
  wishes: Wishes = {};
  lastCheckIn: CheckIn | undefined;
  onCheckIn: (checkIn: CheckIn) => void = () => {};
  /** Of this run: a device that says nothing new is not listened to twice. */
  checkIns = 0;
  /** Ever: how often `whenInstalled` was offered. */
  offersWhenInstalled = 0;
  /** Ever: codes that the device has answered commands with. */
  answers: number[] = [];
  /** What the device said of its deployment last. */
  lastDeploymentState = "";
  /** Of this run: how long the device has said that it puts its update off. */
  putOffMs = 0;
  /** A device enrols: it has no secret, or lost it. */
  onEnrol: () => void = () => {};
  /** Whatever the device says. */
  onMessage: (leaf: string, payload: Uint8Array) => void = () => {};
  readonly deviceId: string;
  readonly claimSecret: string;
  readonly #made = new MadeOnce();
  readonly mac = this.#made.mac;
  #connection = newConnection("");
  #say: Say = () => {};
  /** Of this connection: in which session the device was commanded. */
  #commanded: string | undefined;

  constructor({ deviceId, claimSecret }: { deviceId: string; claimSecret: Uint8Array }) {
    this.deviceId = deviceId;
    this.claimSecret = base64url(claimSecret);
    this.wire = new MqttWire(this, topicPrefixOf(deviceId));
  }

  // ---- the wire
  // ----------------------------------------------------------------------------------------------------

  /** A power-up or a reset: connections and sessions are gone. */
  beginRun(): void {
    this.wire.drop();
    this.lastCheckIn = undefined;
    this.checkIns = 0;
    this.putOffMs = 0;
  }

  isAt(host: string, port: number): boolean {
    const { connection } = this.wishes;
    return !connection || connection.isAlive || host !== connection.host || port !== connection.port;
  }

  connect(userName: string, password: string | undefined): ConnectReturn {
    const { code, connection } = admit(this, userName, password);
    this.#connection = connection;
    this.#commanded = undefined;
    return code;
  }

  message(leaf: DeviceLeaf, payload: Uint8Array, say: Say): void {
    this.#say = say;
    this.onMessage(leaf, payload);
    if (leaf === "enrol") this.onEnrol();
    this.#connection = hear(this.#connection, leaf, payload, this, say);
  }

  /** Says something out of turn, to a device that has said something. */
  say(leaf: ServerLeaf, payload: Uint8Array | string): void {
    this.#say(leaf, typeof payload === "string" ? encoder.encode(payload) : payload);
  }

  // ---- the policy
  // ----------------------------------------------------------------------------------------------------

  nonce(of: "session" | "enrolment"): string {
    return nonces[of];
  }

  knows(secret: string): boolean {
    return this.memory.enrolled && secret === this.memory.secret;
  }

  /** Again, too: its key is the factory's. */
  enrolled(secret: string): undefined {
    this.memory = { ...this.memory, enrolled: true, secret };
  }

  checkedIn(checkIn: CheckIn, session: Session, say: Say): void {
    this.lastCheckIn = checkIn;
    const outcome = this.memory.outcome ?? outcomeFor(checkIn, this.wishes);
    this.memory = { ...this.memory, trustVersion: checkIn.trust, outcome };
    this.checkIns++;
    this.onCheckIn(checkIn);
    const { trustChain, trustVersion = 0 } = this.wishes;
    // What was refused is not said twice in a run.
    if (trustChain && checkIn.trust < trustVersion && !checkIn.trustRefused) say("trust", trustChain);
    this.#command(checkIn, session, say);
    say("offer", this.#offer(session));
  }

  reported({ waitMs = 0, state }: Report, session: Session, say: Say): void {
    this.putOffMs += waitMs;
    this.lastDeploymentState = state;
    // What comes in the half second between `installed` and the reset.
    if (state !== "installed" && state !== "rebooting") return;
    const { whenInstalled, trustWhenInstalled } = this.wishes;
    if (whenInstalled || trustWhenInstalled) this.offersWhenInstalled++;
    if (whenInstalled) say("offer", this.#offer(session, whenInstalled));
    if (trustWhenInstalled) say("trust", trustWhenInstalled);
  }

  answered({ code }: CommandAnswer): void {
    this.answers.push(code);
    // One that was taken is proved by a check-in, one that was not by the answer.
    if (this.wishes.connection && !this.wishes.image && code !== 0)
      this.memory = { ...this.memory, outcome: this.memory.outcome ?? `refused ${code}` };
  }

  /** Of the image that is wanted, whatever for. */
  fetched(fetch: Fetch, _session: Session, say: Say): void {
    const { image, payloadChunksMax = Infinity, losesOnce } = this.wishes;
    if (!image) return;
    const { part, first } = fetch;
    const end = fetchEnd(image, fetch);
    for (let i = first; i < end && (part === 0 || i < payloadChunksMax); i++) {
      if (part === 1 && losesOnce?.delete(i)) continue;
      const chunk = this.#made.chunk(image, part, i);
      say("chunk", this.#isSpoilt(`${part}.${i}`) ? chunk.with(chunk.length - 1, chunk.at(-1)! ^ 1) : chunk);
    }
  }

  /** The command to connect elsewhere, once a session, until the device says what became of it. */
  #command({ connection }: CheckIn, session: Session, say: Say): void {
    const wanted = this.wishes.connection;
    if (
      !wanted ||
      this.#commanded === session.id ||
      connection?.command === COMMAND_ID ||
      (connection?.host === wanted.host && connection.port === wanted.port)
    )
      return;
    this.#commanded = session.id;
    say("command", command(session, this.#made.moveTo(wanted, this.deviceId, session.deviceNonce)));
  }

  /** Of nothing when the deployment is over. */
  #offer(session: Session, image = this.wishes.image): Uint8Array {
    if (!image || this.memory.outcome !== undefined) return offer(session, POLL_MS);
    return offer(session, POLL_MS, this.#made.deployment(image, this.wishes.permit));
  }

  #isSpoilt(piece: string): boolean {
    const left = this.wishes.spoils?.get(piece) ?? 0;
    if (left > 0) this.wishes.spoils!.set(piece, left - 1);
    return left > 0;
  }
}
