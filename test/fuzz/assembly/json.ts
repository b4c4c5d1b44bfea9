// The JSON reader over a document that ends where memory does: everything is walked, and members are asked for as the
// agent asks. AssemblyScript.

import { JsonKind, JsonReader } from "../../../apps/agent/src/json/reader";

const TEXT_BYTES: u32 = 512;
const reader = new JsonReader();
const decoded: usize = memory.data(512);
/** What `members` found: kind of answer and value for each. */
export const answers: usize = memory.data(128, 8);
export const texts: usize = memory.data(2048);

/** Values in the document, or -1 when it is none. */
export function run(ptr: usize, length: u32): i32 {
  if (reader.open(ptr, length) != 0) return -1;
  return walk(reader.root, ptr + length);
}

function walk(value: usize, end: usize): i32 {
  if (value >= end) unreachable();
  const kind = reader.kind(value);
  if (kind == JsonKind.String) {
    if (reader.stringOf(value, decoded, TEXT_BYTES) > <i32>TEXT_BYTES) unreachable();
  } else if (kind == JsonKind.Number) reader.i64Of(value);
  let count = 1;
  for (let at = reader.first(value); at != 0; ) {
    if (kind == JsonKind.Object) {
      if (reader.stringOf(at, decoded, TEXT_BYTES) > <i32>TEXT_BYTES) unreachable();
      at = reader.valueOf(at);
    }
    count += walk(at, end);
    at = reader.next(at);
  }
  return count;
}

function answer(index: i32, value: i64): void {
  store<i64>(answers + 16 * index, value);
  store<i64>(answers + 16 * index, reader.error, 8);
  reader.error = 0;
}

/** After a run that found a document. */
export function members(): void {
  reader.error = 0;
  answer(0, reader.u32("attempt"));
  answer(1, reader.i64("sizeBytes"));
  answer(2, reader.string("deployment", texts, 48));
  answer(3, reader.base64url("header", texts + 512, 512));
  answer(4, reader.hex("digest", texts + 1024, 32) ? 1 : 0);
  answer(5, reader.bool("accepted") ? 1 : 0);
  answer(6, reader.equals("error", "session-unknown") ? 1 : 0);
  answer(7, reader.has("permit") ? 1 : 0);
}
