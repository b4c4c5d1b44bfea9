// The boot loader: reads boot control, appends a fresh record before it acts on anything, then starts the image that the
// record names, if the strict verifier accepts the copy in RAM; else the other one; else it returns, and recovery runs.
// docs/architecture.md, "Boot", tells the same in words. This program never changes once a device is made.

import { BootControlLog } from "../boot-control/log";
import { endLine, say, sayHex, sayNumber, sayText } from "../console";
import { BOOT_INFO_BYTES, BOOT_INFO_MAGIC, bootReason, BootReason, imageLoad, imageRead, imageStart, imageWindow, watchdogArm, Zone } from "../exokernel";
import { FlashZone } from "../flash";
import {
  BOOT_FLAG_CONTACT_FALLBACK,
  BOOT_FLAG_REBUILT,
  BOOT_FLAG_YIELDED,
  DIGEST_BYTES,
  ErrorCode,
  slotPayloadOffset,
  SlotState,
} from "../format";
import { loadFactoryRecord } from "../identity/factory";
import { LOADER_VERSION, Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { TrustStore } from "../trust/trust-store";

export { abort } from "../abort";

/** Boots that ended in a crash or a watchdog reset, in a row, before a confirmed image gives way to the other. */
const UNCLEAN_BOOTS_MAX: u32 = 5;

const log = new BootControlLog();
const trust = new TrustStore();
const manifest = new Manifest();
const slotA = new FlashZone(Zone.SlotA);
const slotB = new FlashZone(Zone.SlotB);
/** Of the copy in RAM, which is what runs. */
class CopyCheck extends PayloadCheck {
  protected override readPayload(offset: u32, ptr: usize, length: u32): i32 {
    return imageRead(this.manifest.header.loadAddress + offset, ptr, length);
  }
}

const check = new CopyCheck(manifest, slotA);
const info: usize = memory.data(64, 8);
const window: usize = memory.data(8, 4);

function zoneOf(slot: u32): FlashZone {
  return slot == 0 ? slotA : slotB;
}

function sayNote(text: string, slot: u32): void {
  say(text);
  sayText(slot == 0 ? " slot a" : " slot b");
  endLine();
}

/** The manifest alone: form, signature, hardware, floor. */
function admissible(slot: u32): i32 {
  let code = manifest.readSlot(zoneOf(slot));
  if (code == ErrorCode.None) code = manifest.checkSignature(trust);
  if (code == ErrorCode.None) code = manifest.checkDevice(trust, zoneOf(slot), load<u32>(window), load<u32>(window, 4));
  if (code == ErrorCode.None && manifest.header.securityCounter < log.record.securityFloor) code = ErrorCode.SecurityCounterTooLow;
  return code;
}

/** Copies the slot to RAM and verifies the copy. */
function loadImage(slot: u32): i32 {
  let code = admissible(slot);
  if (code != ErrorCode.None) return code;
  const header = manifest.header;
  const offset = slotPayloadOffset(header.chunkCount, zoneOf(slot).sectorBytes);
  if (imageLoad(zoneOf(slot).zone, offset, header.loadAddress, header.payloadBytes) < 0) return ErrorCode.FlashFailed;
  check.begin(manifest, zoneOf(slot));
  return check.run();
}

/** Boot control is blank (the factory's state) or destroyed: make it anew from what the slots hold. */
function rebuild(): void {
  const record = log.record;
  record.securityFloor = 0;
  record.flags = log.blank ? 0 : BOOT_FLAG_REBUILT;
  let best: i32 = -1;
  let bestSequence: u32 = 0;
  let bestCounter: u32 = 0;
  for (let slot: u32 = 0; slot < 2; slot++) {
    const code = loadImage(slot);
    if (code != ErrorCode.None) {
      record.setSlot(slot, SlotState.Empty, 0, 0);
      continue;
    }
    record.setSlot(slot, SlotState.Confirmed, 0, 0);
    memory.copy(record.slotDigest(slot).dataStart, manifest.digest.dataStart, DIGEST_BYTES);
    if (best < 0 || manifest.header.releaseSequence > bestSequence) {
      best = slot;
      bestSequence = manifest.header.releaseSequence;
      bestCounter = manifest.header.securityCounter;
    }
  }
  if (best >= 0) {
    record.activeSlot = best;
    record.securityFloor = bestCounter;
  }
  if (!log.blank) sayNote("boot control was lost and made anew; active is", record.activeSlot);
}

/** Counts how the last run ended, and lets a confirmed image that keeps crashing give way. */
function countUncleanBoot(reason: u32): void {
  const record = log.record;
  if (reason == BootReason.Trap || reason == BootReason.Watchdog) record.uncleanBoots++;
  else if (reason != BootReason.PowerOn) record.uncleanBoots = 0;

  const active = record.activeSlot;
  if (record.slotState(active) == SlotState.Candidate) {
    if (reason == BootReason.Trap) record.setSlot(active, SlotState.Candidate, record.slotTries(active), ErrorCode.Crashed);
    if (reason == BootReason.Watchdog) record.setSlot(active, SlotState.Candidate, record.slotTries(active), ErrorCode.WatchdogExpired);
  } else if (record.uncleanBoots >= UNCLEAN_BOOTS_MAX && record.slotState(1 - active) == SlotState.Confirmed && !(record.flags & BOOT_FLAG_YIELDED)) {
    sayNote("confirmed image crashed repeatedly; giving way:", active);
    record.setSlot(active, SlotState.Confirmed, 0, ErrorCode.CrashedRepeatedly);
    record.activeSlot = 1 - active;
    record.flags |= BOOT_FLAG_YIELDED;
    record.uncleanBoots = 0;
  }
}

function fail(slot: u32, reason: u32): void {
  log.record.setSlot(slot, SlotState.Failed, 0, reason);
  log.record.activeSlot = 1 - slot;
  log.record.flags &= ~BOOT_FLAG_CONTACT_FALLBACK;
  say("image failed: slot ");
  sayText(slot == 0 ? "a" : "b");
  sayText(" code ");
  sayNumber(reason);
  endLine();
}

function start(slot: u32, reason: u32): void {
  const record = log.record;
  memory.fill(info, 0, BOOT_INFO_BYTES);
  store<u32>(info, BOOT_INFO_MAGIC);
  store<u16>(info, 1, 4);
  store<u8>(info, slot, 6);
  store<u8>(info, reason, 7);
  store<u32>(info, record.bootCounter, 8);
  store<u32>(info, record.uncleanBoots, 12);
  store<u32>(info, LOADER_VERSION, 16);
  store<u8>(info, record.slotState(slot) == SlotState.Candidate ? 1 : 0, 20);
  store<u8>(info, record.slotTries(slot), 21);
  store<u8>(info, record.flags, 22);
  memory.copy(info + 24, manifest.digest.dataStart, DIGEST_BYTES);
  store<u32>(info, log.sector, 56);
  store<u32>(info, log.page, 60);
  // A candidate that hangs must not hang for ever; a confirmed image is better than none.
  if (watchdogArm(manifest.header.watchdogMs) < 0) {
    sayNote("no watchdog:", slot);
    if (record.slotState(slot) == SlotState.Candidate) return;
  }
  say("verified ");
  sayHex(manifest.digest.dataStart, 8);
  sayText(slot == 0 ? ", starting slot a" : ", starting slot b");
  endLine();
  imageStart(manifest.header.entryAddress, info);
}

export function boot(): void {
  const reason = <u32>bootReason();
  say("flipside loader ");
  sayNumber(LOADER_VERSION);
  sayText(", boot reason ");
  sayNumber(reason);
  endLine();
  if (!loadFactoryRecord()) { say("no factory record"); endLine(); return; }
  if (imageWindow(window) < 0 || slotA.open() < 0 || slotB.open() < 0 || log.open() < 0) { say("flash geometry can't be used"); endLine(); return; }
  if (trust.load() != ErrorCode.None) { say("no trust record holds"); endLine(); return; }

  log.scan();
  if (!log.found) rebuild();
  const record = log.record;
  record.bootCounter++;
  countUncleanBoot(reason);
  log.skipPossiblyTornPage();
  let writable = log.append() == 0;
  if (!writable) { say("boot control can't be written"); endLine(); }

  // Each round starts an image or rules one out for this boot, so two rounds and the change-over between them are all.
  for (let round: u32 = 0; round < 4; round++) {
    const slot = record.activeSlot;
    const state = record.slotState(slot);
    if (state == SlotState.Candidate) {
      const tries = record.slotTries(slot);
      const code = tries == 0 ? (record.slotReason(slot) != 0 ? <i32>record.slotReason(slot) : ErrorCode.TriesExhausted) : loadImage(slot);
      if (code != ErrorCode.None) {
        fail(slot, code);
        if (writable) writable = log.append() == 0;
        continue;
      }
      record.setSlot(slot, SlotState.Candidate, tries - 1, record.slotReason(slot));
      // No record, no boot of a candidate: else a crashing one would be tried for ever.
      if (writable && log.append() == 0) start(slot, reason);
      record.activeSlot = 1 - slot;
    } else if (state == SlotState.Confirmed) {
      let code = loadImage(slot);
      if (code == ErrorCode.None) {
        start(slot, reason);
        code = ErrorCode.LoadAddressRefused; // it came back
      }
      sayNote("confirmed image does not verify:", slot);
      if (record.slotState(1 - slot) != SlotState.Confirmed) {
        // Nothing else is known to be good. It is left confirmed: flash that reads differently may read well again.
        record.activeSlot = 1 - slot;
        if (record.slotState(1 - slot) != SlotState.Candidate) return;
      } else {
        record.setSlot(slot, SlotState.Failed, 0, code);
        record.activeSlot = 1 - slot;
        if (writable) writable = log.append() == 0;
      }
    } else {
      record.activeSlot = 1 - slot;
      if (record.slotState(1 - slot) != SlotState.Confirmed && record.slotState(1 - slot) != SlotState.Candidate) return;
    }
  }
}
