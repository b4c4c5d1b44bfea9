// Lines on the console, put together in one buffer: for people who watch a device, and for tests.

import { clockUs, consoleWrite } from "./exokernel";
import { decimalWriteU64 } from "./text/decimal";
import { hexEncode } from "./text/hex";

const LINE_BYTES: u32 = 240;
const line: usize = memory.data(256);
let length: u32 = 0;

/** Starts a line with the time since reset in microseconds. */
export function say(text: string): void {
  length = 0;
  store<u8>(line, 0x5b); // [
  length = 1 + decimalWriteU64(line + 1, <u64>clockUs());
  store<u8>(line + length, 0x5d);
  store<u8>(line + length + 1, 0x20);
  length += 2;
  sayText(text);
}

export function sayText(text: string): void {
  for (let i: i32 = 0; i < text.length && length < LINE_BYTES; i++) store<u8>(line + length++, <u8>text.charCodeAt(i));
}

export function sayNumber(value: u32): void {
  if (length + 10 < LINE_BYTES) length += decimalWriteU64(line + length, value);
}

/** The first `bytes` (at most 32) in hex. */
export function sayHex(ptr: usize, bytes: u32): void {
  if (length + 2 * bytes < LINE_BYTES) length += hexEncode(line + length, ptr, bytes);
}

export function sayBytes(ptr: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes && length < LINE_BYTES; i++) store<u8>(line + length++, load<u8>(ptr + i));
}

export function endLine(): void {
  store<u8>(line + length, 0x0a);
  consoleWrite(line, length + 1);
}
