// Recovery in the real boot loader: whatever comes on the serial line, in whatever order, with time in between. The
// slot that docs/boot-control.md names is written and no other, with nothing that was not signed (flash-watch.ts); each
// frame that holds is answered as "Recovery" there says; an image is taken exactly when the server's build of the
// verifier admits the whole file.
//
// Input: u8 state of the device; u8 how the line cuts what comes (low seven bits), and whether the loader is run from
// its first instruction or recovery has begun already (bit 7); then items (items.ts): frames, bytes as they come, time.

import {
  type BootRecord,
  buildImage,
  crc32,
  FRAME_BEGIN,
  FRAME_DATA,
  FRAME_HELLO,
  type ImageFields,
  RecoveryReason,
  SlotState,
} from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { BootReason, Zone } from "@flipside/machine/abi";
import { encodeFrame } from "@flipside/machine/serial/frames";
import type { Snapshot } from "../engine/instance.ts";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, Violation } from "../engine/target.ts";
import { FUEL, newestOf, openBoot } from "./boot-loader.ts";
import { putBootRecord } from "./boot-records.ts";
import { type HostState, WINDOW_BYTES } from "./device-host.ts";
import { imageFieldsOf, makeImage, putInSlot, strictVerifier } from "./device-images.ts";
import { FlashWatch } from "./flash-watch.ts";
import { item, type Item, itemsIn, itemsOf, joined, replaceItem, shuffleItems, u32 } from "./items.ts";
import { releaseKey, secondReleaseKey } from "./keys.ts";
import { DATA_BYTES_MAX, Kind, lineOf, RecoverySession, type State } from "./recovery-session.ts";

const ITEMS_AT = 2;
/** In the second byte. */
const FROM_THE_START = 0x80;
const IMAGE_BYTES_MAX = 1024;

const frame = (type: number, sequence: number, data: ArrayLike<number> = []): Uint8Array =>
  item(Kind.Frame, 0, [type, sequence & 255, sequence >> 8, ...Array.from(data)]);
const time = (ms: number): Uint8Array => item(Kind.Time, 0, u32(ms));

/** A hello whose version, or length, is another: with its check, as the line decodes it. */
function wrongPrefix(kind: number): Uint8Array {
  const bytes = new Uint8Array(10);
  bytes.set([FRAME_HELLO, kind === 1 ? 2 : 1, 1, 0, kind === 2 ? 1 : 0, 0]);
  write(bytes, 6, 4, crc32(bytes, 0, 6), true);
  return bytes;
}

/** What a sender sends that wants this file in the device. */
function transfer(file: Uint8Array, pieceBytes = IMAGE_BYTES_MAX, fileBytes = file.length): Uint8Array[] {
  const frames = [frame(FRAME_HELLO, 1), frame(FRAME_BEGIN, 2, u32(fileBytes))];
  for (let at = 0; at < file.length; at += pieceBytes)
    frames.push(frame(FRAME_DATA, 3 + at, [...u32(at), ...file.subarray(at, at + pieceBytes)]));
  return frames;
}

/**
 * Where an image may go (docs/boot-control.md, "What is stored, and when"): not over a confirmed one as long as there
 * is another place.
 */
function slotsFor(record: BootRecord | undefined, reason: RecoveryReason): number[] {
  const free = [0, 1].filter((slot) => record?.slotState(slot) !== SlotState.Confirmed);
  if (free.length > 0) return free;
  return reason === RecoveryReason.CrashLoop ? [1 - record!.activeSlot] : [0, 1];
}

export const recovery: OpenTarget = async (patches = []): Promise<Target> => {
  const loader = await openBoot(patches);
  const { host, instance, boot } = loader;
  const verifier = await strictVerifier();
  const watch = new FlashWatch(host, verifier);
  const factory = host.zone("factory").slice();
  const trust = host.zone("trust").slice();
  const slots = [host.zone("slotA"), host.zone("slotB")];
  const make = (name: string, changes: Partial<ImageFields> = {}): Promise<Uint8Array> =>
    makeImage(name, { securityCounter: 3, ...changes });
  const [a, b] = [await makeImage("a"), await makeImage("b", { releaseSequence: 2 })];
  const damaged = (image: Uint8Array): Uint8Array => image.map((byte, i) => (i === image.length - 1 ? byte ^ 1 : byte));
  const crashed = { bootReason: BootReason.Trap, reason: RecoveryReason.CrashLoop };
  const states: State[] = [
    { name: "nothing was ever installed", slots: [], record: "blank", reason: RecoveryReason.NoImage },
    {
      name: "both images are damaged",
      slots: [damaged(a), damaged(b)],
      record: { activeSlot: 0, states: [2, 2] },
      reason: RecoveryReason.NoImage,
    },
    {
      name: "one is damaged, the other failed",
      slots: [damaged(a), b],
      record: { activeSlot: 0, states: [2, 3], floor: 3 },
      reason: RecoveryReason.NoImage,
    },
    {
      name: "the only image crashes",
      slots: [a],
      record: { activeSlot: 0, states: [2, 0], uncleanBoots: 4 },
      ...crashed,
    },
    {
      name: "both images crash",
      slots: [a, b],
      record: { activeSlot: 1, states: [2, 2], uncleanBoots: 4, flags: 4 },
      ...crashed,
    },
    {
      name: "the image in B crashes",
      slots: [damaged(a), b],
      record: { activeSlot: 1, states: [3, 2], uncleanBoots: 9, floor: 0 },
      ...crashed,
    },
    {
      name: "a candidate has used up its tries",
      slots: [undefined, b],
      record: { activeSlot: 1, states: [0, 1], tries: 0, floor: 2 },
      reason: RecoveryReason.NoImage,
    },
    { name: "boot control is lost", slots: [], record: "void", reason: RecoveryReason.NoImage },
    {
      name: "no factory record",
      slots: [a],
      record: "blank",
      without: "factory",
      reason: RecoveryReason.NoFactoryRecord,
    },
    { name: "no trust record", slots: [a], record: "blank", without: "trust", reason: RecoveryReason.NoTrustRecord },
    {
      name: "neither image can be read for a while",
      slots: [a, b],
      record: { activeSlot: 1, states: [2, 2] },
      unreadable: { zones: [Zone.SlotA, Zone.SlotB], untilUs: 45_000_000 },
      reason: RecoveryReason.NoImage,
    },
    {
      name: "the active image is damaged, and the other can't be read for a while",
      slots: [a, damaged(b)],
      record: { activeSlot: 1, states: [2, 2] },
      unreadable: { zones: [Zone.SlotA], untilUs: 70_000_000 },
      reason: RecoveryReason.NoImage,
    },
    {
      name: "the trust zone can't be read for a while",
      slots: [a],
      record: { activeSlot: 0, states: [2, 0] },
      unreadable: { zones: [Zone.Trust], untilUs: 45_000_000 },
      reason: RecoveryReason.NoTrustRecord,
    },
    {
      name: "the factory record can't be read for a while, and nothing is installed",
      slots: [],
      record: "blank",
      unreadable: { zones: [Zone.Factory], untilUs: 45_000_000 },
      reason: RecoveryReason.NoFactoryRecord,
    },
    {
      name: "the only image crashes, and is damaged",
      slots: [damaged(a)],
      record: { activeSlot: 0, states: [2, 0], uncleanBoots: 4 },
      ...crashed,
    },
    {
      name: "both images crash, and one can't be read for an hour",
      slots: [a, b],
      record: { activeSlot: 1, states: [2, 2], uncleanBoots: 4, flags: 4 },
      unreadable: { zones: [Zone.SlotB], untilUs: 3_600_000_000 },
      ...crashed,
    },
    {
      name: "a candidate's try can't be recorded",
      slots: [undefined, b],
      record: { activeSlot: 1, states: [0, 1], tries: 2 },
      isWorn: true,
      reason: RecoveryReason.BootControlUnwritable,
    },
  ];
  /** Runs the loader until it waits on the line. */
  const come = (state: State): void => {
    const started = boot();
    if (started || !host.lines.includes(`recovery: code ${state.reason} `))
      throw new Violation(
        `${state.name}: the loader ${started ? `starts ${started.how}` : "says something else"}: ${host.lines}`,
      );
  };
  // What an input starts from: the device before the boot, and after it.
  const begun: { state: State; before: HostState; memory: Snapshot; device: HostState; bootCounter: number }[] =
    states.map((state) => {
      host.zone("factory").set(factory);
      host.zone("trust").set(trust);
      if (state.without) host.zone(state.without).fill(0xff);
      slots.forEach((slot, i) => (state.slots[i] ? putInSlot(slot, state.slots[i]) : slot.fill(0xff)));
      const control = host.zone("bootControl").fill(state.record === "void" ? 0 : 0xff);
      if (typeof state.record === "object") putBootRecord(control, state.record);
      host.bootReason = state.bootReason ?? BootReason.PowerOn;
      host.nowUs = 1000;
      host.unreadable = state.unreadable;
      host.wornZone = state.isWorn ? Zone.BootControl : undefined;
      const before = host.save();
      const bootCounter = newestOf(host)?.bootCounter ?? 0;
      come(state);
      return { state, before, memory: instance.save(), device: host.save(), bootCounter };
    });

  const payload = new Uint8Array(17_000).map((_, i) => i * 7);
  const large = await buildImage({
    fields: imageFieldsOf({ securityCounter: 3 }),
    payload,
    chunkBytes: 4096,
    signingKeys: [releaseKey.privateJwk],
  });
  const good = await make("c");
  const bySecond = good.slice();
  const signaturesAt = good[6]! | (good[7]! << 8);
  bySecond.set(secondReleaseKey.id, signaturesAt + 12);
  bySecond.set(secondReleaseKey.sign("image", good.subarray(0, signaturesAt)), signaturesAt + 20);
  const small = await make("d", { releaseSequence: 1, tries: 1 });
  const tooLong = joined(good, [0]);
  const tooShort = good.subarray(0, -1);
  const refused = [
    await make("e", { securityCounter: 1 }),
    await make("f", { product: "another" }),
    await make("g", { hardware: { name: "virtual", revisionMin: 2, revisionMax: 3 } }),
    damaged(good),
    bySecond,
    await make("h", { loadAddress: WINDOW_BYTES - 600, entryAddress: WINDOW_BYTES - 4 }),
    await make("i", { trustVersionMin: 2 }),
  ];
  const files = [
    good,
    large,
    small,
    ...refused,
    await makeImage("j", { securityCounter: 3 }, { payloadBytes: 17 }),
    tooLong,
    tooShort,
  ];

  const run = (input: Uint8Array): void => {
    const { state, before, memory, device, bootCounter } = begun[(input[0] ?? 0) % begun.length]!;
    const isFromTheStart = ((input[1] ?? 0) & FROM_THE_START) !== 0;
    host.restore(isFromTheStart ? before : device);
    host.bootReason = state.bootReason ?? BootReason.PowerOn;
    host.unreadable = state.unreadable;
    host.wornZone = state.isWorn ? Zone.BootControl : undefined;
    host.serialPieceBytes = [1024, 1, 7, 255, 256, 300][((input[1] ?? 0) & ~FROM_THE_START) % 6]!;
    host.serial = new Uint8Array(0);
    host.onConsole = host.keepLines;
    if (isFromTheStart) come(state);
    else instance.restore(memory);
    instance.begin(FUEL);
    watch.begin((record) => ({ slots: slotsFor(record, state.reason), refuses: () => undefined }));
    const session = new RecoverySession({ loader, watch, verifier }, { ...state, bootCounter }, watch.rules.slots);
    for (const { kind, bytes } of itemsIn(input, ITEMS_AT))
      if ((!state.unreadable || kind % Kind.Count === Kind.Time) && session.feed(kind % Kind.Count, bytes)) return;
  };

  // As many chunks as an image may have, and one more: the manifest, which comes first, says so.
  const most = await Promise.all(
    [512, 513].map((chunks) => makeImage("k", { securityCounter: 3 }, { payloadBytes: 256 * chunks - 9 })),
  );
  const hello = encodeFrame({ type: FRAME_HELLO, sequence: 5, data: new Uint8Array(0) });
  const longest = encodeFrame({ type: FRAME_DATA, sequence: 5, data: new Uint8Array(DATA_BYTES_MAX).fill(1) });
  const seeds = [
    joined([0, 0], ...transfer(good)),
    joined([2, 3], ...transfer(large), time(2500)),
    joined([4, 2], ...transfer(small, 100), time(2500)),
    ...files.slice(3, -2).map((file, i) => joined([i % 8, 0], ...transfer(file), time(70_000))),
    joined([3, 0], ...transfer(tooLong, 512)),
    joined([3, 4], ...transfer(tooShort, 512), time(61_000)),
    joined([8, 0], ...transfer(good)),
    joined([9, 0], ...transfer(good)),
    joined([3, 0], time(901_000)),
    joined([1, 0], time(31_000), frame(FRAME_HELLO, 7)),
    joined(
      [6, 0],
      ...transfer(good, 700, 12),
      ...transfer(good),
      frame(FRAME_DATA, 9, [0, 0, 0, 0, 1]),
      time(1000),
      frame(FRAME_HELLO, 65535),
      time(3000),
    ),
    ...[10, 11, 12, 13].map((state) =>
      joined([state, 0], time(29_000), time(2_000), time(29_000), time(2_000), time(31_000), time(40_000)),
    ),
    joined([13, 0], time(100_000), frame(FRAME_HELLO, 3)),
    ...[3, 4, 14, 15].flatMap((state) => [
      joined([state, 0], time(899_000), frame(FRAME_HELLO, 1), time(2_000), frame(FRAME_HELLO, 2), time(60_000)),
      joined([state, 0], time(890_000), ...transfer(good, 512, 600), time(20_000), time(900_000)),
    ]),
    ...states.flatMap((state, i) =>
      state.unreadable
        ? []
        : [
            joined([i, FROM_THE_START], frame(FRAME_HELLO, 1), time(31_000), time(31_000), frame(FRAME_HELLO, 2)),
            joined([i, FROM_THE_START], ...transfer(good), time(2_500)),
          ],
    ),
    ...[3, 4, 14, 15].map((state) =>
      joined([state, FROM_THE_START], time(899_000), time(2_000), time(60_000), time(2_000)),
    ),
    ...[10, 11, 12, 13].map((state) =>
      joined([state, FROM_THE_START], time(29_000), time(2_000), time(29_000), time(2_000), time(31_000), time(40_000)),
    ),
    joined([2, 0], ...transfer(refused[0]!)),
    joined([5, 0], ...transfer(refused[0]!)),
    joined([0, 0], ...transfer(good, 700, 900), ...transfer(good)),
    joined([1, 0], ...transfer(good, 300, 900), time(61_000), ...transfer(good, 300)),
    joined(
      [2, 0],
      frame(FRAME_HELLO, 1, [1]),
      frame(FRAME_BEGIN, 2, [1]),
      frame(FRAME_BEGIN, 3, [1, 2, 3, 4, 5]),
      frame(FRAME_DATA, 4, [0, 0, 0]),
      frame(FRAME_DATA, 5, u32(0)),
      frame(9, 6, u32(4)),
      frame(9, 7, []),
      frame(FRAME_HELLO, 8),
    ),
    joined(
      [0, 0],
      frame(FRAME_BEGIN, 2, u32(20)),
      frame(FRAME_DATA, 3, [...u32(0), 1]),
      frame(FRAME_DATA, 3, [...u32(1), 2, 3]),
      frame(FRAME_DATA, 3, [...u32(9), 2, 3]),
      frame(FRAME_DATA, 4, u32(3)),
      time(1_000_000),
      frame(FRAME_DATA, 4, [...u32(3), 9]),
    ),
    ...[1, 3].map((cut) =>
      joined(
        [0, cut],
        item(Kind.Raw, 0, [
          65,
          66,
          10,
          2,
          65,
          65,
          2,
          ...encodeFrame({ type: FRAME_HELLO, sequence: 5, data: new Uint8Array(0) }),
          67,
          10,
          ...encodeFrame({ type: FRAME_HELLO, sequence: 6, data: new Uint8Array(0) }),
        ]),
        frame(FRAME_HELLO, 7),
      ),
    ),
    // A frame whose end noise has made, and whose beginning: two halves are none, nor is one with more behind it than
    // any has.
    joined([0, 0], item(Kind.Raw, 0, [...hello.subarray(0, 7), 10, ...hello.subarray(7)]), frame(FRAME_HELLO, 7)),
    joined([0, 0], item(Kind.Raw, 0, [...longest.subarray(0, -1), 65, 10, 10]), frame(FRAME_HELLO, 7)),
    joined(
      [0, 0],
      item(Kind.Raw, 0, [...longest.subarray(0, -1), ...new Uint8Array(40).fill(65), 10, ...longest]),
      frame(FRAME_HELLO, 7),
    ),
    ...most.map((file) =>
      joined(
        [0, 0],
        frame(FRAME_BEGIN, 2, u32(file.length)),
        ...[0, 1, 2, 3, 4].map((i) =>
          frame(FRAME_DATA, 3 + i, [...u32(1024 * i), ...file.subarray(1024 * i, 1024 * i + 1024)]),
        ),
        time(61_000),
      ),
    ),
    // Silence is counted from the last frame on, whatever noise comes.
    joined(
      [0, 1],
      frame(FRAME_BEGIN, 2, u32(900)),
      time(59_000),
      item(Kind.Raw, 0, [65]),
      time(500),
      frame(FRAME_DATA, 3, [...u32(0), 7]),
      time(59_900),
      frame(FRAME_DATA, 4, [...u32(1), 7]),
    ),
    ...[0, 1, 2].map((version) => joined([0, 0], item(Kind.Decoded, 0, wrongPrefix(version)))),
    // Once a minute a byte: never silent, and an hour is not enough.
    joined(
      [0, 0],
      frame(FRAME_BEGIN, 2, u32(900)),
      ...Array.from({ length: 64 }, (_, i) => [frame(FRAME_DATA, i, [...u32(i), 7]), time(59_000)]).flat(),
    ),
    // The hour begins with the transfer, not with the device.
    joined(
      [0, 0],
      time(1_200_000),
      time(1_200_000),
      frame(FRAME_BEGIN, 2, u32(900)),
      ...Array.from({ length: 24 }, (_, i) => [frame(FRAME_DATA, i, [...u32(i), 7]), time(59_000)]).flat(),
    ),
    // What is no frame does not repeat the one before.
    ...[wrongPrefix(0).subarray(0, 9), ...[1, 2].map(wrongPrefix), wrongPrefix(0).fill(1, 6)].map((wrong) =>
      joined([0, 0], frame(FRAME_HELLO, 1), item(Kind.Decoded, 0, wrong), frame(FRAME_HELLO, 2)),
    ),
    joined(
      [5, 0],
      item(Kind.Raw, 0, [...encodeFrame({ type: FRAME_HELLO, sequence: 5, data: new Uint8Array(0) }), 2, 65, 10]),
      item(Kind.Decoded, 0, [FRAME_BEGIN, 1, 1, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
    ),
  ];
  for (const seed of seeds.slice(0, 3)) {
    run(seed);
    if (!watch.rules.slots.some((slot) => watch.record?.slotState(slot) === SlotState.Candidate))
      throw new Error("a good transfer of this target does not end in a candidate");
  }

  return {
    name: "recovery",
    instance,
    host,
    inputBytesMax: 24_576,
    share: 0.003,
    seeds,
    dictionary: [
      [FRAME_HELLO, 0, 0],
      [2],
      [10],
      frame(FRAME_HELLO, 1),
      time(61_000),
      time(2_001),
      u32(good.length),
      u32(1024),
    ].map((token) => Uint8Array.from(token)),
    mutate(draft, random) {
      switch (random.below(8)) {
        case 0:
        case 1:
          return drawn(draft, random);
        case 2:
        case 3:
          return shuffleItems(draft, ITEMS_AT, random);
        case 4:
          draft.bytes[0] = random.below(states.length);
          draft.bytes[1] = random.below(6) | (random.below(8) === 0 ? FROM_THE_START : 0);
          draft.length = Math.max(draft.length, ITEMS_AT);
          return;
        case 5:
          return insert(
            draft,
            random.pick([ITEMS_AT, ...itemsOf(draft, ITEMS_AT).map(({ end }) => end)]),
            drawnItem(random),
          );
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

  function drawnItem(random: SeededRandom): Uint8Array {
    switch (random.below(3)) {
      case 0:
        return time(random.pick([1, 1999, 2001, 30_001, 59_999, 60_001, 900_001]));
      case 1:
        return frame(FRAME_HELLO, random.below(65536));
      default:
        return frame(FRAME_BEGIN, 1, u32(random.pick([0, 1, 4096, good.length, 0xffffffff])));
    }
  }

  /**
   * A session with one of the files, in pieces of any size, with one byte of the header changed and signed again, now
   * and then.
   */
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
        if (file.length > signaturesAt + 84)
          file.set(releaseKey.sign("image", file.subarray(0, signaturesAt)), signaturesAt + 20);
      }
    }
    const frames = transfer(
      file,
      random.pick([1024, 1024, 512, 333, 100]),
      random.below(8) === 0 ? file.length + random.pick([-1, 1, 4]) : file.length,
    );
    if (random.below(3) === 0) frames.splice(random.below(frames.length), 1);
    if (random.below(3) === 0) frames.splice(random.below(frames.length), 0, random.pick(frames));
    const before = random.below(4) === 0 ? [draft.bytes.slice(ITEMS_AT, Math.max(ITEMS_AT, draft.length))] : [];
    const after = random.below(2) === 0 ? [time(random.pick([2001, 61_000]))] : [];
    const parts = [Uint8Array.of(random.below(begun.length), random.below(6)), ...before, ...frames, ...after];
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
        if (bytes.length >= 7)
          write(bytes, 3, 4, random.pick([0, 1, 1024, 2048, 0xffffffff, good.length, bytes[3]! + 1]), true);
        return;
      case 2: // one byte
        bytes[random.below(bytes.length)] = random.next();
        return;
      case 3: // a kind of another
        if (chosen.kind % Kind.Count !== Kind.Frame) return;
        if (random.below(2) === 0)
          replaceItem(
            draft,
            chosen,
            item(Kind.Decoded, 0, [bytes[0]!, 1, 0, 0, 0, 0, ...bytes.subarray(3), 0, 0, 0, 0]),
          );
        else replaceItem(draft, chosen, item(Kind.Raw, 0, lineOf(Kind.Frame, bytes)));
        return;
      default: // cut in two
        if (bytes.length > 8 && bytes[0] === FRAME_DATA) {
          const cut = 8 + random.below(bytes.length - 8);
          const offset = Buffer.from(bytes).readUInt32LE(3);
          replaceItem(
            draft,
            chosen,
            joined(
              item(Kind.Frame, 0, bytes.slice(0, cut)),
              frame(FRAME_DATA, 1, [...u32((offset + cut - 7) >>> 0), ...bytes.slice(cut)]),
            ),
          );
        }
    }
  }
};
