// The boot loader: reads boot control, appends a fresh record before it acts on anything, then starts the image that
// the record names, if the strict verifier accepts the copy in RAM; else the other one; else it returns, and recovery
// runs: the line to a technician, and the images tried again now and then. docs/architecture.md, "Boot", and
// docs/boot-control.md, "Recovery", tell the same in words. This program never changes once a device is made.

import { BootControlLog } from "../boot-control/log";
import { countLastRun, UNCLEAN_BOOTS_MAX } from "../boot-control/unclean-boots";
import { endLine, say, sayHex, sayNumber, sayText } from "../console";
import {
  BOOT_INFO_BYTES,
  BOOT_INFO_MAGIC,
  bootPhase,
  bootReason,
  BootReason,
  clockUs,
  resetCause,
  imageLoad,
  imageRead,
  imageStart,
  imageType,
  Phase,
  RECOVERY_NONE,
  watchdogArm,
  watchdogPet,
  Zone,
} from "../exokernel";
import { FlashZone } from "../flash";
import {
  BOOT_FLAG_YIELDED,
  changeSlot,
  CHOSEN,
  DIGEST_BYTES,
  ErrorCode,
  FAILED_TO_START,
  forgetAll,
  FOUND,
  FOUND_NEWER,
  GIVEN_UP,
  PASSED_OVER,
  raiseFloor,
  RecoveryReason,
  SLOT_EMPTIED,
  SLOT_MANIFEST_BYTES_MAX,
  slotPayloadOffset,
  SlotState,
  TRY_BEGUN,
  TRY_CRASHED,
  watchdogMsMin,
  YIELDED,
  YIELDED_TO_CANDIDATE,
} from "../format";
import { loadFactoryRecord } from "../identity/factory";
import { ImageHost } from "../image/image-host";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { TrustStore } from "../trust/trust-store";
import { ImageReceiver } from "./image-receiver";
import { LOADER_VERSION } from "./loader-version";
import { RecoveryLine, RecoveryState } from "./recovery";

export { abort } from "../abort";
// so that test tools can tell them apart in the module
export { ed25519VerifyParts, sha256, sha256Block } from "../crypto";

/**
 * Flash that reads differently may read well again: what doesn't hold is read so often before it is given up for now.
 */
const READ_ATTEMPTS: u32 = 3;
/** In recovery, from one look at the images to the next; and for an image that crashes whenever it is started. */
const RETRY_US: i64 = 30_000_000;
const CRASH_LOOP_RETRY_US: i64 = 900_000_000;

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
const host = new ImageHost();
const state = new RecoveryState();
const receiver = new ImageReceiver(log, trust, manifest, new PayloadCheck(manifest, slotA), slotA, slotB, host);
const line = new RecoveryLine(receiver, state);
/** The log was read and this power-up's record is what `log.record` says, in flash too if that can be written. */
let poweredUp: bool = false;
let writable: bool = false;
let watched: bool = false;
let nextTryUs: i64 = 0;

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
  if (code == ErrorCode.None) code = manifest.checkDevice(trust, zoneOf(slot), host);
  if (code == ErrorCode.None && manifest.header.securityCounter < log.record.securityFloor)
    code = ErrorCode.SecurityCounterTooLow;
  return code;
}

/**
 * Copies the slot to RAM and verifies the copy, a few times if it has to. Why it does not hold is kept for recovery.
 */
function loadImage(slot: u32): i32 {
  let code: i32 = ErrorCode.FlashFailed;
  manifest.evidence.forget();
  check.evidence.forget();
  for (let attempt: u32 = 0; attempt < READ_ATTEMPTS; attempt++) {
    code = loadOnce(slot);
    if (code == ErrorCode.None) break;
  }
  note(slot, code);
  return code;
}

function note(slot: u32, code: u32): void {
  if (slot == 0) state.codeA = code;
  else state.codeB = code;
}

/**
 * Looked at once more just before the start: not 0 unless all of it was shown, whichever way one branch has gone on
 * the way here.
 */
function lacking(slot: u32): u32 {
  return (
    trust.lacking() |
    // Its fields are read anew: a branch may have put one where another belongs.
    manifest.parse(SLOT_MANIFEST_BYTES_MAX) |
    manifest.lacking() |
    check.lacking() |
    manifest.checkDevice(trust, zoneOf(slot), host) |
    <u32>(manifest.header.securityCounter < log.record.securityFloor)
  );
}

function loadOnce(slot: u32): i32 {
  let code = admissible(slot);
  if (code != ErrorCode.None) return code;
  const header = manifest.header;
  const offset = slotPayloadOffset(header.chunkCount, zoneOf(slot).sectorBytes);
  if (imageLoad(zoneOf(slot).zone, offset, header.loadAddress, header.payloadBytes) < 0) return ErrorCode.FlashFailed;
  bootPhase(Phase.Loaded);
  check.begin(manifest, zoneOf(slot));
  code = check.run();
  if (code == ErrorCode.None) bootPhase(Phase.Verified);
  return code;
}

/**
 * Boot control is blank (the factory's state) or destroyed: make it anew from what the slots hold. False: nothing. Of
 * two images the newer is only guessed to be one that runs well: it is a candidate, beside the older one as confirmed.
 */
function rebuild(): bool {
  const record = log.record;
  forgetAll(record, log.blank);
  let best: i32 = -1;
  let bestSequence: u32 = 0;
  let bestTries: u32 = 0;
  let lowest: u32 = u32.MAX_VALUE;
  for (let slot: u32 = 0; slot < 2; slot++) {
    const code = loadImage(slot);
    if (code != ErrorCode.None) {
      changeSlot(record, slot, SLOT_EMPTIED);
      continue;
    }
    const header = manifest.header;
    changeSlot(record, slot, FOUND);
    memory.copy(record.slotDigest(slot).dataStart, manifest.digest.dataStart, DIGEST_BYTES);
    // A higher floor would make the other one inadmissible, which may be the only good one.
    lowest = min(lowest, header.securityCounter);
    if (best < 0 || header.releaseSequence > bestSequence) {
      best = slot;
      bestSequence = header.releaseSequence;
      bestTries = header.tries;
    }
  }
  // A record that says "nothing here" would be believed at the next power-up, when the slots may read well again.
  if (best < 0) return false;
  raiseFloor(record, lowest);
  changeSlot(record, best, record.slotState(1 - best) == SlotState.Confirmed ? FOUND_NEWER : CHOSEN, bestTries);
  if (!log.blank) sayNote("boot control was lost and made anew; active is", record.activeSlot);
  return true;
}

/**
 * Counts how the last run ended, and lets a confirmed image that keeps crashing give way: to the other confirmed slot
 * once, or to a candidate that waits there. True: there is nothing to give way to, and this boot came from a crash.
 */
function countUncleanBoot(reason: u32): bool {
  const record = log.record;
  const crashed = countLastRun(record, reason);
  const active = record.activeSlot;
  if (record.slotState(active) == SlotState.Candidate) {
    if (reason == BootReason.Trap) changeSlot(record, active, TRY_CRASHED, ErrorCode.Crashed);
    if (reason == BootReason.Watchdog) changeSlot(record, active, TRY_CRASHED, ErrorCode.WatchdogExpired);
  } else if (record.slotState(active) == SlotState.Confirmed && record.uncleanBoots >= UNCLEAN_BOOTS_MAX) {
    const other = record.slotState(1 - active);
    const yields = other == SlotState.Confirmed && !(record.flags & BOOT_FLAG_YIELDED);
    if (!yields && other != SlotState.Candidate) return crashed;
    sayNote("confirmed image crashed repeatedly; giving way:", active);
    changeSlot(record, active, yields ? YIELDED : YIELDED_TO_CANDIDATE, ErrorCode.CrashedRepeatedly);
  }
  return false;
}

function fail(slot: u32, reason: u32): void {
  changeSlot(log.record, slot, FAILED_TO_START, reason);
  note(slot, reason);
  say("image failed: slot ");
  sayText(slot == 0 ? "a" : "b");
  sayText(" code ");
  sayNumber(reason);
  endLine();
}

function start(slot: u32, reason: u32): void {
  if (lacking(slot) != 0) return;
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
  watched = watchdogArm(max(manifest.header.watchdogMs, watchdogMsMin(slotA.eraseMsMax()))) >= 0;
  if (!watched) {
    sayNote("no watchdog:", slot);
    if (record.slotState(slot) == SlotState.Candidate) {
      note(slot, ErrorCode.WatchdogExpired);
      return;
    }
  }
  say("verified ");
  sayHex(manifest.digest.dataStart, 8);
  sayText(slot == 0 ? ", starting slot a" : ", starting slot b");
  endLine();
  imageStart(manifest.header.entryAddress, info);
}

/** What everything else is decided by; only reads. */
function openDevice(): u32 {
  if (!loadFactoryRecord()) return RecoveryReason.NoFactoryRecord;
  host.loaderVersion = LOADER_VERSION;
  host.imageType = imageType();
  if (!host.openWindow() || slotA.open() < 0 || slotB.open() < 0 || log.open() < 0) return RecoveryReason.FlashGeometry;
  // The log first: it says which copy of the trust chain is in flux. A log that is lost says of neither.
  log.scan();
  for (let attempt: u32 = 1; attempt < READ_ATTEMPTS && !log.found && !log.blank; attempt++) log.scan();
  if (trust.load(log.found ? log.record.flags : 0) != ErrorCode.None) return RecoveryReason.NoTrustRecord;
  return RecoveryReason.None;
}

/** The power-up rule, then the images. Comes back only when none can be started, with the reason. */
function powerUp(reason: u32): u32 {
  if (!log.found && !rebuild()) return RecoveryReason.NoImage;
  const record = log.record;
  // First a record that only counts the boot. Then, where the newest one may be a change that power failed at, one that
  // settles it; where this boot changes something, one that says so. A candidate's try will be such a one.
  const isOpen = log.found && log.mayEndInTornChange();
  const uncleanBoots = record.uncleanBoots;
  record.bootCounter++;
  writable = log.appendHeartbeat() == 0;
  const crashLoop = countUncleanBoot(reason);
  if (record.slotState(record.activeSlot) != SlotState.Candidate) {
    if (record.uncleanBoots != uncleanBoots) writable = log.append() == 0;
    else if (isOpen) writable = log.settle() == 0;
  }
  if (!writable) {
    say("boot control can't be written");
    endLine();
  }
  poweredUp = true;
  bootPhase(Phase.LogAppended);
  if (crashLoop) {
    note(record.activeSlot, ErrorCode.CrashedRepeatedly);
    note(1 - record.activeSlot, record.slotReason(1 - record.activeSlot));
    return RecoveryReason.CrashLoop;
  }
  return startOne(reason);
}

/** Starts the active slot's image or the other one; comes back only when neither can be started, with the reason. */
function startOne(reason: u32): u32 {
  const record = log.record;
  let unrecorded = false;
  // Each round starts an image or rules one out for this boot, so two rounds and the change-over between them are all.
  for (let round: u32 = 0; round < 4; round++) {
    const slot = record.activeSlot;
    const other = 1 - slot;
    const slotState = record.slotState(slot);
    if (slotState == SlotState.Candidate) {
      const tries = record.slotTries(slot);
      const code =
        tries == 0
          ? record.slotReason(slot) != 0
            ? <i32>record.slotReason(slot)
            : ErrorCode.TriesExhausted
          : loadImage(slot);
      if (code != ErrorCode.None) {
        fail(slot, code);
        if (writable) writable = log.append() == 0;
        continue;
      }
      changeSlot(record, slot, TRY_BEGUN);
      // No record, no boot of a candidate: else a crashing one would be tried for ever.
      if (writable) writable = log.append() == 0;
      if (writable) {
        start(slot, reason);
      } else {
        unrecorded = true;
        note(slot, ErrorCode.FlashFailed);
      }
      changeSlot(record, slot, PASSED_OVER);
    } else if (slotState == SlotState.Confirmed) {
      const code = loadImage(slot);
      if (code == ErrorCode.None) start(slot, reason);
      sayNote("confirmed image does not verify:", slot);
      changeSlot(record, slot, PASSED_OVER);
      if (record.slotState(other) == SlotState.Confirmed) {
        // It is given up only for one that holds: flash that reads differently may read well again.
        if (loadImage(other) != ErrorCode.None) break;
        changeSlot(record, slot, GIVEN_UP, code != ErrorCode.None ? code : ErrorCode.LoadAddressRefused);
        if (writable) writable = log.append() == 0;
      } else if (record.slotState(other) != SlotState.Candidate) {
        break;
      }
    } else {
      note(slot, record.slotReason(slot));
      changeSlot(record, slot, PASSED_OVER);
      if (record.slotState(other) != SlotState.Confirmed && record.slotState(other) != SlotState.Candidate) {
        note(other, record.slotReason(other));
        break;
      }
    }
  }
  return unrecorded ? RecoveryReason.BootControlUnwritable : RecoveryReason.NoImage;
}

export function boot(): void {
  const reason = <u32>bootReason();
  say("flipside loader ");
  sayNumber(LOADER_VERSION);
  sayText(", boot reason ");
  sayNumber(reason);
  sayText(", reset cause ");
  sayNumber(resetCause());
  endLine();
  for (let attempt: u32 = 0; attempt < READ_ATTEMPTS; attempt++) {
    state.reason = openDevice();
    if (state.reason == RecoveryReason.None) break;
  }
  if (state.reason == RecoveryReason.None) state.reason = powerUp(reason);
  beginWait();
}

/** Says why nothing runs, and sets when that is tried to be changed. */
function beginWait(): void {
  const reason = state.reason;
  nextTryUs = clockUs() + (reason == RecoveryReason.CrashLoop ? CRASH_LOOP_RETRY_US : RETRY_US);
  state.floor = log.record.securityFloor;
  state.target = targetSlot();
  say("recovery: code ");
  sayNumber(reason);
  sayText(reasonName(reason));
  sayText(", slot a ");
  sayNumber(state.codeA);
  sayText(", slot b ");
  sayNumber(state.codeB);
  endLine();
}

function reasonName(reason: u32): string {
  switch (reason) {
    case RecoveryReason.NoFactoryRecord:
      return " no-factory-record";
    case RecoveryReason.FlashGeometry:
      return " flash-geometry";
    case RecoveryReason.NoTrustRecord:
      return " no-trust-record";
    case RecoveryReason.CrashLoop:
      return " crash-loop";
    case RecoveryReason.BootControlUnwritable:
      return " boot-control-unwritable";
    default:
      return " no-image";
  }
}

/** Where a recovery image goes: not over a confirmed image that reads well, as long as there is another place. */
function targetSlot(): u32 {
  const record = log.record;
  const active = record.activeSlot;
  const inactive = 1 - active;
  if (record.slotState(inactive) != SlotState.Confirmed) return inactive;
  if (record.slotState(active) != SlotState.Confirmed) return active;
  // Both are confirmed: both don't read well, or both crash and the inactive one gave way first.
  return inactive;
}

/** Nothing could be started, and time has passed. Comes back when that is still so. */
function tryAgain(): void {
  const record = log.record;
  const reason = <u32>bootReason();
  if (!poweredUp) {
    state.reason = openDevice();
    if (state.reason == RecoveryReason.None) state.reason = powerUp(reason);
    return;
  }
  const active = record.activeSlot;
  for (let i: u32 = 0; i < 2; i++) {
    const slot = i == 0 ? active : 1 - active;
    if (record.slotState(slot) != SlotState.Confirmed || loadImage(slot) != ErrorCode.None) continue;
    changeSlot(record, slot, CHOSEN);
    // In a crash loop the newest record names the active slot: to say so again would erase a sector each time.
    if (writable && (slot != active || state.reason != RecoveryReason.CrashLoop)) writable = log.append() == 0;
    start(slot, reason);
  }
  if (state.reason == RecoveryReason.CrashLoop) state.reason = RecoveryReason.NoImage;
}

/**
 * One step of recovery; docs/boot-control.md, "Recovery". Microseconds until it wants to run again, or RECOVERY_NONE.
 */
export function recover(): u32 {
  const nowUs = clockUs();
  if (watched) watchdogPet();
  const heard = line.step(nowUs);
  if (heard < 0) return RECOVERY_NONE;
  if (heard > 0) return 0;
  if (line.busy()) return 100_000;
  if (nowUs >= nextTryUs) {
    tryAgain();
    beginWait();
  }
  return <u32>min<i64>(max<i64>(nextTryUs - nowUs, 0), 60_000_000);
}
