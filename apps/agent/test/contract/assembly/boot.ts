// The contract in the boot loader's place: what is granted to it alone. It starts nothing, so recovery follows.

import {
  BOOT_INFO_BYTES,
  bootPhase,
  bootReason,
  BootReason,
  crashLog,
  flashErase,
  flashProgram,
  Durability,
  RECOVERY_NONE,
  recoveryBegin,
  serialRead,
  clockUs,
  CRASH_RECORD_BYTES,
  crashRecord,
  Errno,
  flashRead,
  flashTiming,
  imageLoad,
  imageRead,
  imageStart,
  imageType,
  imageWindow,
  reset,
  resetCause,
  ResetCause,
  ResetReason,
  rootKeys,
  watchdogArm,
  watchdogPet,
  Zone,
} from "../../../src/exokernel";
import { expect, holds, memoryEnd, print } from "./checks";
import { checkDeniedZone, checkNoSuchZone, checkReadOnlyZone, checkWritableZone } from "./flash-checks";

export { abort } from "../../../src/abort";

const window: usize = memory.data(8, 4);
const info: usize = memory.data(64, 8);
const keys: usize = memory.data(256, 4);
const fromFlash: usize = memory.data(256, 4);
const fromWindow: usize = memory.data(256, 4);

export function boot(): void {
  expect("boot: reason is power on", bootReason(), BootReason.PowerOn);
  expect("boot: cause is power", resetCause(), ResetCause.Power);
  expect("boot: no crash record after power on", crashRecord(info, CRASH_RECORD_BYTES), Errno.Absent);
  holds("boot: the clock runs from reset", clockUs() >= 0);

  checkWritableZone("boot:", Zone.BootControl);
  checkReadOnlyZone("boot: factory", Zone.Factory);
  checkReadOnlyZone("boot: settings", Zone.Settings);
  checkReadOnlyZone("boot: trust", Zone.Trust);
  checkReadOnlyZone("boot: slot a", Zone.SlotA);
  checkReadOnlyZone("boot: slot b", Zone.SlotB);
  checkReadOnlyZone("boot: journal", Zone.Journal);
  checkDeniedZone("boot: app zone", Zone.App);
  checkNoSuchZone("boot:");

  expect("boot: flash timing", flashTiming(keys), 0);
  expect("boot: flash timing beyond memory", flashTiming(memoryEnd() - 4), Errno.Argument);

  expect("boot: root keys", rootKeys(keys, 256), 1);
  expect("boot: root keys to too little room", rootKeys(keys, 31), Errno.Argument);
  expect("boot: root keys beyond memory", rootKeys(memoryEnd() - 31, 256), Errno.Argument);
  expect("boot: reset denied", reset(ResetReason.Requested), Errno.Denied);

  expect("boot: image window", imageWindow(window), 0);
  expect("boot: image window beyond memory", imageWindow(memoryEnd() - 4), Errno.Argument);
  const address = load<u32>(window);
  const size = load<u32>(window, 4);
  holds("boot: the window has room for an image", size >= 0x40000);
  holds("boot: image type", imageType() == 1 || imageType() == 2);
  expect("boot: image load", imageLoad(Zone.SlotA, 0, address, 256), 0);
  expect("boot: image read", imageRead(address, fromWindow, 256), 0);
  expect("boot: slot read", flashRead(Zone.SlotA, 0, fromFlash, 256), 0);
  holds("boot: the window holds what the slot holds", memory.compare(fromWindow, fromFlash, 256) == 0);
  expect("boot: image load to the window's end", imageLoad(Zone.SlotA, 0, address + size - 256, 256), 0);
  expect("boot: image load over the window's end", imageLoad(Zone.SlotA, 0, address + size - 252, 256), Errno.Argument);
  expect("boot: image load before the window", imageLoad(Zone.SlotA, 0, address - 4, 256), Errno.Argument);
  expect("boot: image load of more than the window", imageLoad(Zone.SlotA, 0, address, size + 4), Errno.Argument);
  expect("boot: image load from no slot", imageLoad(Zone.Factory, 0, address, 256), Errno.Argument);
  expect("boot: image load from outside of the slot", imageLoad(Zone.SlotB, 0xfffff000, address, 256), Errno.Argument);
  expect("boot: image read over the window's end", imageRead(address + size - 252, fromWindow, 256), Errno.Argument);
  expect("boot: image read beyond memory", imageRead(address, memoryEnd() - 252, 256), Errno.Argument);

  memory.fill(info, 0, BOOT_INFO_BYTES);
  expect("boot: image start outside of the window", imageStart(address + size, info), Errno.Argument);
  expect("boot: image start at a misaligned entry", imageStart(address + 2, info), Errno.Argument);
  expect("boot: image start with information beyond memory", imageStart(address, memoryEnd() - 60), Errno.Argument);
  store<u8>(info, 2, 6);
  expect("boot: image start of a third slot", imageStart(address, info), Errno.Argument);

  expect("boot: watchdog too short", watchdogArm(99), Errno.Argument);
  expect("boot: watchdog too long", watchdogArm(600001), Errno.Argument);
  expect("boot: watchdog armed", watchdogArm(600000), 0);
  expect("boot: watchdog petted", watchdogPet(), 0);

  expect("boot: crash log after power on", crashLog(info, 64), Errno.Absent);
  expect("boot: phase 0", bootPhase(0), Errno.Argument);
  expect("boot: phase 12", bootPhase(12), Errno.Argument);
  expect("boot: phase", bootPhase(4), 0);
  expect("boot: serial read of nothing", serialRead(info, 0), Errno.Again);
  expect("boot: serial read beyond memory", serialRead(memoryEnd() - 4, 8), Errno.Argument);
  expect("boot: serial read of too much", serialRead(0, 1025), Errno.Argument);
}

/** After `boot` came back: what recovery is granted, and what it gives up for it. */
export function recover(): u32 {
  const address = load<u32>(window);
  expect("recovery: nothing has been received", serialRead(info, 64), Errno.Again);
  expect("recovery: reset denied before it begins", reset(ResetReason.Update), Errno.Denied);
  expect("recovery: no slot", recoveryBegin(Zone.Factory), Errno.Argument);
  expect("recovery: no such zone", recoveryBegin(8), Errno.Argument);
  expect("recovery: slot b", recoveryBegin(Zone.SlotB), 0);
  expect("recovery: slot b again", recoveryBegin(Zone.SlotB), 0);
  expect("recovery: slot a too", recoveryBegin(Zone.SlotA), Errno.Denied);
  checkWritableZone("recovery: slot b", Zone.SlotB);
  checkReadOnlyZone("recovery: slot a", Zone.SlotA);
  checkReadOnlyZone("recovery: trust", Zone.Trust);
  checkReadOnlyZone("recovery: factory", Zone.Factory);
  expect("recovery: erase of slot a", flashErase(Zone.SlotA, 0), Errno.Denied);
  expect("recovery: program of slot a", flashProgram(Zone.SlotA, 0, info, 4, Durability.Verified), Errno.Denied);
  memory.fill(info, 0, BOOT_INFO_BYTES);
  expect("recovery: image load denied", imageLoad(Zone.SlotA, 0, address, 256), Errno.Denied);
  expect("recovery: image read denied", imageRead(address, fromWindow, 256), Errno.Denied);
  expect("recovery: image start denied", imageStart(address, info), Errno.Denied);
  expect("recovery: reset for no reason", reset(0), Errno.Argument);
  print("end of the loader's contract");
  return RECOVERY_NONE;
}
