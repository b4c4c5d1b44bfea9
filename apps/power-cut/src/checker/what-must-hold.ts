// What must hold of a device, whatever it runs on: told of what can be seen of a power-up from outside, it looks at the
// flash by a reader of its own (flash-checker.ts). docs/power-cut.md lists the invariants. A host that does not show
// something is not judged by it.

import type { FlashLayout, ZoneName } from "@flipside/machine/factory/flash-layout";
import { BootReason, Zone } from "@flipside/machine/abi";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { Wishes } from "../server/story-memory.ts";
import type { CampaignImage } from "../stories/images.ts";
import type { Story } from "../stories/story.ts";
import type { BootRecord, FlashChecker } from "./flash-checker.ts";

/** A sector of which the chip has said done, and what it should hold it does not. */
export interface Liar {
  sector: number;
  /** Each time. */
  isForGood: boolean;
  /** It reads well at first. */
  fades: boolean;
}

/** What is known to be wrong with a flash, besides what power cuts left. */
export interface Defects {
  /** A sector that no longer takes erases and programs; -1: none. */
  wornSector: number;
  /** A bit was lost in the idle slot. */
  isRotten: boolean;
  liar?: Liar | undefined;
}

export const noDefects: Defects = { wornSector: -1, isRotten: false };

export type JudgedImage = Pick<CampaignImage, "name" | "digest" | "header" | "payload">;

/** What a story allows, and what it ends with. */
export type Rules = Pick<
  Story,
  "mayRepairTrust" | "hasForgedSlot" | "mayEnrol" | "trustAtEnd" | "floorAtEnd" | "mayRecover"
> & {
  outcome?: string | undefined;
  wishes: { readonly image?: JudgedImage | undefined; readonly trustChain?: Wishes["trustChain"] | undefined };
  inadmissible?: readonly JudgedImage[];
  endsOn?: JudgedImage;
};

/** What a power-up begins with. */
export interface Before extends Defects {
  /** The highest floor that was in force. */
  floor: number;
  /** Power cuts so far. */
  cuts: number;
  /** The update was over. */
  wasOver: boolean;
}

/** An image is started: what its host shows of that. */
export interface ImageStart {
  slot: number;
  /** 64 hex digits. */
  digest: string;
  /** Of the record that the loader acted on, as it told the image. */
  bootCounter?: number;
  triesActedOn?: number | undefined;
  /** 0: unwatched. */
  watchdogMs?: number;
  /** RAM from where the copy of the payload lies. */
  copy?: Uint8Array;
}

export interface JudgeOptions {
  layout: FlashLayout;
  checker: FlashChecker;
  /** Content number of each page of flash: as it is at any time. */
  ids: Int32Array;
  images: ReadonlyMap<string, JudgedImage>;
}

/** Unclean ends in a row from which a confirmed image gives way (docs/boot-control.md, "Unclean boots"). */
const UNCLEAN_BOOTS_MAX = 5;
const CRASHED_REPEATEDLY = 76;
const FLAG_YIELDED = 4;
const FLAG_CONTACT_FALLBACK = 2;
const FLAG_TRUST_A_IN_FLUX = 8;
const FLAG_TRUST_B_IN_FLUX = 16;

export class WhatMustHold {
  readonly checker: FlashChecker;
  violations: string[] = [];
  floor = 0;
  defects: Defects = noDefects;
  /** Runs of the confirmed image of one slot that ended uncleanly, in a row, in this power-up. */
  unclean = { slot: -1, runs: 0 };
  onViolation: (text: string) => void = () => {};
  readonly #layout: FlashLayout;
  readonly #ids: Int32Array;
  readonly #images: ReadonlyMap<string, JudgedImage>;
  readonly #zonePages: Record<ZoneName, { first: number; end: number }>;
  #rules: Rules = { wishes: {} };
  #cuts = 0;
  #wasOver = false;
  #factory: Int32Array | undefined;
  #running: { slot: number; before: Int32Array } | undefined;
  /** The newest record when the loader began, when no bit of the log was unstable. */
  #recordAtBoot: BootRecord | undefined;
  /** The log held no record that counts when the loader began, and no bit of it was unstable. */
  #logWasLost = false;
  /** Why the loader runs now (EXO_BOOT_*). */
  #bootReason = 0;

  constructor({ layout, checker, ids, images }: JudgeOptions) {
    this.#layout = layout;
    this.checker = checker;
    this.#ids = ids;
    this.#images = images;
    this.#zonePages = Object.fromEntries(
      Object.entries(layout.zones).map(([name, zone]) => [
        name,
        { first: zone.offsetBytes / PAGE_BYTES, end: (zone.offsetBytes + zone.sizeBytes) / PAGE_BYTES },
      ]),
    ) as Record<ZoneName, { first: number; end: number }>;
  }

  // ---- what it is told of
  // -------------------------------------------------------------------------------------------------

  /** Power is applied. */
  powerUpBegins(rules: Rules, before: Before): void {
    this.violations = [];
    this.#rules = rules;
    this.floor = before.floor;
    this.#cuts = before.cuts;
    this.#wasOver = before.wasOver;
    const { wornSector, liar } = before;
    this.defects = { wornSector, isRotten: before.isRotten, liar };
    // What a slot holds of a lie may be lost later.
    if (this.#hasLiedIn("slotA") || this.#hasLiedIn("slotB")) this.defects = { wornSector, isRotten: true, liar };
    this.unclean = { slot: -1, runs: 0 };
    this.#running = undefined;
    this.#factory = this.#pagesOf("factory");
  }

  /** The boot loader runs, for this reason (EXO_BOOT_*). */
  loaderBegins(reason: number): void {
    const { checker } = this;
    this.#running = undefined;
    this.#bootReason = reason;
    const isStable = checker.logIsStable(this.#ids);
    this.#recordAtBoot = isStable ? checker.newestRecord(this.#ids) : undefined;
    this.#logWasLost = isStable && !this.#recordAtBoot;
    if (!this.#recordAtBoot || this.defects.isRotten || this.defects.wornSector >= 0) return;
    this.#checkConfirmed(this.#recordAtBoot);
    if (!this.#mayHaveLostBothCopies("trust")) this.#checkTrust(this.#recordAtBoot);
  }

  /** Invariants 1 and 5, and that what is acted on is the fresh record. */
  imageStarts({ slot, digest, bootCounter, triesActedOn, watchdogMs, copy }: ImageStart): void {
    const { checker } = this;
    const image = this.#images.get(digest);
    const started = `slot ${"ab"[slot]} (${image?.name ?? digest.slice(0, 8)})`;
    if (!image) return this.violates(1, `${started} was started, which nobody made`);
    if (copy && Buffer.compare(copy.subarray(0, image.payload.length), image.payload) !== 0)
      this.violates(1, `the copy in RAM of ${started} is not the image's payload`);
    if (this.#rules.inadmissible?.some((each) => each.digest === digest))
      this.violates(1, `${started} must not be started on this device`);
    const record = checker.newestRecord(this.#ids);
    // One of a sector that fades each time need not be there any more.
    if (!record)
      return this.#logMayFade && this.defects.liar!.isForGood
        ? undefined
        : this.violates(2, `${started} was started without any record`);
    const { state, tries } = record.slots[slot]!;
    const counter = securityCounterOf(image);
    if (counter < record.floor) this.violates(1, `${started} is below the floor ${record.floor}`);
    if (record.floor < this.floor && !this.#logMayFade)
      this.violates(5, `the floor fell from ${this.floor} to ${record.floor}`);
    if (!this.logIsWorn) {
      if (record.active !== slot)
        this.violates(2, `${started} was started while the newest record says slot ${"ab"[record.active]}`);
      if (state !== "candidate" && state !== "confirmed") this.violates(1, `${started} was started in state ${state}`);
      if (record.slots[slot]!.digest !== digest)
        this.violates(1, `${started} is not the image that boot control names`);
      if (bootCounter !== undefined && record.bootCounter !== bootCounter)
        this.violates(2, "the newest record is not the one that the loader acted on");
    }
    const before = this.#recordAtBoot;
    if (before && !this.logIsWorn && record.bootCounter <= before.bootCounter)
      this.violates(2, "no fresh record was appended before an image was started");
    this.#checkCounted(record, slot, started);
    if (this.#logWasLost) this.#checkRebuilt(record, slot, started);
    if (state === "candidate") {
      const allowed =
        before?.slots[slot]?.state === "candidate" && before.slots[slot]!.digest === digest
          ? before.slots[slot]!.tries - 1
          : undefined;
      if (allowed !== undefined && tries > allowed) this.violates(3, `a try of ${started} was not recorded`);
      const isTryRecorded = triesActedOn === undefined || tries === triesActedOn;
      if (!isTryRecorded && !this.#logMayFade)
        this.violates(3, `${started} was started and its try could not be recorded`);
      if (isTryRecorded && (record.flags & FLAG_CONTACT_FALLBACK) !== 0)
        this.violates(3, `${started} was started, and the record says that it waits for the other image's contact`);
      if (watchdogMs === 0) this.violates(3, `${started} was started unwatched`);
    }
    // Where boot control is worn out, the newest record need not be the one that was acted on.
    if (bootCounter === undefined || record.bootCounter === bootCounter)
      this.floor = Math.max(this.floor, record.floor);
  }

  /** What was started runs from now on. */
  imageRuns(slot: number): void {
    this.#running = { slot, before: this.#pagesOf(slot === 0 ? "slotA" : "slotB") };
  }

  /** It no longer does. */
  imageEnds(): void {
    const running = this.#running;
    this.#running = undefined;
    if (running && !this.#isAsBefore(running.slot === 0 ? "slotA" : "slotB", running.before))
      this.violates(4, "the running slot changed while it ran");
  }

  /** Invariant 2's other half: what the confirmed image of a slot does counts against it. */
  imageEndsUncleanly(slot: number): void {
    const isConfirmed = this.checker.newestRecord(this.#ids)?.slots[slot]?.state === "confirmed";
    this.unclean = !isConfirmed
      ? { slot: -1, runs: 0 }
      : { slot, runs: this.unclean.slot === slot ? this.unclean.runs + 1 : 1 };
  }

  /** Invariant 4: what runs, and what only the factory writes, is never touched. */
  mayChange({ kind, offset }: Pick<FlashOperation, "kind" | "offset">, zone: number): void {
    const allowed = this.#running
      ? zone === Zone.BootControl ||
        zone === Zone.Journal ||
        zone === Zone.Settings ||
        zone === (this.#running.slot === 0 ? Zone.SlotB : Zone.SlotA) ||
        (zone === Zone.Trust && (this.#rules.wishes.trustChain !== undefined || this.#rules.mayRepairTrust === true))
      : zone === Zone.BootControl;
    if (!allowed) this.violates(4, `${kind} at ${offset} in zone ${zone} while ${this.#whoRuns} runs`);
    if (this.#running && zone === Zone.Trust) this.#mayChangeTrust(offset);
  }

  /** A change that the exokernel refused: the module wanted it all the same. */
  denied(kind: string, zone: number): void {
    this.violates(4, `${kind} in zone ${zone} was refused: ${this.#whoRuns} may not change it`);
  }

  /** A check-in says so. */
  saysFloor(floor: number): void {
    if (floor < this.floor && !this.#logMayFade)
      this.violates(5, `a check-in says floor ${floor}, which was ${this.floor}`);
  }

  enrols(): void {
    if (!this.#rules.mayEnrol && this.defects.wornSector < 0 && !this.#mayHaveLostBothCopies("settings"))
      this.violates(2, "the device enrols again: its secret was lost");
  }

  /** Invariant 2: recovery is for a device on which no confirmed image reads back intact. */
  recovers(): void {
    const record = this.checker.newestRecord(this.#ids);
    // With one slot rotten, the other one's image may crash for ever: recovery is for that, too. Runs of before the
    // last cut count as well: they stand in the record that this boot found or, where that reads unstably, in the one
    // that it made.
    const isUnclean = this.#bootReason === BootReason.Trap || this.#bootReason === BootReason.Watchdog;
    const before = this.#recordAtBoot;
    const counted = before ? before.uncleanBoots + 1 : (record?.uncleanBoots ?? 0);
    const crashesForEver = (slot: number): boolean =>
      isUnclean && (before ?? record)?.active === slot && counted >= UNCLEAN_BOOTS_MAX;
    const isOfUse = (slot: number): boolean =>
      (this.unclean.slot !== slot || this.unclean.runs < UNCLEAN_BOOTS_MAX) && !crashesForEver(slot);
    // "No trust record" is what recovery then says.
    if (
      this.#rules.mayRecover ||
      this.#mayHaveLostBothCopies("trust") ||
      (this.defects.isRotten && record && !this.checker.bootableSlots(this.#ids, record).some(isOfUse))
    )
      return;
    this.violates(2, "no image was started: recovery");
  }

  /** Invariants 2, 3, 5 and 6, when nothing more happens. */
  rests(isSettled: boolean, outcome: string | undefined): void {
    const { checker } = this;
    if (this.#factory && !this.#isAsBefore("factory", this.#factory))
      this.violates(4, "what the factory wrote has changed");
    const record = checker.newestRecord(this.#ids);
    if (!record) return void (isSettled && this.violates(2, "no record of boot control holds any more"));
    if (record.floor < this.floor && !this.#logMayFade)
      this.violates(5, `the floor fell from ${this.floor} to ${record.floor}`);
    this.floor = Math.max(this.floor, record.floor);
    if (checker.bootableSlots(this.#ids, record).length === 0 && !this.#rules.mayRecover && !this.defects.isRotten)
      this.violates(2, "no confirmed, admissible, whole image is left");
    const { floorAtEnd, trustAtEnd } = this.#rules;
    if (
      isSettled &&
      trustAtEnd !== undefined &&
      this.defects.wornSector < 0 &&
      !this.#hasLiedIn("trust") &&
      !this.#hasLiedIn("bootControl")
    ) {
      const version = checker.trust.goodVersion(this.#ids, record.flags);
      if (version !== trustAtEnd || !checker.trust.areEqual(this.#ids))
        this.violates(
          3,
          `the trust record is version ${version} in the end, and should be ${trustAtEnd} in both copies`,
        );
    }
    if (
      isSettled &&
      floorAtEnd !== undefined &&
      !this.logIsWorn &&
      outcome === this.#rules.outcome &&
      record.floor !== floorAtEnd
    )
      this.violates(5, `the floor is ${record.floor} in the end, and should be ${floorAtEnd}`);
    // What was confirmed may have faded since.
    const mayHaveFaded =
      (this.#wasOver && (this.#hasLiedIn("slotA") || this.#hasLiedIn("slotB") || this.#logMayFade)) ||
      (this.#logMayFade && this.defects.liar!.isForGood);
    if (outcome === "confirmed" && isSettled && !(this.#rules.endsOn && this.logIsWorn) && !mayHaveFaded) {
      const image = this.#rules.endsOn ?? this.#rules.wishes.image;
      const slot = record.active;
      if (record.slots[slot]!.state !== "confirmed" || record.slots[slot]!.digest !== image?.digest)
        this.violates(6, "the server believes that the device was updated, and its flash says otherwise");
    }
  }

  /** Of hosts that show what a cut left: the log, and an image that can boot. */
  leftByCut(hadRecord: boolean): void {
    const record = this.checker.newestRecord(this.#ids);
    // No record at all: only before the first one was sealed.
    if (!record && hadRecord) this.violates(2, "no record of boot control holds any more");
    if (record && this.checker.bootableSlots(this.#ids, record).length === 0 && !this.defects.isRotten)
      this.violates(2, "no confirmed, admissible, whole image is left");
  }

  violates(invariant: number, what: string): void {
    const text = `invariant ${invariant}: ${what}`;
    this.violations.push(text);
    this.onViolation(text);
  }

  // ---- what it looks at
  // ---------------------------------------------------------------------------------------------------

  /**
   * An image writes only the copy of the trust record that the log says is in flux, while the other one is not. Where
   * the other one may have faded, both are, and what is left is written anew.
   */
  #mayChangeTrust(offset: number): void {
    if (this.logIsWorn || this.#mayHaveLostBothCopies("trust") || !this.checker.logIsStable(this.#ids)) return;
    const flags = this.checker.newestRecord(this.#ids)?.flags ?? 0;
    const isA = offset < this.#layout.zones.trust.offsetBytes + this.#layout.sectorBytes;
    if ((flags & (FLAG_TRUST_A_IN_FLUX | FLAG_TRUST_B_IN_FLUX)) !== (isA ? FLAG_TRUST_A_IN_FLUX : FLAG_TRUST_B_IN_FLUX))
      this.violates(4, `trust copy ${isA ? "a" : "b"} changes while the flags are ${flags}`);
  }

  #pagesOf(zone: ZoneName): Int32Array {
    const { first, end } = this.#zonePages[zone];
    return this.#ids.slice(first, end);
  }

  #isAsBefore(zone: ZoneName, before: Int32Array): boolean {
    const { first, end } = this.#zonePages[zone];
    for (let page = first; page < end; page++) if (this.#ids[page] !== before[page - first]) return false;
    return true;
  }

  get #whoRuns(): string {
    return this.#running ? "an image" : "the boot loader";
  }

  /** Unclean boots: five in a row give way, nothing else does, and only a trap or the watchdog is one. */
  #checkCounted(record: BootRecord, slot: number, started: string): void {
    const before = this.#recordAtBoot;
    if (!before || this.logIsWorn) return;
    const isUnclean = this.#bootReason === BootReason.Trap || this.#bootReason === BootReason.Watchdog;
    if (!isUnclean && record.uncleanBoots > before.uncleanBoots)
      this.violates(2, `a boot for reason ${this.#bootReason} was counted as unclean`);
    record.slots.forEach(({ reason }, at) => {
      if (reason !== CRASHED_REPEATEDLY || before.slots[at]!.reason === CRASHED_REPEATEDLY) return;
      if (!isUnclean || before.uncleanBoots + 1 < UNCLEAN_BOOTS_MAX)
        this.violates(2, `slot ${"ab"[at]} gave way after ${before.uncleanBoots} unclean boots`);
    });
    const other = record.slots[1 - slot]!;
    if (
      this.unclean.slot === slot &&
      this.unclean.runs >= UNCLEAN_BOOTS_MAX &&
      other.state === "confirmed" &&
      (record.flags & FLAG_YIELDED) === 0
    )
      this.violates(
        2,
        `${started} was started again after ${this.unclean.runs} runs that ended uncleanly, and the other slot is confirmed`,
      );
  }

  /** A log that was lost: of two images the newer is only guessed, so it is a candidate beside the older one. */
  #checkRebuilt(record: BootRecord, slot: number, started: string): void {
    if (this.logIsWorn || this.defects.isRotten) return;
    const images = [0, 1].map((at) => this.checker.imageIn(this.#ids, at));
    const [own, other] = [images[slot], images[1 - slot]];
    if (!own || !other || own.releaseSequence <= other.releaseSequence) return;
    if (record.slots[slot]!.state !== "candidate")
      this.violates(2, `${started} was started as ${record.slots[slot]!.state} by a log that was made anew`);
    if (record.slots[1 - slot]!.state !== "confirmed")
      this.violates(2, `beside ${started}, which is only guessed, nothing is confirmed`);
    if (record.floor > other.securityCounter)
      this.violates(5, `the floor ${record.floor} of a log that was made anew refuses the other slot's image`);
  }

  /** Invariant 2: what boot control calls confirmed is there. */
  #checkConfirmed(record: BootRecord): void {
    record.slots.forEach(({ state, digest }, slot) => {
      if (
        state === "confirmed" &&
        !this.#rules.hasForgedSlot &&
        this.checker.imageIn(this.#ids, slot)?.digest !== digest
      )
        this.violates(2, `boot control calls slot ${"ab"[slot]} confirmed, and it does not hold that image`);
    });
  }

  /** Invariant 2: a trust record that can be relied on is there. */
  #checkTrust(record: BootRecord): void {
    if (this.checker.trust.goodVersion(this.#ids, record.flags) === 0)
      this.violates(2, "no copy of the trust record is known to be good");
  }

  #liesIn(sector: number, zone: ZoneName): boolean {
    const { offsetBytes, sizeBytes } = this.#layout.zones[zone];
    const { sectorBytes } = this.#layout;
    return sector >= offsetBytes / sectorBytes && sector < (offsetBytes + sizeBytes) / sectorBytes;
  }

  /** A record may read well now and not later: what raised the floor, too. */
  get #logMayFade(): boolean {
    return this.#hasLiedIn("bootControl") && this.defects.liar!.fades;
  }

  /** One copy read back well, power failed while the other was written, and the first has faded since. */
  #mayHaveLostBothCopies(zone: ZoneName): boolean {
    return this.#hasLiedIn(zone) && this.defects.liar!.fades && this.#cuts > 0;
  }

  #hasLiedIn(zone: ZoneName): boolean {
    return this.defects.liar !== undefined && this.#liesIn(this.defects.liar.sector, zone);
  }

  /** Boot control lies in a sector that fails: no fresh record can be expected. */
  get logIsWorn(): boolean {
    return this.#liesIn(this.defects.wornSector, "bootControl") || this.#hasLiedIn("bootControl");
  }
}

/** Field 7 of the header (docs/image-format.md), found by its number. */
const counters = new WeakMap<JudgedImage, number>();
function securityCounterOf(image: JudgedImage): number {
  let counter = counters.get(image);
  if (counter === undefined) {
    const header = Buffer.from(image.header);
    counter = 0;
    for (let at = 8; at < header.length; at += 4 + ((header.readUInt16LE(at + 2) + 3) & ~3))
      if ((header.readUInt16LE(at) & 0x7fff) === 7) counter = header.readUInt32LE(at + 4);
    counters.set(image, counter);
  }
  return counter;
}
