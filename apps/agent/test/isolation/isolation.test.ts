// What holds a module, and the exokernel's own mistakes, in their place on the device: bounds checks, grants, the PMP
// and the hardware watchdog. Every case is a device of its own; the image is one, told by its flash what to do.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { symbolsOf } from "../../build/link.ts";
import { unikernelLayout, type ZoneName } from "@flipside/machine/factory/flash-layout";
import { beside, buildTestProgram, type Run, runDevice, type TestProgram } from "./device.ts";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import * as S from "./steps.ts";

const WATCHDOG_MS = 3000;
const ARGUMENT = -1;
const DENIED = -2;
const ABSENT = -3;
const AGAIN = -4;
const IO = -5;
const NOT_ERASED = -6;

const ZONE = { bootControl: 0, factory: 1, settings: 2, trust: 3, slotA: 4, slotB: 5, journal: 6, app: 7 } as const;
const MODULE = { agent: 2, app: 3 } as const;
const EXIT_BASE = 16;

/** wasm-rt.h, wasm_rt_trap_t. */
const TRAP = { outOfBounds: 1, integerOverflow: 2, divisionByZero: 3, unreachable: 5, indirectCall: 6 } as const;
/** trap.c: 0x100 + mcause. */
const FAULT = { fetch: 0x101, load: 0x105, store: 0x107 } as const;

let built: TestProgram;
let symbols: Map<string, number>;
beforeAll(async () => {
  built = await buildTestProgram({
    agentEntry: beside(import.meta.url, "assembly/agent.ts"),
    appEntry: beside(import.meta.url, "assembly/app.ts"),
    extraFiles: [beside(import.meta.url, "probes/probe.c"), beside(import.meta.url, "probes/hostile_device.c")],
    deadlines: { watchdogMs: WATCHDOG_MS },
  });
  symbols = await symbolsOf(built.program.elfPath);
});

afterAll(() => built?.remove());

function symbol(name: string): number {
  const address = symbols.get(name);
  if (address === undefined) throw new Error(`the image has no symbol ${name}`);
  return address;
}

interface Plan {
  agent?: S.Step[];
  app?: S.Step[];
}

const runSteps = (plan: Plan, until: RegExp): Promise<Run> =>
  runDevice(
    built,
    (flash) => {
      S.putSteps(flash, "settings", plan.agent ?? []);
      S.putSteps(flash, "app", plan.app ?? []);
    },
    until,
  );

/** Performs steps of which the last ends the run, and returns what the next boot says of it. */
async function nextBoot(
  plan: Plan,
): Promise<{ reason: number; kind: number; module: number; code: number; mtval: number; run: Run }> {
  // With steps of the agent's own, the app has none and is done a second later, if the device is still up.
  const run = await runSteps(
    plan,
    plan.agent?.at(-1)?.[0] === S.loopForever()[0] ? /agent: boot reason [1-9]/ : /agent: boot reason [1-9]|app: done/,
  );
  const said = run.lines.find((line) => /^agent: boot reason [1-9]/.test(line));
  if (said === undefined) throw new Error(`nothing ended the run:\n${run.lines.join("\n")}`);
  const numbers = /reason (\d+)(?:, crash kind (\d+) module (\d+) code (\d+) mtval (\d+))?/
    .exec(said)!
    .slice(1)
    .map(Number);
  return { reason: numbers[0]!, kind: numbers[1]!, module: numbers[2]!, code: numbers[3]!, mtval: numbers[4]!, run };
}

/** What the boundary answered to each step of a module. */
async function answers(module: "agent" | "app", steps: S.Step[]): Promise<{ results: number[]; run: Run }> {
  const run = await runSteps({ [module]: steps }, new RegExp(`${module}: done|agent: boot reason [1-9]`));
  expect(run.resets, run.lines.join("\n")).toEqual([]);
  const results = run.lines.flatMap((line) => {
    const match = new RegExp(`^${module}: step \\d+ result (\\d+)`).exec(line);
    return match ? [Number(match[1]) | 0] : [];
  });
  return { results, run };
}

/** The flash but the boot-control log, to which the boot loader appends at every power-up. */
function withoutBootControl(flash: Uint8Array): Buffer {
  const { offsetBytes, sizeBytes } = unikernelLayout.zones.bootControl;
  const copy = Buffer.from(flash);
  copy.fill(0, offsetBytes, offsetBytes + sizeBytes);
  return copy;
}

/** The whole comparison costs a tenth of a second: only where it is what the test is about. */
function expectFlashUnchanged(run: Run): void {
  expect(withoutBootControl(run.after).equals(withoutBootControl(run.before))).toBe(true);
}

/** What the check let through because the guard page behind the module's memory catches it was caught there. */
function expectInGuard({ code, mtval }: { code: number; mtval: number }, guard: number): void {
  if (code !== FAULT.load && code !== FAULT.store) {
    expect(mtval).toBe(0);
    return;
  }
  expect(mtval).toBeGreaterThanOrEqual(guard - 7); // of an access that begins before the guard, either is its address
  expect(mtval).toBeLessThan(guard + 4096);
}

/** `end` is of the module's memory. What is allowed right before goes through, and the last step traps. */
const guardCases = (end: number): [name: string, steps: S.Step[], code: number][] => [
  [
    "a load as far behind the memory as the guard page reaches",
    [S.load32Plus4092(end - 4096), S.load32Plus4092(end - 1)],
    FAULT.load,
  ],
  [
    "a store as far behind the memory as the guard page reaches",
    [S.store64Plus4088(end - 4096), S.store64Plus4088(end - 1)],
    FAULT.store,
  ],
  ["such a load whose base is outside already", [S.load32Plus4092(end)], TRAP.outOfBounds],
  [
    "a load one further than the guard page reaches",
    [S.load32Plus4093(end - 4097), S.load32Plus4093(end - 4096)],
    TRAP.outOfBounds,
  ],
  [
    "a store one further than the guard page reaches",
    [S.store8Plus4096(end - 4097), S.store8Plus4096(end - 4096)],
    TRAP.outOfBounds,
  ],
];

describe.each([
  ["agent", S.AGENT_MEMORY_BYTES],
  ["app", S.APP_MEMORY_BYTES],
] as const)("behind the memory of the %s", (module, end) => {
  test.each(guardCases(end))("%s traps", async (_name, steps, code) => {
    const { run, ...boot } = await nextBoot({ [module]: steps });
    expect(boot).toEqual({ reason: 4, kind: 4, module: MODULE[module], code, mtval: expect.any(Number) });
    expectInGuard(boot, symbol(`${module}_memory`) + end);
    expect(run.lines.filter((line) => line.startsWith(`${module}: step`))).toHaveLength(steps.length - 1);
  });
});

describe("a module that goes wrong traps, and the next boot says what it did", () => {
  const end = S.AGENT_MEMORY_BYTES;
  test.each<[name: string, steps: S.Step[], code: number]>([
    ["a load one byte past the memory", [S.load8(end - 1), S.load8(end)], TRAP.outOfBounds],
    ["a load of which only the last byte is outside", [S.load32(end - 4), S.load32(end - 3)], FAULT.load],
    ["a wide load of which only the last byte is outside", [S.load64(end - 8), S.load64(end - 7)], FAULT.load],
    ["a load at an address that would wrap 32 bits", [S.load32(0xfffffffe)], TRAP.outOfBounds],
    ["a load whose address and offset have a sum of 33 bits", [S.load32Far(0xffff0010)], TRAP.outOfBounds],
    ["a load that only its offset takes outside", [S.load8Plus1(end - 2), S.load8Plus1(end - 1)], FAULT.load],
    ["a load of 16 bits across the end", [S.load16Plus2(end - 4), S.load16Plus2(end - 3)], FAULT.load],
    ["a load of a float across the end", [S.loadF64Plus8(end - 16), S.loadF64Plus8(end - 15)], FAULT.load],
    ["a store one byte past the memory", [S.store8(end - 1), S.store8(end)], TRAP.outOfBounds],
    ["a store of which only the last byte is outside", [S.store32(end - 4), S.store32(end - 3)], FAULT.store],
    ["a wide store of which only the last byte is outside", [S.store64(end - 8), S.store64(end - 7)], FAULT.store],
    ["a store at the last address there is", [S.store8(0xffffffff)], TRAP.outOfBounds],
    ["a store whose address and offset have a sum of 33 bits", [S.store32Far(0xffff0020)], TRAP.outOfBounds],
    ["a store of 16 bits across the end", [S.store16Plus2(end - 4), S.store16Plus2(end - 3)], FAULT.store],
    ["a store of a float across the end", [S.storeF32Plus4(end - 8), S.storeF32Plus4(end - 7)], FAULT.store],
    [
      "memory.copy whose target ends outside",
      [S.memoryCopy(end - 16, 0x20000, 16), S.memoryCopy(end - 16, 0x20000, 17)],
      TRAP.outOfBounds,
    ],
    ["memory.copy whose source ends outside", [S.memoryCopy(0x20000, end - 15, 16)], TRAP.outOfBounds],
    ["memory.copy of a length that would wrap", [S.memoryCopy(0x20000, 0x20000, 0xffffffff)], TRAP.outOfBounds],
    ["memory.fill past the end", [S.memoryFill(end - 16, 16), S.memoryFill(end - 16, 17)], TRAP.outOfBounds],
    ["unreachable", [S.unreachable()], TRAP.unreachable],
    ["an assertion that fails", [S.failAssertion()], TRAP.unreachable],
    ["an unsigned division by zero", [S.divideUnsigned(7, 1), S.divideUnsigned(7, 0)], TRAP.divisionByZero],
    ["a signed division by zero", [S.divideSigned(7, 0)], TRAP.divisionByZero],
    ["the one signed division that overflows", [S.divideSigned(0x80000000, 0xffffffff)], TRAP.integerOverflow],
    ["an indirect call of nothing", [S.callIndirect(1), S.callIndirect(0)], TRAP.indirectCall],
    ["an indirect call past the table", [S.callIndirect(0x7fffffff)], TRAP.indirectCall],
  ])("agent: %s", async (_name, steps, code) => {
    const { run, ...boot } = await nextBoot({ agent: steps });
    expect(boot).toEqual({ reason: 4, kind: 4, module: MODULE.agent, code, mtval: expect.any(Number) });
    expectInGuard(boot, symbol("agent_memory") + end);
    // What is allowed right before went through, so it was the last step that trapped.
    expect(run.lines.filter((line) => line.startsWith("agent: step"))).toHaveLength(steps.length - 1);
    expect(run.resets).toEqual([EXIT_BASE + 4]);
  });

  test.each<[name: string, steps: S.Step[], code: number]>([
    [
      "a load one byte past the memory",
      [S.load8(S.APP_MEMORY_BYTES - 1), S.load8(S.APP_MEMORY_BYTES)],
      TRAP.outOfBounds,
    ],
    ["a load across the end", [S.load32(S.APP_MEMORY_BYTES - 3)], FAULT.load],
    ["a store across the end", [S.store64(S.APP_MEMORY_BYTES - 8), S.store64(S.APP_MEMORY_BYTES - 7)], FAULT.store],
    ["a store whose address and offset have a sum of 33 bits", [S.store32Far(0xffff0020)], TRAP.outOfBounds],
    ["memory.copy past the end", [S.memoryCopy(0x8000, 0, 0x8001)], TRAP.outOfBounds],
    ["unreachable", [S.unreachable()], TRAP.unreachable],
    ["division by zero", [S.divideUnsigned(7, 0)], TRAP.divisionByZero],
  ])("app, in the timer interrupt: %s", async (_name, steps, code) => {
    const { run, ...boot } = await nextBoot({ app: steps });
    expect(boot).toEqual({ reason: 4, kind: 4, module: MODULE.app, code, mtval: expect.any(Number) });
    expectInGuard(boot, symbol("app_memory") + S.APP_MEMORY_BYTES);
    expect(run.lines.filter((line) => line.startsWith("app: step"))).toHaveLength(steps.length - 1);
  });

  test("the agent's memory does not grow", async () => {
    expect(
      (await answers("agent", [S.memoryGrow(0), S.memoryGrow(1), S.memoryGrow(0x10000), S.memoryGrow(0)])).results,
    ).toEqual([4, -1, -1, 4]);
  });

  test("recursion without end in the agent runs into the guard page below its stack", async () => {
    const boot = await nextBoot({ agent: [S.recurse()] });
    expect(boot).toMatchObject({ reason: 4, module: MODULE.agent, code: FAULT.store });
    expect(boot.mtval - symbol("__guard_b")).toBeGreaterThanOrEqual(0);
    expect(boot.mtval - symbol("__guard_b")).toBeLessThan(4096);
  });

  test("recursion without end in the app runs into the guard page below the interrupt stack", async () => {
    const boot = await nextBoot({ app: [S.recurse()] });
    expect(boot).toMatchObject({ reason: 4, module: MODULE.app, code: FAULT.store });
    expect(boot.mtval - symbol("__guard_a")).toBeGreaterThanOrEqual(0);
    expect(boot.mtval - symbol("__guard_a")).toBeLessThan(4096);
  });

  test.each([[1], [2], [3]])(
    "a reset that the agent asks for with reason %i is the reason of the next boot",
    async (reason) => {
      const boot = await nextBoot({ agent: [S.reset(reason)] });
      expect(boot.reason).toBe(reason);
      expect(boot.kind).toBeNaN();
      expect(boot.run.resets).toEqual([EXIT_BASE + reason]);
    },
  );
});

describe("a module changes only the flash that it was granted", () => {
  const sector = unikernelLayout.sectorBytes;
  const sizeOf = (zone: ZoneName): number => unikernelLayout.zones[zone].sizeBytes;

  test("the agent can't change factory zone, running slot and app's zone, nor a zone that is not there", async () => {
    const { results, run } = await answers("agent", [
      ...[ZONE.factory, ZONE.slotA, ZONE.app].flatMap((zone) => [
        S.flashProgram(zone, 0, S.SPACE, 4),
        S.flashErase(zone, 0),
      ]),
      S.flashProgram(ZONE.slotA, sizeOf("slotA") - 4, S.SPACE, 4),
      S.flashErase(ZONE.slotA, sizeOf("slotA") - sector),
      S.flashRead(ZONE.app, 0, S.SPACE + 4096, 4),
      S.flashGeometry(ZONE.app, S.SPACE + 4096),
      ...[8, 31, 32, 0x80000000, 0xffffffff].flatMap((zone) => [
        S.flashProgram(zone, 0, S.SPACE, 4),
        S.flashErase(zone, 0),
        S.flashRead(zone, 0, S.SPACE, 4),
      ]),
    ]);
    expect(results).toEqual([...Array<number>(10).fill(DENIED), ...Array<number>(15).fill(ARGUMENT)]);
    expectFlashUnchanged(run);
  });

  test("the agent can't go beyond the end of a zone, across a page or off the grid, nor pass memory that is not its own", async () => {
    const last = S.AGENT_MEMORY_BYTES - 2;
    const { results, run } = await answers("agent", [
      S.flashErase(ZONE.settings, sizeOf("settings")),
      S.flashErase(ZONE.settings, 0x80000000),
      S.flashErase(ZONE.settings, 4),
      S.flashErase(ZONE.settings, sector - 1),
      S.flashErase(ZONE.journal, 0x100000), // would be slot A
      S.flashProgram(ZONE.settings, sizeOf("settings"), S.SPACE, 4),
      S.flashProgram(ZONE.settings, sizeOf("settings") - 4, S.SPACE, 8),
      S.flashProgram(ZONE.settings, 0xfffffffc, S.SPACE, 8),
      S.flashProgram(ZONE.settings, 0x80000000, S.SPACE, 4),
      S.flashProgram(ZONE.journal, 0x100000, S.SPACE, 4),
      S.flashProgram(ZONE.journal, 4092, S.SPACE, 8),
      S.flashProgram(ZONE.journal, 0, S.SPACE, 4100),
      S.flashProgram(ZONE.journal, 4, S.SPACE, 4096),
      S.flashProgram(ZONE.journal, 2, S.SPACE, 4),
      S.flashProgram(ZONE.journal, 0, S.SPACE, 3),
      S.flashProgram(ZONE.journal, 0, S.SPACE, 0),
      S.flashProgram(ZONE.journal, 0, S.SPACE, 0xfffffffc),
      S.flashProgram(ZONE.journal, 0, S.SPACE, 4, 3),
      S.flashProgram(ZONE.journal, 0, last, 4),
      S.flashProgram(ZONE.journal, 0, 0xfffffffc, 8),
      S.flashProgram(ZONE.journal, 0, S.AGENT_MEMORY_BYTES, 4),
      S.flashRead(ZONE.slotB, sizeOf("slotB"), S.SPACE + 4096, 1),
      S.flashRead(ZONE.slotB, 0, S.SPACE + 4096, 0xffffffff),
      S.flashRead(ZONE.slotB, 0xffffffff, S.SPACE + 4096, 2),
      S.flashRead(ZONE.slotB, 0, last, 4),
      S.flashRead(ZONE.slotB, 0, 0xffffffff, 2),
      S.flashGeometry(ZONE.slotB, S.AGENT_MEMORY_BYTES - 12),
      S.flashGeometry(ZONE.slotB, 0xfffffff8),
      S.flashGeometry(ZONE.slotB, S.SPACE + 2),
    ]);
    expect(results).toEqual(Array<number>(29).fill(ARGUMENT));
    expectFlashUnchanged(run);
  });

  test("what the agent is granted it can program, once, and only those bytes change", async () => {
    const { results, run } = await answers("agent", [
      S.flashProgram(ZONE.journal, 0, S.SPACE, 4096),
      S.flashProgram(ZONE.slotB, sizeOf("slotB") - 4, S.SPACE, 4),
      S.flashProgram(ZONE.journal, 0, S.SPACE + 1, 4), // needs bits to rise
      S.flashRead(ZONE.slotA, sizeOf("slotA") - 4, S.SPACE + 4096, 4),
      S.flashRead(ZONE.factory, 0, S.SPACE + 4096, 4),
    ]);
    expect(results).toEqual([0, 0, NOT_ERASED, 0, 0]);
    const expected = withoutBootControl(run.before);
    const written = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) & 0xff);
    expected.set(written, unikernelLayout.zones.journal.offsetBytes);
    expected.set(written.subarray(0, 4), unikernelLayout.zones.slotB.offsetBytes + sizeOf("slotB") - 4);
    expect(withoutBootControl(run.after).equals(expected)).toBe(true);
  });

  test("the app can't read or change any zone but its own, nor go beyond that one's end", async () => {
    const others = [0, 1, 2, 3, 4, 5, 6];
    const { results, run } = await answers("app", [
      ...others.flatMap((zone) => [
        S.flashProgram(zone, 0, 0x8000, 4),
        S.flashErase(zone, 0),
        S.flashRead(zone, 0, 0x8000, 4),
        S.flashGeometry(zone, 0x8000),
      ]),
      S.flashProgram(8, 0, 0x8000, 4),
      S.flashErase(ZONE.app, sizeOf("app")),
      S.flashProgram(ZONE.app, sizeOf("app") - 4, 0x8000, 8),
      S.flashProgram(ZONE.app, 0xfffffffc, 0x8000, 8),
      S.flashRead(ZONE.app, 0, S.APP_MEMORY_BYTES - 2, 4),
      S.flashProgram(ZONE.app, 0x40000, 0x20000, 4),
      S.flashRead(ZONE.app, 0x40000, 0x8000, 4),
    ]);
    expect(results).toEqual([...Array<number>(28).fill(DENIED), ...Array<number>(6).fill(ARGUMENT), 0]);
    expectFlashUnchanged(run);
  });

  test("the app can program its own zone, and only those bytes change", async () => {
    const { results, run } = await answers("app", [
      S.memoryFill(0x8000, 8),
      S.flashProgram(ZONE.app, 0x40000, 0x8000, 8),
    ]);
    expect(results).toEqual([0, 0]);
    const expected = withoutBootControl(run.before);
    expected.fill(0, unikernelLayout.zones.app.offsetBytes + 0x40000, unikernelLayout.zones.app.offsetBytes + 0x40008);
    expect(withoutBootControl(run.after).equals(expected)).toBe(true);
  });

  test("the app's slice may fall into any flash operation of the agent: neither reads or leaves a wrong byte", async () => {
    const rounds = 40;
    const run = await runSteps(
      { agent: [S.race(rounds, 8)], app: [S.race()] },
      /agent: race over|agent: boot reason [1-9]/,
    );
    // The app goes on ticking until the power is cut: its lines may follow.
    expect(run.lines.filter((line) => line.startsWith("agent:")).at(-1)).toBe("agent: race over, damaged 0");
    // The last whole line: the cut may have fallen into one.
    const tick = /^app: race tick, written (\d+) refused (\d+) wrong (\d+)$/;
    const [written, refused, wrong] = tick
      .exec(run.lines.findLast((line) => tick.test(line))!)!
      .slice(1)
      .map(Number);
    expect(wrong).toBe(0);
    expect(refused, "the slice never fell into an operation: the race tests nothing").toBeGreaterThan(0);
    const words = new DataView(run.after.buffer, unikernelLayout.zones.app.offsetBytes + 0x40000);
    const valueOf = (i: number): number => (i & 1 ? 0 : i ^ 0x5a5a5a5a);
    const expected = (i: number): number => (i >= written! ? 0xffffffff : valueOf(i));
    for (let i = 0; i < rounds + 8; i++) {
      const word = words.getUint32(4 * i, true);
      // The tick that the cut fell into may have written its word and not yet said so.
      if (i === written) expect([0xffffffff, valueOf(i)], `word ${i}`).toContain(word);
      else expect(word, `word ${i}`).toBe(expected(i));
    }
  });
});

describe("entropy that does not come is no success", () => {
  test.each([
    ["silent", IO],
    ["none", ABSENT],
  ] as const)("the source is %s", async (entropy, expected) => {
    const run = await runDevice(
      built,
      (flash) => {
        S.putSteps(flash, "settings", [
          S.memoryFill(S.SPACE, 32),
          S.entropy(S.SPACE, 32),
          S.entropy(S.SPACE, 1),
          S.load32(S.SPACE),
        ]);
        S.putSteps(flash, "app", []);
      },
      /agent: done|agent: boot reason [1-9]/,
      { entropy },
    );
    const results = run.lines
      .flatMap((line) => /^agent: step \d+ result (\d+)/.exec(line)?.[1] ?? [])
      .map((result) => Number(result) | 0);
    expect(results, run.lines.join("\n")).toEqual([0, expected, expected, 0]);
    expect(run.resets).toEqual([]);
  });
});

describe("a module makes only the calls that it was granted, with operands that make sense", () => {
  test("agent", async () => {
    const last = S.AGENT_MEMORY_BYTES;
    const calls: [S.Step, number][] = [
      [S.entropy(S.SPACE, 256), 0],
      [S.entropy(S.SPACE, 257), ARGUMENT],
      [S.entropy(last - 8, 9), ARGUMENT],
      [S.entropy(0xffffffff, 2), ARGUMENT],
      [S.consoleWrite(S.SPACE, 1025), ARGUMENT],
      [S.consoleWrite(last, 1), ARGUMENT],
      [S.reset(0), ARGUMENT],
      [S.reset(4), ARGUMENT],
      [S.reset(0xffffffff), ARGUMENT],
      [S.watchdogArm(99), ARGUMENT],
      [S.watchdogArm(600_001), ARGUMENT],
      [S.watchdogPet(), 0],
      [S.rootKeys(S.SPACE, 31), ARGUMENT],
      [S.rootKeys(last - 31, 32), ARGUMENT],
      [S.rootKeys(S.SPACE, 256), 1],
      [S.bootInfo(S.SPACE, 63), ARGUMENT],
      [S.bootInfo(last - 63, 64), ARGUMENT],
      [S.bootInfo(S.SPACE, 64), 0],
      [S.crashRecord(S.SPACE, 65), ARGUMENT],
      [S.crashRecord(S.SPACE, 64), ABSENT],
      [S.appReport(last - 31), ARGUMENT],
      [S.appReport(S.SPACE), 0],
      [S.appMetric(S.SPACE, 4, 1), DENIED],
      [S.appHealth(1), DENIED],
      [S.nicInfo(S.SPACE), ABSENT],
      [S.nicGrant(S.SPACE, 24 * 1536), ABSENT],
      [S.nicReceive(), ABSENT],
      [S.nicRelease(0), ABSENT],
      [S.nicAcquire(), ABSENT],
      [S.nicTransmit(0, 60), ABSENT],
      [S.streamOpen(S.SPACE, 4, 80), ABSENT],
    ];
    const { results } = await answers(
      "agent",
      calls.map(([step]) => step),
    );
    expect(results).toEqual(calls.map(([, result]) => result));
  });

  test("agent, of console and configuration", async () => {
    const last = S.AGENT_MEMORY_BYTES;
    const calls: [S.Step, number][] = [
      [S.consoleLog(S.SPACE, 16), 16],
      [S.consoleLog(S.SPACE, 0), 0],
      [S.consoleLog(last - 15, 16), ARGUMENT],
      [S.consoleLog(last, 1), ARGUMENT],
      [S.consoleLog(0xffffffff, 2), ARGUMENT],
      [S.consoleLog(S.SPACE, 0xffffffff), ARGUMENT],
      [S.appIdentify(2), ARGUMENT],
      [S.appIdentify(1), 0],
      [S.appIdentifying(), DENIED],
      [S.configurationVerdict(S.SPACE), AGAIN],
      [S.configurationVerdict(last - 79), ARGUMENT],
      [S.configurationVerdict(0xffffffff), ARGUMENT],
      [S.configurationPropose(S.SPACE, 1025, 1), ARGUMENT],
      [S.configurationPropose(last - 1023, 1024, 1), ARGUMENT],
      [S.configurationPropose(0xfffffff0, 32, 1), ARGUMENT],
      [S.configurationPropose(last - 1024, 1024, 1), 0],
      [S.configurationVerdict(last - 80), AGAIN],
      [S.configurationRead(S.SPACE, 1028), DENIED],
      [S.configurationJudge(1, 0, S.SPACE, 0), DENIED],
    ];
    const { results } = await answers(
      "agent",
      calls.map(([step]) => step),
    );
    expect(results).toEqual(calls.map(([, result]) => result));
  });

  test("app", async () => {
    const calls: [S.Step, number][] = [
      [S.entropy(0x8000, 16), DENIED],
      [S.reset(1), DENIED],
      [S.watchdogArm(1000), DENIED],
      [S.watchdogPet(), DENIED],
      [S.rootKeys(0x8000, 256), DENIED],
      [S.appReport(0x8000), DENIED],
      [S.nicInfo(0x8000), DENIED],
      [S.nicGrant(0x8000, 24 * 1536), DENIED],
      [S.nicReceive(), DENIED],
      [S.nicRelease(0), DENIED],
      [S.nicAcquire(), DENIED],
      [S.nicTransmit(0, 60), DENIED],
      [S.appHealth(3), ARGUMENT],
      [S.appHealth(1), 0],
      [S.appMetric(0x8000, 0, 1), ARGUMENT],
      [S.appMetric(0x8000, 16, 1), ARGUMENT],
      [S.appMetric(0x8000, 4, 1), ARGUMENT], // zeros are no name
      [S.appMetric(S.APP_MEMORY_BYTES - 2, 4, 1), ARGUMENT],
      [S.consoleWrite(S.APP_MEMORY_BYTES - 2, 4), ARGUMENT],
      [S.consoleLog(0x8000, 16), DENIED],
      [S.appIdentify(1), DENIED],
      [S.appIdentifying(), 0],
      [S.configurationPropose(0x8000, 2, 1), DENIED],
      [S.configurationVerdict(0x8000), DENIED],
      [S.configurationRead(0x8000, 1028), AGAIN],
      [S.configurationRead(S.APP_MEMORY_BYTES - 2, 4), ARGUMENT],
      [S.configurationRead(0xffffffff, 2), ARGUMENT],
      [S.configurationJudge(0, 0, 0x8000, 0), AGAIN],
      [S.configurationJudge(0, 0, 0x8000, 65), ARGUMENT],
      [S.configurationJudge(0, 0, 0x8000, 1), ARGUMENT], // zeros are no words
      [S.configurationJudge(0, 0, S.APP_MEMORY_BYTES - 2, 4), ARGUMENT],
      [S.configurationJudge(0, 0, 0xfffffff0, 32), ARGUMENT],
    ];
    const { results } = await answers(
      "app",
      calls.map(([step]) => step),
    );
    expect(results).toEqual(calls.map(([, result]) => result));
  });
});

describe("the PMP stops even the exokernel's own C", () => {
  const inAgentMemory = (): number => symbol("agent_memory") + S.SPACE;

  test.each<[name: string, step: (address: number) => S.Step, address: () => number, code: number]>([
    ["a store to the image's first instruction", S.probeStore, () => symbol("__text_start"), FAULT.store],
    ["a store to the image's last instruction", S.probeStore, () => symbol("__text_end") - 4, FAULT.store],
    ["a store to the boot bank's first word", S.probeStore, () => 0x20000000, FAULT.store],
    ["a store to the boot bank's last word, among the root keys", S.probeStore, () => 0x21fffffc, FAULT.store],
    ["a store to the running slot's first word", S.probeStore, () => 0x22400000, FAULT.store],
    ["a store to the running slot's last word", S.probeStore, () => 0x227ffffc, FAULT.store],
    ["a store to RAM beyond 512 KiB", S.probeStore, () => 0x80080000, FAULT.store],
    ["a load from RAM beyond 512 KiB", S.probeLoad, () => 0x80080000, FAULT.load],
    ["a load from the last word of RAM", S.probeLoad, () => 0x81fffffc, FAULT.load],
    ["a store to the guard below the interrupt stack", S.probeStore, () => symbol("__guard_a") + 4092, FAULT.store],
    ["a load from the guard below the stack", S.probeLoad, () => symbol("__guard_b"), FAULT.load],
    ["an instruction fetch from a module's memory", S.probeJump, inAgentMemory, FAULT.fetch],
    ["an instruction fetch from constants", S.probeJump, () => symbol("__text_end"), FAULT.fetch],
    ["an instruction fetch from a stack", S.probeJump, () => symbol("__stack_bottom"), FAULT.fetch],
    ["an instruction fetch from the RAM that is kept across resets", S.probeJump, () => 0x80000000, FAULT.fetch],
    ["an instruction fetch from the running slot", S.probeJump, () => 0x22440000, FAULT.fetch],
    ["an instruction fetch from flash that modules program", S.probeJump, () => 0x220c0000, FAULT.fetch],
    ["an instruction fetch from RAM beyond 512 KiB", S.probeJump, () => 0x80080000, FAULT.fetch],
  ])("%s traps", async (_name, step, address, code) => {
    const { run, ...boot } = await nextBoot({ agent: [step(address())] });
    expect(boot).toEqual({ reason: 4, kind: 4, module: MODULE.agent, code, mtval: address() });
    expectFlashUnchanged(run);
  });

  test("what has to be possible is: reading code, boot bank and running slot, writing data and the other slot's addresses", async () => {
    const { results } = await answers("agent", [
      S.probeLoad(symbol("__text_start")),
      S.probeLoad(0x20000000),
      S.probeLoad(0x22400000),
      S.probeStore(inAgentMemory()),
      S.probeLoad(inAgentMemory()),
    ]);
    expect(results).toHaveLength(5);
    expect(results[2]! >>> 0).toBe(0x4d495346); // "FSIM"
    expect(results[4]! >>> 0).toBe(0x00d000d0);
  });
});

describe("what the network card writes back is not trusted", () => {
  test.each([
    [0, "an honest frame arrives"],
    [1, "a buffer number outside the ring is dropped"],
    [2, "a buffer that the module holds is not handed out again"],
    [3, "a length beyond the buffer is dropped and the buffer given back"],
    [4, "a length below header and frame is dropped and the buffer given back"],
    [5, "a ring index that runs far ahead turns the card off, and it is said once"],
    [6, "a sent buffer that was never sent changes nothing, and a module sends only what it holds"],
    [7, "a window that is not the module's own, misaligned or of another size is refused"],
    [8, "a ring index that goes back, or one further than buffers were given, turns the card off"],
    [9, "a buffer that is named a thousand times is handed out once, and the console hears of it once"],
    [10, "a card that needs a reset is off, and it is said once and not from the interrupt"],
    [11, "lengths that can't be are dropped for ever, and the console hears of it once"],
    [20, "queues of no size or too few buffers are refused, absurdly many are not used"],
    [21, "an address that is a group's or none is refused; the card's MTU is never read"],
  ])("scenario %i: %s", async (scenario) => {
    // The answer is the line of hostile_device.c that found the driver wrong.
    expect((await answers("agent", [S.hostileDevice(scenario)])).results).toEqual([0]);
  });

  test("2,000 random lives of a lying card, 60 states of its rings each, leave the driver sound", async () => {
    const seed = seedOfRun();
    console.info(`hostile card: FLIPSIDE_SEED=${seed}`);
    const random = new SeededRandom(seed);
    const seeds = Array.from({ length: 20 }, () => 0x10000 + random.below(0x7fff0000));
    const steps = seeds.flatMap((from) => [S.watchdogPet(), S.hostileDevice(from)]);
    expect((await answers("agent", steps)).results, `seed ${seed}`).toEqual(steps.map(() => 0));
  });
});

describe("the hardware watchdog ends what nothing else can", () => {
  test("an app that loops for ever with interrupts off is reset, and the next boot says so", async () => {
    const { run, ...boot } = await nextBoot({ app: [S.loopForever()] });
    expect(boot).toMatchObject({ reason: 5, kind: 5, module: 0, code: 0 });
    expect(run.resets).toEqual([0]);
    expectFlashUnchanged(run);
  });

  test("an image can't switch it off, not even with a mistake in the exokernel's own C", async () => {
    const { run, ...boot } = await nextBoot({ agent: [S.stopWatchdog(), S.loopForever()] });
    // Locked and enabled, whatever was written.
    expect(run.lines.find((line) => line.startsWith("agent: step 0 result"))).toBe("agent: step 0 result 3");
    expect(boot).toMatchObject({ reason: 5, kind: 5 });
  });

  test("an agent that loops for ever is reset; until then the app's slice runs on time", async () => {
    const { run, ...boot } = await nextBoot({ agent: [S.watchdogArm(3500), S.loopForever()] });
    expect(boot).toMatchObject({ reason: 5, kind: 5 });
    const ticks = run.lines.filter((line) => line.startsWith("app:"));
    expect(ticks.slice(0, 3)).toEqual(["app: done", "app: tick", "app: tick"]);
    // On a busy computer QEMU's main loop is late to end a machine that its watchdog has reset; its processor goes on
    // so long.
    expect(ticks.slice(3).filter((line) => line !== "app: tick")).toEqual([]);
  });

  test("a device whose agent feeds it is not reset", async () => {
    const run = await runDevice(built, () => {}, /app: tick/);
    expect(run.resets).toEqual([]);
  });
});
