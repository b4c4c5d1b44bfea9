// The server that the agent under test is put before: the reference server of packages/protocol, with everything that
// it heard at hand, and with answers that a check may hold back or give itself.

import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { AddressInfo } from "node:net";
import { CHUNK_PART_PAYLOAD, CHUNK_TABLE_PIECE_BYTES, signingPrefixes } from "@flipside/image-format";
import {
  type CheckIn,
  checkInMessage,
  type CommandAnswer,
  describeIssues,
  type Fetch,
  type Proof,
  type StateReport,
} from "@flipside/protocol/messages";
import { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { deploymentMembers, json, offer } from "@flipside/protocol/reference-server/answers";
import { type Connection, newConnection, type Session } from "@flipside/protocol/reference-server/connection";
import { admit, hear } from "@flipside/protocol/reference-server/hear";
import { fetchEnd, piece } from "@flipside/protocol/reference-server/pieces";
import type { Policy } from "@flipside/protocol/reference-server/policy";
import type { OfferMembers } from "@flipside/protocol/server-messages";
import { type DeviceLeaf, isDeviceLeaf, type ServerLeaf } from "@flipside/protocol/topics";
import { type AgentConnection, AgentLink, type Heard, type LinkEnd } from "./agent-link.ts";
import { NotConforming, NotReached } from "./check.ts";
import {
  type ImageChange,
  type Template,
  templateFor,
  type TestImage,
  testImage,
  type TestKeys,
} from "./test-images.ts";

export type Json = Record<string, unknown>;

/** A message of the agent; `content` is empty where it is no JSON object. */
export interface Message extends Heard {
  content: Json;
}

export interface TestBenchOptions {
  deviceId: string;
  /** base64url. */
  claimSecret: string;
  keys: TestKeys;
  /** The update that is offered; undefined: one that the kit makes, of bytes that mean nothing. */
  image: Uint8Array | undefined;
  /** For so long the agent may take to do what it must. */
  waitMs: number;
  /** For so long it is watched for what it must not do. */
  quietMs: number;
}

export interface Offered {
  id: string;
  attempt: number;
  image: TestImage;
  /** What is served of the image: another payload or table than the offered header's where that is the test. */
  served: TestImage["served"];
}

export const POLL_MS = 500;
const DEADLINE_MS = 600_000;
/** Of SubjectPublicKeyInfo, before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

export class TestBench implements Policy, LinkEnd {
  readonly deviceId: string;
  readonly claimSecret: string;
  readonly link: AgentLink;
  /** All that the agent said, oldest first. */
  readonly heardAll: Message[] = [];
  /** What the bench leaves for the check that runs to answer. */
  readonly heldBack = new Set<DeviceLeaf>();
  pollMs = POLL_MS;
  offered: Offered | undefined;
  /** Chunks of the payload from this one on are not sent. */
  servedUpTo = Infinity;
  /** Of the agent's, by enrolment. */
  publicKey: string | undefined;
  secret: string | undefined;
  /** base64url passwords that were no secret of the agent's. */
  readonly unknownPasswords: string[] = [];
  /** Proofs of sessions, and whether their signatures hold. */
  readonly proofs: { proof: Proof; holds: boolean }[] = [];
  /** Of each deployment that was offered: how many pieces the chunk table and the payload have. */
  readonly piecesOffered = new Map<string, [table: number, payload: number]>();
  #connection: Connection = newConnection("");
  #template: Template | undefined;
  #deployments = 0;

  constructor(readonly options: TestBenchOptions) {
    this.deviceId = options.deviceId;
    this.claimSecret = options.claimSecret;
    this.link = new AgentLink(options.deviceId, this);
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return this.link.listen(host, port);
  }

  close(): Promise<void> {
    return this.link.close();
  }

  // ---- what checks do ----------------------------------------------------------------------------------------------

  say(leaf: ServerLeaf, content: object | Uint8Array | string, options: { isRetained?: boolean } = {}): void {
    const payload = content instanceof Uint8Array || typeof content === "string" ? content : json(content);
    this.link.say(leaf, payload, options);
  }

  /** Of the session in which both sides have proved themselves; undefined: there is none now. */
  get session(): Session | undefined {
    return this.link.newest?.isOpen ? this.#connection.sessions.find(({ stage }) => stage === "accepted") : undefined;
  }

  /** Where the log of what was heard ends now: what comes later has this index or a higher one. */
  get now(): number {
    return this.heardAll.length;
  }

  heard(message: Heard): void {
    const full: Message = { ...message, content: contentOf(message.bytes) };
    this.heardAll.push(full);
    const { leaf } = message;
    if (!isDeviceLeaf(leaf) || this.heldBack.has(leaf) || message.connection !== this.link.newest) return;
    try {
      this.#connection = hear(this.#connection, leaf, message.bytes, this, (to, payload) => this.link.say(to, payload));
    } catch {
      // Of no form that can be answered. It is in the log, for the checks that look at forms.
    }
  }

  /** Waits for `condition`. `what` completes "expected …". */
  async until<T>(what: string, condition: () => T | undefined, waitMs = this.options.waitMs): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const value = condition();
      if (value !== undefined) return value;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new NotConforming(what, `not within ${waitMs / 1000} s; ${this.#lastHeard()}`);
      await this.link.change(Math.min(leftMs, 100));
    }
  }

  /** The first message on `leaf` since `from` that fits. */
  next(leaf: DeviceLeaf, what: string, from: number, fits: (content: Json) => boolean = () => true): Promise<Message> {
    return this.until(what, () =>
      this.heardAll.slice(from).find((message) => message.leaf === leaf && fits(message.content)),
    );
  }

  /** Resolves when the agent has acknowledged all that was said to it, or its connection is gone. */
  async acknowledged(): Promise<void> {
    const connection = this.link.newest;
    await this.until("a PUBACK for each message of QoS 1", () =>
      !connection?.isOpen || connection.unacknowledged.size === 0 ? true : undefined,
    );
  }

  /** Watches for what must not come, from `from` until a while after the agent had all that was said to it. */
  async never(what: string, from: number, isWrong: (message: Message) => boolean): Promise<void> {
    await this.acknowledged();
    await this.pause();
    const wrong = this.heardAll.slice(from).find(isWrong);
    if (wrong) throw new NotConforming(what, textOf(wrong));
  }

  pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.options.quietMs));
  }

  /** A check-in of a session in which both sides have proved themselves, after now. */
  async checkIn(what = "a check-in", fits: (checkIn: CheckIn) => boolean = () => true): Promise<CheckIn> {
    const { content } = await this.next(
      "check-in",
      what,
      this.now,
      (said) => this.#isCurrent(said) && fits(said as CheckIn),
    );
    return content as CheckIn;
  }

  get lastCheckIn(): CheckIn | undefined {
    return this.heardAll.findLast(({ leaf }) => leaf === "check-in")?.content as CheckIn | undefined;
  }

  /** The newest check-in, which images are made by. Throws NotReached where it lacks something. */
  get wholeCheckIn(): CheckIn {
    const read = checkInMessage.safeParse(this.lastCheckIn);
    if (!read.success)
      throw new NotReached(`an image is made by a whole check-in; this one: ${describeIssues(read.error)}`);
    return read.data;
  }

  /** The good update, or what differs from it in one point. */
  async image(change: ImageChange = {}): Promise<TestImage> {
    this.#template ??= await templateFor(this.options.image, this.wholeCheckIn);
    return testImage(this.#template, this.options.keys, change);
  }

  /** Offers the image, now and at each check-in. */
  offer(image: TestImage, served = image.served): Offered {
    this.offered = { id: `conformance-${++this.#deployments}`, attempt: 1, image, served };
    this.sayOffer();
    return this.offered;
  }

  /** After a check that failed: the next one has a connection of its own, if the agent comes back. */
  async startOver(): Promise<void> {
    if (!this.lastCheckIn) return;
    this.pollMs = POLL_MS;
    this.heldBack.clear();
    this.offered = undefined;
    this.servedUpTo = Infinity;
    this.link.newest!.hangUp();
    await this.checkIn().catch(() => {});
  }

  withdraw(): void {
    this.offered = undefined;
    this.sayOffer();
  }

  /** `more`: members beside those of an offer. */
  sayOffer(more: object = {}): void {
    const { session } = this;
    if (session) this.say("offer", { ...this.offerTo(session), ...more });
  }

  offerTo(session: Session): Json {
    const { offered } = this;
    const members = offered && this.membersOf(offered);
    return contentOf(offer(session, this.pollMs, members));
  }

  /** Of an offer, which the agent may fetch by from now on. */
  membersOf({ id, attempt, image, served }: Offered): OfferMembers {
    const payloadPieces = Math.ceil(served.payload.length / served.chunkBytes);
    this.piecesOffered.set(id, [Math.ceil(served.table.length / CHUNK_TABLE_PIECE_BYTES), payloadPieces]);
    return deploymentMembers({ id, attempt, image, sizeBytes: image.sizeBytes, deadlineMs: DEADLINE_MS });
  }

  // ---- the policy of the reference server --------------------------------------------------------------------------

  admit(userName: string, password: string | undefined, connection: AgentConnection): ConnectReturn {
    if (connection !== this.link.newest) return ConnectReturn.ServerUnavailable;
    const admitted = admit(this, userName, password);
    this.#connection = admitted.connection;
    if (admitted.code !== ConnectReturn.Accepted && userName === this.deviceId)
      this.unknownPasswords.push(password ?? "");
    return admitted.code;
  }

  nonce(): string {
    return randomBytes(16).toString("base64url");
  }

  knows(secret: string): boolean {
    return secret === this.secret;
  }

  enrolled(secret: string, publicKey: string): "key-mismatch" | undefined {
    if (this.publicKey !== undefined && this.publicKey !== publicKey) return "key-mismatch";
    this.publicKey = publicKey;
    this.secret = secret;
    return undefined;
  }

  signatureHolds(proof: Proof): boolean {
    const holds = this.#holds(proof);
    this.proofs.push({ proof, holds });
    return holds;
  }

  checkedIn(_checkIn: CheckIn, session: Session): void {
    this.say("offer", this.offerTo(session));
  }

  answered(_answer: CommandAnswer): void {}
  reported(_report: StateReport): void {}

  fetched(fetch: Fetch): void {
    const { offered } = this;
    if (offered?.id !== fetch.deployment || offered.attempt !== fetch.attempt) return;
    const end = Math.min(
      fetchEnd(offered.served, fetch),
      fetch.part === CHUNK_PART_PAYLOAD ? this.servedUpTo : Infinity,
    );
    for (let i = fetch.first; i < end; i++) this.say("chunk", piece(offered.served, fetch.attempt, fetch.part, i));
  }

  #holds({ session, nonce, deviceNonce, signature }: Proof): boolean {
    const { publicKey } = this;
    if (publicKey === undefined) return false;
    try {
      const spki = Buffer.concat([SPKI_ED25519, Buffer.from(publicKey, "base64url")]);
      const signed = `${signingPrefixes.session}${this.deviceId}\n${session}\n${nonce}\n${deviceNonce}`;
      const key = createPublicKey({ key: spki, format: "der", type: "spki" });
      return verify(null, Buffer.from(signed), key, Buffer.from(signature, "base64url"));
    } catch {
      return false;
    }
  }

  #isCurrent({ session }: Json): boolean {
    return session === this.session?.id;
  }

  #lastHeard(): string {
    const last = this.heardAll.at(-1);
    if (last) return `the last message was ${textOf(last)}`;
    return this.link.newest ? "the agent connected and said nothing" : "the agent never connected";
  }
}

const TEXT_MAX = 300;

export function textOf({ leaf, bytes }: Heard): string {
  const text = Buffer.from(bytes).toString("utf8");
  return `${leaf} ${text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text}`;
}

function contentOf(bytes: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
  } catch {
    return {};
  }
}
