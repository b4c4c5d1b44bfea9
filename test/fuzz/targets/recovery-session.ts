// A technician's line beside the loader in recovery: what goes onto it, what each frame must be answered with, and how
// the run may end, by docs/boot-control.md, "Recovery".

import {
  ErrorCode,
  FRAME_ACKNOWLEDGED,
  FRAME_BEGIN,
  FRAME_DATA,
  FRAME_DONE,
  FRAME_HELLO,
  FRAME_INFO,
  FRAME_REFUSED,
  RecoveryReason,
  SlotState,
  type StrictVerifier,
} from "@flipside/image-format";
import { BootReason, RECOVERY_NONE, Zone } from "@flipside/machine/abi";
import { encodeFrame, type Frame, FrameReader } from "@flipside/machine/serial/frames";
import { expectSame, Violation } from "../engine/target.ts";
import type { Boot } from "./boot-loader.ts";
import type { RecordParts } from "./boot-records.ts";
import { type DeviceHost, Left } from "./device-host.ts";
import { type Admitted, admittedFile, admittedIn, admittedManifest, type Manifest } from "./device-images.ts";
import type { FlashWatch } from "./flash-watch.ts";
import { fuzzedIdentity } from "./formats.ts";
import { u32 } from "./items.ts";
import { sha256Of } from "./keys.ts";

const TIME_MAX_MS = 1_200_000;
const SILENCE_US = 60_000_000;
const TRANSFER_US = 3_600_000_000;
const LINGER_US = 2_000_000;
/** docs/boot-control.md, "Recovery": what is looked at first, and the longest table. */
const MANIFEST_BYTES_MAX = 4096;
const CHUNKS_MAX = 512;
/** After so long a crash loop's image is tried once more. */
const CRASH_LOOP_RETRY_US = 900_000_000;
/** The longest that the loader may want to sleep while a transfer is under way, and at other times. */
const LISTENS_AGAIN_US = 100_000;
const LOOKS_AGAIN_US = 60_000_000;
/** A clock that is read goes on by a microsecond. */
const SLACK_US = 1_000_000;
/** Of a data frame, with the offset. */
export const DATA_BYTES_MAX = 1028;

export const enum Kind {
  /** u8 type, u16 sequence, data: a frame that holds. */
  Frame,
  /** What a frame decodes to, as it comes. */
  Decoded,
  /** What comes on the line. */
  Raw,
  /** u32 milliseconds pass. */
  Time,
  Count,
}

export interface State {
  name: string;
  slots: (Uint8Array | undefined)[];
  record: RecordParts | "blank" | "void";
  bootReason?: number;
  without?: "factory" | "trust";
  /** Only time passes then: what is sent meanwhile could not be read back. */
  unreadable?: { zones: readonly number[]; untilUs: number };
  /** Boot control takes nothing any more. */
  isWorn?: boolean;
  reason: RecoveryReason;
}

export interface Surroundings {
  loader: Boot;
  watch: FlashWatch;
  verifier: StrictVerifier;
}

/** The transfer as docs/boot-control.md tells it, by what was asked and what was answered. */
class Transfer {
  isActive = false;
  isDone = false;
  fileBytes = 0;
  received: number[] = [];
  /** Once it has come: read, or what is wrong with it. */
  manifest: Manifest | string | undefined;
  /** That have come and are the table's. */
  chunks = 0;
  begunUs = 0;
  heardUs = 0;
}

export class RecoverySession {
  readonly transfer = new Transfer();
  /** What the device said, in order: answers, and that it gave a transfer up. */
  readonly #said: { answer: Frame | undefined; atUs: number }[] = [];
  readonly #questions: Frame[] = [];
  #starts = 0;
  #wasAbandoned = false;
  /** For how long the loader would sleep now. */
  #waitUs = 0;
  readonly #ours = new FrameReader((question) => this.#questions.push({ ...question, data: question.data.slice() }));
  readonly #device = new FrameReader(
    (answer) => {
      this.#starts--;
      this.#said.push({ answer: { ...answer, data: answer.data.slice() }, atUs: this.#host.nowUs });
    },
    (line) => {
      if (line.includes("transfer abandoned")) this.#said.push({ answer: undefined, atUs: this.#host.nowUs });
    },
  );

  constructor(
    readonly around: Surroundings,
    readonly state: State & { /** Before this boot. */ bootCounter: number },
    readonly slots: number[],
  ) {
    this.#host.onConsole = (bytes) => {
      for (const byte of bytes) if (byte === 2) this.#starts++;
      this.#device.take(bytes);
    };
  }

  get #host(): DeviceHost {
    return this.around.loader.host;
  }

  /** Where the image goes that comes now; the loader keeps to the first that it wrote. */
  get slot(): number {
    return this.#host.recoverySlot === undefined ? this.slots[0]! : this.#host.recoverySlot - Zone.SlotA;
  }

  /** True when the run has ended. */
  feed(kind: number, bytes: Uint8Array): boolean {
    if (kind === Kind.Time) {
      this.#host.nowUs +=
        1000 * Math.min(bytes.length >= 4 ? Buffer.from(bytes).readUInt32LE(0) : bytes.length, TIME_MAX_MS);
    } else {
      const sent = lineOf(kind, bytes);
      this.#ours.take(sent);
      this.#host.serial = sent;
    }
    const beganUs = this.#host.nowUs;
    const left = this.#steps(bytes.length);
    this.around.watch.check();
    if ((this.around.watch.record?.bootCounter ?? 0) > this.state.bootCounter + 1)
      throw new Violation("one boot was counted twice");
    this.#compare(left !== undefined, beganUs);
    if (left) this.#checkEnd(left);
    else {
      this.#checkDeadlines();
      this.#checkRetry();
    }
    return left !== undefined;
  }

  /** Until the loader waits. */
  #steps(bytes: number): Left | undefined {
    for (let steps = 2 * bytes + 1000; steps > 0; steps--) {
      try {
        const waitUs = this.around.loader.instance.exports.recover!() >>> 0;
        if (waitUs === RECOVERY_NONE) throw new Violation("recovery gives up the line");
        this.#waitUs = waitUs;
        if (waitUs === 0) continue;
        if (this.#host.serial!.length > 0) throw new Violation("recovery sleeps while bytes wait on the line");
        return undefined;
      } catch (error) {
        if (error instanceof Left) return error;
        throw error;
      }
    }
    throw new Violation("recovery does not come to rest");
  }

  /** Each question that holds has its answer, in order; those that a reset has overtaken, none. */
  #compare(hasEnded: boolean, beganUs: number): void {
    if (this.#starts !== 0) throw new Violation("the device sent a frame that does not hold");
    const { transfer } = this;
    for (let question = this.#questions.shift(); question; question = this.#questions.shift()) {
      this.#hearOfAbandonment();
      const expected = this.#expected(question);
      // When it was heard: not before that.
      transfer.heardUs = beganUs;
      if (expected === undefined) continue;
      const said = this.#said.shift();
      if (!said) {
        if (hasEnded) return;
        throw new Violation("a frame was not answered");
      }
      transfer.heardUs = said.atUs;
      expectSame(said.answer!.sequence, question.sequence, "sequence of an answer");
      expected(said.answer!);
    }
    this.#hearOfAbandonment();
    if (this.#said.length > 0) throw new Violation("the device answers what nobody asked");
  }

  #hearOfAbandonment(): void {
    const { transfer } = this;
    while (this.#said.length > 0 && this.#said[0]!.answer === undefined) {
      const { atUs } = this.#said.shift()!;
      if (atUs - transfer.heardUs <= SILENCE_US && atUs - transfer.begunUs <= TRANSFER_US)
        throw new Violation("a transfer is abandoned before its time");
      transfer.isActive = false;
      this.#wasAbandoned = true;
    }
  }

  /** Looks at the answer that this question gets; undefined when it gets none. */
  #expected({ type, data }: Frame): ((answer: Frame) => void) | undefined {
    const { transfer } = this;
    if (type === FRAME_HELLO && data.length === 0) return (answer) => this.#checkInfo(answer);
    if (transfer.isDone) return (answer) => this.#expect(answer, FRAME_DONE, [this.slot]);
    if (type === FRAME_BEGIN && data.length === 4)
      return (answer) => this.#begun(answer, Buffer.from(data).readUInt32LE(0));
    if (type === FRAME_DATA && data.length > 4)
      return (answer) => this.#dataAnswered(answer, Buffer.from(data).readUInt32LE(0), data.subarray(4));
    return undefined;
  }

  #expect(answer: Frame, type: number, data: number[]): void {
    expectSame(answer.type, type, "type of an answer");
    if (Buffer.compare(answer.data, Uint8Array.from(data)) !== 0)
      throw new Violation(`an answer of type ${type} says something else than it must`);
  }

  #checkInfo({ type, data }: Frame): void {
    expectSame(type, FRAME_INFO, "type of the answer to hello");
    const info = Buffer.from(data);
    const { deviceId, product, hardware } = fuzzedIdentity;
    const isKnown = this.state.reason !== RecoveryReason.NoFactoryRecord;
    const texts = isKnown ? [deviceId, product, hardware.name] : ["", "", ""];
    // After 15 minutes a crash loop's image is looked at like any other.
    const reasons =
      this.state.reason === RecoveryReason.CrashLoop
        ? [RecoveryReason.CrashLoop, RecoveryReason.NoImage]
        : [this.state.reason];
    if (!reasons.includes(info[0]!)) throw new Violation(`recovery says code ${info[0]}`);
    if (!this.slots.includes(info[1]!)) throw new Violation("another slot would be written than the one that may be");
    for (const at of [2, 4])
      if (ErrorCode[info.readUInt16LE(at)] === undefined)
        throw new Violation("a slot's code is not one of the format's");
    expectSame(info.readUInt16LE(6), isKnown ? hardware.revision : 0, "hardware revision");
    expectSame(info.readUInt32LE(8), this.around.watch.floor, "floor");
    const lengths = String.fromCharCode(...texts.map(({ length }) => length), 0);
    if (info.toString("latin1", 12) !== lengths + texts.join(""))
      throw new Violation("the device says another identity than its own");
  }

  #begun(answer: Frame, fileBytes: number): void {
    if (this.state.without === "factory") return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.FlashFailed));
    if (this.state.without === "trust") return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.TrustRecordInvalid));
    this.#expect(answer, FRAME_ACKNOWLEDGED, u32(0));
    Object.assign(this.transfer, {
      isActive: true,
      fileBytes,
      received: [],
      manifest: undefined,
      chunks: 0,
      begunUs: this.#host.nowUs,
    });
  }

  #dataAnswered(answer: Frame, offset: number, data: Uint8Array): void {
    const { transfer } = this;
    if (!transfer.isActive) return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.DownloadTimedOut));
    const next = transfer.received.length;
    if (offset !== next) return this.#expect(answer, FRAME_ACKNOWLEDGED, u32(next));
    transfer.received.push(...data);
    const wrong = this.#refusalOf(transfer);
    if (answer.type === FRAME_REFUSED) {
      const code = Buffer.from(answer.data).readUInt32LE(0);
      if (answer.data.length !== 4 || code === 0 || ErrorCode[code] === undefined)
        throw new Violation(`refused with ${code}, which is no code`);
      if (wrong === undefined) throw new Violation(`what must be taken is refused with ${code}`);
      transfer.isActive = false;
      return;
    }
    if (wrong !== undefined) throw new Violation(`what must be refused is taken: ${wrong}`);
    if (transfer.received.length < transfer.fileBytes)
      return this.#expect(answer, FRAME_ACKNOWLEDGED, u32(transfer.received.length));
    const file = admittedFile(Uint8Array.from(transfer.received), this.around.verifier);
    if (typeof file === "string") throw new Violation(`an image is taken that must be refused: ${file}`);
    this.#expect(answer, FRAME_DONE, [this.slot]);
    transfer.isActive = false;
    transfer.isDone = true;
    this.#expectCandidate(file);
  }

  /** What is wrong with what has come so far; nothing waits for the end that can be said before. */
  #refusalOf(transfer: Transfer): string | undefined {
    const { received, fileBytes } = transfer;
    if (received.length > fileBytes) return "longer than it was said to be";
    if (received.length < Math.min(MANIFEST_BYTES_MAX, fileBytes)) return undefined;
    const bytes = Uint8Array.from(received);
    const manifest = (transfer.manifest ??= admittedManifest(bytes, this.around.verifier));
    if (typeof manifest === "string") return manifest;
    if (manifest.securityCounter < this.around.watch.floor) return "floor";
    if (manifest.chunkCount > CHUNKS_MAX) return "chunk count";
    const payloadAt = manifest.manifestBytes + 32 * manifest.chunkCount;
    if (fileBytes !== payloadAt + manifest.payloadBytes) return "length";
    if (received.length < payloadAt) return undefined;
    const table = bytes.subarray(manifest.manifestBytes, payloadAt);
    if (Buffer.compare(sha256Of(table), manifest.tableDigest) !== 0) return "chunk table";
    if (this.state.isWorn) return "boot control takes nothing";
    for (; transfer.chunks < manifest.chunkCount; transfer.chunks++) {
      const at = payloadAt + transfer.chunks * manifest.chunkBytes;
      const end = Math.min(at + manifest.chunkBytes, fileBytes);
      if (received.length < end) return undefined;
      if (
        Buffer.compare(
          sha256Of(bytes.subarray(at, end)),
          table.subarray(32 * transfer.chunks, 32 * transfer.chunks + 32),
        ) !== 0
      )
        return "chunk";
    }
    return undefined;
  }

  #expectCandidate(file: Admitted): void {
    const record = this.around.watch.record;
    const isCandidate = record?.slotState(this.slot) === SlotState.Candidate && record.activeSlot === this.slot;
    if (!isCandidate || Buffer.from(record.slotDigest(this.slot)).toString("hex") !== file.digest)
      throw new Violation("done, and the image is no active candidate");
  }

  #checkDeadlines(): void {
    const { isActive, heardUs, begunUs } = this.transfer;
    if (this.#waitUs > (isActive ? LISTENS_AGAIN_US : LOOKS_AGAIN_US))
      throw new Violation(`recovery wants to sleep for ${this.#waitUs} us`);
    if (
      isActive &&
      (this.#host.nowUs - heardUs > SILENCE_US + SLACK_US || this.#host.nowUs - begunUs > TRANSFER_US + SLACK_US)
    )
      throw new Violation("a transfer outlasts its deadline");
  }

  #checkRetry(): void {
    const { watch, verifier } = this.around;
    const isDue =
      this.#host.nowUs > CRASH_LOOP_RETRY_US + SLACK_US &&
      !this.transfer.isActive &&
      this.#host.recoverySlot === undefined;
    if (!isDue || this.state.reason !== RecoveryReason.CrashLoop || this.state.unreadable) return;
    for (const [slot, name] of (["slotA", "slotB"] as const).entries()) {
      if (
        watch.record?.slotState(slot) === SlotState.Confirmed &&
        typeof admittedIn(this.#host.zone(name), verifier) !== "string"
      )
        throw new Violation("a crash loop's image is not tried again after a quarter of an hour");
    }
  }

  #checkEnd({ how, value, info }: Left): void {
    const { transfer } = this;
    if (how === "image") {
      if (transfer.isActive || this.#host.recoverySlot !== undefined)
        throw new Violation("an image is started while another comes");
      const slot = info[6]!;
      const image = admittedIn(this.#host.zone(slot === 0 ? "slotA" : "slotB"), this.around.verifier);
      const record = this.around.watch.record;
      if (typeof image === "string" || image.securityCounter < this.around.watch.floor)
        throw new Violation("an image is started that is not admissible");
      const isConfirmed = record?.slotState(slot) === SlotState.Confirmed && record.activeSlot === slot;
      if (!isConfirmed) throw new Violation("an image is started that boot control does not call confirmed and active");
      return;
    }
    if (this.#host.recoverySlot === undefined) throw new Violation("a reset, and nothing was changed");
    if (transfer.isDone) {
      expectSame(value, BootReason.Update, "why the device resets");
      if (this.#host.nowUs - transfer.heardUs <= LINGER_US)
        throw new Violation("a reset before the last answer can have come");
      return this.#expectStart();
    }
    expectSame(value, BootReason.Requested, "why the device resets");
    if (!this.#wasAbandoned) throw new Violation("a reset while a transfer is under way");
  }

  /** What was taken is tried next. */
  #expectStart(): void {
    this.#host.onConsole = () => {};
    const { slot } = this;
    this.#host.recoverySlot = undefined;
    this.#host.bootReason = BootReason.Update;
    const started = this.around.loader.boot();
    if (started?.how !== "image" || started.info[6] !== slot || started.info[20] !== 1)
      throw new Violation("an image was taken, and the next boot does not try it");
  }
}

/** What an item puts on the line. */
export function lineOf(kind: number, bytes: Uint8Array): Uint8Array {
  if (kind === Kind.Raw) return bytes;
  if (kind === Kind.Decoded)
    return new Uint8Array(Buffer.from(`\x02${Buffer.from(bytes).toString("base64url")}\n`, "latin1"));
  const data = bytes.subarray(3, 3 + DATA_BYTES_MAX);
  return new Uint8Array(encodeFrame({ type: bytes[0] ?? 0, sequence: (bytes[1] ?? 0) | ((bytes[2] ?? 0) << 8), data }));
}
