// Every change of what boot control says of the two slots: one row a change, for boot loader and agent alike, and
// nobody else changes a record. docs/boot-control.md, "Transitions", has the same table, printed from this one.
//
// A row is one number, so it costs a device nothing: from which states of its slot it may be made, which state comes of
// it, and what becomes of tries, reason, active slot, flags, and the count of unclean boots. Digests are the caller's,
// who knows the image; a slot that becomes empty loses its own here. Of the record besides: the floor (`raiseFloor`),
// the unclean boots (`countUncleanBoot`, `forgiveUncleanBoots`), which copies are in flux
// (apps/agent/src/dual-copy.ts), and what a log writes with each record (apps/agent/src/boot-control/log.ts).

import { BOOT_FLAG_CONTACT_FALLBACK, BOOT_FLAG_REBUILT, BOOT_FLAG_YIELDED, BootRecord } from "./boot-control-record";

// Bits 0 to 3: states of the slot that it may be made from.
const FROM_EMPTY: u32 = 1;
const FROM_CANDIDATE: u32 = 2;
const FROM_CONFIRMED: u32 = 4;
const FROM_FAILED: u32 = 8;
const FROM_ANY: u32 = FROM_EMPTY | FROM_CANDIDATE | FROM_CONFIRMED | FROM_FAILED;

// Bits 4 to 6: the state that comes of it; 0: the same.
const TO_MASK: u32 = 0x70;
const TO_SHIFT: u32 = 4;
const TO_EMPTY: u32 = 0x10;
const TO_CANDIDATE: u32 = 0x20;
const TO_CONFIRMED: u32 = 0x30;
const TO_FAILED: u32 = 0x40;

// Bits 7 to 9: tries left; 0: the same.
const TRIES_NONE: u32 = 0x080;
const TRIES_GIVEN: u32 = 0x100;
const TRIES_ONE_LESS: u32 = 0x180;
const TRIES_ONE_MORE: u32 = 0x200;
const TRIES_MASK: u32 = 0x380;

// Bits 10 and 11: the reason; 0: the same.
const REASON_NONE: u32 = 0x400;
const REASON_GIVEN: u32 = 0x800;
const REASON_MASK: u32 = 0xc00;

// Bits 12 and 13: the active slot; 0: the same.
const THIS_ACTIVE: u32 = 0x1000;
const OTHER_ACTIVE: u32 = 0x2000;

// Bits 14 to 16: flags that go; 17 to 19: flags that are set. Bit 20: the unclean boots are 0 from here on.
const CLEARS_SHIFT: u32 = 14;
const CLEARS_FALLBACK: u32 = 0x8000; // BOOT_FLAG_CONTACT_FALLBACK << CLEARS_SHIFT
const CLEARS_ALL: u32 = 0x1c000; // and REBUILT, and YIELDED
const SETS_SHIFT: u32 = 17;
const SETS_FALLBACK: u32 = 0x40000; // BOOT_FLAG_CONTACT_FALLBACK << SETS_SHIFT
const SETS_YIELDED: u32 = 0x80000; // BOOT_FLAG_YIELDED << SETS_SHIFT
const FLAGS_MASK: u32 = BOOT_FLAG_REBUILT | BOOT_FLAG_CONTACT_FALLBACK | BOOT_FLAG_YIELDED;
const FORGIVES: u32 = 0x100000;

// ---- an update
// -------------------------------------------------------------------------------------------------------------

/** Something is about to be written over it; or, of a log that is made anew, nothing in it holds. */
export const SLOT_EMPTIED: u32 = FROM_ANY | TO_EMPTY | TRIES_NONE | REASON_NONE;
/**
 * Whole, and verified from flash: an update's point of no return. Mostly of an empty slot; of a confirmed one when an
 * operator goes back; of a candidate again, or a failed one, when what lies in the slot is the image that is offered.
 */
export const INSTALLED: u32 = FROM_ANY | TO_CANDIDATE | TRIES_GIVEN | REASON_NONE | THIS_ACTIVE | CLEARS_ALL;
/** The same over the serial line; nothing runs whose crashes would count. */
export const INSTALLED_IN_RECOVERY: u32 = FROM_EMPTY | TO_CANDIDATE | TRIES_GIVEN | THIS_ACTIVE | CLEARS_ALL | FORGIVES;

// ---- a trial
// ---------------------------------------------------------------------------------------------------------------

/** The loader is about to jump to it. The fallback's flag goes with the try: what follows is this image's own trial. */
export const TRY_BEGUN: u32 = FROM_CANDIDATE | TRIES_ONE_LESS | CLEARS_FALLBACK;
/** Its last run ended by a trap or the watchdog. */
export const TRY_CRASHED: u32 = FROM_CANDIDATE | REASON_GIVEN;
/** This try has shown no fault of the image. */
export const TRY_GIVEN_BACK: u32 = FROM_CANDIDATE | TRIES_ONE_MORE | REASON_NONE;
/** No contact by the deadline, and nothing else is wrong: the other image shall see whether it has contact. */
export const FELL_BACK_FOR_CONTACT: u32 = FROM_CANDIDATE | TRIES_ONE_MORE | REASON_NONE | OTHER_ACTIVE | SETS_FALLBACK;
/** The other image has no contact either: nobody's fault. */
export const TRIED_AGAIN: u32 = FROM_CANDIDATE | THIS_ACTIVE | CLEARS_FALLBACK;
/** Self-test, app and contact are proved. */
export const CONFIRMED: u32 = FROM_CANDIDATE | TO_CONFIRMED | TRIES_NONE | REASON_NONE | FORGIVES;
/** It says so itself. */
export const FAILED_ITS_TRIAL: u32 = FROM_CANDIDATE | TO_FAILED | TRIES_NONE | REASON_GIVEN | OTHER_ACTIVE;
/** The other image has contact, and it had none. */
export const FAILED_FOR_CONTACT: u32 = FROM_CANDIDATE | TO_FAILED | TRIES_NONE | REASON_GIVEN | CLEARS_FALLBACK;
/** It does not verify, or its tries are used up. What it did is not the other's fault. */
export const FAILED_TO_START: u32 =
  FROM_CANDIDATE | TO_FAILED | TRIES_NONE | REASON_GIVEN | OTHER_ACTIVE | CLEARS_FALLBACK | FORGIVES;

// ---- confirmed images that don't run
// ---------------------------------------------------------------------------------------

/** It crashed again and again; the other one is confirmed. It does so once: the next candidate takes the flag away. */
export const YIELDED: u32 = FROM_CONFIRMED | TRIES_NONE | REASON_GIVEN | OTHER_ACTIVE | SETS_YIELDED | FORGIVES;
/** The same, while a candidate waits in the other slot. */
export const YIELDED_TO_CANDIDATE: u32 = FROM_CONFIRMED | TRIES_NONE | REASON_GIVEN | OTHER_ACTIVE | FORGIVES;
/** A command takes the device back to the image in the other slot, which is confirmed. */
export const LEFT_BY_COMMAND: u32 = FROM_CONFIRMED | TRIES_NONE | REASON_GIVEN | OTHER_ACTIVE | FORGIVES;
/** The image that a command takes the device back to, in the same record: why it was left once is over. */
export const RETURNED_TO: u32 = FROM_CONFIRMED | TRIES_NONE | REASON_NONE | THIS_ACTIVE;
/** It does not verify and was passed over, and the other confirmed one does. */
export const GIVEN_UP: u32 = FROM_CONFIRMED | TO_FAILED | TRIES_NONE | REASON_GIVEN;
/** It can't be started now; the other one is looked at. */
export const PASSED_OVER: u32 = FROM_ANY | OTHER_ACTIVE;
/** It holds, and is started. */
export const CHOSEN: u32 = FROM_ANY | THIS_ACTIVE;

// ---- a log that is made anew
// -----------------------------------------------------------------------------------------------

/** The slot holds a whole image. */
export const FOUND: u32 = FROM_ANY | TO_CONFIRMED | TRIES_NONE | REASON_NONE;
/** It is the newer of two: only guessed to be one that runs well. */
export const FOUND_NEWER: u32 = FROM_CONFIRMED | TO_CANDIDATE | TRIES_GIVEN | THIS_ACTIVE;

/**
 * Makes the change in `record` (not yet in flash). False, and nothing is changed: the slot is in no state for it.
 * `given` is what a row with _GIVEN takes, none has two: tries (1 to 255), or a reason (an ErrorCode).
 */
export function changeSlot(record: BootRecord, slot: u32, row: u32, given: u32 = 0): bool {
  const from = record.slotState(slot);
  if (((row >>> from) & 1) == 0) return false;
  const to = (row & TO_MASK) >>> TO_SHIFT;
  const triesRow = row & TRIES_MASK;
  let triesNow = record.slotTries(slot);
  if (triesRow == TRIES_NONE) triesNow = 0;
  else if (triesRow == TRIES_GIVEN) triesNow = given;
  else if (triesRow == TRIES_ONE_LESS) triesNow--;
  else if (triesRow == TRIES_ONE_MORE) triesNow++;
  const reasonRow = row & REASON_MASK;
  const reasonNow: u32 = reasonRow == REASON_GIVEN ? given : reasonRow == REASON_NONE ? 0 : record.slotReason(slot);
  record.setSlot(slot, to == 0 ? from : to - 1, triesNow, reasonNow);
  if ((row & TO_MASK) == TO_EMPTY) record.slotDigest(slot).fill(0);
  if ((row & THIS_ACTIVE) != 0) record.activeSlot = slot;
  if ((row & OTHER_ACTIVE) != 0) record.activeSlot = 1 - slot;
  record.flags = (record.flags & ~((row >>> CLEARS_SHIFT) & FLAGS_MASK)) | ((row >>> SETS_SHIFT) & FLAGS_MASK);
  if ((row & FORGIVES) != 0) forgiveUncleanBoots(record);
  return true;
}

/** One more run in a row has ended uncleanly; counted up to `most`. */
export function countUncleanBoot(record: BootRecord, most: u32): void {
  // Not beyond: an image that crashes for ever would change the record, and erase a sector, at each boot.
  if (record.uncleanBoots >= most) return;
  record.uncleanBoots++;
  record.lastUncleanBoot = record.bootCounter;
}

/** What ended uncleanly before does not count any more. */
export function forgiveUncleanBoots(record: BootRecord): void {
  record.uncleanBoots = 0;
}

/** The floor never falls, except where a log that is lost is made anew. */
export function raiseFloor(record: BootRecord, counter: u32): void {
  if (counter > record.securityFloor) record.securityFloor = counter;
}

/**
 * Of a log that is lost nothing is known: both slots are looked at next. `isBlank`: the factory's state, and not a
 * loss.
 */
export function forgetAll(record: BootRecord, isBlank: bool): void {
  record.securityFloor = 0;
  record.flags = isBlank ? 0 : BOOT_FLAG_REBUILT;
}
