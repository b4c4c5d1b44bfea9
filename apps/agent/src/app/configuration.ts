// The example app's configuration: between which temperatures it is healthy, and how often it reports one. It judges
// what it is handed, takes all of it or nothing, and says what is wrong first in words that an operator reads.
//
//   {"lowestMilliC":-40000,"highestMilliC":125000,"reportEverySeconds":1}   each may be left out
//
// It reads a flat object of integers and nothing else, with names written out: the agent's reader of all of JSON would
// be four times the size of the rest of this app. What it can't read it refuses.

import { configurationJudge, configurationRead } from "./exokernel";

/** What the sensor can say, in thousandths of a degree Celsius. */
const SENSOR_LOWEST: i32 = -55_000;
const SENSOR_HIGHEST: i32 = 150_000;
const REPORT_SECONDS_MAX: i32 = 3600;

const LOWEST_DEFAULT: i32 = -40_000;
const HIGHEST_DEFAULT: i32 = 125_000;
const REPORT_SECONDS_DEFAULT: i32 = 1;

/** Codes of this app's own; 0: it takes it. Those that refuse a member's value name the member too. */
const TAKEN: i32 = 0;
const NOT_AN_OBJECT: i32 = 1;
const LOWEST: i32 = 2;
const HIGHEST: i32 = 3;
const RANGE_EMPTY: i32 = 4;
const PERIOD: i32 = 5;
const MEMBER_UNKNOWN: i32 = 6;

/** u32 number, then the document, then a 0, which no document has: nothing reads beyond it. */
const DOCUMENT_BYTES_MAX: u32 = 1024;
const handed: usize = memory.data(1029, 4);
/** Values that are not in force yet, i32 by code. */
const values: usize = memory.data(24, 4);
const text: usize = memory.data(64);
let textBytes: u32 = 0;
/** What of the document is read next. */
let at: usize = 0;

/** What it goes by. */
export let lowestMilliC: i32 = LOWEST_DEFAULT;
export let highestMilliC: i32 = HIGHEST_DEFAULT;
export let reportEverySeconds: i32 = REPORT_SECONDS_DEFAULT;

/** Judges what was handed over since the last time, if anything was. */
export function takeConfiguration(): void {
  const bytes = configurationRead(handed, 4 + DOCUMENT_BYTES_MAX);
  if (bytes < 0) return;
  at = handed + 4;
  store<u8>(at + bytes, 0);
  const code = take(at + bytes);
  textBytes = 0;
  say(code);
  configurationJudge(load<u32>(handed), code, text, textBytes);
}

/** Takes the document that ends at `end`, or says why not. */
function take(end: usize): i32 {
  store<i32>(values + 4 * LOWEST, LOWEST_DEFAULT);
  store<i32>(values + 4 * HIGHEST, HIGHEST_DEFAULT);
  store<i32>(values + 4 * PERIOD, REPORT_SECONDS_DEFAULT);
  if (!passes(0x7b)) return NOT_AN_OBJECT;
  if (!passes(0x7d)) {
    let seen: i32 = 0;
    do {
      if (!passes(0x22)) return NOT_AN_OBJECT;
      const member = readName();
      if (member == MEMBER_UNKNOWN) return MEMBER_UNKNOWN;
      if (!passes(0x3a)) return NOT_AN_OBJECT;
      if ((seen & (1 << member)) != 0 || !readInteger(member)) return member;
      seen |= 1 << member;
    } while (passes(0x2c));
    if (!passes(0x7d)) return NOT_AN_OBJECT;
  }
  skipSpace();
  if (at != end) return NOT_AN_OBJECT;
  const lowest = load<i32>(values + 4 * LOWEST);
  const highest = load<i32>(values + 4 * HIGHEST);
  if (lowest >= highest) return RANGE_EMPTY;
  lowestMilliC = lowest;
  highestMilliC = highest;
  reportEverySeconds = load<i32>(values + 4 * PERIOD);
  return TAKEN;
}

function skipSpace(): void {
  for (let char: u32 = load<u8>(at); char == 0x20 || char - 9 < 2 || char == 13; char = load<u8>(at)) at++;
}

/** Whether this character comes next, after spaces; it is passed. */
function passes(char: u32): bool {
  skipSpace();
  if (load<u8>(at) != char) return false;
  at++;
  return true;
}

function nameOf(member: i32): string {
  return member == LOWEST ? "lowestMilliC" : member == HIGHEST ? "highestMilliC" : "reportEverySeconds";
}

/** The member whose name comes next, behind its opening quote, or MEMBER_UNKNOWN. */
function readName(): i32 {
  for (let member: i32 = LOWEST; member <= PERIOD; member++) {
    if (member == RANGE_EMPTY) continue;
    const name = nameOf(member);
    let length: i32 = 0;
    while (length < name.length && load<u8>(at + length) == characterOf(name, length)) length++;
    if (length < name.length || load<u8>(at + length) != 0x22) continue;
    at += length + 1;
    return member;
  }
  return MEMBER_UNKNOWN;
}

/** Reads the member's value into `values`; false: it is no integer, or not one between what the member may be. */
function readInteger(member: i32): bool {
  skipSpace();
  const isNegative = load<u8>(at) == 0x2d;
  if (isNegative) at++;
  const first = at;
  let value: i32 = 0;
  for (let digit: u32 = load<u8>(at) - 0x30; digit < 10; digit = load<u8>(at) - 0x30) {
    value = value * 10 + digit;
    if (value > SENSOR_HIGHEST) return false;
    at++;
  }
  if (at == first || (at > first + 1 && load<u8>(first) == 0x30)) return false;
  skipSpace();
  if (load<u8>(at) != 0x2c && load<u8>(at) != 0x7d) return false;
  if (isNegative) value = -value;
  store<i32>(values + 4 * member, value);
  return member == PERIOD ? value >= 1 && value <= REPORT_SECONDS_MAX : value >= SENSOR_LOWEST;
}

// ---- what it says ----------------------------------------------------------------------------------------------

function characterOf(words: string, index: i32): u32 {
  return load<u16>(changetype<usize>(words) + 2 * index);
}

function append(words: string): void {
  for (let i: i32 = 0; i < words.length; i++) store<u8>(text + textBytes++, characterOf(words, i));
}

function say(code: i32): void {
  if (code == TAKEN) return;
  if (code == NOT_AN_OBJECT) append("not a JSON object");
  else if (code == MEMBER_UNKNOWN) append("a member that this app does not know");
  else if (code == RANGE_EMPTY) append("lowestMilliC is not below highestMilliC");
  else {
    append(nameOf(code));
    append(
      code == PERIOD ? ": an integer from 1 to 3600, given once" : ": an integer from -55000 to 150000, given once",
    );
  }
}
