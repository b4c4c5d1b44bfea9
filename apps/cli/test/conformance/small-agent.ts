// A small agent of docs/protocol.md, whose flash is a few variables, and which does one thing wrong if a test wants
// that. It shares nothing with the device's sources: the kit must take an agent that it was not written beside.

import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { connect, type Socket } from "node:net";
import { signingPrefixes } from "@flipside/image-format";
import { PacketType, type Packet } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from "@flipside/protocol/mqtt/write";
import type { Fault } from "./faults.ts";
import { commandCode, obey } from "./small-agent-commands.ts";
import { Update, type Json, type Trusted } from "./small-agent-update.ts";

const nonce = (): string => randomBytes(16).toString("base64url");
const constantNonce = Buffer.alloc(16, 7).toString("base64url");
const sha256 = (content: string): string => createHash("sha256").update(content).digest("hex");
const mac = (key: Buffer, ...fields: string[]): string =>
  createHmac("sha256", key).update(fields.join("\n")).digest("base64url");

const RECONNECT_MS = 20;
const REFUSED_MS = 1_500;
const OWN_PACE_MS = 40;

export interface SmallAgentOptions {
  deviceId: string;
  /** 32 bytes. */
  claimSecret: Buffer;
  port: number;
  trusted: Trusted;
  fault?: Fault | undefined;
}

export class SmallAgent {
  readonly id: string;
  readonly #key = randomBytes(32);
  readonly #publicKey: string;
  readonly #prefix: string;
  readonly update: Update;
  #socket: Socket | undefined;
  #timers = new Set<NodeJS.Timeout>();
  #isOff = false;
  #packetId = 0;
  #secret: Buffer | undefined;
  // Of a connection.
  #enrolment = { nonce: "", serverNonce: "" };
  #connectionId = "";
  #session = "";
  #deviceNonce = "";
  #isProven = false;
  #isSilent = false;
  #lastNumber = 0;
  #poll: NodeJS.Timeout | undefined;
  #saidOnce = false;
  boot = 1;
  /** In force. */
  configuration: Json | undefined;
  #sequence = 0;
  #bootReason = "power-on";

  constructor(readonly options: SmallAgentOptions) {
    this.id = options.deviceId;
    this.#prefix = `flipside/v1/${sha256(this.id).slice(0, 2)}/${this.id}/`;
    this.#publicKey = publicKeyOf(this.#key);
    this.update = new Update(this);
  }

  has(fault: Fault): boolean {
    return this.options.fault === fault;
  }

  start(): void {
    this.#open();
  }

  stop(): void {
    this.#isOff = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket?.destroy();
  }

  after(ms: number, what: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOff) what();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  // ---- MQTT --------------------------------------------------------------------------------------------------------

  #open(): void {
    const socket = connect(this.options.port, "127.0.0.1");
    this.#socket = socket;
    this.#isProven = false;
    this.#isSilent = false;
    this.#connectionId = this.has("begins each connection with one id") ? constantNonce : nonce();
    this.#session = "";
    const cutter = new PacketCutter();
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#poll) clearTimeout(this.#poll);
      this.update.lost();
      this.after(RECONNECT_MS, () => this.#open());
    });
    socket.on("data", (bytes) => cutter.take(bytes, (packet) => this.#take(packet)));
    const isEnrolled = this.#secret !== undefined;
    const userName = isEnrolled ? this.id : `enrol.${this.id}`;
    const password = this.has("connects with its claim secret") ? this.options.claimSecret : this.#secret;
    const will = {
      topic: `${this.#prefix}gone`,
      payload: Buffer.from(JSON.stringify({ session: this.#connectionId })),
      qos: 1 as const,
      isRetained: false,
    };
    socket.write(
      connectPacket({
        clientId: userName,
        isCleanSession: !this.has("keeps its MQTT session"),
        keepAliveS: 30,
        will: this.has("has no last will") ? undefined : will,
        userName,
        password: Buffer.from(isEnrolled ? password!.toString("base64url") : "enrol"),
      }),
    );
  }

  #take(packet: Packet): void {
    switch (packet.type) {
      case PacketType.Connack: {
        if (packet.bytes[packet.end - 1] !== 0) return void this.#socket!.destroy();
        const leaves = this.#secret ? ["challenge", "offer", "chunk", "trust", "command"] : ["enrolled"];
        const filters = leaves.map((leaf) => ({ filter: this.#prefix + leaf, qos: 1 as const }));
        if (this.has("subscribes to everything")) filters.push({ filter: "flipside/#", qos: 1 });
        this.#socket!.write(subscribePacket({ packetId: 1, filters }));
        return;
      }
      case PacketType.Suback:
        return this.#secret ? this.#hello() : this.#enrol();
      case PacketType.Publish: {
        const { topic, payload, qos, packetId, isRetained } = readPublish(packet);
        if (qos > 0) this.#socket!.write(pubackPacket(packetId));
        if (!isRetained || this.has("takes what is retained"))
          this.#message(topic.slice(this.#prefix.length), Buffer.from(payload));
      }
    }
  }

  publish(leaf: string, content: Json, qos: number): void {
    if (this.#isSilent) return;
    this.#packetId = (this.#packetId % 0xffff) + 1;
    const payload = JSON.stringify(content);
    this.#socket!.write(publishPacket(this.#prefix + leaf, payload, { qos, packetId: this.#packetId }));
  }

  /** In the session. */
  say(leaf: string, content: Json, qos = 1): void {
    if (this.#isProven) this.publish(leaf, { session: this.#session, ...content }, qos);
  }

  order(): { boot: number; sequence: number } {
    return { boot: this.boot, sequence: ++this.#sequence };
  }

  #message(leaf: string, payload: Buffer): void {
    if (leaf === "chunk") return this.update.chunk(payload);
    if (payload.length > 8192) {
      if (this.has("falls silent after a large message")) this.#isSilent = true;
      return;
    }
    let content: Json;
    try {
      content = JSON.parse(payload.toString()) as Json;
      if (typeof content !== "object" || content === null || Array.isArray(content)) throw new Error("no object");
    } catch {
      if (this.has("falls silent after what is no JSON")) this.#isSilent = true;
      return;
    }
    if (leaf === "enrolled") this.#enrolled(content);
    else if (leaf === "challenge") this.#challenge(content);
    else if (leaf === "offer") this.#offer(content);
    else if (leaf === "command") this.#command(content);
  }

  // ---- enrolment ---------------------------------------------------------------------------------------------------

  #enrol(): void {
    this.#enrolment = { nonce: this.has("enrols by one nonce for ever") ? constantNonce : nonce(), serverNonce: "" };
    const device = this.has("enrols under another id") ? "somebody-else" : this.id;
    this.publish("enrol", { step: 1, device, publicKey: this.#publicKey, nonce: this.#enrolment.nonce }, 1);
  }

  #enrolled(said: Json): void {
    const { claimSecret } = this.options;
    const isOurs = said["nonce"] === this.#enrolment.nonce;
    if (!isOurs && !this.has("takes an answer to any nonce")) return;
    if (said["ok"] === false) {
      if (this.has("gives up when refused")) return;
      this.after(this.has("asks again at once when refused") ? 0 : REFUSED_MS, () => this.#enrol());
      return;
    }
    const named = [this.id, String(said["nonce"])];
    if (said["step"] === 1) {
      const serverNonce = String(said["serverNonce"]);
      const holds = said["mac"] === mac(claimSecret, "flipside-enrol-server-v1", ...named, serverNonce);
      if (!holds && !this.has("believes any server MAC")) return;
      this.#enrolment.serverNonce = serverNonce;
      const label = this.has("proves its claim by a wrong MAC") ? "flipside-enrol-v1" : "flipside-enrol-device-v1";
      this.publish(
        "enrol",
        { step: 2, serverNonce, mac: mac(claimSecret, label, ...named, serverNonce, this.#publicKey) },
        1,
      );
    } else if (said["ok"] === true) {
      const { serverNonce } = this.#enrolment;
      const secret = mac(claimSecret, "flipside-enrol-secret-v1", ...named, serverNonce, this.#publicKey);
      this.#secret = Buffer.from(secret, "base64url");
      this.#socket!.destroy();
    }
  }

  // ---- session -----------------------------------------------------------------------------------------------------

  #hello(): void {
    const isFirst = this.#session === "";
    this.#isProven = false;
    this.#session = isFirst ? this.#connectionId : nonce();
    if (!isFirst && this.has("starts its sequence over")) this.#sequence = 0;
    const session = this.has("says hello without a session") ? "mine" : this.#session;
    const namesConnection = !isFirst && !this.has("does not name its connection");
    this.publish("hello", { session, ...(namesConnection ? { connection: this.#connectionId } : {}) }, 1);
  }

  #challenge(said: Json): void {
    const isOurs = said["session"] === this.#session;
    if (said["nonce"] !== undefined) {
      if (isOurs || this.has("answers any challenge")) this.#prove(String(said["nonce"]));
    } else if (said["accepted"] === false) {
      if (said["error"] !== "session-unknown" || this.has("keeps a session that is unknown")) return;
      if (isOurs || this.has("heeds a refusal of any session")) this.#hello();
    } else if (isOurs && !this.#isProven) {
      const expected = mac(this.#secret!, "flipside-contact-v1", this.id, this.#session, this.#deviceNonce);
      if (said["mac"] !== expected && !this.has("believes any contact MAC")) return;
      this.#isProven = true;
      this.#lastNumber = 0;
      if (!this.has("never checks in")) this.checkIn();
      this.say(
        "telemetry",
        { uptimeMs: 10, health: this.has("says a health that there is none of") ? "fine" : "healthy" },
        0,
      );
    }
  }

  #prove(serverNonce: string): void {
    this.#deviceNonce = this.has("proves by one device nonce") ? constantNonce : nonce();
    const fields = [this.id, this.#session, serverNonce, this.#deviceNonce].join("\n");
    const key = this.has("signs its session with another key") ? Buffer.alloc(32, 1) : this.#key;
    const signature = sign(null, Buffer.from(signingPrefixes.session + fields), privateKeyOf(key)).toString(
      "base64url",
    );
    this.publish("proof", { session: this.#session, nonce: serverNonce, deviceNonce: this.#deviceNonce, signature }, 1);
  }

  // ---- check-in, offer, command ------------------------------------------------------------------------------------

  checkIn(): void {
    this.say(
      "check-in",
      {
        ...this.order(),
        ...{ product: "small", hardware: "small-board", revision: 3, loader: 1, trust: 1 },
        ...{ bootReason: this.#bootReason, uptimeMs: 1, floor: 5, health: "healthy" },
        ...(this.has("does not say what it runs") ? {} : { running: this.update.running }),
        other: this.update.other,
        ...(this.has("does not say how large a slot is") ? {} : { slotBytes: 4_194_304 }),
        connection: { host: "127.0.0.1", port: this.options.port },
        ...this.update.said(),
        ...(this.configuration ? { configuration: this.configuration } : {}),
      },
      this.has("checks in at QoS 0") ? 0 : 1,
    );
  }

  #offer(said: Json): void {
    if (said["session"] !== this.#session && !this.has("takes offers of any session")) return;
    const known = [
      "session",
      "pollMs",
      "deployment",
      "attempt",
      "sizeBytes",
      "header",
      "signatures",
      "permit",
      "deadlineMs",
    ];
    const isUnknown = Object.keys(said).some((member) => !known.includes(member));
    if (isUnknown && this.has("refuses members that it does not know")) return;
    if (typeof said["session"] !== "string") return;
    if (this.#poll) clearTimeout(this.#poll);
    const pollMs = this.has("polls at a pace of its own") ? OWN_PACE_MS : Number(said["pollMs"]);
    if (!this.has("checks in once")) this.#poll = this.after(pollMs, () => this.checkIn());
    void this.update.offer(said);
  }

  #command(said: Json): void {
    if (said["session"] !== this.#session) return;
    const bytes = Buffer.from(String(said["command"]), "base64url");
    const document = Buffer.from(String(said["document"] ?? ""), "base64url");
    const { code, id, number } = commandCode(this, bytes, document, {
      deviceNonce: Buffer.from(this.#deviceNonce, "base64url"),
      lastNumber: this.#lastNumber,
    });
    if (number !== undefined) this.#lastNumber = number;
    this.say("answer", { command: id, code });
    if (code !== 0 || this.has("does not do what it accepted")) return;
    if (this.has("sends a packet that is none") && !this.#saidOnce) {
      this.#saidOnce = true;
      this.#socket!.write(Uint8Array.of(PacketType.Subscribe << 4, 2, 0, 1));
    }
    obey(this, bytes);
  }

  restartSoon(bootReason: string): void {
    this.after(RECONNECT_MS, () => this.restart(bootReason));
  }

  restart(bootReason: string): void {
    this.boot++;
    this.#sequence = 0;
    this.#bootReason = bootReason;
    this.#socket!.destroy();
  }
}

function privateKeyOf(seed: Buffer) {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
}

function publicKeyOf(seed: Buffer): string {
  return createPublicKey(privateKeyOf(seed))
    .export({ format: "der", type: "spki" })
    .subarray(-32)
    .toString("base64url");
}
