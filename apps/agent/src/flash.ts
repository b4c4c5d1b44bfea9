// Flash by zones with the geometry that the host reports. Nothing here knows a size of its own.

import {
  Durability,
  Errno,
  flashErase,
  flashGeometry,
  flashProgram,
  flashRead,
  flashTiming,
  watchdogPet,
} from "./exokernel";

const geometry: usize = memory.data(16, 4);
const timing: usize = memory.data(8, 4);

let feeds: bool = false;

/**
 * From now on the watchdog is fed before each erase and each program: several of them in a row may take longer than it
 * waits. One alone may not, see `watchdogMsMin`. Only where it is armed.
 */
export function feedWatchdogBeforeOperations(): void {
  feeds = true;
}

export class FlashZone {
  sizeBytes: u32 = 0;
  sectorBytes: u32 = 0;
  pageBytes: u32 = 0;

  constructor(readonly zone: u32) {}

  /** Reads the geometry; 0 or an Errno. A geometry that this code can't work with is Errno.Argument. */
  open(): i32 {
    const result = flashGeometry(this.zone, geometry);
    if (result < 0) return result;
    this.sizeBytes = load<u32>(geometry);
    this.sectorBytes = load<u32>(geometry, 4);
    this.pageBytes = load<u32>(geometry, 8);
    if (!isPowerOfTwo(this.sectorBytes) || !isPowerOfTwo(this.pageBytes)) return Errno.Argument;
    if (this.sectorBytes < 4096 || this.pageBytes < 256 || this.sizeBytes % this.sectorBytes != 0)
      return Errno.Argument;
    return 0;
  }

  sectorCount(): u32 {
    return this.sizeBytes / this.sectorBytes;
  }

  read(offset: u32, ptr: usize, length: u32): i32 {
    return flashRead(this.zone, offset, ptr, length);
  }

  /** The longest that one erase may take, by what the host says; 0 where it does not say. */
  eraseMsMax(): u32 {
    return flashTiming(timing) < 0 ? 0 : load<u32>(timing);
  }

  erase(offset: u32): i32 {
    if (feeds) watchdogPet();
    return flashErase(this.zone, offset);
  }

  /** Programs any range (multiples of 4), page by page, each verified by read-back. */
  program(offset: u32, ptr: usize, length: u32): i32 {
    while (length > 0) {
      const part = min(length, this.pageBytes - (offset & (this.pageBytes - 1)));
      if (feeds) watchdogPet();
      const result = flashProgram(this.zone, offset, ptr, part, Durability.Verified);
      if (result < 0) return result;
      offset += part;
      ptr += part;
      length -= part;
    }
    return 0;
  }
}

function isPowerOfTwo(value: u32): bool {
  return value != 0 && (value & (value - 1)) == 0;
}
