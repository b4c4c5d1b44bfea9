// Recovery in the real boot loader: whatever comes on the serial line, in whatever order, with time in between. The slot that
// docs/boot-control.md names is written and no other, with nothing that was not signed (flash-watch.ts); each frame that holds
// is answered as "Recovery" there says; an image is taken exactly when the server's build of the verifier admits the whole file.
//
// Input: u8 state of the device; u8 how the line cuts what comes; then items (items.ts): frames, bytes as they come, time.

import {
  buildImage, crc32, ErrorCode, FRAME_ACKNOWLEDGED, FRAME_BEGIN, FRAME_DATA, FRAME_DONE, FRAME_HELLO, FRAME_INFO, FRAME_REFUSED, type ImageFields, RecoveryReason, SlotState, type BootRecord,
} from "@flipside/image-format";
import { encodeFrame, type Frame, FrameReader } from "../../../apps/agent/hosts/serial/frames.ts";
import type { SeededRandom } from "../../../apps/agent/hosts/fault/seeded-random.ts";
import { BootReason, RECOVERY_NONE, Zone } from "../../../apps/agent/hosts/node/abi.ts";
import type { Snapshot } from "../engine/instance.ts";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, expectSame, type OpenTarget, type Target, Violation } from "../engine/target.ts";
import { FUEL, openBoot } from "./boot-loader.ts";
import { putBootRecord, type RecordParts } from "./boot-records.ts";
import { type HostState, Left } from "./device-host.ts";
import { type Admitted, admittedFile, admittedIn, imageFieldsOf, makeImage, putInSlot, strictVerifier } from "./device-images.ts";
import { FlashWatch } from "./flash-watch.ts";
import { fuzzedIdentity } from "./formats.ts";
import { item, type Item, itemsIn, itemsOf, replaceItem, shuffleItems } from "./items.ts";
import { releaseKey, secondReleaseKey } from "./keys.ts";

const ITEMS_AT = 2;
const enum Kind {
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
const TIME_MAX_MS = 1_200_000;
const IMAGE_BYTES_MAX = 1024;
const SILENCE_US = 60_000_000;
const TRANSFER_US = 3_600_000_000;
const LINGER_US = 2_000_000;
/** A clock that is read goes on by a microsecond. */
const SLACK_US = 1_000_000;

interface State {
  name: string;
  slots: (Uint8Array | undefined)[];
  record: RecordParts | "blank" | "void";
  bootReason?: number;
  without?: "factory" | "trust";
  reason: RecoveryReason;
}

const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const frame = (type: number, sequence: number, data: ArrayLike<number> = []): Uint8Array => item(Kind.Frame, 0, [type, sequence & 255, sequence >> 8, ...Array.from(data)]);
const time = (ms: number): Uint8Array => item(Kind.Time, 0, u32(ms));
const joined = (...parts: ArrayLike<number>[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => Array.from(part)));

/** What a sender sends that wants this file in the device. */
function transfer(file: Uint8Array, pieceBytes = IMAGE_BYTES_MAX, fileBytes = file.length): Uint8Array[] {
  const frames = [frame(FRAME_HELLO, 1), frame(FRAME_BEGIN, 2, u32(fileBytes))];
  for (let at = 0; at < file.length; at += pieceBytes) frames.push(frame(FRAME_DATA, 3 + at, [...u32(at), ...file.subarray(at, at + pieceBytes)]));
  return frames;
}

/** Where an image may go (docs/boot-control.md, "What is stored, and when"): not over a confirmed one as long as there is another place. */
function slotsFor(record: BootRecord | undefined, reason: RecoveryReason): number[] {
  const free = [0, 1].filter((slot) => record?.slotState(slot) !== SlotState.Confirmed);
  if (free.length > 0) return free;
  return reason === RecoveryReason.CrashLoop ? [1 - record!.activeSlot] : [0, 1];
}

/** The transfer as docs/boot-control.md tells it, by what was asked and what was answered. */
class Transfer {
  isActive = false;
  isDone = false;
  fileBytes = 0;
  received: number[] = [];
  begunUs = 0;
  heardUs = 0;
}

export const recovery: OpenTarget = async (patches = []): Promise<Target> => {
  const { host, instance, boot } = await openBoot(patches);
  const verifier = await strictVerifier();
  const watch = new FlashWatch(host, verifier);
  const factory = host.zone("factory").slice();
  const trust = host.zone("trust").slice();
  const slots = [host.zone("slotA"), host.zone("slotB")];
  const make = (name: string, changes: Partial<ImageFields> = {}): Promise<Uint8Array> => makeImage(name, { securityCounter: 3, ...changes });
  const [a, b] = [await makeImage("a"), await makeImage("b", { releaseSequence: 2 })];
  const damaged = (image: Uint8Array): Uint8Array => image.map((byte, i) => (i === image.length - 1 ? byte ^ 1 : byte));
  const crashed = { bootReason: BootReason.Trap, reason: RecoveryReason.CrashLoop };
  const states: State[] = [
    { name: "nothing was ever installed", slots: [], record: "blank", reason: RecoveryReason.NoImage },
    { name: "both images are damaged", slots: [damaged(a), damaged(b)], record: { activeSlot: 0, states: [2, 2] }, reason: RecoveryReason.NoImage },
    { name: "one is damaged, the other failed", slots: [damaged(a), b], record: { activeSlot: 0, states: [2, 3], floor: 3 }, reason: RecoveryReason.NoImage },
    { name: "the only image crashes", slots: [a], record: { activeSlot: 0, states: [2, 0], uncleanBoots: 4 }, ...crashed },
    { name: "both images crash", slots: [a, b], record: { activeSlot: 1, states: [2, 2], uncleanBoots: 4, flags: 4 }, ...crashed },
    { name: "the image in B crashes", slots: [damaged(a), b], record: { activeSlot: 1, states: [3, 2], uncleanBoots: 9, floor: 0 }, ...crashed },
    { name: "a candidate has used up its tries", slots: [undefined, b], record: { activeSlot: 1, states: [0, 1], tries: 0, floor: 2 }, reason: RecoveryReason.NoImage },
    { name: "boot control is lost", slots: [], record: "void", reason: RecoveryReason.NoImage },
    { name: "no factory record", slots: [a], record: "blank", without: "factory", reason: RecoveryReason.NoFactoryRecord },
    { name: "no trust record", slots: [a], record: "blank", without: "trust", reason: RecoveryReason.NoTrustRecord },
  ];
  // Recovery has begun: what an input starts from.
  const begun: { state: State; memory: Snapshot; device: HostState }[] = states.map((state) => {
    host.zone("factory").set(factory);
    host.zone("trust").set(trust);
    if (state.without) host.zone(state.without).fill(0xff);
    slots.forEach((slot, i) => (state.slots[i] ? putInSlot(slot, state.slots[i]) : slot.fill(0xff)));
    const control = host.zone("bootControl").fill(state.record === "void" ? 0 : 0xff);
    if (typeof state.record === "object") putBootRecord(control, state.record);
    host.bootReason = state.bootReason ?? BootReason.PowerOn;
    if (boot() || !new RegExp(`recovery: code ${state.reason} `).test(host.lines)) throw new Error(`${state.name}: the loader does not come to this: ${host.lines}`);
    return { state, memory: instance.save(), device: host.save() };
  });

  const large = await buildImage({ fields: imageFieldsOf({ securityCounter: 3 }), payload: new Uint8Array(17000).map((_, i) => i * 7), chunkBytes: 4096, signingKeys: [releaseKey.privateJwk] });
  const good = await make("c");
  const bySecond = good.slice();
  const signaturesAt = good[6]! | (good[7]! << 8);
  bySecond.set(secondReleaseKey.id, signaturesAt + 12);
  bySecond.set(secondReleaseKey.sign("image", good.subarray(0, signaturesAt)), signaturesAt + 20);
  const files = [
    good, large, await make("d", { releaseSequence: 1, tries: 1 }), await make("e", { securityCounter: 1 }), await make("f", { product: "another" }), await make("g", { hardware: { name: "virtual", revisionMin: 2, revisionMax: 3 } }),
    damaged(good), bySecond, await make("h", { loadAddress: 65536 - 600, entryAddress: 65536 - 4 }), await make("i", { trustVersionMin: 2 }), await makeImage("j", { securityCounter: 3 }, { payloadBytes: 17 }), joined(good, [0]), good.subarray(0, -1),
  ];

  const run = (input: Uint8Array): void => {
    const { state, memory, device } = begun[(input[0] ?? 0) % begun.length]!;
    instance.restore(memory);
    instance.begin(FUEL);
    host.restore(device);
    host.bootReason = state.bootReason ?? BootReason.PowerOn;
    host.serialPieceBytes = [1024, 1, 7, 255, 256, 300][(input[1] ?? 0) % 6]!;
    host.serial = new Uint8Array(0);
    watch.begin((record) => ({ slots: slotsFor(record, state.reason), refuses: () => undefined }));
    const session = new Session(state, watch.rules.slots);
    for (const { kind, bytes } of itemsIn(input, ITEMS_AT)) if (session.feed(kind % Kind.Count, bytes)) return;
  };

  class Session {
    readonly transfer = new Transfer();
    /** What the device said, in order: answers, and that it gave a transfer up. */
    readonly #said: { answer: Frame | undefined; atUs: number }[] = [];
    readonly #questions: Frame[] = [];
    #starts = 0;
    #wasAbandoned = false;
    readonly #ours = new FrameReader((question) => this.#questions.push({ ...question, data: question.data.slice() }));
    readonly #device = new FrameReader(
      (answer) => {
        this.#starts--;
        this.#said.push({ answer: { ...answer, data: answer.data.slice() }, atUs: host.nowUs });
      },
      (line) => {
        if (line.includes("transfer abandoned")) this.#said.push({ answer: undefined, atUs: host.nowUs });
      },
    );

    constructor(readonly state: State, readonly slots: number[]) {
      host.onConsole = (bytes) => {
        for (const byte of bytes) if (byte === 2) this.#starts++;
        this.#device.take(bytes);
      };
    }

    /** Where the image goes that comes now; the loader keeps to the first that it wrote. */
    get slot(): number {
      return host.recoverySlot === undefined ? this.slots[0]! : host.recoverySlot - Zone.SlotA;
    }

    /** True when the run has ended. */
    feed(kind: number, bytes: Uint8Array): boolean {
      if (kind === Kind.Time) {
        host.nowUs += 1000 * Math.min(bytes.length >= 4 ? Buffer.from(bytes).readUInt32LE(0) : bytes.length, TIME_MAX_MS);
      } else {
        const sent = lineOf(kind, bytes);
        this.#ours.take(sent);
        host.serial = sent;
      }
      const beganUs = host.nowUs;
      const left = this.#steps(bytes.length);
      watch.check();
      this.#compare(left !== undefined, beganUs);
      if (left) this.#checkEnd(left);
      else this.#checkDeadlines();
      return left !== undefined;
    }

    /** Until the loader waits. */
    #steps(bytes: number): Left | undefined {
      for (let steps = 2 * bytes + 1000; steps > 0; steps--) {
        try {
          const waitUs = instance.exports.recover!() >>> 0;
          if (waitUs === RECOVERY_NONE) throw new Violation("recovery gives up the line");
          if (waitUs > 0 && host.serial!.length === 0) return undefined;
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
        if (atUs - transfer.heardUs <= SILENCE_US && atUs - transfer.begunUs <= TRANSFER_US) throw new Violation("a transfer is abandoned before its time");
        transfer.isActive = false;
        this.#wasAbandoned = true;
      }
    }

    /** Looks at the answer that this question gets; undefined when it gets none. */
    #expected({ type, data }: Frame): ((answer: Frame) => void) | undefined {
      const { transfer } = this;
      if (type === FRAME_HELLO && data.length === 0) return (answer) => this.#checkInfo(answer);
      if (transfer.isDone) return (answer) => this.#expect(answer, FRAME_DONE, [this.slot]);
      if (type === FRAME_BEGIN && data.length === 4) return (answer) => this.#begun(answer, Buffer.from(data).readUInt32LE(0));
      if (type === FRAME_DATA && data.length > 4) return (answer) => this.#dataAnswered(answer, Buffer.from(data).readUInt32LE(0), data.subarray(4));
      return undefined;
    }

    #expect(answer: Frame, type: number, data: number[]): void {
      expectSame(answer.type, type, "type of an answer");
      if (Buffer.compare(answer.data, Uint8Array.from(data)) !== 0) throw new Violation(`an answer of type ${type} says something else than it must`);
    }

    #checkInfo({ type, data }: Frame): void {
      expectSame(type, FRAME_INFO, "type of the answer to hello");
      const info = Buffer.from(data);
      const { deviceId, product, hardware } = fuzzedIdentity;
      const isKnown = this.state.reason !== RecoveryReason.NoFactoryRecord;
      const texts = isKnown ? [deviceId, product, hardware.name] : ["", "", ""];
      // After 15 minutes a crash loop's image is looked at like any other.
      const reasons = this.state.reason === RecoveryReason.CrashLoop ? [RecoveryReason.CrashLoop, RecoveryReason.NoImage] : [this.state.reason];
      if (!reasons.includes(info[0]!)) throw new Violation(`recovery says code ${info[0]}`);
      if (!this.slots.includes(info[1]!)) throw new Violation("another slot would be written than the one that may be");
      for (const at of [2, 4]) if (ErrorCode[info.readUInt16LE(at)] === undefined) throw new Violation("a slot's code is not one of the format's");
      expectSame(info.readUInt16LE(6), isKnown ? hardware.revision : 0, "hardware revision");
      expectSame(info.readUInt32LE(8), watch.floor, "floor");
      if (info.toString("latin1", 12) !== String.fromCharCode(...texts.map(({ length }) => length), 0) + texts.join("")) throw new Violation("the device says another identity than its own");
    }

    #begun(answer: Frame, fileBytes: number): void {
      if (this.state.without === "factory") return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.FlashFailed));
      if (this.state.without === "trust") return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.TrustRecordInvalid));
      this.#expect(answer, FRAME_ACKNOWLEDGED, u32(0));
      Object.assign(this.transfer, { isActive: true, fileBytes, received: [], begunUs: host.nowUs });
    }

    #dataAnswered(answer: Frame, offset: number, data: Uint8Array): void {
      const { transfer } = this;
      if (!transfer.isActive) return this.#expect(answer, FRAME_REFUSED, u32(ErrorCode.DownloadTimedOut));
      const next = transfer.received.length;
      if (offset !== next) return this.#expect(answer, FRAME_ACKNOWLEDGED, u32(next));
      transfer.received.push(...data);
      const isWhole = transfer.received.length === transfer.fileBytes;
      const file = isWhole ? admittedFile(Uint8Array.from(transfer.received), verifier) : "not whole";
      const isGood = typeof file !== "string" && file.securityCounter >= watch.floor;
      if (answer.type === FRAME_REFUSED) {
        const code = Buffer.from(answer.data).readUInt32LE(0);
        if (answer.data.length !== 4 || code === 0 || ErrorCode[code] === undefined) throw new Violation(`refused with ${code}, which is no code`);
        if (isGood) throw new Violation(`an image that must be taken is refused with ${code}`);
        transfer.isActive = false;
        return;
      }
      if (transfer.received.length > transfer.fileBytes) throw new Violation("more bytes are taken than the file has");
      if (!isWhole) return this.#expect(answer, FRAME_ACKNOWLEDGED, u32(transfer.received.length));
      if (!isGood) throw new Violation(`an image is taken that must be refused: ${typeof file === "string" ? file : "floor"}`);
      this.#expect(answer, FRAME_DONE, [this.slot]);
      transfer.isActive = false;
      transfer.isDone = true;
      this.#expectCandidate(file);
    }

    #expectCandidate(file: Admitted): void {
      const record = watch.record;
      if (record?.slotState(this.slot) !== SlotState.Candidate || record.activeSlot !== this.slot || Buffer.from(record.slotDigest(this.slot)).toString("hex") !== file.digest) throw new Violation("done, and the image is no active candidate");
    }

    #checkDeadlines(): void {
      const { isActive, heardUs, begunUs } = this.transfer;
      if (isActive && (host.nowUs - heardUs > SILENCE_US + SLACK_US || host.nowUs - begunUs > TRANSFER_US + SLACK_US)) throw new Violation("a transfer outlasts its deadline");
    }

    #checkEnd({ how, value, info }: Left): void {
      const { transfer } = this;
      if (how === "image") {
        if (transfer.isActive || host.recoverySlot !== undefined) throw new Violation("an image is started while another comes");
        const slot = info[6]!;
        const image = admittedIn(slots[slot]!, verifier);
        const record = watch.record;
        if (typeof image === "string" || image.securityCounter < watch.floor) throw new Violation("an image is started that is not admissible");
        if (record?.slotState(slot) !== SlotState.Confirmed || record.activeSlot !== slot) throw new Violation("an image is started that boot control does not call confirmed and active");
        return;
      }
      if (host.recoverySlot === undefined) throw new Violation("a reset, and nothing was changed");
      if (transfer.isDone) {
        expectSame(value, BootReason.Update, "why the device resets");
        if (host.nowUs - transfer.heardUs <= LINGER_US) throw new Violation("a reset before the last answer can have come");
        return this.#expectStart();
      }
      expectSame(value, BootReason.Requested, "why the device resets");
      if (!this.#wasAbandoned) throw new Violation("a reset while a transfer is under way");
    }

    /** What was taken is tried next. */
    #expectStart(): void {
      host.onConsole = () => {};
      const { slot } = this;
      host.recoverySlot = undefined;
      host.bootReason = BootReason.Update;
      const started = boot();
      if (started?.how !== "image" || started.info[6] !== slot || started.info[20] !== 1) throw new Violation("an image was taken, and the next boot does not try it");
    }
  }

  const whole = joined([0, 0], ...transfer(good));
  const seeds = [
    whole, joined([2, 3], ...transfer(large), time(2500)), joined([4, 2], ...transfer(files[2]!, 100), time(2500)), ...files.slice(3, -2).map((file, i) => joined([i % 8, 0], ...transfer(file), time(70_000))),
    joined([3, 0], ...transfer(files.at(-2)!, 512)), joined([3, 4], ...transfer(files.at(-1)!, 512), time(61_000)), joined([8, 0], ...transfer(good)), joined([9, 0], ...transfer(good)), joined([3, 0], time(901_000)), joined([1, 0], time(31_000), frame(FRAME_HELLO, 7)),
    joined([6, 0], ...transfer(good, 700, 12), ...transfer(good), frame(FRAME_DATA, 9, [0, 0, 0, 0, 1]), time(1000), frame(FRAME_HELLO, 65535), time(3000)),
    joined([5, 0], item(Kind.Raw, 0, [...encodeFrame({ type: FRAME_HELLO, sequence: 5, data: new Uint8Array(0) }), 2, 65, 10]), item(Kind.Decoded, 0, [FRAME_BEGIN, 1, 1, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
  ];
  for (const seed of seeds.slice(0, 3)) {
    run(seed);
    if (!watch.rules.slots.some((slot) => watch.record?.slotState(slot) === SlotState.Candidate)) throw new Error("a good transfer of this target does not end in a candidate");
  }

  return {
    name: "recovery",
    instance,
    inputBytesMax: 24_576,
    share: 0.003,
    seeds,
    dictionary: [Uint8Array.of(FRAME_HELLO, 0, 0), Uint8Array.of(2), Uint8Array.of(10), frame(FRAME_HELLO, 1), time(61_000), time(2_001), u32(good.length), u32(1024)].map((token) => Uint8Array.from(token)),
    mutate(draft, random) {
      switch (random.below(8)) {
        case 0: case 1:
          return drawn(draft, random);
        case 2: case 3:
          return shuffleItems(draft, ITEMS_AT, random);
        case 4:
          draft.bytes[random.below(2)] = random.below(12);
          draft.length = Math.max(draft.length, ITEMS_AT);
          return;
        case 5:
          return insert(draft, random.pick([ITEMS_AT, ...itemsOf(draft, ITEMS_AT).map(({ end }) => end)]), random.pick([time(random.pick([1, 1999, 2001, 30_001, 59_999, 60_001, 900_001])), frame(FRAME_HELLO, random.below(65536)), frame(FRAME_BEGIN, 1, u32(random.pick([0, 1, 4096, good.length, 0xffffffff])))]));
        default:
          return changeFrame(draft, random);
      }
    },
    repair(draft, random) {
      for (const { kind, bytes } of itemsOf(draft, ITEMS_AT)) {
        if (kind % Kind.Count !== Kind.Decoded || bytes.length < 10 || random.below(8) === 0) continue;
        bytes[1] = 1;
        write(bytes, 4, 2, bytes.length - 10, true);
        write(bytes, bytes.length - 4, 4, crc32(bytes, 0, bytes.length - 4), true);
      }
    },
    run,
  };

  /** A session with one of the files, in pieces of any size, with one byte of the header changed and signed again, now and then. */
  function drawn(draft: Draft, random: SeededRandom): void {
    const file = random.pick(files).slice();
    if (file.length > 4096 && random.below(4) !== 0) return drawn(draft, random);
    const at = random.below(file.length);
    switch (random.below(4)) {
      case 0:
        file[at]! ^= 1 << random.below(8);
        break;
      case 1: {
        const place = 8 + 4 * random.below((signaturesAt - 8) >> 2);
        write(file, place, 4, random.pick([0, 1, 2, 3, 256, 4096, 65536, 0xffffffff]), true);
        if (file.length > signaturesAt + 84) file.set(releaseKey.sign("image", file.subarray(0, signaturesAt)), signaturesAt + 20);
      }
    }
    const frames = transfer(file, random.pick([1024, 1024, 512, 333, 100]), random.below(8) === 0 ? file.length + random.pick([-1, 1, 4]) : file.length);
    if (random.below(3) === 0) frames.splice(random.below(frames.length), 1);
    if (random.below(3) === 0) frames.splice(random.below(frames.length), 0, random.pick(frames));
    const parts = [Uint8Array.of(random.below(begun.length), random.below(6)), ...(random.below(4) === 0 ? [draft.bytes.slice(ITEMS_AT, Math.max(ITEMS_AT, draft.length))] : []), ...frames, ...(random.below(2) === 0 ? [time(random.pick([2001, 61_000]))] : [])];
    draft.length = 0;
    for (const part of parts) insert(draft, draft.length, part);
  }

  function changeFrame(draft: Draft, random: SeededRandom): void {
    const items = itemsOf(draft, ITEMS_AT).filter(({ bytes }) => bytes.length >= 3);
    if (items.length === 0) return;
    const chosen: Item = random.pick(items);
    const { bytes } = chosen;
    switch (random.below(5)) {
      case 0: // type
        bytes[0] = random.pick([1, 2, 3, 4, 0x81, 0x84, 255]);
        return;
      case 1: // offset or length of the file
        if (bytes.length >= 7) write(bytes, 3, 4, random.pick([0, 1, 1024, 2048, 0xffffffff, good.length, bytes[3]! + 1]), true);
        return;
      case 2: // one byte
        bytes[random.below(bytes.length)] = random.next();
        return;
      case 3: // a kind of another
        if (chosen.kind % Kind.Count === Kind.Frame) replaceItem(draft, chosen, item(random.pick([Kind.Decoded, Kind.Raw]), 0, random.below(2) === 0 ? [bytes[0]!, 1, 0, 0, 0, 0, ...bytes.subarray(3), 0, 0, 0, 0] : lineOf(Kind.Frame, bytes)));
        return;
      default: // cut in two
        if (bytes.length > 8 && bytes[0] === FRAME_DATA) {
          const cut = 8 + random.below(bytes.length - 8);
          const offset = Buffer.from(bytes).readUInt32LE(3);
          replaceItem(draft, chosen, joined(item(Kind.Frame, 0, bytes.slice(0, cut)), frame(FRAME_DATA, 1, [...u32((offset + cut - 7) >>> 0), ...bytes.slice(cut)])));
        }
    }
  }
};

/** What an item puts on the line. */
function lineOf(kind: number, bytes: Uint8Array): Uint8Array {
  if (kind === Kind.Raw) return bytes;
  if (kind === Kind.Decoded) return new Uint8Array(Buffer.from(`\x02${Buffer.from(bytes).toString("base64url")}\n`, "latin1"));
  const data = bytes.subarray(3, 3 + 1028);
  return new Uint8Array(encodeFrame({ type: bytes[0] ?? 0, sequence: (bytes[1] ?? 0) | ((bytes[2] ?? 0) << 8), data }));
}
