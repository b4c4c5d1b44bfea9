// What this boot is, and the changes to boot control that the agent may make: candidate, confirmed, failed, and the
// contact fallback. Each is one sealed record; nothing is acted on before it reads back.

import { compareBytes } from "./compare";
import { BootControlLog } from "./boot-control/log";
import { BOOT_INFO_BYTES, BOOT_INFO_MAGIC, bootInfo, Zone } from "./exokernel";
import { FlashZone } from "./flash";
import {
  BOOT_FLAG_CONTACT_FALLBACK,
  changeSlot,
  CONFIRMED,
  DIGEST_BYTES,
  ErrorCode,
  FAILED_FOR_CONTACT,
  FAILED_ITS_TRIAL,
  FELL_BACK_FOR_CONTACT,
  FLAG_RAISE_FLOOR,
  forgiveUncleanBoots,
  INSTALLED,
  LEFT_BY_COMMAND,
  raiseFloor,
  RETURNED_TO,
  SLOT_EMPTIED,
  SlotState,
  TRIED_AGAIN,
  TRY_GIVEN_BACK,
} from "./format";
import { ImageHost } from "./image/image-host";
import { Manifest } from "./image/manifest";

const info: usize = memory.data(64, 8);

export class BootState {
  readonly log: BootControlLog = new BootControlLog();
  readonly running: Manifest = new Manifest();
  readonly slotA: FlashZone = new FlashZone(Zone.SlotA);
  readonly slotB: FlashZone = new FlashZone(Zone.SlotB);
  runningSlot: u32 = 0;
  bootReason: u32 = 0;
  bootCounter: u32 = 0;
  readonly host: ImageHost = new ImageHost();
  /** This boot is a candidate's try. */
  trial: bool = false;

  /** False when the boot loader's word and the flash don't agree: then nothing may be changed. */
  load(): bool {
    if (bootInfo(info, BOOT_INFO_BYTES) < 0 || load<u32>(info) != BOOT_INFO_MAGIC) return false;
    this.runningSlot = load<u8>(info, 6);
    this.bootReason = load<u8>(info, 7);
    this.bootCounter = load<u32>(info, 8);
    this.host.loaderVersion = load<u32>(info, 16);
    this.trial = load<u8>(info, 20) == 1;
    if (!this.host.openWindow() || this.slotA.open() < 0 || this.slotB.open() < 0 || this.log.open() < 0) return false;
    this.log.scan();
    // The record that the boot loader acted on is the newest, or somebody else writes here.
    if (!this.log.found || this.log.sector != load<u32>(info, 56) || this.log.page != load<u32>(info, 60)) return false;
    if (this.log.record.bootCounter == this.bootCounter) this.log.foundIsSealed();
    if (this.running.readSlot(this.slot(this.runningSlot)) != 0) return false;
    // What was started here is of the type that is.
    this.host.imageType = this.running.header.imageType;
    return compareBytes(this.running.digest.dataStart, info + 24, DIGEST_BYTES) == 0;
  }

  /**
   * The loader could record this boot, and no change failed since: else the agent could not change the state either.
   */
  isRecorded(): bool {
    return this.log.record.bootCounter == this.bootCounter && this.mayCommit();
  }

  /** False for minutes after a change that could not be recorded: whoever waits for one looks here first. */
  mayCommit(): bool {
    return !this.log.isPaused();
  }

  slot(number: u32): FlashZone {
    return number == 0 ? this.slotA : this.slotB;
  }

  otherSlot(): u32 {
    return 1 - this.runningSlot;
  }

  runningState(): u32 {
    return this.log.record.slotState(this.runningSlot);
  }

  otherState(): u32 {
    return this.log.record.slotState(this.otherSlot());
  }

  otherReason(): u32 {
    return this.log.record.slotReason(this.otherSlot());
  }

  otherDigest(): usize {
    return this.log.record.slotDigest(this.otherSlot()).dataStart;
  }

  floor(): u32 {
    return this.log.record.securityFloor;
  }

  /** Appends what the record says now. What could not be written is not so: the record is again what the flash says. */
  private commit(): bool {
    if (this.log.append() == 0) return true;
    this.log.scan();
    return false;
  }

  /** One row of the table of transitions, sealed. False: it could not be written, or the slot is in no state for it. */
  private change(slot: u32, row: u32, given: u32 = 0): bool {
    return changeSlot(this.log.record, slot, row, given) && this.commit();
  }

  /** The other slot is about to be erased: nothing in it counts any more. */
  emptyOtherSlot(): bool {
    if (this.otherState() == SlotState.Empty) return true;
    return this.change(this.otherSlot(), SLOT_EMPTIED);
  }

  /** The point of no return of an update: the next boot tries the other slot. */
  makeCandidate(digest: usize, tries: u32): bool {
    changeSlot(this.log.record, this.otherSlot(), INSTALLED, tries);
    memory.copy(this.otherDigest(), digest, DIGEST_BYTES);
    return this.commit();
  }

  /** The running candidate has proved itself. */
  confirm(): bool {
    if (!this.change(this.runningSlot, CONFIRMED)) return false;
    this.trial = false;
    return true;
  }

  /**
   * Raises the security floor, by a record of its own, when no fallback would be lost by it: the other slot holds a
   * confirmed image at or above it, or the header says so. `otherCounter`: of the other slot's image, when it is
   * confirmed. A slot that holds none may be about to hold an older one, which an operator goes back to.
   */
  raiseFloor(otherCounter: u32): bool {
    const record = this.log.record;
    const counter = this.running.header.securityCounter;
    if (counter <= record.securityFloor) return true;
    const hasFallback = this.otherState() == SlotState.Confirmed && otherCounter >= counter;
    if (!hasFallback && !(this.running.header.flags & FLAG_RAISE_FLOOR)) return true;
    raiseFloor(record, counter);
    return this.commit();
  }

  /** The running candidate is not to stay; the next boot takes the other slot. */
  failRunning(reason: u32): bool {
    return this.change(this.runningSlot, FAILED_ITS_TRIAL, reason);
  }

  /** Back to the other slot's image, which is confirmed; this one stays so. False: as `change`. */
  leaveForOther(reason: u32): bool {
    const record = this.log.record;
    return (
      this.otherState() == SlotState.Confirmed &&
      changeSlot(record, this.runningSlot, LEFT_BY_COMMAND, reason) &&
      changeSlot(record, this.otherSlot(), RETURNED_TO) &&
      this.commit()
    );
  }

  /** The other slot's image would run, had a command not taken the device back to this one. */
  wasLeftByCommand(): bool {
    return this.otherState() == SlotState.Confirmed && this.otherReason() == ErrorCode.RolledBackByCommand;
  }

  /** No contact by the deadline, and nothing else is wrong: the other image shall see whether it has contact. */
  fallBackForContact(): bool {
    return this.change(this.runningSlot, FELL_BACK_FOR_CONTACT);
  }

  /** This try has shown no fault of the image: it does not count. */
  giveTryBack(): bool {
    return this.change(this.runningSlot, TRY_GIVEN_BACK);
  }

  /** The flag says nothing beside a slot in any other state: that one waits for no verdict, and must not get one. */
  inContactFallback(): bool {
    return this.otherState() == SlotState.Candidate && (this.log.record.flags & BOOT_FLAG_CONTACT_FALLBACK) != 0;
  }

  /** This image has contact and the candidate had none: the candidate's fault. */
  failCandidate(reason: u32): bool {
    return this.change(this.otherSlot(), FAILED_FOR_CONTACT, reason);
  }

  /** This image has no contact either: nobody's fault; the candidate is tried again. */
  retryCandidate(): bool {
    return this.change(this.otherSlot(), TRIED_AGAIN);
  }

  /** The image runs well again after unclean boots. */
  clearUncleanBoots(): bool {
    forgiveUncleanBoots(this.log.record);
    return this.commit();
  }
}
