// Steps as a test writes them: the numbers of assembly/steps.ts.

import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { memoryPages } from "@flipside/machine/factory/targets";

export type Step = readonly [operation: number, ...operands: number[]];

/** Calls of exokernel.h, in the order of their parameters. */
export const flashGeometry = (zone: number, ptr: number): Step => [1, zone, ptr];
export const flashRead = (zone: number, offset: number, ptr: number, length: number): Step => [
  2,
  zone,
  offset,
  ptr,
  length,
];
export const flashProgram = (zone: number, offset: number, ptr: number, length: number, durability = 2): Step => [
  3,
  zone,
  offset,
  ptr,
  length,
  durability,
];
export const flashErase = (zone: number, offset: number): Step => [4, zone, offset];
export const entropy = (ptr: number, length: number): Step => [5, ptr, length];
export const consoleWrite = (ptr: number, length: number): Step => [6, ptr, length];
export const reset = (reason: number): Step => [7, reason];
export const watchdogArm = (timeoutMs: number): Step => [8, timeoutMs];
export const watchdogPet = (): Step => [9];
export const appMetric = (ptr: number, length: number, value: number): Step => [10, ptr, length, value];
export const appHealth = (health: number): Step => [11, health];
export const appReport = (ptr: number): Step => [12, ptr];
export const rootKeys = (ptr: number, length: number): Step => [13, ptr, length];
export const bootInfo = (ptr: number, length: number): Step => [14, ptr, length];
export const crashRecord = (ptr: number, length: number): Step => [15, ptr, length];
export const nicInfo = (ptr: number): Step => [16, ptr];
export const nicGrant = (ptr: number, length: number): Step => [17, ptr, length];
export const nicReceive = (): Step => [18];
export const nicRelease = (index: number): Step => [19, index];
export const nicAcquire = (): Step => [20];
export const nicTransmit = (index: number, length: number): Step => [21, index, length];
export const streamOpen = (ptr: number, length: number, port: number): Step => [22, ptr, length, port];
export const consoleLog = (ptr: number, length: number): Step => [23, ptr, length];
export const appIdentify = (on: number): Step => [24, on];
export const appIdentifying = (): Step => [25];
export const configurationPropose = (ptr: number, length: number, number: number): Step => [26, ptr, length, number];
export const configurationVerdict = (ptr: number): Step => [27, ptr];
export const configurationRead = (ptr: number, length: number): Step => [28, ptr, length];
export const configurationJudge = (number: number, code: number, ptr: number, length: number): Step => [
  29,
  number,
  code,
  ptr,
  length,
];

/** Faults. */
export const load8 = (ptr: number): Step => [32, ptr];
export const load32 = (ptr: number): Step => [33, ptr];
/** load32 with 0xfff0 as the instruction's own offset: the sum can have 33 bits. */
export const load32Far = (ptr: number): Step => [34, ptr];
export const load64 = (ptr: number): Step => [35, ptr];
export const store8 = (ptr: number): Step => [36, ptr, 1];
export const store32 = (ptr: number): Step => [37, ptr, 1];
export const store32Far = (ptr: number): Step => [38, ptr, 1];
export const store64 = (ptr: number): Step => [39, ptr, 1];
export const memoryCopy = (to: number, from: number, length: number): Step => [40, to, from, length];
export const memoryFill = (to: number, length: number): Step => [41, to, 0, length];
export const recurse = (): Step => [42, 0];
export const unreachable = (): Step => [43];
export const divideUnsigned = (a: number, b: number): Step => [44, a, b];
export const divideSigned = (a: number, b: number): Step => [45, a, b];
export const callIndirect = (index: number): Step => [46, index, 21];
export const memoryGrow = (pages: number): Step => [47, pages];
export const failAssertion = (): Step => [48, 0];
export const loopForever = (): Step => [49, 0x9000];
/** Other widths; `+n` is the instruction's own offset. */
export const load8Plus1 = (ptr: number): Step => [50, ptr];
export const load16Plus2 = (ptr: number): Step => [51, ptr];
export const loadF64Plus8 = (ptr: number): Step => [52, ptr];
export const store16Plus2 = (ptr: number): Step => [53, ptr, 1];
export const storeF32Plus4 = (ptr: number): Step => [54, ptr, 1];
/** Their last byte is as far behind the base as a guard page reaches, and one further. */
export const load32Plus4092 = (ptr: number): Step => [55, ptr];
export const load32Plus4093 = (ptr: number): Step => [56, ptr];
export const store64Plus4088 = (ptr: number): Step => [57, ptr, 1];
export const store8Plus4096 = (ptr: number): Step => [58, ptr, 1];

/** C alone (probes/probe.c). */
export const probeLoad = (address: number): Step => [64, 0, address];
export const probeStore = (address: number): Step => [64, 1, address];
export const stopWatchdog = (): Step => [64, 5, 0];
export const probeJump = (address: number): Step => [64, 2, address];
export const hostileDevice = (scenario: number): Step => [64, 3, scenario];

/** Agent and app use the flash at the same time; both need it. `leadUs` more each round. */
export const race = (rounds = 0, leadUs = 0): Step => [80, rounds, leadUs];

/** In the agent's memory: 4 KiB that are 0, 7, 14 ... (mod 256), and room behind them. */
export const SPACE = 0x20000;
export const AGENT_MEMORY_BYTES = memoryPages.agent * 65536;
export const APP_MEMORY_BYTES = memoryPages.app * 65536;

const STEP_BYTES = 24;
const STEPS_MAX = 40;

/** Puts steps where the module looks for them: the agent in the settings zone, the app in its own. */
export function putSteps(flash: Uint8Array, zone: "settings" | "app", steps: readonly Step[]): void {
  if (steps.length > STEPS_MAX) throw new RangeError(`${steps.length} steps, more than ${STEPS_MAX}`);
  const view = new DataView(flash.buffer, flash.byteOffset + unikernelLayout.zones[zone].offsetBytes);
  steps.forEach((step, i) => {
    for (let operand = 0; operand < STEP_BYTES / 4; operand++)
      view.setUint32(i * STEP_BYTES + 4 * operand, step[operand] ?? 0, true);
  });
}
