// Lines that the test reads: `ok <name>`, or `not ok <name>: <got>, expected <wanted>`.

import { consoleWrite } from "../../../src/exokernel";
import { decimalWriteU64 } from "../../../src/text/decimal";

const line: usize = memory.data(256);
let length: u32 = 0;

function put(text: string): void {
  for (let i: i32 = 0; i < text.length; i++) store<u8>(line + length++, <u8>text.charCodeAt(i));
}

function putNumber(value: i64): void {
  if (value < 0) put("-");
  length += decimalWriteU64(line + length, <u64>(value < 0 ? -value : value));
}

export function print(text: string): void {
  length = 0;
  put(text);
  put("\n");
  consoleWrite(line, length);
}

export function expect(name: string, got: i64, wanted: i64): void {
  length = 0;
  put(got == wanted ? "ok " : "not ok ");
  put(name);
  if (got != wanted) {
    put(": ");
    putNumber(got);
    put(", expected ");
    putNumber(wanted);
  }
  put("\n");
  consoleWrite(line, length);
}

export function holds(name: string, condition: bool): void {
  expect(name, condition ? 1 : 0, 1);
}

/** True when `length` bytes at `ptr` all are `value`. */
export function all(ptr: usize, bytes: u32, value: u8): bool {
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(ptr + i) != value) return false;
  return true;
}

/** The first byte after this module's memory. */
export function memoryEnd(): usize {
  return (<usize>memory.size()) << 16;
}
