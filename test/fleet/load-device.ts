// A device as far as the server can tell (docs/protocol.md): it enrols, proves its sessions with a key of its own,
// checks in, takes an update, resets and says that it is confirmed. Flash, trial and app are not there, and what it is
// sent is compared with the image that was uploaded, byte by byte, in place of hashes and signatures: it is made to be
// cheap.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  CHUNK_PART_PAYLOAD,
  CHUNK_PART_TABLE,
  CHUNK_TABLE_PIECE_BYTES,
  chunkTableBytes,
  readHeader,
  signingPrefixes,
} from "@flipside/image-format";
import { readChunk } from "@flipside/protocol/chunk-message";
import { contactMac, enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import { base64url } from "@flipside/protocol/server-messages";
import { ENROL_PASSWORD, type DeviceLeaf, topicPrefixOf } from "@flipside/protocol/topics";
import { ChunkWindow } from "./chunk-window.ts";
import { Flood, type FloodKind } from "./flood.ts";
import { KEEP_ALIVE_S, MqttConnection } from "./mqtt-connection.ts";

type Json = Record<string, unknown>;

/** A connection on which no session is proven for so long is of no use (docs/protocol.md). */
const PROOF_MS_MAX = 45_000;
const BACK_OFF_MS_MIN = 250;
const BACK_OFF_MS_MAX = 30_000;
/** From the reset to the next connection: half of it at least, as real starts differ. */
const RESET_MS = 1_000;
const FAREWELL_MS = 500;
const PROGRESS_CHUNKS = 16;
const POLL_MS_AT_FIRST = 3_000;
const FACTORY_DIGEST = createHash("sha256").update("factory image").digest("hex");

/** What all devices of a generator share. */
export interface Fleet {
  host: string;
  port: number;
  /** The image that is rolled out, to compare with. */
  image: Uint8Array;
  version: string;
  releaseSequence: number;
  /** SHA-256 of the trust chain, in hex. */
  trustDigest: string;
  counts: FleetCounts;
  /** From a check-in to its answer, in milliseconds, since they were taken last. */
  answersMs: number[];
  outages: Outage[];
}

/** A connection that ended without being asked to, in milliseconds since 1970. */
export interface Outage {
  downAtMs: number;
  /** The first answer to a check-in after it; undefined: there was none yet. */
  underWayAtMs: number | undefined;
}

export interface FleetCounts {
  /** Sessions that are proven at this moment. */
  proven: number;
  /** Devices that have had an answer to a check-in: from then on the server knows what they are. */
  known: number;
  /** Devices whose check-in by the new image was answered. */
  confirmed: number;
  pieces: number;
  piecesReAsked: number;
  /** Connections that ended without being asked to. */
  dropped: number;
  /** Chunks that are not the image's. */
  wrongChunks: number;
  /** Messages of devices that flood, as far as the connection has taken them. */
  floodMessages: number;
  /** What the last connection that was dropped ended by. */
  lastFault: string | undefined;
}

export const noCounts = (): FleetCounts => ({
  ...{ proven: 0, known: 0, confirmed: 0, pieces: 0, piecesReAsked: 0, dropped: 0, wrongChunks: 0, floodMessages: 0 },
  lastFault: undefined,
});

interface Download {
  id: string;
  attempt: number;
  part: number;
  payloadOffset: number;
  chunkBytes: number;
  chunkCount: number;
  tableOffset: number;
  digest: string;
}

const nonce = (): string => base64url(randomBytes(16));

export class LoadDevice {
  readonly id: string;
  readonly #fleet: Fleet;
  readonly #key: KeyObject;
  readonly #publicKey: string;
  readonly #claimSecret = randomBytes(32);
  readonly #prefix: string;
  readonly #localAddress: string;
  readonly #window = new ChunkWindow();
  #secret: Uint8Array = new Uint8Array();
  #connection: MqttConnection | undefined;
  #isReady = false;
  #session = "";
  #deviceNonce = "";
  #isProven = false;
  #connectAtMs = Infinity;
  #openedMs = 0;
  #backOffMs = BACK_OFF_MS_MIN;
  #pollMs = POLL_MS_AT_FIRST;
  #pollAtMs = Infinity;
  #boot = 1;
  #sequence = 0;
  #running = { slot: "a", digest: FACTORY_DIGEST, version: "1.0.0", releaseSequence: 1, state: "confirmed", reason: 0 };
  #other: Json = { slot: "b", state: "empty", reason: 0 };
  #deployment: { id: string; attempt: number; state: string; code: number } | undefined;
  #download: Download | undefined;
  #resetAtMs = Infinity;
  #isCounted = false;
  #isKnown = false;
  #checkedInAtMs: number | undefined;
  #outage: Outage | undefined;
  /** It floods, when it is told to; and so takes no update. */
  readonly #flood: Flood | undefined;
  #isFlooding = false;

  constructor(index: number, fleet: Fleet, flood?: FloodKind) {
    this.#flood = flood && new Flood(flood);
    this.id = `load-${index}`;
    this.#fleet = fleet;
    const { privateKey } = generateKeyPairSync("ed25519");
    this.#publicKey = String(privateKey.export({ format: "jwk" }).x);
    this.#key = privateKey;
    this.#prefix = topicPrefixOf(this.id);
    this.#localAddress = localAddressOf(index);
  }

  /** How often it has started a new image. */
  get starts(): number {
    return this.#boot - 1;
  }

  get claim(): { deviceId: string; secret: string } {
    return { deviceId: this.id, secret: base64url(this.#claimSecret) };
  }

  /** All four steps. Rejects when the server refuses, or the connection ends before. */
  enrol(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = { step: 1, device: this.id, publicKey: this.#publicKey, nonce: nonce() };
      const say = (message: Json): void => connection.publish(`${this.#prefix}enrol`, JSON.stringify(message), 1);
      let proof = { deviceId: this.id, nonce: begin.nonce, publicKey: this.#publicKey, serverNonce: "" };
      const connection = this.#open(`enrol.${this.id}`, Buffer.from(ENROL_PASSWORD), ["enrolled"], {
        onReady: () => say(begin),
        onPublish: (_topic, payload) => {
          const answer = jsonOf(payload);
          if (answer["ok"] === false) return connection.cut(`refused: ${String(answer["error"])}`);
          if (answer["step"] === 1) {
            proof = { ...proof, serverNonce: String(answer["serverNonce"]) };
            if (answer["mac"] !== base64url(enrolServerMac(this.#claimSecret, proof)))
              return connection.cut("the server did not prove the claim");
            const { serverNonce } = proof;
            return say({ step: 2, serverNonce, mac: base64url(enrolDeviceMac(this.#claimSecret, proof)) });
          }
          this.#secret = enrolledSecret(this.#claimSecret, proof);
          connection.cut("done");
        },
        onClosed: (why) =>
          this.#secret.length > 0 ? resolve() : reject(new Error(`${this.id} could not enrol: ${why}`)),
      });
    });
  }

  /** From now on it is connected, or trying to be. */
  powerOn(nowMs: number): void {
    this.#connectAtMs = nowMs;
    this.run(nowMs);
  }

  powerOff(): void {
    this.#connectAtMs = Infinity;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.cut("off");
  }

  /** Begins to flood, or stops, with a new connection then: what is in the old one would go on for long. */
  flood(isOn: boolean): void {
    if (this.#flood === undefined || isOn === this.#isFlooding) return;
    this.#isFlooding = isOn;
    if (isOn) return this.#pour(this.#flood);
    this.#connection?.cut("it floods no more");
  }

  /** Says a metric, if it is proven. Returns whether it was. */
  tell(metric: string, value: number): boolean {
    if (!this.#isProven) return false;
    const uptimeMs = Math.floor(performance.now() - this.#openedMs);
    this.#say("telemetry", { session: this.#session, uptimeMs, health: "healthy", metric, value });
    return true;
  }

  /** What is due. To be called some ten times a second. */
  run(nowMs: number): void {
    const connection = this.#connection;
    if (connection === undefined) {
      if (nowMs >= this.#connectAtMs) this.#connect(nowMs);
      return;
    }
    if (nowMs >= this.#resetAtMs || (this.#resetAtMs < Infinity && connection.isAllAcknowledged))
      return this.#reset(nowMs);
    if (!this.#isProven && nowMs - this.#openedMs > PROOF_MS_MAX) return connection.cut("the server does not answer");
    // What is heard is no sign of life: the server waits one and a half times as long for what is sent [MQTT-3.1.2-24].
    if (nowMs - connection.lastSentMs > KEEP_ALIVE_S * 750) connection.ping();
    if (nowMs - connection.lastHeardMs > 3 * KEEP_ALIVE_S * 1_000) return connection.cut("the server is silent");
    if (nowMs >= this.#pollAtMs) this.#checkIn(nowMs);
    if (this.#download !== undefined && this.#isProven) this.#fetch(this.#download, nowMs);
  }

  #open(
    userName: string,
    password: Uint8Array,
    leaves: readonly string[],
    handlers: Pick<ConstructorParameters<typeof MqttConnection>[0], "onReady" | "onPublish" | "onClosed">,
  ): MqttConnection {
    this.#session = nonce();
    const payload = Buffer.from(JSON.stringify({ session: this.#session }));
    const will = { topic: `${this.#prefix}gone`, payload, qos: 1 as const, isRetained: false };
    const { host, port } = this.#fleet;
    return new MqttConnection({
      ...{ host, port, localAddress: this.#localAddress },
      credentials: { clientId: userName, userName, password, will },
      filters: leaves.map((leaf) => this.#prefix + leaf),
      ...handlers,
    });
  }

  #connect(nowMs: number): void {
    this.#openedMs = nowMs;
    this.#isReady = false;
    const leaves = ["challenge", "offer", "chunk", "trust", "command"];
    const connection = this.#open(this.id, Buffer.from(base64url(this.#secret)), leaves, {
      onReady: () => {
        this.#isReady = true;
        this.#say("hello", { session: this.#session });
      },
      onPublish: (topic, payload) => {
        if (this.#connection === connection) this.#hear(topic.slice(this.#prefix.length), payload);
      },
      onClosed: (why) => {
        if (this.#connection === connection) this.#lost(why);
      },
    });
    this.#connection = connection;
  }

  #lost(why: string): void {
    this.#end();
    this.#fleet.counts.dropped++;
    this.#fleet.counts.lastFault = why;
    if (this.#flood !== undefined) return void (this.#connectAtMs = performance.now());
    if (this.#outage === undefined) {
      this.#outage = { downAtMs: Date.now(), underWayAtMs: undefined };
      this.#fleet.outages.push(this.#outage);
    }
    this.#connectAtMs = performance.now() + this.#backOffMs * (0.5 + Math.random() / 2);
    this.#backOffMs = Math.min(BACK_OFF_MS_MAX, this.#backOffMs * 2);
  }

  #end(): void {
    if (this.#isProven) this.#fleet.counts.proven--;
    this.#connection = undefined;
    this.#isProven = false;
    this.#pollAtMs = Infinity;
    this.#checkedInAtMs = undefined;
  }

  #say(leaf: DeviceLeaf, message: Json, qos: 0 | 1 = 1): void {
    if (this.#isReady) this.#connection?.publish(this.#prefix + leaf, JSON.stringify(message), qos);
  }

  #hear(leaf: string, payload: Uint8Array): void {
    if (leaf === "chunk") return this.#takeChunk(payload);
    if (leaf === "challenge") return this.#challenged(jsonOf(payload));
    if (leaf === "offer") this.#offered(jsonOf(payload));
  }

  #challenged(challenge: Json): void {
    const session = this.#session;
    if (challenge["session"] !== session) return;
    if (challenge["accepted"] === false) return this.#connection?.cut(`refused: ${String(challenge["error"])}`);
    if (challenge["accepted"] !== true) {
      this.#deviceNonce = nonce();
      const text = [this.id, session, challenge["nonce"], this.#deviceNonce].join("\n");
      const signature = sign(null, Buffer.from(signingPrefixes.session + text), this.#key);
      const proof = { session, nonce: challenge["nonce"], deviceNonce: this.#deviceNonce };
      return this.#say("proof", { ...proof, signature: base64url(signature) });
    }
    const mac = contactMac(this.#secret, { deviceId: this.id, session, deviceNonce: this.#deviceNonce });
    if (challenge["mac"] !== base64url(mac)) return this.#connection?.cut("the server did not prove itself");
    this.#isProven = true;
    this.#fleet.counts.proven++;
    this.#backOffMs = BACK_OFF_MS_MIN;
    this.#window.onNewSession();
    this.#countReAsked();
    this.#checkIn(performance.now());
    if (this.#isFlooding) this.#pour(this.#flood!);
  }

  /** As fast as the connection takes it. */
  #pour(flood: Flood): void {
    const connection = this.#connection;
    if (!this.#isProven || connection === undefined) return;
    const order = (): Json => this.#order();
    const checkIn = (): Json => this.#checkInNow(performance.now());
    connection.pour(() => {
      if (!this.#isFlooding || this.#connection !== connection) return undefined;
      const { leaf, payload } = flood.next({ session: this.#session, order, checkIn, deployment: this.#deployment });
      this.#fleet.counts.floodMessages++;
      return { topic: leaf === undefined ? "flipside/v1/00/somebody/check-in" : this.#prefix + leaf, payload };
    });
  }

  #order(): Json {
    return { session: this.#session, boot: this.#boot, sequence: ++this.#sequence };
  }

  #checkIn(nowMs: number): void {
    this.#pollAtMs = nowMs + this.#pollMs;
    this.#checkedInAtMs = nowMs;
    this.#say("check-in", this.#checkInNow(nowMs));
  }

  #checkInNow(nowMs: number): Json {
    const { host, port, trustDigest } = this.#fleet;
    return {
      ...this.#order(),
      ...{ product: "flipside-demo", hardware: "virtual", revision: 1, loader: 1, trust: 1, trustDigest },
      ...{ entropy: "good", bootReason: this.#boot === 1 ? "power-on" : "update", floor: 1, health: "healthy" },
      uptimeMs: Math.floor(nowMs - this.#openedMs),
      ...{ running: this.#running, other: this.#other, slotBytes: 4_194_304, connection: { host, port } },
      ...(this.#deployment === undefined ? {} : { deployment: this.#deployment }),
    };
  }

  #report(state: string, done = 0, total = 0): void {
    const deployment = this.#deployment!;
    deployment.state = state;
    const { id, attempt } = deployment;
    this.#say("state", { ...this.#order(), deployment: id, attempt, state, done, total, code: 0 });
  }

  #offered(offer: Json): void {
    if (offer["session"] !== this.#session) return;
    this.#answered();
    // A device whose first offer brought another interval goes by it at once; all at the same moment would be a crowd.
    const pollMs = Number(offer["pollMs"]);
    this.#pollAtMs = performance.now() + pollMs * (pollMs === this.#pollMs ? 1 : Math.random());
    this.#pollMs = pollMs;
    if (this.#boot > 1 && !this.#isCounted) {
      this.#isCounted = true;
      this.#fleet.counts.confirmed++;
    }
    const [id, attempt] = [offer["deployment"], Number(offer["attempt"])];
    if (typeof id !== "string") {
      if (this.#download !== undefined) this.#deployment = undefined;
      this.#download = undefined;
      return;
    }
    if (this.#flood !== undefined) return void (this.#deployment = { id, attempt, state: "offered", code: 0 });
    const isKnown = this.#deployment?.id === id && this.#deployment.attempt === attempt;
    if (isKnown || this.#resetAtMs < Infinity) return;
    const header = Buffer.from(String(offer["header"]), "base64url");
    const { chunkBytes, chunkCount } = readHeader(header);
    const tableOffset = header.length + Buffer.from(String(offer["signatures"]), "base64url").length;
    this.#deployment = { id, attempt, state: "offered", code: 0 };
    this.#download = {
      ...{ id, attempt, part: CHUNK_PART_TABLE, chunkBytes, chunkCount, tableOffset },
      payloadOffset: tableOffset + chunkTableBytes(chunkCount),
      digest: createHash("sha256").update(header).digest("hex"),
    };
    this.#window.begin(Math.ceil(chunkTableBytes(chunkCount) / CHUNK_TABLE_PIECE_BYTES));
    this.#report("downloading", 0, chunkCount);
    this.#fetch(this.#download, performance.now());
  }

  /** An offer that nobody asked for is no answer. */
  #answered(): void {
    if (this.#checkedInAtMs === undefined) return;
    this.#fleet.answersMs.push(performance.now() - this.#checkedInAtMs);
    if (!this.#isKnown) this.#fleet.counts.known++;
    this.#isKnown = true;
    this.#checkedInAtMs = undefined;
    if (this.#outage === undefined) return;
    this.#outage.underWayAtMs = Date.now();
    this.#outage = undefined;
  }

  #fetch({ id: deployment, attempt, part }: Download, nowMs: number): void {
    const connection = this.#connection!;
    this.#window.run(
      {
        ask: (first, count) =>
          this.#say("fetch", { session: this.#session, deployment, attempt, part, first, count }, 0),
        ping: () => connection.ping(),
        pongs: () => connection.pongs,
      },
      nowMs,
    );
    this.#countReAsked();
  }

  #countReAsked(): void {
    this.#fleet.counts.piecesReAsked += this.#window.reAsked;
    this.#window.reAsked = 0;
  }

  #takeChunk(message: Uint8Array): void {
    const download = this.#download;
    const chunk = readChunk(message);
    if (download === undefined || chunk === undefined || chunk.attempt !== download.attempt) return;
    if (chunk.part !== download.part || chunk.digest !== download.digest.slice(0, 6)) return;
    if (!this.#isOfImage(download, chunk.index, chunk.data)) return void this.#fleet.counts.wrongChunks++;
    const nowMs = performance.now();
    if (!this.#window.take(chunk.index, chunk.data.length, nowMs)) return;
    this.#fleet.counts.pieces++;
    if (download.part === CHUNK_PART_PAYLOAD) {
      const { next, isDone } = this.#window;
      if (next % PROGRESS_CHUNKS === 0 || isDone) this.#report("downloading", next, download.chunkCount);
      if (isDone) return this.#install(download, nowMs);
    } else if (this.#window.isDone) {
      download.part = CHUNK_PART_PAYLOAD;
      this.#window.begin(download.chunkCount);
    }
    this.#fetch(download, nowMs);
  }

  #isOfImage({ part, tableOffset, payloadOffset, chunkBytes }: Download, index: number, data: Uint8Array): boolean {
    const isTable = part === CHUNK_PART_TABLE;
    const at = isTable ? tableOffset + index * CHUNK_TABLE_PIECE_BYTES : payloadOffset + index * chunkBytes;
    return Buffer.compare(this.#fleet.image.subarray(at, at + data.length), data) === 0;
  }

  #install({ digest }: Download, nowMs: number): void {
    this.#download = undefined;
    this.#report("verifying");
    this.#report("rebooting");
    this.#other = { slot: this.#running.slot === "a" ? "b" : "a", digest, state: "candidate", reason: 0 };
    this.#resetAtMs = nowMs + FAREWELL_MS;
  }

  /** Into the new image, which has its trial behind it when its session is proven. */
  #reset(nowMs: number): void {
    const connection = this.#connection!;
    this.#end();
    connection.cut("reset");
    this.#resetAtMs = Infinity;
    this.#boot++;
    this.#sequence = 0;
    const { version, releaseSequence } = this.#fleet;
    const { slot, digest } = this.#other as { slot: string; digest: string };
    this.#other = { slot: this.#running.slot, digest: this.#running.digest, state: "confirmed", reason: 0 };
    this.#running = { slot, digest, version, releaseSequence, state: "confirmed", reason: 0 };
    this.#deployment!.state = "confirmed";
    this.#connectAtMs = nowMs + RESET_MS * (0.5 + Math.random() / 2);
  }
}

export function localAddressOf(index: number): string {
  return `127.0.0.${1 + (index % 8)}`;
}

function jsonOf(payload: Uint8Array): Json {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString()) as Json;
}
