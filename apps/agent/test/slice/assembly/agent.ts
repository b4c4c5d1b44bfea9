// An agent that hashes without end, in steps, and tells of the app's report now and then.

import { endLine, say, sayBytes, sayNumber, sayText } from "../../../src/console";
import { sha256 } from "../../../src/crypto";
import { appReport, clockUs, watchdogPet } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

const TELL_US: i64 = 100_000;
const BLOCK_BYTES: u32 = 4096;
const report: usize = memory.data(32, 4);
const block: usize = memory.data(4096, 4);
const digest: usize = memory.data(32);
let toldUs: i64 = 0;
let steps: u32 = 0;

export function start(): void {}

export function step(): u32 {
  watchdogPet();
  sha256(block, BLOCK_BYTES, digest);
  ++steps;
  if (clockUs() - toldUs < TELL_US) return 0;
  toldUs = clockUs();
  appReport(report);
  say("report ticks ");
  sayNumber(load<u32>(report));
  sayText(" health ");
  sayNumber(load<u32>(report, 4));
  sayText(" metric ");
  sayBytes(report + 16, load<u32>(report, 12));
  sayText(" steps ");
  sayNumber(steps);
  endLine();
  return 0;
}
