// The fleet's side of a story: the messages of docs/protocol.md, answered at once and the same way each time. What it
// knows of the device is a small value that goes with the flash's content from power-up to power-up.

import { createHash } from "node:crypto";
import { chunkMessage } from "@flipside/protocol/chunk-message";
import { contactMac, enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import type { CheckIn } from "@flipside/protocol/messages";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { type CampaignImage, keys } from "../stories/images.ts";
import { signedCommand } from "./signed-command.ts";
import { type Answer, MqttWire, type WireServer } from "./mqtt-wire.ts";

const POLL_MS = 1_000;
const DEADLINE_MS = 3_600_000;
const TABLE_PIECE_BYTES = 4096;
const DEPLOYMENT_ATTEMPT = 1;

/** What a server remembers of a device. Values, compared and copied. */
export interface ServerMemory {
  /** A secret was given. */
  enrolled: boolean;
  /** The one that was given last, base64url: another in each enrolment, since nonces differ from boot to boot. */
  secret: string;
  /** How the deployment ended, as the device's check-ins prove it. */
  outcome: string | undefined;
  /** The trust version that the device reported last. */
  trustVersion: number;
}

export const newServerMemory = (): ServerMemory => ({
  enrolled: false,
  secret: "",
  outcome: undefined,
  trustVersion: 0,
});

/** What the server wants of the device. */
export interface Wishes {
  /** To run this image. */
  image?: CampaignImage;
  /** Offered in its place once the device says that it is installed, and has not been reset yet. */
  whenInstalled?: CampaignImage;
  /** The same of a trust record. */
  trustWhenInstalled?: Uint8Array;
  permit?: Uint8Array;
  /** Of a hostile server: it answers so much of what is fetched, and no more. */
  payloadChunksMax?: number;
  /** Pieces that come with a changed bit, so many times each: "0.0" is the table's first, "1.2" the payload's third. */
  spoils?: Map<string, number>;
  /** Chunks of the payload that are lost on the way, once each: a broker may drop what came at QoS 0. */
  losesOnce?: Set<number>;
  /** To take this trust record. */
  trustChain?: Uint8Array;
  trustVersion?: number;
  /** To connect to this address from now on; nobody answers there unless `isAlive`. */
  connection?: { host: string; port: number; isAlive: boolean };
}

/** Of the command that gives the address; 32 hex digits. */
export const COMMAND_ID = "c0".repeat(16);
const SET_CONNECTION = 2;

export interface DeviceIdentity {
  deviceId: string;
  claimSecret: Uint8Array;
}

/** Members of the device's messages that this server looks at (docs/protocol.md). */
interface Message {
  step: number;
  session: string;
  nonce: string;
  deviceNonce: string;
  publicKey: string;
  mac: string;
  waitMs?: number;
  command: string;
  code: number;
  state: string;
  part: number;
  first: number;
  count: number;
}

const encoder = new TextEncoder();
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

export class StoryServer implements WireServer {
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
  readonly #identity: DeviceIdentity;
  readonly #macs = new Map<string, string>();
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #commands = new Map<string, string>();
  #offers = new WeakMap<CampaignImage, string>();
  #enrolment = { nonce: "", serverNonce: "", publicKey: "" };
  #sessionSecret = "";
  #answer!: Answer;
  #deviceNonce = "";
  #isCommanded = false;
  /** A device enrols: it has no secret, or lost it. */
  onEnrol: () => void = () => {};
  /** Whatever the device says. */
  onMessage: (leaf: string, payload: Uint8Array) => void = () => {};

  constructor(identity: DeviceIdentity) {
    this.#identity = identity;
    this.wire = new MqttWire(this, topicPrefixOf(identity.deviceId));
  }

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

  connect(userName: string, password: string | undefined): number {
    this.#sessionSecret = password ?? "";
    if (userName === `enrol.${this.#identity.deviceId}`) return 0;
    return this.memory.enrolled && password === this.memory.secret ? 0 : 4;
  }

  message(leaf: string, payload: Uint8Array, answer: Answer): void {
    this.#answer = answer;
    this.onMessage(leaf, payload);
    const message = JSON.parse(
      Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("latin1"),
    ) as Message;
    switch (leaf) {
      case "enrol":
        this.onEnrol();
        return this.#enrol(message);
      case "hello":
        return this.#send("challenge", { session: message.session, nonce: nonceOf(1) });
      case "proof":
        this.#deviceNonce = message.deviceNonce;
        this.#isCommanded = false;
        return this.#send("challenge", {
          session: message.session,
          accepted: true,
          mac: this.#mac(contactMac, this.#sessionSecret, {
            deviceId: this.#identity.deviceId,
            session: message.session,
            deviceNonce: message.deviceNonce,
          }),
        });
      case "check-in": {
        this.lastCheckIn = message as unknown as CheckIn;
        this.memory = {
          ...this.memory,
          trustVersion: this.lastCheckIn.trust,
          outcome: this.memory.outcome ?? this.#outcome(this.lastCheckIn),
        };
        this.checkIns++;
        this.onCheckIn(this.lastCheckIn);
        const { trustChain, trustVersion = 0 } = this.wishes;
        // What was refused is not said twice in a run.
        if (trustChain && this.lastCheckIn.trust < trustVersion && !this.lastCheckIn.trustRefused)
          this.#answer("trust", trustChain, 1);
        this.#command(message.session, this.lastCheckIn);
        return answer(
          "offer",
          encoder.encode(`{"session":"${message.session}","pollMs":${POLL_MS}${this.#offer()}}`),
          1,
        );
      }
      case "state":
        this.putOffMs += message.waitMs ?? 0;
        this.lastDeploymentState = message.state;
        return this.#interfere(message);
      case "answer":
        this.answers.push(message.code);
        // One that was taken is proved by a check-in, one that was not by the answer.
        if (this.wishes.connection && !this.wishes.image && message.code !== 0)
          this.memory = { ...this.memory, outcome: this.memory.outcome ?? `refused ${message.code}` };
        return;
      case "fetch":
        return this.#fetch(Number(message.part), Number(message.first), Number(message.count));
    }
  }

  /** What comes in the half second between `installed` and the reset. */
  #interfere({ session, state }: Message): void {
    const { whenInstalled, trustWhenInstalled } = this.wishes;
    if (state !== "installed" && state !== "rebooting") return;
    if (whenInstalled || trustWhenInstalled) this.offersWhenInstalled++;
    if (whenInstalled)
      this.#answer(
        "offer",
        encoder.encode(`{"session":"${session}","pollMs":${POLL_MS}${this.#offer(whenInstalled)}}`),
        1,
      );
    if (trustWhenInstalled) this.#answer("trust", trustWhenInstalled, 1);
  }

  /** The command to connect elsewhere, once a session, until the device says what became of it. */
  #command(session: string, { connection }: CheckIn): void {
    const wanted = this.wishes.connection;
    if (
      !wanted ||
      this.#isCommanded ||
      connection?.command === COMMAND_ID ||
      (connection?.host === wanted.host && connection.port === wanted.port)
    )
      return;
    this.#isCommanded = true;
    const { deviceId } = this.#identity;
    const name = this.#deviceNonce + wanted.host + wanted.port;
    let command = this.#commands.get(name);
    if (command === undefined) {
      const bytes = signedCommand(keys.operations, {
        deviceId,
        deviceNonce: this.#deviceNonce,
        id: COMMAND_ID,
        number: 1,
        kind: SET_CONNECTION,
        host: wanted.host,
        port: wanted.port,
      });
      this.#commands.set(name, (command = base64url(bytes)));
    }
    this.#send("command", { session, command });
  }

  /** Says something out of turn, to a device that has said something. */
  say(leaf: string, payload: Uint8Array | string): void {
    this.#answer(leaf, typeof payload === "string" ? encoder.encode(payload) : payload, 1);
  }

  #send(leaf: string, content: object): void {
    this.#answer(leaf, encoder.encode(JSON.stringify(content)), 1);
  }

  #enrol(message: Message): void {
    const { deviceId, claimSecret } = this.#identity;
    const key = base64url(claimSecret);
    if (message.step === 1) {
      this.#enrolment = { nonce: message.nonce, serverNonce: nonceOf(2), publicKey: message.publicKey };
      const { nonce, serverNonce } = this.#enrolment;
      return this.#send("enrolled", {
        step: 1,
        nonce,
        serverNonce,
        mac: this.#mac(enrolServerMac, key, { deviceId, nonce, serverNonce }),
      });
    }
    const { nonce, serverNonce, publicKey } = this.#enrolment;
    const fields = { deviceId, nonce, serverNonce, publicKey };
    const ok = message.mac === this.#mac(enrolDeviceMac, key, fields);
    if (ok) this.memory = { ...this.memory, enrolled: true, secret: this.#mac(enrolledSecret, key, fields) };
    this.#send("enrolled", { step: 2, nonce, ok, ...(ok ? {} : { error: "mac-invalid" }) });
  }

  /** `key` and what comes of it as base64url. Remembered: runs ask for the same ones again and again. */
  #mac<Fields extends object>(
    over: (key: Uint8Array, fields: Fields) => Uint8Array,
    key: string,
    fields: Fields,
  ): string {
    const name = `${over.name} ${key} ${Object.values(fields).join(" ")}`;
    let mac = this.#macs.get(name);
    if (mac === undefined) this.#macs.set(name, (mac = base64url(over(Buffer.from(key, "base64url"), fields))));
    return mac;
  }

  static deploymentId(image: CampaignImage): string {
    return image.digest.slice(0, 20);
  }

  /**
   * Believed from what runs and what its slot says; a report alone proves only that the image will not be installed.
   */
  #outcome({ running, other, deployment, connection }: CheckIn): string | undefined {
    const { image, connection: wanted } = this.wishes;
    if (wanted && !image)
      return connection?.command !== COMMAND_ID
        ? undefined
        : connection.host === wanted.host
          ? "kept"
          : `dropped ${connection.code}`;
    if (!image) return undefined;
    if (running.digest === image.digest) return running.state === "confirmed" ? "confirmed" : undefined;
    if (other.digest === image.digest && other.state === "failed") return `rolled-back ${other.reason}`;
    if (
      deployment?.id === StoryServer.deploymentId(image) &&
      (deployment.state === "failed" || deployment.state === "rejected")
    )
      return `${deployment.state} ${deployment.code}`;
    return undefined;
  }

  /** Members of an offer, or nothing when the deployment is over. */
  #offer(image = this.wishes.image): string {
    const { permit } = this.wishes;
    if (!image || this.memory.outcome !== undefined) return "";
    let offer = this.#offers.get(image);
    if (offer === undefined) {
      const content = {
        deployment: StoryServer.deploymentId(image),
        attempt: DEPLOYMENT_ATTEMPT,
        sizeBytes: image.offeredBytes,
        deadlineMs: DEADLINE_MS,
        header: base64url(image.header),
        signatures: base64url(image.signatures),
        ...(permit ? { permit: base64url(permit) } : {}),
      };
      this.#offers.set(image, (offer = `,${JSON.stringify(content).slice(1, -1)}`));
    }
    return offer;
  }

  #isSpoilt(piece: string): boolean {
    const left = this.wishes.spoils?.get(piece) ?? 0;
    if (left > 0) this.wishes.spoils!.set(piece, left - 1);
    return left > 0;
  }

  #fetch(part: number, first: number, count: number): void {
    const { image, payloadChunksMax = Infinity, losesOnce } = this.wishes;
    if (!image) return;
    const [content, size] = part === 0 ? [image.table, TABLE_PIECE_BYTES] : [image.payload, image.chunkBytes];
    for (let i = first; i < first + count && i * size < content.length && (part === 0 || i < payloadChunksMax); i++) {
      if (part === 1 && losesOnce?.delete(i)) continue;
      const name = `${image.digest}${part} ${i}`;
      let chunk = this.#chunks.get(name);
      if (!chunk) {
        chunk = chunkMessage(
          { attempt: DEPLOYMENT_ATTEMPT, part, digest: image.digest, index: i },
          content.subarray(i * size, (i + 1) * size),
        );
        this.#chunks.set(name, chunk);
      }
      this.#answer(
        "chunk",
        this.#isSpoilt(`${part}.${i}`) ? chunk.with(chunk.length - 1, chunk.at(-1)! ^ 1) : chunk,
        0,
      );
    }
  }
}

const nonces = new Map<number, string>();

/** A server's random value that is the same each time. */
function nonceOf(purpose: number): string {
  let nonce = nonces.get(purpose);
  if (nonce === undefined)
    nonces.set(
      purpose,
      (nonce = createHash("sha256").update(`nonce ${purpose}`).digest().subarray(0, 16).toString("base64url")),
    );
  return nonce;
}
