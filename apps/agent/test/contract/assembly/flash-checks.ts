// What flash_* promise of a zone that the module may change, and of those that it may not.

import { Durability, Errno, flashErase, flashGeometry, flashProgram, flashRead } from "../../../src/exokernel";
import { all, expect, holds, memoryEnd } from "./checks";

const geometry: usize = memory.data(16, 4);
const data: usize = memory.data(64, 4);
const back: usize = memory.data(64, 4);

/** Sets every sector's first 64 bytes to 0xff again, and leaves them so. */
export function checkWritableZone(module: string, zone: u32): void {
  expect(module + " geometry of a granted zone", flashGeometry(zone, geometry), 0);
  const size = load<u32>(geometry);
  const sector = load<u32>(geometry, 4);
  const page = load<u32>(geometry, 8);
  holds(
    module + " geometry: sectors are a power of two, and the zone is whole sectors",
    sector > 0 && (sector & (sector - 1)) == 0 && size % sector == 0,
  );
  holds(
    module + " geometry: pages are a power of two in a sector",
    page >= 256 && (page & (page - 1)) == 0 && page <= sector,
  );
  expect(module + " geometry says that the zone is writable", load<u32>(geometry, 12), 1);
  expect(module + " geometry to a misaligned pointer", flashGeometry(zone, geometry + 1), Errno.Argument);
  expect(module + " geometry beyond memory", flashGeometry(zone, memoryEnd() - 12), Errno.Argument);

  expect(module + " erase", flashErase(zone, 0), 0);
  expect(module + " erase of no sector's start", flashErase(zone, 4), Errno.Argument);
  expect(module + " erase after the zone", flashErase(zone, size), Errno.Argument);
  expect(module + " erase far away", flashErase(zone, 0 - sector), Errno.Argument);
  memory.fill(back, 0, 64);
  expect(module + " read", flashRead(zone, 0, back, 64), 0);
  holds(module + " erased flash reads 0xff", all(back, 64, 0xff));
  expect(module + " read of nothing", flashRead(zone, 0, back, 0), 0);
  expect(module + " read at the zone's end", flashRead(zone, size - 64, back, 64), 0);
  expect(module + " read over the zone's end", flashRead(zone, size - 60, back, 64), Errno.Argument);
  expect(module + " read far away", flashRead(zone, 0xffffffc0, back, 64), Errno.Argument);
  expect(module + " read beyond memory", flashRead(zone, 0, memoryEnd() - 60, 64), Errno.Argument);
  expect(module + " read to a pointer that wraps", flashRead(zone, 0, 0xffffffc0, 64), Errno.Argument);

  for (let i: u32 = 0; i < 64; i++) store<u8>(data + i, <u8>(0x5a ^ i));
  expect(module + " program, accepted", flashProgram(zone, 0, data, 64, Durability.Accepted), 0);
  expect(module + " program, programmed", flashProgram(zone, 64, data, 64, Durability.Programmed), 0);
  expect(module + " program, verified", flashProgram(zone, page - 64, data, 64, Durability.Verified), 0);
  expect(module + " program, unknown durability", flashProgram(zone, 128, data, 64, 3), Errno.Argument);
  expect(module + " read back", flashRead(zone, page - 64, back, 64), 0);
  holds(module + " what was programmed reads back", memory.compare(data, back, 64) == 0);
  expect(module + " program of the same again", flashProgram(zone, 0, data, 64, Durability.Verified), 0);
  memory.fill(data, 0, 64);
  expect(module + " program of more zeros", flashProgram(zone, 0, data, 4, Durability.Verified), 0);
  store<u8>(data, 0x01, 3);
  expect(module + " program from 0 to 1", flashProgram(zone, 0, data, 64, Durability.Verified), Errno.NotErased);
  expect(module + " read after a refusal", flashRead(zone, 0, back, 64), 0);
  holds(module + " a refused program changes nothing", load<u32>(back) == 0 && load<u8>(back + 4) == (0x5a ^ 4));
  expect(
    module + " program at a misaligned offset",
    flashProgram(zone, 130, data, 4, Durability.Accepted),
    Errno.Argument,
  );
  expect(
    module + " program of a misaligned length",
    flashProgram(zone, 128, data, 6, Durability.Accepted),
    Errno.Argument,
  );
  expect(module + " program of nothing", flashProgram(zone, 128, data, 0, Durability.Accepted), Errno.Argument);
  expect(
    module + " program over a page's end",
    flashProgram(zone, page - 4, data, 8, Durability.Accepted),
    Errno.Argument,
  );
  expect(
    module + " program longer than a page",
    flashProgram(zone, 0, data, page + 4, Durability.Accepted),
    Errno.Argument,
  );
  expect(
    module + " program over the zone's end",
    flashProgram(zone, size - 4, data, 8, Durability.Accepted),
    Errno.Argument,
  );
  expect(module + " program after the zone", flashProgram(zone, size, data, 4, Durability.Accepted), Errno.Argument);
  expect(
    module + " program from beyond memory",
    flashProgram(zone, 128, memoryEnd() - 4, 8, Durability.Accepted),
    Errno.Argument,
  );
  expect(module + " erase again", flashErase(zone, 0), 0);
  expect(module + " read after the erase", flashRead(zone, page - 64, back, 64), 0);
  holds(module + " an erase takes everything", all(back, 64, 0xff));
}

export function checkReadOnlyZone(name: string, zone: u32): void {
  expect(name + ": geometry", flashGeometry(zone, geometry), 0);
  expect(name + ": geometry says that it is not writable", load<u32>(geometry, 12), 0);
  expect(name + ": read", flashRead(zone, 0, back, 64), 0);
  checkNoWrite(name, zone);
}

export function checkDeniedZone(name: string, zone: u32): void {
  expect(name + ": geometry denied", flashGeometry(zone, geometry), Errno.Denied);
  expect(name + ": read denied", flashRead(zone, 0, back, 64), Errno.Denied);
  checkNoWrite(name, zone);
}

function checkNoWrite(name: string, zone: u32): void {
  memory.fill(data, 0, 64);
  expect(name + ": program denied", flashProgram(zone, 0, data, 64, Durability.Verified), Errno.Denied);
  expect(name + ": erase denied", flashErase(zone, 0), Errno.Denied);
}

export function checkNoSuchZone(module: string): void {
  expect(module + " geometry of zone 8", flashGeometry(8, geometry), Errno.Argument);
  expect(module + " read of zone 8", flashRead(8, 0, back, 4), Errno.Argument);
  expect(module + " program of zone 8", flashProgram(8, 0, data, 4, Durability.Verified), Errno.Argument);
  expect(module + " erase of zone 0xffffffff", flashErase(0xffffffff, 0), Errno.Argument);
}
