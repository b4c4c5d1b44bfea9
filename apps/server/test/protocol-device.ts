// A second protocol, apart from packages/protocol on purpose: its topics, MACs and messages are written from
// docs/protocol.md, its MQTT is the library mqtt's, so that it judges what the server and that package say. A scripted
// device over real MQTT that keeps its "flash" in memory and does what a test tells it to.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { sign, type SigningKey } from "@flipside/image-format";
import { connectAsync, type MqttClient } from "mqtt";

type Json = Record<string, unknown>;

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const fromBase64Url = (text: unknown): Buffer => Buffer.from(String(text), "base64url");
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const mac = (key: Uint8Array, ...fields: string[]): string =>
  createHmac("sha256", key).update(fields.join("\n")).digest("base64url");

export const prefixOf = (id: string): string => `flipside/v1/${sha256(id).slice(0, 2)}/${id}`;

const waitMsMax = 10_000;

export interface Offer extends Json {
  session: string;
  pollMs: number;
  deployment?: string;
  attempt?: number;
  sizeBytes?: number;
  header?: string;
  signatures?: string;
}

/** The server does not know the session that the device is in. */
export class SessionUnknown extends Error {}

export class ProtocolDevice {
  readonly id: string;
  readonly claimSecret: Buffer;
  readonly key: SigningKey;
  /** Where to connect; a restarted server may have another port. */
  mqttUrl: string;
  /** Where that is mqtts. */
  tls: { ca?: Uint8Array } = {};
  secret: Buffer | undefined;
  client: MqttClient | undefined;
  session = "";
  /** Id of the connection's first session, which the last will names. */
  connectionId = "";
  #isFirstSession = true;
  boot = 1;
  sequence = 0;
  product = "flipside-demo";
  hardware = "virtual";
  revision = 1;
  health = "healthy";
  bootReason = "power-on";
  running: Json = {
    slot: "a",
    digest: sha256("factory image"),
    version: "1.0.0",
    releaseSequence: 1,
    state: "confirmed",
    reason: 0,
  };
  other: Json = { slot: "b", state: "empty", reason: 0 };
  deployment: Json | undefined;
  /** As check-ins say it. */
  connection: Json = { host: "factory.example", port: 1883 };
  /** base64url, of the last proof. */
  deviceNonce = "";
  /** Version of its trust record. */
  trust = 1;
  /** SHA-256 of its chain; undefined: it is an older agent, that does not say. */
  trustDigest: string | undefined;
  entropy: string | undefined;
  trustRefused: { version: number; code: number } | undefined;
  releaseState: Json | undefined;
  /** Digests in hex; undefined: it is an older agent, that measures nothing. */
  measured: { loader: string; trust: string; image: string; boot: number } | undefined;
  attributes: Json | undefined;
  configuration: Json | undefined;
  configurationRefused: Json | undefined;
  /** Trust chains heard, oldest first. */
  trustChains: Buffer[] = [];
  /** Chunk messages heard, oldest first. */
  chunks: Buffer[] = [];

  /** Waits end with SessionUnknown when the server says that, as an agent begins a new session then. */
  heedsUnknownSession = false;

  #heard: { leaf: string; message: Json }[] = [];
  #waiters: (() => void)[] = [];

  constructor(id: string, key: SigningKey, mqttUrl: string, claimSecret: Buffer = randomBytes(32)) {
    this.id = id;
    this.key = key;
    this.mqttUrl = mqttUrl;
    this.claimSecret = claimSecret;
  }

  get claim(): { deviceId: string; secret: string } {
    return { deviceId: this.id, secret: base64Url(this.claimSecret) };
  }

  topic(leaf: string): string {
    return `${prefixOf(this.id)}/${leaf}`;
  }

  async open(username: string, password: string | undefined, leaves: string[]): Promise<MqttClient> {
    this.connectionId = base64Url(randomBytes(16));
    this.#isFirstSession = true;
    const client = await connectAsync(
      this.mqttUrl,
      {
        protocolVersion: 4,
        clientId: username || this.id,
        username,
        ...(password === undefined ? {} : { password }),
        clean: true,
        keepalive: 30,
        reconnectPeriod: 0,
        connectTimeout: waitMsMax,
        ...(this.tls as { ca?: Buffer }),
        will: {
          topic: this.topic("gone"),
          payload: Buffer.from(JSON.stringify({ session: this.connectionId })),
          qos: 1,
          retain: false,
        },
      },
      false,
    );
    client.on("error", () => {});
    client.on("message", (topic, payload) => {
      const leaf = topic.slice(topic.lastIndexOf("/") + 1);
      if (leaf === "chunk") this.chunks.push(payload);
      else if (leaf === "trust") this.trustChains.push(payload);
      else this.#heard.push({ leaf, message: JSON.parse(payload.toString()) as Json });
      for (const waiter of this.#waiters.splice(0)) waiter();
    });
    client.on("close", () => {
      for (const waiter of this.#waiters.splice(0)) waiter();
    });
    await client.subscribeAsync(
      leaves.map((leaf) => this.topic(leaf)),
      { qos: 1 },
    );
    return client;
  }

  /** Waits until `condition` gives something; it is asked after every message. */
  async until<T>(what: string, condition: () => T | undefined): Promise<T> {
    const deadline = Date.now() + waitMsMax;
    for (;;) {
      const value = condition();
      if (value !== undefined) return value;
      if (this.heedsUnknownSession && this.#isUnknown()) throw new SessionUnknown(`${this.id}: session unknown`);
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(
          `${this.id}: ${what} did not come; heard ${JSON.stringify(this.#heard.slice(-5)).slice(0, 600)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #isUnknown(): boolean {
    return this.#heard.some(
      ({ leaf, message }) =>
        leaf === "challenge" && message["error"] === "session-unknown" && message["session"] === this.session,
    );
  }

  /** Takes the first message on `leaf` that fits, out of those heard and not taken yet. */
  take(leaf: string, fits: (message: Json) => boolean = () => true): Promise<Json> {
    return this.until(`a message on ${leaf}`, () => {
      const at = this.#heard.findIndex((entry) => entry.leaf === leaf && fits(entry.message));
      return at < 0 ? undefined : this.#heard.splice(at, 1)[0]!.message;
    });
  }

  /** Forgets what was heard so far. */
  forget(): void {
    this.#heard = [];
    this.chunks = [];
  }

  heard(leaf: string): Json[] {
    return this.#heard.filter((entry) => entry.leaf === leaf).map((entry) => entry.message);
  }

  publish(leaf: string, message: Json | string | Buffer, qos: 0 | 1 = 1): Promise<unknown> {
    const payload = typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    return this.client!.publishAsync(this.topic(leaf), payload, { qos });
  }

  /** A message of the session, with the next sequence number. */
  say(leaf: string, message: Json, qos: 0 | 1 = 1): Promise<unknown> {
    return this.publish(leaf, { session: this.session, ...message }, qos);
  }

  order(): { boot: number; sequence: number } {
    return { boot: this.boot, sequence: ++this.sequence };
  }

  /**
   * Enrolment, all four steps. Returns the last answer; with `loseLast` the device behaves as if it had not heard it.
   */
  async enrol(more: { loseLast?: boolean; claimSecret?: Buffer } = {}): Promise<Json> {
    const claimSecret = more.claimSecret ?? this.claimSecret;
    const client = await this.open(`enrol.${this.id}`, "enrol", ["enrolled"]);
    this.client = client;
    try {
      const publicKey = base64Url(this.key.publicKey);
      const nonce = base64Url(randomBytes(16));
      await this.publish("enrol", { step: 1, device: this.id, publicKey, nonce });
      const first = await this.take("enrolled", (m) => m["step"] === 1 && m["nonce"] === nonce);
      if (first["ok"] === false) return first;
      const serverNonce = String(first["serverNonce"]);
      if (
        claimSecret === this.claimSecret &&
        first["mac"] !== mac(claimSecret, "flipside-enrol-server-v1", this.id, nonce, serverNonce)
      ) {
        throw new Error("the server did not prove the claim");
      }
      await this.publish("enrol", {
        step: 2,
        serverNonce,
        mac: mac(claimSecret, "flipside-enrol-device-v1", this.id, nonce, serverNonce, publicKey),
      });
      const second = await this.take("enrolled", (m) => m["step"] === 2 && m["nonce"] === nonce);
      if (second["ok"] === true && !more.loseLast) {
        this.secret = Buffer.from(
          mac(claimSecret, "flipside-enrol-secret-v1", this.id, nonce, serverNonce, publicKey),
          "base64url",
        );
      }
      return second;
    } finally {
      await client.endAsync(true);
      this.client = undefined;
    }
  }

  /** The first half of an enrolment; what is returned sends the second half, whenever it is called. */
  async enrolmentUntilProof(): Promise<() => Promise<Json>> {
    const client = (this.client = await this.open(`enrol.${this.id}`, "enrol", ["enrolled"]));
    const publicKey = base64Url(this.key.publicKey);
    const nonce = base64Url(randomBytes(16));
    await this.publish("enrol", { step: 1, device: this.id, publicKey, nonce });
    const serverNonce = String((await this.take("enrolled", (m) => m["nonce"] === nonce))["serverNonce"]);
    await client.endAsync(true);
    return async () => {
      const again = (this.client = await this.open(`enrol.${this.id}`, "enrol", ["enrolled"]));
      await this.publish("enrol", {
        step: 2,
        serverNonce,
        mac: mac(this.claimSecret, "flipside-enrol-device-v1", this.id, nonce, serverNonce, publicKey),
      });
      const answer = await this.take("enrolled", (m) => m["step"] === 2);
      await again.endAsync(true);
      return answer;
    };
  }

  async connect(): Promise<void> {
    this.forget();
    this.client = await this.open(this.id, base64Url(this.secret!), [
      "challenge",
      "offer",
      "chunk",
      "trust",
      "command",
    ]);
  }

  /** A session, proven on both sides. */
  async prove(): Promise<void> {
    const { answer, deviceNonce } = await this.tryToProve();
    if (answer["accepted"] !== true) throw new Error(`session refused: ${JSON.stringify(answer)}`);
    if (answer["mac"] !== mac(this.secret!, "flipside-contact-v1", this.id, this.session, deviceNonce))
      throw new Error("the server did not prove itself");
  }

  /** Says hello with the connection's own session, or with a later one of the same connection. */
  async hello(): Promise<void> {
    this.session = this.#isFirstSession ? this.connectionId : base64Url(randomBytes(16));
    await this.publish("hello", {
      session: this.session,
      ...(this.#isFirstSession ? {} : { connection: this.connectionId }),
    });
    this.#isFirstSession = false;
  }

  async tryToProve(key: SigningKey = this.key): Promise<{ answer: Json; deviceNonce: string; proof: Json }> {
    const proof = await this.challenged(key);
    if (proof["accepted"] === false) return { answer: proof, deviceNonce: "", proof: {} };
    await this.publish("proof", proof);
    return {
      answer: await this.take("challenge", (m) => m["session"] === this.session),
      deviceNonce: this.deviceNonce,
      proof,
    };
  }

  async #signedMeasurement(nonce: string, key: SigningKey): Promise<Json> {
    const { loader, trust, image, boot } = this.measured!;
    const bootBytes = Buffer.alloc(4);
    bootBytes.writeUInt32LE(boot);
    const measured = Buffer.concat([...[loader, trust, image].map((digest) => Buffer.from(digest, "hex")), bootBytes]);
    const proven = Buffer.from(`${this.id}\n${this.session}\n${nonce}\n${this.deviceNonce}\n`);
    const signature = await sign(key.privateJwk, "measured", Buffer.concat([proven, measured]));
    return { measured: base64Url(measured), measuredSignature: base64Url(signature) };
  }

  /** Says hello, and returns the proof that answers the challenge without sending it; or the refusal. */
  async challenged(key: SigningKey = this.key): Promise<Json> {
    await this.hello();
    const challenge = await this.take("challenge", (m) => m["session"] === this.session);
    if (challenge["accepted"] === false) return challenge;
    const nonce = String(challenge["nonce"]);
    this.deviceNonce = base64Url(randomBytes(16));
    const signature = await sign(
      key.privateJwk,
      "session",
      Buffer.from(`${this.id}\n${this.session}\n${nonce}\n${this.deviceNonce}`),
    );
    const proof = { session: this.session, nonce, deviceNonce: this.deviceNonce, signature: base64Url(signature) };
    return this.measured === undefined ? proof : { ...proof, ...(await this.#signedMeasurement(nonce, key)) };
  }

  checkInContent(): Json {
    return {
      session: this.session,
      ...this.order(),
      product: this.product,
      hardware: this.hardware,
      revision: this.revision,
      loader: 1,
      trust: this.trust,
      ...(this.trustDigest === undefined ? {} : { trustDigest: this.trustDigest }),
      ...(this.entropy === undefined ? {} : { entropy: this.entropy }),
      ...(this.trustRefused === undefined ? {} : { trustRefused: this.trustRefused }),
      ...(this.releaseState === undefined ? {} : { releaseState: this.releaseState }),
      bootReason: this.bootReason,
      uptimeMs: 5200,
      floor: 1,
      health: this.health,
      running: this.running,
      other: this.other,
      slotBytes: 4194304,
      ...(this.attributes === undefined ? {} : { attributes: this.attributes }),
      connection: this.connection,
      ...(this.configuration === undefined ? {} : { configuration: this.configuration }),
      ...(this.configurationRefused === undefined ? {} : { configurationRefused: this.configurationRefused }),
      ...(this.deployment === undefined ? {} : { deployment: this.taken() }),
    };
  }

  /**
   * What it says of its deployment. Without an id the server would not read it, and a test that goes on would try
   * something else than it says.
   */
  private taken(): Json {
    if (this.deployment?.["id"] === undefined) throw new Error(`${this.id} tells of a deployment that it never took`);
    return this.deployment;
  }

  /** Checks in and returns the answer. */
  async checkIn(): Promise<Offer> {
    for (const offer of this.heard("offer")) await this.take("offer", (m) => m === offer);
    await this.publish("check-in", this.checkInContent());
    return (await this.take("offer", (m) => m["session"] === this.session)) as Offer;
  }

  /** An offer that names a deployment, whether it answers a check-in or comes by itself. */
  async offered(): Promise<
    Required<Pick<Offer, "deployment" | "attempt" | "header" | "signatures" | "sizeBytes">> & Offer
  > {
    return (await this.take("offer", (m) => m["deployment"] !== undefined)) as never;
  }

  async report(state: string, more: Json = {}): Promise<void> {
    this.deployment = { ...this.taken(), state, code: more["code"] ?? 0 };
    await this.say("state", {
      deployment: this.deployment["id"],
      attempt: this.deployment["attempt"],
      ...this.order(),
      state,
      done: 0,
      total: 0,
      code: 0,
      ...more,
    });
  }

  take1(deployment: string, attempt: number): void {
    this.deployment = { id: deployment, attempt, state: "offered", code: 0 };
  }

  /** Fetches one part in windows, asking again for what does not come. */
  async fetchPart(offer: Offer, part: 0 | 1, pieces: number): Promise<Buffer> {
    const digest = sha256(fromBase64Url(offer.header));
    const got = new Map<number, Buffer>();
    while (got.size < pieces) {
      const first = Array.from({ length: pieces }, (_, i) => i).find((i) => !got.has(i))!;
      this.chunks = [];
      const count = Math.min(8, pieces - first);
      await this.say("fetch", { deployment: offer.deployment, attempt: offer.attempt, part, first, count }, 0);
      await this.until(`chunks ${first}..${first + count - 1} of part ${part}`, () =>
        this.chunks.length >= count ? true : undefined,
      );
      for (const message of this.chunks) {
        if (message.toString("latin1", 0, 4) !== "FSCH") throw new Error("no chunk message");
        if (message.readUInt32LE(4) !== offer.attempt || message[8] !== part) continue;
        if (message.toString("hex", 9, 12) !== digest.slice(0, 6)) throw new Error("a chunk of another image");
        got.set(message.readUInt32LE(12), message.subarray(16));
      }
    }
    return Buffer.concat(Array.from({ length: pieces }, (_, i) => got.get(i)!));
  }

  /**
   * Downloads what is offered and verifies every hash; the whole file's length too. Returns header digest and version.
   */
  async download(offer: Offer): Promise<{ digest: string; payload: Buffer; sizeBytes: number }> {
    const header = fromBase64Url(offer.header);
    // The payload field (docs/image-format.md): type 0x8009, then payload bytes, chunk bytes, chunk count, table
    // digest.
    const fields = new Map<number, Buffer>();
    for (let at = 8; at < header.length; ) {
      const length = header.readUInt16LE(at + 2);
      fields.set(header.readUInt16LE(at), header.subarray(at + 4, at + 4 + length));
      at += 4 + length + (-length & 3);
    }
    const payloadField = fields.get(0x8009)!;
    const [payloadBytes, chunkBytes, chunkCount] = [0, 4, 8].map((at) => payloadField.readUInt32LE(at)) as [
      number,
      number,
      number,
    ];
    const table = await this.fetchPart(offer, 0, Math.ceil((chunkCount * 32) / 4096));
    if (sha256(table) !== payloadField.toString("hex", 12, 44)) throw new Error("chunk-table-mismatch");
    const payload = await this.fetchPart(offer, 1, chunkCount);
    if (payload.length !== payloadBytes) throw new Error(`payload has ${payload.length} of ${payloadBytes} bytes`);
    for (let i = 0; i < chunkCount; i++) {
      if (sha256(payload.subarray(i * chunkBytes, (i + 1) * chunkBytes)) !== table.toString("hex", i * 32, i * 32 + 32))
        throw new Error(`chunk-mismatch ${i}`);
    }
    const sizeBytes = header.length + fromBase64Url(offer.signatures).length + table.length + payload.length;
    return { digest: sha256(header), payload, sizeBytes };
  }

  /** The whole of an update, as far as `installed`. */
  async install(offer: Offer): Promise<string> {
    this.take1(offer.deployment!, offer.attempt!);
    await this.report("downloading", { done: 0, total: 1 });
    const { digest } = await this.download(offer);
    await this.report("verifying");
    await this.report("installed");
    this.other = { slot: this.running["slot"] === "a" ? "b" : "a", digest, state: "candidate", reason: 0 };
    return digest;
  }

  /** Starts the other slot's image; it is confirmed when `good`, else rolled back with code 70 (crashed). */
  reboot(good: boolean, version = "1.1.0", releaseSequence = 2): void {
    this.boot++;
    this.sequence = 0;
    const candidate = this.other;
    if (good) {
      this.other = { slot: this.running["slot"], digest: this.running["digest"], state: "confirmed", reason: 0 };
      this.running = {
        slot: candidate["slot"],
        digest: candidate["digest"],
        version,
        releaseSequence,
        state: "confirmed",
        reason: 0,
      };
      this.bootReason = "update";
      if (this.deployment) this.deployment = { ...this.deployment, state: "confirmed", code: 0 };
    } else {
      this.other = { slot: candidate["slot"], digest: candidate["digest"], state: "failed", reason: 70 };
      this.bootReason = "roll-back";
      if (this.deployment) this.deployment = { ...this.deployment, state: "rolled-back", code: 70 };
    }
  }

  /** Starts the other slot's image, as a command has told it; the one that it leaves stays confirmed. */
  rollBack(version: string, releaseSequence: number): void {
    this.boot++;
    this.sequence = 0;
    const { running, other } = this;
    this.running = { slot: other["slot"], digest: other["digest"], version, releaseSequence, state: "confirmed" };
    this.other = { slot: running["slot"], digest: running["digest"], state: "confirmed", reason: 99 };
    this.bootReason = "roll-back";
    if (this.deployment) this.deployment = { ...this.deployment, state: "rolled-back", code: 99 };
  }

  /** Cuts the connection without a word, as a power cut does. */
  cut(): void {
    this.client?.stream.destroy();
    this.client = undefined;
  }

  async close(): Promise<void> {
    await this.client?.endAsync(true).catch(() => {});
    this.client = undefined;
  }
}
