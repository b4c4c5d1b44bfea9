// The whole boot loader on flash with arbitrary contents: boot control, or a slot, or the trust zone. It starts an
// image that the server's build of the verifier admits too, by a record that names it, or returns; and it returns only
// when no confirmed image that is admissible is there.

import {
  BOOT_FLAG_CONTACT_FALLBACK,
  BOOT_FLAG_HEARTBEAT,
  BOOT_FLAG_YIELDED,
  type BootRecord,
  SlotState,
} from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { BootReason } from "@flipside/machine/abi";
import { recordAt } from "../../power-cut/flash-contents.ts";
import { write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { newestOf, openBoot } from "./boot-loader.ts";
import {
  type Admitted,
  admittedIn,
  imageFieldsOf,
  layout,
  makeImage,
  putInSlot,
  strictVerifier,
} from "./device-images.ts";
import { type DeviceHost, ERASE_MS_MAX, type Left, WINDOW_BYTES } from "./device-host.ts";
import { sampleBootRecord, trustChains } from "./formats.ts";
import { releaseKey, secondReleaseKey, sha256Of } from "./keys.ts";

const PAGES = layout.zones.bootControl.sizeBytes / 4096;
const PAGES_PER_SECTOR = layout.sectorBytes / 4096;

/** Unclean boots in a row, this one counted, from which a confirmed image gives way (docs/boot-control.md). */
const UNCLEAN_BOOTS_MAX = 5;

/** An erase and three records of two programs, and as much again for a log that begins anew. */
const OPERATIONS_MAX = 16;

const isCrash = (bootReason: number): boolean => bootReason === BootReason.Trap || bootReason === BootReason.Watchdog;

/** Whether a confirmed image has crashed again and again, and there is nothing left that it could give way to. */
function isCrashLoop(bootReason: number, record: BootRecord): boolean {
  const active = record.activeSlot;
  const other = record.slotState(1 - active);
  const crashed = isCrash(bootReason);
  if (!crashed || record.uncleanBoots + 1 < UNCLEAN_BOOTS_MAX || record.slotState(active) !== SlotState.Confirmed)
    return false;
  return other !== SlotState.Candidate && (other !== SlotState.Confirmed || (record.flags & BOOT_FLAG_YIELDED) !== 0);
}

/** docs/boot-control.md, "Power-up rule", 5. */
function mayEndInTornChange(host: DeviceHost, newest: BootRecord): boolean {
  if ((newest.flags & BOOT_FLAG_HEARTBEAT) === 0) return true;
  const { sectorBytes } = layout;
  const isHere = (sector: number): boolean =>
    recordAt(layout, host.flash, sector * sectorBytes + newest.page * 4096)?.epoch === newest.epoch;
  const other = recordAt(layout, host.flash, isHere(1) ? 0 : sectorBytes);
  return other?.epoch !== (newest.epoch - 1) >>> 0;
}

/** What must hold of a boot, whatever the flash held. */
function check(
  host: DeviceHost,
  admitted: (Admitted | string)[],
  before: BootRecord | undefined,
  started: Left | undefined,
): void {
  const after = newestOf(host);
  if (before && after && !isCrash(host.bootReason) && after.uncleanBoots > before.uncleanBoots)
    throw new Violation(`a boot for reason ${host.bootReason} was counted as unclean`);
  if (host.operations > OPERATIONS_MAX) throw new Violation(`one boot made ${host.operations} flash operations`);
  if (before && isCrashLoop(host.bootReason, before)) {
    if (started) throw new Violation("an image in a crash loop was started again");
    if (!/recovery: code \d+ crash-loop/.test(host.lines))
      throw new Violation("recovery does not say that it is for a crash loop");
    return;
  }
  if (started) checkStarted(host, admitted, before, after, started);
  else checkNothingStarted(admitted, before);
}

function checkNothingStarted(admitted: (Admitted | string)[], before: BootRecord | undefined): void {
  if (!before) {
    if (admitted.some((slot) => typeof slot !== "string"))
      throw new Violation("nothing was started, though boot control is lost and a slot holds an admissible image");
    return;
  }
  for (const slot of [0, 1]) {
    const image = admitted[slot]!;
    if (
      before.slotState(slot) === SlotState.Confirmed &&
      typeof image !== "string" &&
      image.securityCounter >= before.securityFloor
    )
      throw new Violation("nothing was started, though a confirmed image is admissible");
  }
}

function checkStarted(
  host: DeviceHost,
  admitted: (Admitted | string)[],
  before: BootRecord | undefined,
  after: BootRecord | undefined,
  started: Left,
): void {
  const slot = started.info[6]!;
  const image = admitted[slot];
  if (image === undefined || typeof image === "string")
    throw new Violation(`an image was started that is not admissible: ${image}`);
  if (
    before &&
    before.uncleanBoots < UNCLEAN_BOOTS_MAX &&
    !isCrash(host.bootReason) &&
    slot !== before.activeSlot &&
    before.slotState(before.activeSlot) === SlotState.Confirmed
  ) {
    const active = admitted[before.activeSlot]!;
    if (typeof active !== "string" && active.securityCounter >= before.securityFloor)
      throw new Violation("another image was started than the active one, which is good");
  }
  if (started.value !== image.entryAddress) throw new Violation("the image was entered elsewhere than its header says");
  if (Buffer.from(started.info.subarray(24, 56)).toString("hex") !== image.digest)
    throw new Violation("the boot information names another image");
  if (!after) throw new Violation("an image was started, and no record of boot control holds");
  // An empty or failed active slot is passed over without a record of its own.
  if (
    after.activeSlot !== slot &&
    [SlotState.Confirmed, SlotState.Candidate].includes(after.slotState(after.activeSlot))
  )
    throw new Violation("the newest record names another slot than the one that was started");
  const state = after.slotState(slot);
  if (state !== SlotState.Confirmed && state !== SlotState.Candidate)
    throw new Violation(`a slot in state ${state} was started`);
  if (image.securityCounter < after.securityFloor) throw new Violation("an image below the floor was started");
  if (host.watchdogMs < Math.max(image.watchdogMs, ERASE_MS_MAX))
    throw new Violation(`the watchdog was armed with ${host.watchdogMs} ms: one erase may take longer`);
  if (!before) checkRebuilt(admitted, after);
  if (before && after.securityFloor !== before.securityFloor) throw new Violation("the loader changed the floor");
  if (state === SlotState.Candidate && (after.flags & BOOT_FLAG_CONTACT_FALLBACK) !== 0)
    throw new Violation("a candidate is started, and the record says that it waits for another image's contact");
  if (before && state === SlotState.Candidate && before.slotTries(slot) === 0)
    throw new Violation("a candidate without tries was started");
}

/** A log that was made anew: of two images the newer is only guessed to run well, so it is tried, beside the other. */
function checkRebuilt(admitted: (Admitted | string)[], after: BootRecord): void {
  const [a, b] = admitted;
  if (typeof a === "string" || typeof b === "string" || !a || !b) return;
  const newer = b.releaseSequence > a.releaseSequence ? 1 : 0;
  if (after.slotState(newer) !== SlotState.Candidate || after.slotState(1 - newer) !== SlotState.Confirmed)
    throw new Violation("a log that was made anew believes the newer image");
  if (after.securityFloor > Math.min(a.securityCounter, b.securityCounter))
    throw new Violation("a log that was made anew refuses one of the images");
}

// ---- boot control
// ------------------------------------------------------------------------------------------------------
//
// Input: u8 boot reason; u8 slots (bit 0, 1: A, B holds an image; bit 2, 3: damaged); then pages: u8 page (bits 0 to 2)
// and what is put right (bit 3 check, bit 4 seal, bit 5 page number, bit 6 a seal of another record), u8 length, bytes.

const CHECK = 8;
const SEAL = 16;
const PLACE = 32;
const OTHER_SEAL = 64;

const sealed = (page: number, record: Uint8Array): number[] => [
  page | CHECK | SEAL | PLACE,
  144,
  ...record.subarray(0, 144),
];
const record = (
  activeSlot: number,
  stateA: number,
  stateB: number,
  change: (view: DataView) => void = () => {},
): Uint8Array => {
  const bytes = sampleBootRecord(activeSlot, stateA, stateB);
  change(new DataView(bytes.buffer));
  return bytes;
};
const drawn = (random: SeededRandom): Uint8Array =>
  record(random.below(2), random.below(4), random.below(4), (view) => {
    view.setUint32(8, random.pick([1, 2, 3, 0xffffffff]), true);
    view.setUint32(20, random.pick([0, 1, 3, 4, 5, 0xffffffff]), true);
    view.setUint32(24, random.pick([0, 1, 2, 3]), true);
    view.setUint8(29, random.pick([0, 1, 2, 4, 128, 132]));
    for (const at of [33, 73]) view.setUint8(at, random.pick([0, 1, 3]));
    for (const at of [34, 74]) view.setUint16(at, random.pick([0, 76]), true);
  });

const bootControlSeeds: readonly number[][] = [
  [0, 3],
  [1, 1],
  [0, 3, ...sealed(0, record(0, 2, 0))],
  [3, 3, ...sealed(0, record(0, 2, 2)), ...sealed(1, record(1, 2, 1))],
  [
    4,
    3,
    ...sealed(
      0,
      record(0, 2, 2, (view) => view.setUint32(20, 4, true)),
    ),
  ],
  [
    4,
    3,
    ...sealed(
      0,
      record(0, 2, 0, (view) => view.setUint32(20, 4, true)),
    ),
  ],
  [5, 3, ...sealed(3, record(1, 2, 1))],
  [0, 15, ...sealed(7, record(0, 2, 2)), ...sealed(3, record(1, 1, 2))],
  [
    2,
    3,
    ...sealed(
      2,
      record(0, 3, 2, (view) => view.setUint32(8, 0xffffffff, true)),
    ),
  ],
  [
    0,
    3,
    ...sealed(
      3,
      record(0, 2, 2, (view) => view.setUint32(8, 0xfffffffe, true)),
    ),
    ...sealed(
      4,
      record(0, 1, 2, (view) => view.setUint32(24, 2, true)),
    ),
  ],
  // A contact fallback to an image that does not verify: the candidate's turn.
  [
    0,
    7,
    ...sealed(
      0,
      record(0, 2, 1, (view) => view.setUint8(29, 2)),
    ),
  ],
  // A heartbeat, with a sector beside it that is older by one and by more; a record with the seal of another one.
  ...[2, 1].map((epoch) => [
    0,
    3,
    ...sealed(
      0,
      record(0, 2, 2, (view) => {
        view.setUint32(8, 3, true);
        view.setUint8(29, 128);
      }),
    ),
    ...sealed(
      4,
      record(0, 2, 2, (view) => view.setUint32(8, epoch, true)),
    ),
  ]),
  [
    0,
    3,
    ...sealed(0, record(0, 2, 2)),
    2 | CHECK | SEAL | PLACE | OTHER_SEAL,
    144,
    ...record(1, 2, 2, (view) => view.setUint32(24, 2, true)).subarray(0, 144),
  ],
  // In another page than it names; flags that a boot which changes the state takes away; a lost log with nothing
  // readable.
  [0, 3, ...sealed(0, record(0, 2, 2)), 1 | CHECK | SEAL, 144, ...record(1, 2, 2).subarray(0, 144)],
  [
    4,
    3,
    ...sealed(
      0,
      record(1, 2, 2, (view) => {
        view.setUint32(20, 4, true);
        view.setUint8(29, 1);
      }),
    ),
  ],
  [
    0,
    3,
    ...sealed(
      0,
      record(1, 2, 1, (view) => {
        view.setUint8(73, 0);
        view.setUint8(29, 1);
      }),
    ),
  ],
  [0, 0, 0, 144, ...record(0, 2, 2).subarray(0, 144)],
  [0, 2, 0, 144, ...record(0, 2, 2).subarray(0, 144)],
  [0, 1, 0, 144, ...record(0, 2, 2).subarray(0, 144)],
  [0, 3, 0, 16, ...record(0, 2, 0).subarray(0, 16), 1 | CHECK, 144, ...record(0, 2, 0).subarray(0, 144)],
];

function mutateLog(draft: Draft, random: SeededRandom): void {
  const pages = pagesIn(draft);
  if (random.below(4) === 0) {
    // What a record says matters together (boot reason, states, tries, crashes), and no mark tells how close it
    // came.
    const log = [random.below(8), random.below(16)];
    for (let left = 1 + random.below(2); left > 0; left--) log.push(...sealed(random.below(PAGES), drawn(random)));
    draft.bytes.set(log);
    draft.length = log.length;
    return;
  }
  if (pages.length === 0 || random.below(6) === 0) {
    draft.bytes[0] = random.below(8);
    draft.bytes[1] = random.below(16);
    draft.length = Math.max(2, draft.length);
    return;
  }
  const at = random.pick(pages);
  const { bytes } = draft;
  switch (random.below(6)) {
    case 0:
      bytes[at] = (bytes[at]! & 0xf8) | random.below(PAGES);
      return;
    case 1:
      bytes[at]! ^= random.pick([CHECK, SEAL, PLACE]);
      return;
    case 2: // epoch, page, counters, floor
      if (bytes[at + 1]! >= 30 && at + 32 <= draft.length)
        write(
          bytes,
          at + 2 + random.pick([8, 12, 16, 20, 24]),
          4,
          random.pick([0, 1, 2, 3, 4, 5, 0xfffffffe, 0xffffffff]),
          true,
        );
      return;
    default: // active slot, flags, states, tries, reasons
      if (bytes[at + 1]! >= 80 && at + 82 <= draft.length)
        bytes[at + 2 + random.pick([28, 29, 32, 33, 34, 72, 73, 74])] = random.pick([0, 1, 2, 3, 4, 7, 76, 255]);
  }
}

export const bootControl: OpenTarget = async (patches = []): Promise<Target> => {
  const { host, instance, boot } = await openBoot(patches);
  const verifier = await strictVerifier();
  const images = [await makeImage("a"), await makeImage("b", { releaseSequence: 2, securityCounter: 2 })];
  const slots = [host.zone("slotA"), host.zone("slotB")];
  const contents = Array.from({ length: 16 }, (_, choice) =>
    slots.map((slot, i) => {
      const bytes = new Uint8Array(slot.length).fill(0xff);
      if ((choice >> i) & 1) putInSlot(bytes, images[i]!);
      if ((choice >> i) & 4) bytes[layout.sectorBytes + 300] = bytes[layout.sectorBytes + 300]! ^ 1;
      return { bytes, admitted: admittedIn(bytes, verifier) };
    }),
  );
  const zone = host.zone("bootControl");
  return {
    name: "boot-control",
    instance,
    host,
    inputBytesMax: 1600,
    share: 0.001,
    seeds: bootControlSeeds.map((seed) => Uint8Array.from(seed)),
    dictionary: [
      ...text("FSBC", "SEAL"),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      Uint8Array.from(sealed(0, record(0, 2, 2))),
    ],
    mutate: mutateLog,
    run(input) {
      const choice = contents[(input[1] ?? 0) & 15]!;
      host.bootReason = (input[0] ?? 0) % 8;
      host.operations = 0;
      host.watchdogMs = 0;
      slots.forEach((slot, i) => slot.set(choice[i]!.bytes));
      zone.fill(0xff);
      for (let at = 2; at + 2 <= input.length; at += 2 + input[at + 1]!) {
        const what = input[at]!;
        const page = (what & 7) % PAGES;
        const to = zone.subarray(page * 4096, (page + 1) * 4096);
        to.fill(0xff);
        to.set(input.subarray(at + 2, at + 2 + input[at + 1]!));
        if (what & PLACE) write(to, 12, 4, page % PAGES_PER_SECTOR, true);
        const digest = what & (CHECK | SEAL) ? sha256Of(to.subarray(0, 144)) : undefined;
        if (what & CHECK) to.set(digest!.subarray(0, 16), 144);
        if (what & SEAL) {
          to.set(Buffer.from("SEAL"), 256);
          to.set(digest!.subarray(0, 12), 260);
          if (what & OTHER_SEAL) to[260]! ^= 1;
        }
      }
      const before = newestOf(host);
      const isOpen = before !== undefined && mayEndInTornChange(host, before);
      const started = boot();
      check(
        host,
        choice.map(({ admitted }) => admitted),
        before,
        started,
      );
      if (isOpen && started && newestOf(host)!.epoch - before.epoch === 0)
        throw new Violation("an image was started, and what may be a torn change is not settled");
    },
  };
};

function pagesIn(draft: Draft): number[] {
  const pages: number[] = [];
  for (let at = 2; at + 2 <= draft.length; at += 2 + draft.bytes[at + 1]!) pages.push(at);
  return pages;
}

// ---- slots
// -------------------------------------------------------------------------------------------------------------
//
// Input: an image file for slot A, laid out as a slot has it; as far as it has no form, as it comes. Slot B is empty
// and boot control blank, so the loader takes exactly what it finds good.

export const slots: OpenTarget = async (patches = []): Promise<Target> => {
  const { host, instance, boot } = await openBoot(patches);
  const verifier = await strictVerifier();
  const slot = host.zone("slotA");
  host.zone("slotB").fill(0xff);
  const good = await makeImage("a");
  const fieldsAt = 8;
  return {
    name: "slots",
    instance,
    host,
    inputBytesMax: 8192,
    share: 0.001,
    seeds: [
      good,
      await makeImage("b", { description: "another" }),
      await makeImage("c", { hardware: { name: "virtual", revisionMin: 2, revisionMax: 2 } }),
      await makeImage("d", { loadAddress: 64, entryAddress: 128 }),
      await makeImage("e", { loaderVersionMin: 3 }),
      await makeImage("i", { imageType: 1 }),
      await makeImage("f", { product: imageFieldsOf().product.slice(1) }),
      await makeImage("g", { loadAddress: WINDOW_BYTES - 600, entryAddress: WINDOW_BYTES - 600 }),
    ],
    dictionary: [
      ...text("FSIM", "FSSG", imageFieldsOf().product, "virtual"),
      releaseKey.id,
      secondReleaseKey.id,
      Uint8Array.of(0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58),
    ],
    mutate(draft, random: SeededRandom) {
      // A field's value within the header.
      const headerBytes = Math.min(draft.length, (draft.bytes[6] ?? 0) | ((draft.bytes[7] ?? 0) << 8));
      if (headerBytes < 16) return;
      const at = fieldsAt + 4 * random.below((headerBytes - fieldsAt) >> 2);
      write(
        draft.bytes,
        at,
        4,
        random.pick([
          0,
          1,
          2,
          3,
          255,
          256,
          257,
          512,
          600,
          1024,
          4096,
          65535,
          65536,
          WINDOW_BYTES,
          0xfffffffc,
          0xffffffff,
          random.next(),
        ]),
        true,
      );
    },
    repair(draft, random) {
      // Signed again: what lies behind the signature check is to be reached, too.
      const headerBytes = (draft.bytes[6] ?? 0) | ((draft.bytes[7] ?? 0) << 8);
      if (random.below(3) === 0 || headerBytes < 8 || headerBytes + 84 > draft.length) return;
      if (draft.bytes[headerBytes + 8] !== 1) return;
      draft.bytes.set(releaseKey.id, headerBytes + 12);
      draft.bytes.set(releaseKey.sign("image", draft.bytes.subarray(0, headerBytes)), headerBytes + 20);
    },
    run(input) {
      host.bootReason = 0;
      host.operations = 0;
      host.watchdogMs = 0;
      host.zone("bootControl").fill(0xff);
      putInSlot(slot, input);
      const admitted = admittedIn(slot, verifier);
      const started = boot();
      if (typeof admitted !== "string" && !started)
        throw new Violation("the loader refuses what the server's build of the verifier admits");
      check(host, [admitted, "empty"], undefined, started);
    },
  };
};

// ---- trust zone
// ----------------------------------------------------------------------------------------------------------
//
// Input: the first copy of the trust zone. The second is the factory's, so something always boots, and what counts is
// which keys do: an image by the second release key is started exactly when the first copy holds and names it.

export const trustZone: OpenTarget = async (patches = []): Promise<Target> => {
  const { host, instance, boot } = await openBoot(patches);
  const chains = await trustChains();
  const bySecond = await makeImage("a");
  const headerBytes = bySecond[6]! | (bySecond[7]! << 8);
  bySecond.set(secondReleaseKey.id, headerBytes + 12);
  bySecond.set(secondReleaseKey.sign("image", bySecond.subarray(0, headerBytes)), headerBytes + 20);
  const slot = host.zone("slotA");
  putInSlot(slot, bySecond);
  host.zone("slotB").fill(0xff);
  const trust = host.zone("trust");
  const isWhole = (input: Uint8Array, chain: Uint8Array): boolean =>
    Buffer.compare(input.subarray(0, chain.length), chain) === 0;
  return {
    name: "trust-zone",
    instance,
    host,
    inputBytesMax: 8192,
    share: 0.001,
    seeds: chains,
    dictionary: text("FSTC", "FSTR", "FSSG"),
    repair(draft) {
      if (draft.length >= 8) write(draft.bytes, 4, 4, draft.length, true);
    },
    run(input) {
      host.bootReason = 0;
      host.operations = 0;
      host.watchdogMs = 0;
      host.zone("bootControl").fill(0xff);
      trust.fill(0xff, 0, layout.sectorBytes);
      trust.set(input);
      const started = boot();
      // No change of a chain is signed, so only whole ones may count. (A changed second signature of a link that has
      // enough without it is the exception: it is not looked at.)
      if (started && !chains.slice(1).some((chain) => isWhole(input, chain)) && !extendsKnown(input, chains))
        throw new Violation("an image by a key that no signed trust record names was started");
      if (!started && chains.slice(1).some((chain) => isWhole(input, chain)))
        throw new Violation("a whole trust chain was refused");
    },
  };
};

/** Whether every link's body is one that was signed: signature blocks may hold more or less than is looked at. */
function extendsKnown(input: Uint8Array, chains: Uint8Array[]): boolean {
  const longest = chains[2]!;
  const bodies: Uint8Array[] = [];
  for (let at = 12; at < longest.length; ) {
    const bodyBytes = longest[at + 6]! | (longest[at + 7]! << 8);
    bodies.push(longest.subarray(at, at + bodyBytes));
    at += bodyBytes + (longest[at + bodyBytes + 6]! | (longest[at + bodyBytes + 7]! << 8));
  }
  let at = 12;
  const links = input[8]! | (input[9]! << 8);
  for (let link = 0; link < links; link++) {
    const body = bodies[link];
    if (!body || Buffer.compare(input.subarray(at, at + body.length), body) !== 0) return false;
    at += body.length + ((input[at + body.length + 6] ?? 0) | ((input[at + body.length + 7] ?? 0) << 8));
  }
  return links >= 2;
}
