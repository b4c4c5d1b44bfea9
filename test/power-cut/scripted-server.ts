// The least server that a device can be updated by: MQTT 3.1.1 and docs/protocol.md in memory, on a clock that the test
// moves (or, by tcp-front.ts, on a port and the machine's). It keeps to what a device may see of the real one, and does
// everything at once and in the same order each time.

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { HostClock } from "@flipside/machine/clock";
import type { Connect } from "@flipside/machine/node/streams";
import { chunkMessage } from "@flipside/protocol/chunk-message";
import { contactMac, enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import type { CheckIn as AnyCheckIn } from "@flipside/protocol/messages";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readConnect, readPublish, readSubscribe } from "@flipside/protocol/mqtt/read";
import {
  connackPacket,
  ConnectReturn,
  emptyPacket,
  pubackPacket,
  publishPacket,
  subackPacket,
} from "@flipside/protocol/mqtt/write";
import { type ServerLeaf, topicOf } from "@flipside/protocol/topics";
import type { UpdateImage } from "./images.ts";

const WIRE_US = 1_000;
const POLL_MS = 1_000;
const DEADLINE_MS = 3_600_000;
const TABLE_PIECE_BYTES = 4096;

/** Older agents left out the server that they are connected to; those that this server is for do not. */
export type CheckIn = AnyCheckIn & Required<Pick<AnyCheckIn, "connection">>;

/** Where a connection's answers go. */
export interface ToDevice {
  toDevice(bytes: Uint8Array): void;
}

type Json = Record<string, unknown>;

export interface Session {
  id: string;
  deviceNonce: string;
  nonce: string;
  serverNonce: string;
  /** That the device connected with. */
  secret: string;
}

/** One connection; stands for a socket where a device's host needs one (packages/machine/node/streams.ts). */
class Wire extends EventEmitter {
  readonly writableLength = 0;
  isDown = false;

  constructor(
    readonly clock: HostClock,
    readonly toServer: (bytes: Buffer) => void,
  ) {
    super();
  }

  write(bytes: Uint8Array): boolean {
    this.clock.after(WIRE_US, () => this.isDown || this.toServer(Buffer.from(bytes)));
    return true;
  }

  toDevice(bytes: Uint8Array): void {
    this.clock.after(WIRE_US, () => this.isDown || this.emit("data", Buffer.from(bytes)));
  }

  end(): void {
    this.destroy();
    this.emit("close");
  }

  destroy(): void {
    this.isDown = true;
  }

  pause(): void {}
  resume(): void {}
  isPaused(): boolean {
    return false;
  }
}

export class ScriptedServer {
  /** What the device shall run; undefined: it may stay as it is. */
  deployment: { id: string; attempt: number; image: UpdateImage } | undefined;
  /** Sent after each check-in that says a lower version. */
  trust: { version: number; chain: Uint8Array } | undefined;
  lastCheckIn: CheckIn | undefined;
  pollMs = POLL_MS;
  onCheckIn: (checkIn: CheckIn) => void = () => {};
  /** After the offer that answers a check-in: what else is said in the session. `send` takes a command's bytes. */
  afterCheckIn: (checkIn: CheckIn, session: Session, send: (command: Uint8Array) => void) => void = () => {};
  /** What devices answered to commands, oldest first. */
  readonly answers: { command: string; code: number }[] = [];
  /** Under which addresses anybody listens. */
  listens: (host: string, port: number) => boolean = () => true;
  #packetId = 0;
  #newestWire: Wire | undefined;

  /** `secrets`: what enrolment gave, base64url; a device whose answer was lost may hold an earlier one. */
  constructor(
    readonly clock: HostClock,
    readonly random: SeededRandom,
    readonly device: { id: string; claimSecret: Uint8Array },
    readonly secrets: string[] = [],
  ) {}

  readonly connect: Connect = (host, port) => {
    let receive: (bytes: Buffer) => void = () => {};
    const wire = new Wire(this.clock, (bytes) => receive(bytes));
    receive = this.serve(wire);
    this.#newestWire = wire;
    this.clock.after(WIRE_US, () => wire.isDown || wire.emit(this.listens(host, port) ? "connect" : "close"));
    return wire as unknown as Duplex;
  };

  /** Ends the device's connection. */
  hangUp(): void {
    this.#newestWire?.end();
  }

  /**
   * A connection from its begin: returns what takes the bytes that the device sends. That throws at bytes that are no
   * MQTT.
   */
  serve(wire: ToDevice): (bytes: Buffer) => void {
    const fromDevice = new PacketCutter();
    const session: Session = { id: "", deviceNonce: "", nonce: "", serverNonce: "", secret: "" };
    return (bytes) => fromDevice.take(bytes, (packet) => this.#packet(wire, session, packet));
  }

  #packet(wire: ToDevice, session: Session, packet: Packet): void {
    switch (packet.type) {
      case PacketType.Connect:
        return wire.toDevice(connackPacket(this.#connect(session, packet)));
      case PacketType.Subscribe: {
        const { packetId, filters } = readSubscribe(packet);
        return wire.toDevice(
          subackPacket(
            packetId,
            filters.map(() => 1),
          ),
        );
      }
      case PacketType.Pingreq:
        return wire.toDevice(emptyPacket(PacketType.Pingresp));
      case PacketType.Publish:
        return this.#published(wire, session, packet);
    }
  }

  #connect(session: Session, packet: Packet): ConnectReturn {
    const { userName, password } = readConnect(packet);
    session.secret = password === undefined ? "" : String(Buffer.from(password));
    const isEnrolling = userName === `enrol.${this.device.id}`;
    const isKnown = password !== undefined && this.secrets.includes(session.secret);
    return isEnrolling || isKnown ? ConnectReturn.Accepted : ConnectReturn.UserNameOrPassword;
  }

  #published(wire: ToDevice, session: Session, packet: Packet): void {
    const { topic, payload, qos, packetId } = readPublish(packet);
    if (qos > 0) wire.toDevice(pubackPacket(packetId));
    const leaf = topic.slice(topic.lastIndexOf("/") + 1);
    const message = JSON.parse(Buffer.from(payload).toString()) as Json;
    this.#message(leaf, message, session, (answerLeaf, content) => {
      this.#packetId = (this.#packetId % 0xffff) + 1;
      const isBinary = content instanceof Uint8Array;
      const payload = isBinary ? content : JSON.stringify(content);
      const options = { qos: isBinary ? 0 : 1, packetId: this.#packetId };
      wire.toDevice(publishPacket(topicOf(this.device.id, answerLeaf), payload, options));
    });
  }

  #message(
    leaf: string,
    message: Json,
    session: Session,
    answer: (leaf: ServerLeaf, content: Json | Uint8Array) => void,
  ): void {
    const text = (name: string): string => String(message[name]);
    const { id, claimSecret } = this.device;
    switch (leaf) {
      case "enrol": {
        if (message["step"] === 1) {
          Object.assign(session, { nonce: text("nonce"), serverNonce: this.#nonce(), id: text("publicKey") });
          const { nonce, serverNonce } = session;
          const mac = base64url(enrolServerMac(claimSecret, { deviceId: id, nonce, serverNonce }));
          return answer("enrolled", { step: 1, nonce, serverNonce, mac });
        }
        const fields = { deviceId: id, nonce: session.nonce, serverNonce: session.serverNonce, publicKey: session.id };
        const ok = text("mac") === base64url(enrolDeviceMac(claimSecret, fields));
        if (ok) this.secrets.push(base64url(enrolledSecret(claimSecret, fields)));
        return answer("enrolled", { step: 2, nonce: session.nonce, ok, ...(ok ? {} : { error: "mac-invalid" }) });
      }
      case "hello":
        session.id = text("session");
        return answer("challenge", { session: session.id, nonce: this.#nonce() });
      case "proof":
        session.deviceNonce = text("deviceNonce");
        return answer("challenge", { session: session.id, accepted: true, mac: this.#contactMac(session) });
      case "check-in":
        this.lastCheckIn = message as unknown as CheckIn;
        this.onCheckIn(this.lastCheckIn);
        if (this.trust && this.lastCheckIn.trust < this.trust.version) answer("trust", Buffer.from(this.trust.chain));
        answer("offer", { session: session.id, pollMs: this.pollMs, ...this.#offer() });
        return this.afterCheckIn(this.lastCheckIn, session, (command) =>
          answer("command", { session: session.id, command: Buffer.from(command).toString("base64url") }),
        );
      case "answer":
        this.answers.push({ command: text("command"), code: Number(message["code"]) });
        return;
      case "fetch":
        for (const chunk of this.#chunks(message)) answer("chunk", chunk);
    }
  }

  #contactMac({ id, secret, deviceNonce }: Session): string {
    return base64url(
      contactMac(Buffer.from(secret, "base64url"), { deviceId: this.device.id, session: id, deviceNonce }),
    );
  }

  /** How the deployment ended, as the device's check-ins prove it; undefined while it has not. */
  get outcome(): string | undefined {
    const { deployment, lastCheckIn } = this;
    if (!deployment || !lastCheckIn) return undefined;
    const { running, other } = lastCheckIn;
    if (running.digest === deployment.image.digest) return running.state === "confirmed" ? "confirmed" : undefined;
    if (other.digest === deployment.image.digest && other.state === "failed") return "rolled-back";
    const told = lastCheckIn.deployment;
    if (told?.id === deployment.id && ["failed", "rejected"].includes(told.state))
      return `${told.state} with code ${told.code}`;
    return undefined;
  }

  #offer(): Json {
    const { deployment } = this;
    if (!deployment || this.outcome !== undefined) return {};
    const { image } = deployment;
    return {
      deployment: deployment.id,
      attempt: deployment.attempt,
      sizeBytes: image.file.length,
      deadlineMs: DEADLINE_MS,
      header: base64url(image.header),
      signatures: base64url(image.signatures),
    };
  }

  *#chunks({ attempt, part, first, count }: Json): Generator<Uint8Array> {
    const image = this.deployment!.image;
    const [content, size] = part === 0 ? [image.table, TABLE_PIECE_BYTES] : [image.payload, image.chunkBytes];
    for (let i = Number(first); i < Number(first) + Number(count) && i * size < content.length; i++) {
      const name = { attempt: Number(attempt), part: Number(part), digest: image.digest, index: i };
      yield chunkMessage(name, content.subarray(i * size, (i + 1) * size));
    }
  }

  #nonce(): string {
    const bytes = new Uint8Array(16).map(() => this.random.below(256));
    return Buffer.from(bytes).toString("base64url");
  }
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
