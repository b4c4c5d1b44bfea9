// The example app's configuration: between which temperatures it is healthy, and how often it reports one. It judges
// what it is handed, takes all of it or nothing, and says what is wrong in words that an operator reads.
//
//   {"lowestMilliC":-40000,"highestMilliC":125000,"reportEverySeconds":1}   each may be left out

import { JsonKind, JsonReader } from "../json/reader";
import { configurationJudge, configurationRead, Errno } from "./exokernel";

/** What the sensor can say, in thousandths of a degree Celsius. */
const SENSOR_LOWEST: i64 = -55_000;
const SENSOR_HIGHEST: i64 = 150_000;
const REPORT_SECONDS_MAX: i64 = 3600;

const LOWEST_DEFAULT: i32 = -40_000;
const HIGHEST_DEFAULT: i32 = 125_000;
const REPORT_SECONDS_DEFAULT: i32 = 1;

/** Codes of this app's own; 0: it takes it. */
const TAKEN: i32 = 0;
const NOT_AN_OBJECT: i32 = 1;
const LOWEST_REFUSED: i32 = 2;
const HIGHEST_REFUSED: i32 = 3;
const RANGE_EMPTY: i32 = 4;
const PERIOD_REFUSED: i32 = 5;
const MEMBER_UNKNOWN: i32 = 6;

function words(code: i32): string {
  switch (code) {
    case TAKEN:
      return "";
    case NOT_AN_OBJECT:
      return "not a JSON object";
    case LOWEST_REFUSED:
      return "lowestMilliC: an integer from -55000 to 150000, given once";
    case HIGHEST_REFUSED:
      return "highestMilliC: an integer from -55000 to 150000, given once";
    case RANGE_EMPTY:
      return "lowestMilliC is not below highestMilliC";
    case PERIOD_REFUSED:
      return "reportEverySeconds: an integer from 1 to 3600, given once";
    default:
      return "a member that this app does not know";
  }
}

/** u32 number, then the document. */
const DOCUMENT_BYTES_MAX: u32 = 1024;
const handed: usize = memory.data(1028, 4);
const text: usize = memory.data(64);
const reader = new JsonReader();

/** What it goes by. */
export let lowestMilliC: i32 = LOWEST_DEFAULT;
export let highestMilliC: i32 = HIGHEST_DEFAULT;
export let reportEverySeconds: i32 = REPORT_SECONDS_DEFAULT;

/** Judges what was handed over since the last time, if anything was. */
export function takeConfiguration(): void {
  const bytes = configurationRead(handed, 4 + DOCUMENT_BYTES_MAX);
  if (bytes < 0) return;
  const code = take(handed + 4, bytes);
  const said = words(code);
  for (let i: i32 = 0; i < said.length; i++) store<u8>(text + i, <u8>said.charCodeAt(i));
  configurationJudge(load<u32>(handed), code, text, said.length);
}

function take(ptr: usize, bytes: u32): i32 {
  if (reader.open(ptr, bytes) != 0 || reader.kind(reader.root) != JsonKind.Object) return NOT_AN_OBJECT;
  for (let name = reader.first(reader.root); name != 0; name = reader.next(reader.valueOf(name)))
    if (!isKnown(name)) return MEMBER_UNKNOWN;
  const lowest = integer("lowestMilliC", LOWEST_DEFAULT, SENSOR_LOWEST, SENSOR_HIGHEST);
  if (reader.error != 0) return LOWEST_REFUSED;
  const highest = integer("highestMilliC", HIGHEST_DEFAULT, SENSOR_LOWEST, SENSOR_HIGHEST);
  if (reader.error != 0) return HIGHEST_REFUSED;
  const period = integer("reportEverySeconds", REPORT_SECONDS_DEFAULT, 1, REPORT_SECONDS_MAX);
  if (reader.error != 0) return PERIOD_REFUSED;
  if (lowest >= highest) return RANGE_EMPTY;
  lowestMilliC = lowest;
  highestMilliC = highest;
  reportEverySeconds = period;
  return TAKEN;
}

function isKnown(name: usize): bool {
  return (
    reader.equalsAt(name, "lowestMilliC") ||
    reader.equalsAt(name, "highestMilliC") ||
    reader.equalsAt(name, "reportEverySeconds")
  );
}

/** The member, or what it is where it is left out; `reader.error` otherwise. */
function integer(name: string, absent: i32, least: i64, most: i64): i32 {
  if (!reader.has(name)) return absent;
  const value = reader.i64(name);
  if (reader.error == 0 && (value < least || value > most)) reader.error = Errno.Argument;
  return <i32>value;
}
