// Lines that the test reads: `= <call>: <case>: <answer>`, for a zone's calls `= zone <n>: <call>: <case>: <answer>`.
// Nothing is judged here: what counts is that every backend answers the same.

import { consoleWrite } from "../../../../src/exokernel";
import { decimalWriteI64 } from "../../../../src/text/decimal";

const line: usize = memory.data(256);
let length: u32 = 0;

function put(text: string): void {
  for (let i: i32 = 0; i < text.length; i++) store<u8>(line + length++, <u8>text.charCodeAt(i));
}

function putAnswer(name: string, got: i64): void {
  put(name);
  put(": ");
  length += decimalWriteI64(line + length, got);
  put("\n");
  consoleWrite(line, length);
}

export function answer(name: string, got: i64): void {
  length = 0;
  put("= ");
  putAnswer(name, got);
}

export function answerOfZone(zone: u32, name: string, got: i64): void {
  length = 0;
  put("= zone ");
  length += decimalWriteI64(line + length, zone);
  put(": ");
  putAnswer(name, got);
}

export function say(text: string): void {
  length = 0;
  put(text);
  put("\n");
  consoleWrite(line, length);
}

/** The first byte after this module's memory. */
export function memoryEnd(): usize {
  return (<usize>memory.size()) << 16;
}
