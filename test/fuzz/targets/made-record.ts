// A record of the agent in flash: a magic, fields, and the first bytes of their hash.

import { sha256Of } from "./keys.ts";

export function madeRecord(
  recordBytes: number,
  checkedBytes: number,
  magic: string,
  fill: (view: DataView, bytes: Uint8Array) => void,
): Uint8Array {
  const bytes = new Uint8Array(recordBytes);
  bytes.set(Buffer.from(magic));
  fill(new DataView(bytes.buffer), bytes);
  bytes.set(sha256Of(bytes.subarray(0, checkedBytes)).subarray(0, 16), checkedBytes);
  return bytes;
}
