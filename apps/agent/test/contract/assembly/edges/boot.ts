// The edge calls, made with the boot loader's grants: before recovery, and in it.

import {
  Durability,
  flashErase,
  flashGeometry,
  flashProgram,
  imageLoad,
  imageRead,
  imageStart,
  imageWindow,
  RECOVERY_NONE,
  recoveryBegin,
  reset,
  serialRead,
  Zone,
} from "../../../../src/exokernel";
import { answer, answerOfZone, memoryEnd, say } from "./answers";
import { flashEdges } from "./flash-edges";
import { runEdges } from "./run-edges";

export { abort } from "../../../../src/abort";

const window: usize = memory.data(8, 4);
const geometry: usize = memory.data(16, 4);
const buffer: usize = memory.data(1088, 8);

export function boot(): void {
  say("edges of the boot loader");
  flashEdges();
  runEdges();
  loadEdges();
  serialEdges();
}

function loadEdges(): void {
  imageWindow(window);
  flashGeometry(Zone.SlotA, geometry);
  const address = load<u32>(window);
  const size = load<u32>(window, 4);
  const slot = load<u32>(geometry);
  answer("image_load: well", imageLoad(Zone.SlotA, 0, address, 256));
  answer("image_load: up to the window's end", imageLoad(Zone.SlotA, 0, address + size - 256, 256));
  answer("image_load: of nothing at the window's end", imageLoad(Zone.SlotA, 0, address + size, 0));
  answer("image_load: of nothing behind the window", imageLoad(Zone.SlotA, 0, address + size + 4, 0));
  answer("image_load: over the window's end", imageLoad(Zone.SlotA, 0, address + size - 252, 256));
  answer("image_load: before the window", imageLoad(Zone.SlotA, 0, address - 4, 256));
  answer("image_load: of more than the window", imageLoad(Zone.SlotA, 0, address, size + 4));
  answer("image_load: of 2^32 - 1 bytes", imageLoad(Zone.SlotA, 0, address, 0xffffffff));
  answer("image_load: over the slot's end", imageLoad(Zone.SlotB, slot - 252, address, 256));
  answer("image_load: of nothing at the slot's end", imageLoad(Zone.SlotB, slot, address, 0));
  answer("image_load: from an offset whose end wraps", imageLoad(Zone.SlotB, 0xffffff80, address, 256));
  answer("image_load: from the factory's zone", imageLoad(Zone.Factory, 0, address, 256));
  answer("image_load: from zone 8", imageLoad(8, 0, address, 256));
  answer("image_load: from zone 2^32 - 1", imageLoad(0xffffffff, 0, address, 256));
  answer("image_read: well", imageRead(address, buffer, 256));
  answer("image_read: of nothing at the window's end", imageRead(address + size, buffer, 0));
  answer("image_read: over the window's end", imageRead(address + size - 252, buffer, 256));
  answer("image_read: before the window", imageRead(address - 4, buffer, 256));
  answer("image_read: over memory's end", imageRead(address, memoryEnd() - 252, 256));
  answer("image_read: to a pointer whose end wraps", imageRead(address, 0xffffff80, 256));
  memory.fill(buffer, 0, 64);
  answer("image_start: at the window's end", imageStart(address + size, buffer));
  answer("image_start: two bytes before the window's end", imageStart(address + size - 2, buffer));
  answer("image_start: before the window", imageStart(address - 4, buffer));
  answer("image_start: at a misaligned entry", imageStart(address + 2, buffer));
  answer("image_start: information over memory's end", imageStart(address, memoryEnd() - 60));
  answer("image_start: information at the highest address", imageStart(address, 0xfffffffc));
  store<u8>(buffer, 2, 6);
  answer("image_start: of a third slot", imageStart(address, buffer));
}

function serialEdges(): void {
  answer("serial_read: of nothing", serialRead(buffer, 0));
  answer("serial_read: of 1024 bytes", serialRead(buffer, 1024));
  answer("serial_read: of 1025 bytes", serialRead(buffer, 1025));
  answer("serial_read: over memory's end", serialRead(memoryEnd() - 4, 8));
  answer("serial_read: to a pointer whose end wraps", serialRead(0xfffffffc, 8));
}

function slotEdges(zone: u32): void {
  answerOfZone(zone, "recovery, flash_geometry", flashGeometry(zone, geometry));
  answerOfZone(zone, "recovery, writable", load<u32>(geometry, 12));
  answerOfZone(zone, "recovery, flash_erase", flashErase(zone, 0));
  answerOfZone(zone, "recovery, flash_program", flashProgram(zone, 0, buffer, 64, Durability.Verified));
}

/** After `boot` came back. */
export function recover(): u32 {
  imageWindow(window);
  const address = load<u32>(window);
  answer("reset: before recovery began", reset(2));
  answer("recovery_begin: of the factory's zone", recoveryBegin(Zone.Factory));
  answer("recovery_begin: of zone 8", recoveryBegin(8));
  answer("recovery_begin: of zone 2^32 - 1", recoveryBegin(0xffffffff));
  answer("image_load: after a beginning that failed", imageLoad(Zone.SlotA, 0, address, 256));
  answer("recovery_begin: of slot B", recoveryBegin(Zone.SlotB));
  answer("recovery_begin: of slot B again", recoveryBegin(Zone.SlotB));
  answer("recovery_begin: of slot A too", recoveryBegin(Zone.SlotA));
  for (let zone: u32 = 0; zone < 9; zone++) slotEdges(zone);
  answer("image_load: in recovery", imageLoad(Zone.SlotA, 0, address, 256));
  answer("image_load: in recovery, before the window", imageLoad(Zone.SlotA, 0, address - 4, 256));
  answer("image_read: in recovery", imageRead(address, buffer, 256));
  answer("image_read: in recovery, over memory's end", imageRead(address, memoryEnd() - 252, 256));
  answer("image_start: in recovery", imageStart(address, buffer));
  answer("reset: in recovery, 0", reset(0));
  answer("reset: in recovery, 2^32 - 1", reset(0xffffffff));
  say("end of the boot loader's edges");
  return RECOVERY_NONE;
}
