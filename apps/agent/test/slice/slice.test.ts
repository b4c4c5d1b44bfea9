// A reserved slice on the device: a thousand ticks a second beside an agent that never sleeps, each within its budget,
// in virtual time that counts instructions (8 ns each).

import { mkdtempSync, openSync, closeSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Unikernel } from "@flipside/machine/qemu/unikernel";
import { buildPayloads } from "../../build/build-release.ts";
import { symbolsOf } from "../../build/link.ts";
import { agentRoot } from "../../build/paths.ts";
import { missingDeviceTools } from "../../build/run-tool.ts";
import { makeDevice } from "../http/made-device.ts";

const missing = missingDeviceTools();
if (missing.length > 0) console.log(`skipped, the unikernel can't be built or run here: ${missing.join(", ")}`);

const LONG_MS = 300_000;
const LINE_MS = 120_000;
const RAM_START = 0x80000000;
/** Of mtime. */
const TICKS_A_US = 10;
const SLICE = { periodUs: 1000, budgetUs: 100 };
const HEALTHY = 1;
const UNHEALTHY = 2;

interface Report {
  /** Of virtual time, since the reset. */
  us: number;
  ticks: number;
  health: number;
  metric: string;
  steps: number;
}

/** slice_record of exokernel/slice_budget.h. */
interface SliceRecord {
  ticks: number;
  lateMax: number;
  longest: number;
  stopped: number;
}

describe.skipIf(missing.length > 0)("a reserved slice", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-slice-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function start(app: string, slice = SLICE): Promise<{ device: Unikernel; record: () => SliceRecord }> {
    const entry = (name: string): string => join(agentRoot, `test/slice/assembly/${name}.ts`);
    const { unikernel: program } = await buildPayloads({ agentEntry: entry("agent"), appEntry: entry(app), slice });
    const address = (await symbolsOf(program.elfPath)).get("slice_record")!;
    const device = await makeDevice({
      folder,
      deviceId: `${app}-${slice.budgetUs}`,
      payload: new Uint8Array(readFileSync(program.binaryPath)),
      options: { network: { kind: "none" }, countInstructions: true },
    });
    device.powerOn();
    const record = (): SliceRecord => {
      const bytes = Buffer.alloc(16);
      const file = openSync(device.ramPath, "r");
      readSync(file, bytes, 0, bytes.length, address - RAM_START);
      closeSync(file);
      const [ticks, lateMax, longest, stopped] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at));
      return { ticks: ticks!, lateMax: lateMax!, longest: longest!, stopped: stopped! };
    };
    return { device, record };
  }

  /** The first of a run, as many as are wanted. */
  async function reports(device: Unikernel, count: number): Promise<Report[]> {
    const heard = (): Report[] =>
      [
        ...readFileSync(device.consolePath, "utf8").matchAll(
          /\[(\d+)\] report ticks (\d+) health (\d+) metric (\w*) steps (\d+)\n/g,
        ),
      ].map(([, us, ticks, health, metric, steps]) => ({
        us: Number(us),
        ticks: Number(ticks),
        health: Number(health),
        metric: metric!,
        steps: Number(steps),
      }));
    while (heard().length < count) await device.waitForLine(/\] report /, LINE_MS);
    return heard().slice(0, count);
  }

  it("runs every tick, none of them late by more than its interrupt takes", { timeout: LONG_MS }, async () => {
    const { device, record } = await start("sound-app");
    try {
      const heard = await reports(device, 20);
      for (const { health, metric } of heard) expect([health, metric]).toEqual([HEALTHY, "ticks"]);
      // One in each millisecond: none was passed over.
      const [first, last] = [heard[0]!, heard.at(-1)!];
      expect(Math.abs(last.ticks - first.ticks - (last.us - first.us) / SLICE.periodUs)).toBeLessThanOrEqual(1);
      const { ticks, lateMax, longest, stopped } = record();
      expect(ticks).toBeGreaterThan(1900);
      expect(lateMax, "in units of 100 ns").toBeLessThanOrEqual(TICKS_A_US);
      expect(longest).toBeLessThanOrEqual(SLICE.budgetUs * TICKS_A_US);
      expect(stopped).toBe(0);
    } finally {
      await device.cutPower();
    }
  });

  it.each(["spinning-app", "calling-app"])(
    "stops a tick that does not end, within its budget, and says so: %s",
    {
      timeout: LONG_MS,
    },
    async (app) => {
      const { device, record } = await start(app);
      try {
        const heard = await reports(device, 10);
        const last = heard.at(-1)!;
        expect(last).toMatchObject({ ticks: 100, health: UNHEALTHY, metric: "" });
        expect(record()).toMatchObject({ ticks: 100, stopped: 1 });
        // What it takes to leave it is a microsecond at most.
        expect(record().longest).toBeGreaterThanOrEqual(SLICE.budgetUs * TICKS_A_US);
        expect(record().longest).toBeLessThanOrEqual((SLICE.budgetUs + 1) * TICKS_A_US);
        // The agent does as much in each tenth of a second as before.
        const steps = heard.slice(1).map(({ steps: done }, i) => done - heard[i]!.steps);
        expect(Math.min(...steps)).toBeGreaterThan(0.8 * Math.max(...steps));
      } finally {
        await device.cutPower();
      }
    },
  );

  it("does not run where it asks for more than half of its period, or too little for any tick", {
    timeout: LONG_MS,
  }, async () => {
    for (const budgetUs of [501, 9]) {
      const { device, record } = await start("sound-app", { periodUs: 1000, budgetUs });
      try {
        const heard = await reports(device, 3);
        expect(heard.at(-1)).toMatchObject({ ticks: 0, health: UNHEALTHY, metric: "" });
        expect(record()).toMatchObject({ ticks: 0, stopped: 2 });
      } finally {
        await device.cutPower();
      }
    }
  });

  it("ends the run where a tick traps, as any app's does", { timeout: LONG_MS }, async () => {
    const { device } = await start("faulty-app");
    try {
      expect(await device.waitForLine(/^crash: /, LINE_MS)).toMatch(/^crash: .* module 3 /);
    } finally {
      await device.cutPower();
    }
  });
});
