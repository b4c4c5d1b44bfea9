// The layout of a chunk message, byte by byte from the table in docs/protocol.md.

import { chunkMessage, readChunk } from "@flipside/protocol/chunk-message";
import { expect, it } from "vitest";

const name = { attempt: 0x01020304, part: 1, digest: "a1b2c3d4".padEnd(64, "0"), index: 0xf0000001 };

it("has its fields where the document says", () => {
  const bytes = [0x46, 0x53, 0x43, 0x48, 4, 3, 2, 1, 1, 0xa1, 0xb2, 0xc3, 1, 0, 0, 0xf0, 9, 8];
  expect([...chunkMessage(name, Uint8Array.of(9, 8))]).toEqual(bytes);
});

it("is read as it was written, but for the rest of the digest", () => {
  for (const data of [Uint8Array.of(9, 8), new Uint8Array(0)]) {
    expect(readChunk(chunkMessage(name, data))).toEqual({ ...name, digest: "a1b2c3", data });
  }
});

it("is none without its first four bytes, or in less than 16", () => {
  const message = chunkMessage(name, new Uint8Array(0));
  expect(readChunk(message.subarray(0, 15))).toBeUndefined();
  for (let i = 0; i < 4; i++) expect(readChunk(message.with(i, message[i]! ^ 1))).toBeUndefined();
});
