// The app of the isolation images: performs the steps in its own zone in its first tick, which is in the timer
// interrupt.

import { endLine, say, sayNumber, sayText } from "../../../src/console";
import {
  appMetric,
  bootInfo,
  BootReason,
  clockUs,
  Durability,
  Errno,
  flashErase,
  flashProgram,
  flashRead,
  Zone,
} from "../../../src/exokernel";
import { perform, STEP_BYTES, STEP_END, STEPS_MAX } from "./steps";

export { abort } from "../../../src/abort";

const info: usize = memory.data(64, 8);
const steps: usize = memory.data(960, 4); // STEPS_MAX * STEP_BYTES
const word: usize = memory.data(4, 4);
const NAME: usize = memory.data<u8>([0x74, 0x69, 0x63, 0x6b]); // "tick"

const RACE: u32 = 80;
const RACE_OFFSET: u32 = 0x40000; // a sector of the app's zone that nothing else uses
let racing: bool = false;
let ticks: u32 = 0;
let refused: u32 = 0;
let wrong: u32 = 0;
let written: u32 = 0;

export function start(): void {
  bootInfo(info, 64);
}

export function tick(): void {
  ticks++;
  if (racing) return race();
  if (ticks != 1 || load<u8>(info, 7) != <u8>BootReason.PowerOn) {
    say("app: tick");
    endLine();
    return;
  }
  flashRead(Zone.App, 0, steps, STEPS_MAX * STEP_BYTES);
  for (let i: u32 = 0; i < STEPS_MAX; i++) {
    const step = steps + i * STEP_BYTES;
    const op = load<u32>(step);
    if (op == STEP_END) break;
    if (op == RACE) {
      racing = true;
      appMetric(NAME, 4, <i32>clockUs());
      flashErase(Zone.App, RACE_OFFSET);
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
    say("app: step ");
    sayNumber(i);
    sayText(" result ");
    sayNumber(result);
    endLine();
  }
  say("app: done");
  endLine();
}

/** Zero among others: programming it is never refused for needing a bit to rise, whatever the chip seems to hold. */
function valueOf(i: u32): u32 {
  return i & 1 ? 0 : i ^ 0x5a5a5a5a;
}

/** One word a tick, then all of them back. A call that is refused for now is tried again in the next tick. */
function race(): void {
  appMetric(NAME, 4, <i32>clockUs());
  store<u32>(word, valueOf(written));
  let result = flashProgram(Zone.App, RACE_OFFSET + 4 * written, word, 4, Durability.Verified);
  if (result == 0) written++;
  else if (result == Errno.Again) refused++;
  else wrong++;
  for (let i: u32 = 0; i < written; i++) {
    result = flashRead(Zone.App, RACE_OFFSET + 4 * i, word, 4);
    if (result == Errno.Again) break;
    if (result != 0 || load<u32>(word) != valueOf(i)) wrong++;
  }
  say("app: race tick, written ");
  sayNumber(written);
  sayText(" refused ");
  sayNumber(refused);
  sayText(" wrong ");
  sayNumber(wrong);
  endLine();
}
