// What a device says to get in touch: connect, enrol, prove itself, and have the server prove itself
// (docs/protocol.md, "Enrolment" and "Session"). Its keys and MACs are real.

import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import { type SigningKey, signingPrefixes } from "@flipside/image-format";
import { contactMac, enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import { base64url } from "@flipside/protocol/server-messages";
import type { DeviceLeaf } from "@flipside/protocol/topics";
import type { Connection, DeviceEnd, Network } from "../world/network.ts";
import type { Random } from "../world/random.ts";

const connectTimeoutMs = 20_000;
const provenWithinMs = 45_000;
const backOffMsFirst = 250;
const backOffMsMax = 30_000;
const refusalsBeforeEnrolment = 3;
const askAgainMs = 1_000;

export interface Identity {
  id: string;
  key: SigningKey;
  /** That the key follows from. */
  keySeed: Buffer;
  claimSecret: Buffer;
}

/** Of the device that has the conversation. */
export interface Speaker {
  /** Runs `act` later, unless the device is off by then. */
  after(delayMs: number, act: () => void): () => void;
  secret: Uint8Array | undefined;
  readonly bytesPerMs: number;
  readonly chunksAlone: boolean;
  isReachable(): boolean;
  /** A session is proven on both sides. */
  proven(): void;
  received(leaf: "offer" | "chunk", payload: Buffer): void;
  log(what: string): void;
  /** What must never happen. */
  violated(what: string): void;
}

type Json = Record<string, unknown>;

/** A key is imported once. */
const keys = new Map<string, KeyObject>();
function keyObjectOf({ privateJwk }: SigningKey): KeyObject {
  const known = keys.get(privateJwk.d!);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: privateJwk, format: "jwk" });
  keys.set(privateJwk.d!, key);
  return key;
}

export class Conversation implements DeviceEnd {
  readonly #identity: Identity;
  readonly #speaker: Speaker;
  readonly #network: Network;
  readonly #random: Random;
  #connection: Connection | undefined;
  #connectionId = "";
  #session = "";
  #deviceNonce = "";
  #enrolment: { nonce: string; serverNonce?: string } | undefined;
  isProven = false;
  #backOffMs = backOffMsFirst;
  #refusals = 0;
  #enrolsAnew = false;
  #giveUp: () => void = () => {};

  constructor(identity: Identity, speaker: Speaker, network: Network, random: Random) {
    this.#identity = identity;
    this.#speaker = speaker;
    this.#network = network;
    this.#random = random;
  }

  get id(): string {
    return this.#identity.id;
  }

  get session(): string {
    return this.#session;
  }

  #newNonce(): string {
    return base64url(this.#random.bytes(16));
  }

  begin(): void {
    if (!this.#speaker.isReachable()) return this.#later();
    const enrolling = this.#speaker.secret === undefined || this.#enrolsAnew;
    this.#connectionId = this.#newNonce();
    this.#session = "";
    this.isProven = false;
    this.#enrolment = enrolling ? { nonce: this.#newNonce() } : undefined;
    const secret = enrolling ? "enrol" : base64url(this.#speaker.secret!);
    const { bytesPerMs, chunksAlone } = this.#speaker;
    const as = { enrolling, secret, will: this.#connectionId, bytesPerMs, chunksAlone };
    const connection = this.#network.connect(this, as);
    this.#connection = connection;
    this.#within(connectTimeoutMs, "no answer to the connection");
  }

  /** The power is gone, or what lies between: nobody says good-bye. */
  cut(silently: boolean): void {
    this.#giveUp();
    if (this.#connection !== undefined) this.#network.drop(this.#connection, silently);
    this.#connection = undefined;
    this.isProven = false;
  }

  /** The way is broken while the device goes on. */
  lose(silently: boolean): void {
    if (this.#connection === undefined) return;
    this.cut(silently);
    this.#later();
  }

  #later(): void {
    this.#giveUp();
    const waitMs = this.#backOffMs * (0.5 + this.#random.next() / 2);
    this.#backOffMs = Math.min(backOffMsMax, 2 * this.#backOffMs);
    this.#speaker.after(waitMs, () => this.#connection === undefined && this.begin());
  }

  #within(limitMs: number, why: string): void {
    this.#giveUp();
    const connection = this.#connection;
    this.#giveUp = this.#speaker.after(limitMs, () => {
      if (connection !== this.#connection) return;
      this.#speaker.log(`disconnects: ${why}`);
      this.lose(false);
    });
  }

  connected(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#refusals = 0;
    this.#within(provenWithinMs, "the server does not answer");
    if (this.#enrolment !== undefined) {
      const publicKey = base64url(this.#identity.key.publicKey);
      this.#publish("enrol", { step: 1, device: this.id, publicKey, nonce: this.#enrolment.nonce });
    } else this.#hello();
  }

  refused(returnCode: number): void {
    this.#connection = undefined;
    this.#speaker.log(`connection refused (${returnCode})`);
    if (returnCode === 4 || returnCode === 5) this.#refusals++;
    if (this.#refusals >= refusalsBeforeEnrolment) {
      this.#refusals = 0;
      this.#enrolsAnew = !this.#enrolsAnew;
    }
    this.#later();
  }

  closed(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.isProven = false;
    this.#speaker.log("connection closed");
    this.#later();
  }

  /** A session anew on the same connection, too. */
  #hello(): void {
    const isFirst = this.#session === "";
    this.isProven = false;
    this.#session = isFirst ? this.#connectionId : this.#newNonce();
    this.#publish("hello", { session: this.#session, ...(isFirst ? {} : { connection: this.#connectionId }) });
  }

  /** The server has said nothing for too long: it proves itself anew. */
  proveAnew(): void {
    if (this.#connection === undefined || !this.isProven) return;
    this.#within(provenWithinMs, "the server does not answer");
    this.#hello();
  }

  #publish(leaf: DeviceLeaf, message: Json): void {
    if (this.#connection?.isOpenAtDevice) this.#network.send(this.#connection, leaf, JSON.stringify(message));
  }

  /** A message of the proven session; false: there is none. */
  say(leaf: DeviceLeaf, message: Json): boolean {
    if (!this.isProven || this.#connection === undefined) return false;
    this.#publish(leaf, { session: this.#session, ...message });
    return true;
  }

  received(connection: Connection, leaf: string, payload: Buffer): void {
    if (connection !== this.#connection) return;
    if (leaf === "chunk") {
      if (this.isProven) this.#speaker.received("chunk", payload);
      return;
    }
    const message = JSON.parse(payload.toString()) as Json;
    if (leaf === "enrolled") this.#onEnrolled(message);
    else if (message["session"] !== this.#session) return;
    else if (leaf === "challenge") this.#onChallenge(message);
    else if (leaf === "offer" && this.isProven) this.#speaker.received("offer", payload);
  }

  #onEnrolled(message: Json): void {
    const enrolment = this.#enrolment;
    if (enrolment === undefined || message["nonce"] !== enrolment.nonce) return;
    const { claimSecret, key } = this.#identity;
    if (message["ok"] === false) {
      this.#speaker.log(`enrolment refused: ${String(message["error"])}`);
      return this.lose(false);
    }
    if (message["step"] === 1 && enrolment.serverNonce === undefined) {
      const serverNonce = String(message["serverNonce"]);
      const begun = { deviceId: this.id, nonce: enrolment.nonce, serverNonce };
      if (base64url(enrolServerMac(claimSecret, begun)) !== message["mac"])
        return this.#speaker.violated("the server did not prove that it knows the claim");
      enrolment.serverNonce = serverNonce;
      const mac = enrolDeviceMac(claimSecret, { ...begun, publicKey: base64url(key.publicKey) });
      this.#publish("enrol", { step: 2, serverNonce, mac: base64url(mac) });
    } else if (message["step"] === 2 && enrolment.serverNonce !== undefined) {
      const { nonce, serverNonce } = enrolment;
      const proof = { deviceId: this.id, nonce, serverNonce, publicKey: base64url(key.publicKey) };
      this.#speaker.secret = enrolledSecret(claimSecret, proof);
      this.#enrolsAnew = false;
      this.#backOffMs = backOffMsFirst;
      this.#speaker.log("enrolled");
      this.lose(false);
    }
  }

  #onChallenge(message: Json): void {
    if (message["accepted"] === false) return this.#onRefusal(String(message["error"]));
    if (message["accepted"] === true) return this.#onAcceptance(String(message["mac"]));
    if (this.isProven || this.#deviceNonceOf === this.#session) return;
    this.#deviceNonceOf = this.#session;
    const nonce = String(message["nonce"]);
    this.#deviceNonce = this.#newNonce();
    const signed = `${signingPrefixes.session}${this.id}\n${this.#session}\n${nonce}\n${this.#deviceNonce}`;
    const signature = sign(null, Buffer.from(signed), keyObjectOf(this.#identity.key));
    this.#publish("proof", {
      session: this.#session,
      nonce,
      deviceNonce: this.#deviceNonce,
      signature: base64url(signature),
    });
  }

  /** Which session the device's nonce was drawn for. */
  #deviceNonceOf = "";

  #onRefusal(error: string): void {
    if (this.isProven && error !== "session-unknown") return;
    this.#speaker.log(`session refused: ${error}`);
    if (error === "proof-invalid") this.#speaker.violated("the server refused the proof of a device's own key");
    this.isProven = false;
    const session = this.#session;
    if (error === "revoked") return this.lose(false);
    this.#speaker.after(error === "session-unknown" ? 0 : askAgainMs, () => {
      if (this.#session !== session || this.#connection === undefined) return;
      this.#within(provenWithinMs, "the server does not answer");
      this.#hello();
    });
  }

  #onAcceptance(mac: string): void {
    if (this.isProven) return;
    const { secret } = this.#speaker;
    const proof = { deviceId: this.id, session: this.#session, deviceNonce: this.#deviceNonce };
    if (secret === undefined || base64url(contactMac(secret, proof)) !== mac) {
      this.#speaker.log("the server did not prove itself");
      return this.lose(false);
    }
    this.#giveUp();
    this.isProven = true;
    this.#backOffMs = backOffMsFirst;
    this.#speaker.proven();
  }
}
