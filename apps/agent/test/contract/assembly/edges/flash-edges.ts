// Edge calls on flash: each of them on every zone, and on zones that there are not.

import { Durability, flashErase, flashGeometry, flashProgram, flashRead, flashTiming } from "../../../../src/exokernel";
import { answer, answerOfZone, memoryEnd } from "./answers";

const geometry: usize = memory.data(16, 4);
const data: usize = memory.data(8192, 4);
const back: usize = memory.data(64, 4);

/** Where a zone's geometry can't be had, any will do: the answer is the same. */
const SIZE_UNKNOWN: u32 = 0x80000;
const SECTOR_UNKNOWN: u32 = 0x1000;
const PAGE_UNKNOWN: u32 = 0x1000;

export function flashEdges(): void {
  for (let zone: u32 = 0; zone < 9; zone++) zoneEdges(zone);
  zoneEdges(0x80000000);
  zoneEdges(0xffffffff);
  answer("flash_timing: well", flashTiming(geometry));
  answer("flash_timing: misaligned", flashTiming(geometry + 2));
  answer("flash_timing: over memory's end", flashTiming(memoryEnd() - 4));
  answer("flash_timing: at the highest address", flashTiming(0xfffffffc));
}

function zoneEdges(zone: u32): void {
  store<u32>(geometry, SIZE_UNKNOWN);
  store<u32>(geometry, SECTOR_UNKNOWN, 4);
  store<u32>(geometry, PAGE_UNKNOWN, 8);
  store<u32>(geometry, 0, 12);
  answerOfZone(zone, "flash_geometry: well", flashGeometry(zone, geometry));
  answerOfZone(zone, "flash_geometry: writable", load<u32>(geometry, 12));
  const size = load<u32>(geometry);
  const sector = load<u32>(geometry, 4);
  const page = load<u32>(geometry, 8);
  answerOfZone(zone, "flash_geometry: misaligned", flashGeometry(zone, geometry + 1));
  answerOfZone(zone, "flash_geometry: at memory's end", flashGeometry(zone, memoryEnd() - 16));
  answerOfZone(zone, "flash_geometry: over memory's end", flashGeometry(zone, memoryEnd() - 12));
  answerOfZone(zone, "flash_geometry: at the highest address", flashGeometry(zone, 0xfffffffc));
  eraseEdges(zone, size, sector);
  readEdges(zone, size, page);
  programEdges(zone, size, page);
}

function eraseEdges(zone: u32, size: u32, sector: u32): void {
  answerOfZone(zone, "flash_erase: well", flashErase(zone, 0));
  answerOfZone(zone, "flash_erase: of no sector's start", flashErase(zone, 4));
  answerOfZone(zone, "flash_erase: of a sector's last word", flashErase(zone, sector - 4));
  answerOfZone(zone, "flash_erase: behind the zone", flashErase(zone, size));
  answerOfZone(zone, "flash_erase: at 2^31", flashErase(zone, 0x80000000));
  answerOfZone(zone, "flash_erase: a sector before 2^32", flashErase(zone, 0 - sector));
}

function readEdges(zone: u32, size: u32, page: u32): void {
  answerOfZone(zone, "flash_read: well", flashRead(zone, 0, back, 64));
  answerOfZone(zone, "flash_read: of nothing", flashRead(zone, 0, back, 0));
  answerOfZone(zone, "flash_read: of nothing at the zone's end", flashRead(zone, size, back, 0));
  answerOfZone(zone, "flash_read: of nothing behind the zone", flashRead(zone, size + 1, back, 0));
  answerOfZone(zone, "flash_read: of nothing to memory's end", flashRead(zone, 0, memoryEnd(), 0));
  answerOfZone(zone, "flash_read: of nothing behind memory", flashRead(zone, 0, memoryEnd() + 1, 0));
  answerOfZone(zone, "flash_read: of an odd byte at an odd place", flashRead(zone, 1, back + 1, 1));
  answerOfZone(zone, "flash_read: over two pages", flashRead(zone, page - 8, back, 16));
  answerOfZone(zone, "flash_read: up to the zone's end", flashRead(zone, size - 64, back, 64));
  answerOfZone(zone, "flash_read: over the zone's end", flashRead(zone, size - 60, back, 64));
  answerOfZone(zone, "flash_read: from an offset whose end wraps", flashRead(zone, 0xffffffc0, back, 64));
  answerOfZone(zone, "flash_read: over memory's end", flashRead(zone, 0, memoryEnd() - 60, 64));
  answerOfZone(zone, "flash_read: to a pointer whose end wraps", flashRead(zone, 0, 0xffffffc0, 64));
  answerOfZone(zone, "flash_read: of 2^31 bytes", flashRead(zone, 0, back, 0x80000000));
  answerOfZone(zone, "flash_read: of 2^32 - 1 bytes", flashRead(zone, 1, back + 1, 0xffffffff));
}

function programEdges(zone: u32, size: u32, page: u32): void {
  memory.fill(data, 0x5a, 64);
  answerOfZone(zone, "flash_program: accepted", flashProgram(zone, 0, data, 64, Durability.Accepted));
  answerOfZone(zone, "flash_program: programmed", flashProgram(zone, 64, data, 64, Durability.Programmed));
  answerOfZone(zone, "flash_program: verified", flashProgram(zone, 128, data, 64, Durability.Verified));
  answerOfZone(zone, "flash_program: the same again", flashProgram(zone, 128, data, 64, Durability.Verified));
  answerOfZone(zone, "flash_program: durability 3", flashProgram(zone, 256 - 64, data, 4, 3));
  answerOfZone(zone, "flash_program: durability 2^32 - 1", flashProgram(zone, 256 - 64, data, 4, 0xffffffff));
  answerOfZone(
    zone,
    "flash_program: from a misaligned pointer",
    flashProgram(zone, 256 - 60, data + 1, 4, Durability.Verified),
  );
  memory.fill(data, 0xff, 64);
  answerOfZone(zone, "flash_program: from 0 to 1", flashProgram(zone, 0, data, 64, Durability.Verified));
  answerOfZone(zone, "flash_program: from 0 to 1, durability 3", flashProgram(zone, 0, data, 64, 3));
  answerOfZone(zone, "flash_program: at a misaligned offset", flashProgram(zone, 130, data, 4, Durability.Verified));
  answerOfZone(zone, "flash_program: of a misaligned length", flashProgram(zone, 128, data, 6, Durability.Verified));
  answerOfZone(zone, "flash_program: of nothing", flashProgram(zone, 128, data, 0, Durability.Verified));
  answerOfZone(zone, "flash_program: up to a page's end", flashProgram(zone, page - 4, data, 4, Durability.Verified));
  answerOfZone(zone, "flash_program: over a page's end", flashProgram(zone, page - 4, data, 8, Durability.Verified));
  answerOfZone(zone, "flash_program: of more than a page", flashProgram(zone, 0, data, page + 4, Durability.Verified));
  answerOfZone(zone, "flash_program: over the zone's end", flashProgram(zone, size - 4, data, 8, Durability.Verified));
  answerOfZone(zone, "flash_program: behind the zone", flashProgram(zone, size, data, 4, Durability.Verified));
  answerOfZone(
    zone,
    "flash_program: at an offset whose end wraps",
    flashProgram(zone, 0xfffffffc, data, 8, Durability.Verified),
  );
  answerOfZone(
    zone,
    "flash_program: from over memory's end",
    flashProgram(zone, 128, memoryEnd() - 4, 8, Durability.Verified),
  );
  answerOfZone(
    zone,
    "flash_program: from a pointer whose end wraps",
    flashProgram(zone, 128, 0xfffffffc, 8, Durability.Verified),
  );
  answerOfZone(zone, "flash_program: of 2^31 bytes", flashProgram(zone, 0, data, 0x80000000, Durability.Verified));
}
