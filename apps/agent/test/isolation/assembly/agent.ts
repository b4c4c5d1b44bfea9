// The agent of the isolation images: says how the last run ended and, after power-on, performs the steps in the
// settings zone. Then it races the app's slice for the flash, or idles and feeds the watchdog.

import { endLine, say, sayBytes, sayNumber, sayText } from "../../../src/console";
import {
  appReport,
  BootReason,
  bootInfo,
  clockUs,
  crashLog,
  CRASH_LOG_BYTES,
  crashRecord,
  Durability,
  flashErase,
  flashProgram,
  flashRead,
  watchdogPet,
  Zone,
} from "../../../src/exokernel";
import { perform, STEP_BYTES, STEP_END, STEPS_MAX } from "./steps";

export { abort } from "../../../src/abort";

const info: usize = memory.data(64, 8);
const record: usize = memory.data(64, 8);
const steps: usize = memory.data(960, 4); // STEPS_MAX * STEP_BYTES
const report: usize = memory.data(32, 4);
const page: usize = memory.data(4096, 4);
const readBack: usize = memory.data(4096, 4);

/** Operands from here on are the tests': two pages' worth, at a fixed place (../steps.ts). */
const SPACE: usize = 0x20000;

const RACE: u32 = 80;
const PERIOD_US: u64 = 1_000_000; // EXO_APP_SLICE_PERIOD_MS
let rounds: u32 = 0;
let leadUs: u64 = 0;
let round: u32 = 0;
let ticks: u32 = 0;
let tickUs: u64 = 0;
let racedInTick: u32 = 0;
let damaged: u32 = 0;

function sayRecord(): void {
  say("agent: boot reason ");
  sayNumber(load<u8>(info, 7));
  if (crashRecord(record, 64) == 0) {
    sayText(", crash kind ");
    sayNumber(load<u32>(record, 4));
    sayText(" module ");
    sayNumber(load<u32>(record, 8));
    sayText(" code ");
    sayNumber(load<u32>(record, 12));
    sayText(" mtval ");
    sayNumber(load<u32>(record, 20));
    sayText(" phase ");
    sayNumber(load<u32>(record, 28));
  } else {
    sayText(", no crash");
  }
  endLine();
}

/** Of what the crashed run wrote to the console. */
function sayLastLine(): void {
  const kept = crashLog(page, CRASH_LOG_BYTES);
  if (kept <= 0) return;
  const end: u32 = load<u8>(page + kept - 1) == 0x0a ? kept - 1 : kept;
  let begin = end;
  while (begin > 0 && load<u8>(page + begin - 1) != 0x0a) begin--;
  say("agent: last line ");
  sayBytes(page + begin, end - begin);
  endLine();
}

export function start(): void {
  for (let i: u32 = 0; i < 4096; i++) store<u8>(SPACE + i, <u8>(i * 7));
  bootInfo(info, 64);
  sayRecord();
  sayLastLine();
  if (load<u8>(info, 7) != <u8>BootReason.PowerOn) return;
  flashRead(Zone.Settings, 0, steps, STEPS_MAX * STEP_BYTES);
  for (let i: u32 = 0; i < STEPS_MAX; i++) {
    const step = steps + i * STEP_BYTES;
    const op = load<u32>(step);
    if (op == STEP_END) break;
    if (op == RACE) {
      rounds = load<u32>(step, 4);
      leadUs = load<u32>(step, 8);
      return;
    }
    const result = perform(
      op,
      load<u32>(step, 4),
      load<u32>(step, 8),
      load<u32>(step, 12),
      load<u32>(step, 16),
      load<u32>(step, 20),
    );
    say("agent: step ");
    sayNumber(i);
    sayText(" result ");
    sayNumber(result);
    endLine();
  }
  say("agent: done");
  endLine();
}

export function step(): u32 {
  watchdogPet();
  if (round < rounds) return race();
  return 100_000;
}

/** Programs a page of the journal so that the app's next tick falls into it, a little later each round. */
function race(): u32 {
  appReport(report);
  if (load<u32>(report) != ticks) {
    ticks = load<u32>(report);
    tickUs = load<u32>(report, 8); // the app's metric: when the tick began
    flashErase(Zone.Journal, 0);
  }
  if (ticks == 0 || ticks == racedInTick) return 1000;
  const begin = tickUs + PERIOD_US - leadUs * (round + 1); // a tick begins a period after the last, to the instruction
  const now = <u64>clockUs();
  if (now < begin) return <u32>min<u64>(begin - now, 100_000);
  racedInTick = ticks;
  for (let i: u32 = 0; i < 4096; i += 4) store<u32>(page + i, i * 0x9e3779b9 + round);
  const result = flashProgram(Zone.Journal, 0, page, 4096, Durability.Verified);
  flashRead(Zone.Journal, 0, readBack, 4096);
  if (result != 0 || memory.compare(page, readBack, 4096) != 0) damaged++;
  if (++round == rounds) {
    say("agent: race over, damaged ");
    sayNumber(damaged);
    endLine();
  }
  return 1000;
}
