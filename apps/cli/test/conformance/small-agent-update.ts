// How the small agent is updated: it judges offers, fetches, and "starts" what it has by saying so after a restart.

import { createHash } from "node:crypto";
import { ErrorCode, readHeader } from "@flipside/image-format";
import type { SmallAgent } from "./small-agent.ts";
import { signatureCode } from "./small-agent-signatures.ts";

export type Json = Record<string, unknown>;

/** Public keys, 32 bytes each. */
export interface Trusted {
  release: Uint8Array;
  operations: Uint8Array;
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** From a window's last chunk to the next fetch, as if flash were written. */
const PROGRAM_MS = 3;
const WINDOW = 4;
const WRONG_MAX = 3;
const NEVER_ENDS_MS = 20;

interface Download {
  deployment: string;
  attempt: number;
  digest: string;
  version: string;
  releaseSequence: number;
  chunkBytes: number;
  counts: [table: number, payload: number];
  pieces: [table: Buffer[], payload: Buffer[]];
  part: 0 | 1;
  windowEnd: number;
  wrong: number;
}

export class Update {
  running: Json = {
    ...{ slot: "a", digest: sha256("factory"), version: "1.0.0", releaseSequence: 4, state: "confirmed", reason: 0 },
  };
  other: Json = { slot: "b", state: "empty", reason: 0 };
  #deployment: Json | undefined;
  #download: Download | undefined;
  /** What a lost connection has interrupted. */
  #kept: Download | undefined;

  constructor(readonly agent: SmallAgent) {}

  /** In a check-in. */
  said(): Json {
    return this.#deployment ? { deployment: this.#deployment } : {};
  }

  /** To the other slot's image. */
  goBack(): void {
    const { running, other } = this;
    this.running = { ...running, ...other, reason: 0 };
    this.other = { slot: running["slot"], digest: running["digest"], state: "confirmed" };
    this.other["reason"] = ErrorCode.RolledBackByCommand;
  }

  lost(): void {
    this.#kept = this.#download ?? this.#kept;
    this.#download = undefined;
  }

  offer(said: Json): void {
    const id = said["deployment"];
    if (id === undefined) {
      if (!this.agent.has("goes on when called off")) this.#download = undefined;
      return;
    }
    if (this.#download?.deployment === id) return;
    if (this.#deployment?.["id"] === id && this.#deployment?.["state"] !== "downloading") return;
    this.#deployment = { id, attempt: said["attempt"], state: "offered", code: 0 };
    const header = Buffer.from(String(said["header"]), "base64url");
    const code = this.#judge(header, said);
    if (code !== ErrorCode.None) return this.#state("rejected", code);
    this.#begin(header, String(id), Number(said["attempt"]));
  }

  #judge(header: Buffer, said: Json): ErrorCode {
    const { agent } = this;
    const block = Buffer.from(String(said["signatures"]), "base64url");
    const code = signatureCode(agent.options.trusted.release, "image", header, block);
    if (code === ErrorCode.SignatureUnknownKey && agent.has("calls a stranger's signature wrong"))
      return ErrorCode.SignatureMismatch;
    if (code === ErrorCode.SignatureUnknownKey && !agent.has("installs what a stranger signed")) return code;
    if (code === ErrorCode.SignatureMismatch && !agent.has("installs what was signed for another purpose")) return code;
    const image = readHeader(header);
    const text = (at: number, bytes: number): string => header.toString("latin1", at, at + bytes);
    if (text(image.productOffset, image.productBytes) !== "small" && !agent.has("installs another product"))
      return ErrorCode.ProductMismatch;
    if (
      text(image.hardwareOffset, image.hardwareBytes) !== "small-board" &&
      !agent.has("installs what is for other hardware")
    )
      return ErrorCode.HardwareMismatch;
    const fits = image.hardwareRevisionMin <= 3 && image.hardwareRevisionMax >= 3;
    if (!fits && !agent.has("does not look at revisions")) return ErrorCode.HardwareMismatch;
    const sizeBytes = header.length + block.length + 32 * image.chunkCount + image.payloadBytes;
    if (said["sizeBytes"] !== sizeBytes && !agent.has("does not look at the size")) return ErrorCode.ImageTrailingBytes;
    if (image.securityCounter < 5 && !agent.has("goes below its floor")) return ErrorCode.SecurityCounterTooLow;
    const isOlder = image.releaseSequence < Number(this.running["releaseSequence"]);
    if (isOlder && !agent.has("goes back without a permit")) return ErrorCode.ReleaseSequenceTooLow;
    return ErrorCode.None;
  }

  #begin(header: Buffer, deployment: string, attempt: number): void {
    const digest = sha256(header);
    const kept = this.#kept;
    this.#kept = undefined;
    const isResumed = kept?.digest === digest && !this.agent.has("starts over after a lost connection");
    const image = readHeader(header);
    this.#download = isResumed
      ? { ...kept, deployment, attempt }
      : {
          ...{ deployment, attempt, digest, part: 0, windowEnd: 0, wrong: 0, pieces: [[], []] },
          version: header.toString("latin1", image.versionOffset, image.versionOffset + image.versionBytes),
          releaseSequence: image.releaseSequence,
          chunkBytes: image.chunkBytes,
          counts: [Math.ceil((32 * image.chunkCount) / 4096), image.chunkCount],
        };
    this.#state("downloading");
    this.#fetch();
  }

  #fetch(): void {
    const download = this.#download;
    if (!download) return;
    const { deployment, attempt, part, pieces, counts } = download;
    const first = pieces[part].length;
    const count = this.agent.has("fetches nine at once") ? 9 : Math.min(WINDOW, counts[part] - first);
    download.windowEnd = Math.min(first + count, counts[part]);
    this.agent.say("fetch", { deployment, attempt, part, first, count }, 0);
    if (this.agent.has("fetches beyond the end"))
      this.agent.say("fetch", { deployment, attempt, part, first: counts[part], count: 1 }, 0);
    if (this.agent.has("goes on when called off"))
      this.agent.after(
        NEVER_ENDS_MS,
        () => this.#download === download && pieces[part].length === first && this.#fetch(),
      );
  }

  chunk(message: Buffer): void {
    const download = this.#download;
    if (!download) return;
    const { part, pieces, counts, windowEnd } = download;
    const index = message.readUInt32LE(12);
    if (message.toString("hex", 9, 12) !== download.digest.slice(0, 6)) return;
    if (message.readUInt8(8) !== part || index !== pieces[part].length) return;
    const data = message.subarray(16);
    const table = part === 1 ? Buffer.concat(pieces[0]) : undefined;
    if (
      table &&
      sha256(data) !== table.toString("hex", 32 * index, 32 * index + 32) &&
      !this.agent.has("does not check chunks")
    )
      return this.#wrongChunk(download);
    download.wrong = 0;
    pieces[part].push(data);
    if (pieces[part].length === counts[part]) {
      if (part === 1) return this.#install(download);
      download.part = 1;
    } else if (pieces[part].length < windowEnd) return;
    this.agent.after(PROGRAM_MS, () => this.#download === download && this.#fetch());
  }

  #wrongChunk(download: Download): void {
    if (++download.wrong < WRONG_MAX) return this.#fetch();
    this.#download = undefined;
    this.#state("rejected", ErrorCode.ChunkMismatch);
  }

  #install({ digest, version, releaseSequence }: Download): void {
    this.#download = undefined;
    this.#state("verifying");
    if (this.agent.has("goes back to downloading")) this.#state("downloading");
    this.#state("rebooting");
    this.agent.after(PROGRAM_MS, () => {
      const { slot } = this.other;
      if (this.agent.has("rolls back whatever it starts")) {
        this.other = { slot, digest, state: "failed", reason: ErrorCode.Crashed };
        this.#deployment = { ...this.#deployment, state: "rolled-back", code: ErrorCode.Crashed };
        return this.agent.restart("roll-back");
      }
      this.other = { slot: this.running["slot"], digest: this.running["digest"], state: "confirmed", reason: 0 };
      this.running = { slot, digest, version, releaseSequence, state: "confirmed", reason: 0 };
      this.#deployment = { ...this.#deployment, state: "confirmed", code: 0 };
      this.agent.restart("update");
    });
  }

  #state(state: string, code = 0): void {
    this.#deployment = { ...this.#deployment, state, code };
    const attempt = Number(this.#deployment["attempt"]) + (this.agent.has("says another attempt") ? 1 : 0);
    if (state === "downloading" && this.agent.has("does not say that it downloads")) return;
    const content = { deployment: this.#deployment["id"], attempt, state, done: 0, total: 0, code };
    this.agent.say("state", { ...content, ...this.agent.order() });
  }
}
