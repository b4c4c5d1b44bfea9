// The steps that a test writes into a module's flash zone and the module performs: calls of the boundary with operands
// of the test's choice, and faults. ../steps.ts has the same numbers for the test.

import {
  appHealth,
  appIdentify,
  appIdentifying,
  appMetric,
  appReport,
  bootInfo,
  configurationJudge,
  configurationPropose,
  configurationRead,
  configurationVerdict,
  consoleLog,
  consoleWrite,
  crashRecord,
  entropy,
  flashErase,
  flashGeometry,
  flashProgram,
  flashRead,
  nicAcquire,
  nicGrant,
  nicInfo,
  nicReceive,
  nicRelease,
  nicTransmit,
  reset,
  rootKeys,
  streamOpen,
  watchdogArm,
  watchdogPet,
} from "../../../src/exokernel";

/** What the isolation images have besides exokernel.h (../probes/probe.c): does in C what no module can. */
@external("exo", "probe")
declare function probe(kind: u32, address: u32): u32;

export const STEP_BYTES: u32 = 24;
export const STEPS_MAX: u32 = 40;
export const STEP_END: u32 = 0xffffffff; // erased flash

let divisor: i32 = 0;
let depth: u32 = 0;

function recurse(n: u32): u32 {
  depth = n;
  const below = n == 0xffffffff ? 0 : recurse(n + 1);
  return below ^ (depth + n); // used after the call, so that it can't become a loop
}

function twice(n: u32): u32 { return 2 * n; }
const functions: ((n: u32) => u32)[] = [twice];

/** Performs one step and returns what it gave. */
export function perform(op: u32, a: u32, b: u32, c: u32, d: u32, e: u32): u32 {
  switch (op) {
    case 1: return flashGeometry(a, b);
    case 2: return flashRead(a, b, c, d);
    case 3: return flashProgram(a, b, c, d, e);
    case 4: return flashErase(a, b);
    case 5: return entropy(a, b);
    case 6: return consoleWrite(a, b);
    case 7: return reset(a);
    case 8: return watchdogArm(a);
    case 9: return watchdogPet();
    case 10: return appMetric(a, b, c);
    case 11: return appHealth(a);
    case 12: return appReport(a);
    case 13: return rootKeys(a, b);
    case 14: return bootInfo(a, b);
    case 15: return crashRecord(a, b);
    case 16: return nicInfo(a);
    case 17: return nicGrant(a, b);
    case 18: return nicReceive();
    case 19: return nicRelease(a);
    case 20: return nicAcquire();
    case 21: return nicTransmit(a, b);
    case 22: return streamOpen(a, b, c);
    case 23: return consoleLog(a, b);
    case 24: return appIdentify(a);
    case 25: return appIdentifying();
    case 26: return configurationPropose(a, b, c);
    case 27: return configurationVerdict(a);
    case 28: return configurationRead(a, b);
    case 29: return configurationJudge(a, b, c, d);

    case 32: return load<u8>(a);
    case 33: return load<u32>(a);
    case 34: return load<u32>(a, 0xfff0);
    case 35: return <u32>load<u64>(a);
    case 36: store<u8>(a, b); return 0;
    case 37: store<u32>(a, b); return 0;
    case 38: store<u32>(a, b, 0xfff0); return 0;
    case 39: store<u64>(a, b); return 0;
    case 40: memory.copy(a, b, c); return 0;
    case 41: memory.fill(a, <u8>b, c); return 0;
    case 42: return recurse(a);
    case 43: unreachable();
    case 44: divisor = b; return a / <u32>divisor;
    case 45: divisor = b; return <u32>(<i32>a / divisor);
    case 46: return call_indirect<u32>(a, b);
    case 47: return <u32>memory.grow(a);
    case 48: assert(a != 0); return 0;
    case 49: { let n: u32 = a; for (;;) store<u32>(<usize>a, ++n); }

    // One a width, each with an offset of its own in the instruction.
    case 50: return <u32>load<i8>(a, 1);
    case 51: return load<u16>(a, 2);
    case 52: return <u32>load<f64>(a, 8);
    case 53: store<u16>(a, <u16>b, 2); return 0;
    case 54: store<f32>(a, <f32>b, 4); return 0;

    // The last that a guard page of 4096 bytes can catch, and the first that it can't.
    case 55: return load<u32>(a, 4092);
    case 56: return load<u32>(a, 4093);
    case 57: store<u64>(a, b, 4088); return 0;
    case 58: store<u8>(a, b, 4096); return 0;

    case 64: return probe(a, b);
  }
  return functions[0](op);
}
