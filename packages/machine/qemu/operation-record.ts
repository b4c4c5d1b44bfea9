// A flash operation as the driver of a test build records it on the console, before it is done
// (exokernel/flash_faults.h).

export interface RecordedOperation {
  kind: "erase" | "program";
  /** Offset in the flash, and length in bytes. */
  offset: number;
  length: number;
  /** CRC-32 (IEEE 802.3) of what a program writes; 0 for an erase. */
  crc: number;
}

const LINE = /flash ([PE]) ([0-9a-f]{8}) (\d+) ([0-9a-f]{8})$/;

export function readOperationLine(line: string): RecordedOperation | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, kind, offset, length, crc] = match;
  return {
    kind: kind === "E" ? "erase" : "program",
    offset: parseInt(offset!, 16),
    length: Number(length),
    crc: parseInt(crc!, 16),
  };
}

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
