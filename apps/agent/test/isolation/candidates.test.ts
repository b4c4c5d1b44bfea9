// Candidates that must not stay, on the unikernel in QEMU: each ends in the old slot, by the loader and the hardware
// alone, and the crash record that the old image finds says how.

import { readFileSync } from "node:fs";
import { describeImage, ErrorCode, SlotState, slotParts } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileWasm, translateToC } from "../../build/compile-module.ts";
import { linkProgram, symbolsOf } from "../../build/link.ts";
import { memoryPages } from "@flipside/machine/factory/targets";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { writeLog } from "../recovery/bench.ts";
import { beside, buildTestProgram, type Run, runDevice, type TestProgram } from "./device.ts";

const WATCHDOG_MS = 1_000;
const TRIES = 2;
/** Kinds of crash records, and phases (exokernel.h). */
const TRAP = 4;
const WATCHDOG = 5;
const HANDED_OVER = 5;
const IMAGE = 6;
const STORE_FAULT = 0x107;

let built: TestProgram;
beforeAll(async () => {
  built = await buildTestProgram({
    agentEntry: beside(import.meta.url, "assembly/agent.ts"),
    appEntry: beside(import.meta.url, "assembly/app.ts"),
    extraFiles: [beside(import.meta.url, "probes/probe.c"), beside(import.meta.url, "probes/hostile_device.c")],
  });
});
afterAll(() => built?.remove());

/** Links an image of two of the tests' modules. */
async function link(agent: string, app: string): Promise<{ payload: Uint8Array; elfPath: string }> {
  const module = async (name: "agent" | "app", entry: string) => ({
    name,
    folder: await translateToC(
      name,
      await compileWasm({ name, entry: beside(import.meta.url, entry), memoryPages: memoryPages[name] }),
      memoryPages[name],
    ),
    memoryPages: memoryPages[name],
  });
  const program = await linkProgram("image", [await module("agent", agent), await module("app", app)]);
  return { payload: new Uint8Array(readFileSync(program.binaryPath)), elfPath: program.elfPath };
}

interface Verdict {
  run: Run;
  kind: number;
  module: number;
  code: number;
  mtval: number;
  phase: number;
  /** The crashed run's last console line. */
  lastLine: string;
  failedWith: number;
}

/** Makes the payload a candidate beside the old image, and lets the device run until the old image speaks. */
async function tryCandidate(payload: Uint8Array): Promise<Verdict> {
  const image = await built.imageOf(payload, { tries: TRIES, watchdogMs: WATCHDOG_MS });
  const parts = await slotParts(image, unikernelLayout.sectorBytes);
  const digestOf = async (file: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(Buffer.from((await describeImage(file)).digest, "hex"));
  const [old, candidate] = [await digestOf(built.image), await digestOf(image)];
  const run = await runDevice(
    built,
    (flash) => {
      for (const part of parts) flash.set(part.bytes, unikernelLayout.zones.slotB.offsetBytes + part.offset);
      writeLog(unikernelLayout, flash, (record) => {
        record.activeSlot = 1;
        record.stateA = SlotState.Confirmed;
        record.digestA = old;
        record.stateB = SlotState.Candidate;
        record.triesB = TRIES;
        record.digestB = candidate;
      });
    },
    /agent: last line .*/,
    { timeoutMs: 90_000 },
  );
  const said = run.lines.findLast((line) => line.startsWith("agent: boot reason"))!;
  const [kind, module, code, mtval, phase] = /crash kind (\d+) module (\d+) code (\d+) mtval (\d+) phase (\d+)/
    .exec(said)!
    .slice(1)
    .map(Number) as [number, number, number, number, number];
  const record = newestRecord(unikernelLayout, run.after)!;
  expect([record.activeSlot, record.stateA, record.stateB]).toEqual([0, SlotState.Confirmed, SlotState.Failed]);
  expect(run.lines.filter((line) => /^verified .*starting slot b$/.test(line))).toHaveLength(TRIES);
  expect(run.lines.findLast((line) => line.startsWith("verified"))).toMatch(/starting slot a$/);
  const lastLine = run.lines
    .findLast((line) => line.startsWith("agent: last line "))!
    .slice("agent: last line ".length);
  return { run, kind, module, code, mtval, phase, lastLine, failedWith: record.reasonB };
}

describe("a candidate ends in the old slot, and the crash record says why", { timeout: 120_000 }, () => {
  test("when it crashes again and again", async () => {
    const { payload } = await link("assembly/crashing-agent.ts", "../hosts/assembly/quiet-app.ts");
    const verdict = await tryCandidate(payload);
    expect(verdict).toMatchObject({ failedWith: ErrorCode.Crashed, kind: TRAP, module: 2, code: 5, phase: IMAGE });
    expect(verdict.lastLine).toMatch(/^crash: unreachable module 2 code 5 /);
    expect(verdict.run.resets).toEqual([16 + TRAP, 16 + TRAP]);
  });

  test("when it hangs with interrupts off", async () => {
    const { payload } = await link("../hosts/assembly/quiet-agent.ts", "../hosts/assembly/looping-app.ts");
    const verdict = await tryCandidate(payload);
    expect(verdict).toMatchObject({ failedWith: ErrorCode.WatchdogExpired, kind: WATCHDOG, phase: IMAGE });
    // The agent spoke until the app's first slice, a second after the start.
    expect(verdict.lastLine).toMatch(/^\[\d+\] step \d+$/);
    expect(verdict.run.resets).toEqual([0, 0]);
  });

  test("when its first instruction is a jump to itself: the watchdog that the loader armed ends it", async () => {
    const jumpToItself = Uint8Array.of(0x6f, 0x00, 0x00, 0x00); // jal x0, 0
    const verdict = await tryCandidate(jumpToItself);
    expect(verdict).toMatchObject({ failedWith: ErrorCode.WatchdogExpired, kind: WATCHDOG, phase: HANDED_OVER });
    expect(verdict.lastLine).toMatch(/verified [0-9a-f]+, starting slot b$/);
    expect(verdict.run.resets).toEqual([0, 0]);
  });

  test("when its stack is full: the guard page ends it", async () => {
    const { payload, elfPath } = await link("assembly/recursing-agent.ts", "../hosts/assembly/quiet-app.ts");
    const guard = (await symbolsOf(elfPath)).get("__guard_b")!;
    const verdict = await tryCandidate(payload);
    expect(verdict).toMatchObject({
      failedWith: ErrorCode.Crashed,
      kind: TRAP,
      module: 2,
      code: STORE_FAULT,
      phase: IMAGE,
    });
    expect(verdict.mtval - guard).toBeGreaterThanOrEqual(0);
    expect(verdict.mtval - guard).toBeLessThan(4096);
    expect(verdict.lastLine).toMatch(/^crash: store access fault module 2 code 263 /);
  });
});
