// The check of recovery's frames, against others: the check value of CRC-32/ISO-HDLC in the CRC RevEng catalogue, and
// zlib's.

import { deflateRawSync, gunzipSync } from "node:zlib";
import { crc32 } from "@flipside/image-format";
import { expect, test } from "vitest";

test("CRC-32 has its catalogue's check value", () => {
  expect(crc32(new TextEncoder().encode("123456789"), 0, 9)).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0), 0, 0)).toBe(0);
});

test("CRC-32 is what zlib takes as a gzip member's", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) >> 2);
  const part = bytes.subarray(17, 817);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes, 17, 800), 0);
  trailer.writeUInt32LE(800, 4);
  // RFC 1952: ten bytes of header, the deflated data, CRC-32 and length. gunzip refuses a wrong one.
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  expect(Buffer.compare(gunzipSync(Buffer.concat([header, deflateRawSync(part), trailer])), part)).toBe(0);
});
