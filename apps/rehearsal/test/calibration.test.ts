// Whether a rehearsed rollout is like the one that it stands for: one fleet is taken as the real one, and the model
// that is learned from its history has to tell how long the same rollout takes there. All of it in simulated time.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { RunOutcome } from "../src/rollout/outcome.ts";

const program = fileURLToPath(new URL("./calibration-main.ts", import.meta.url));
const seed = Number(process.env["FLIPSIDE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** What a model knows is when updates ended, and not what they were made of. */
const tolerance = 0.1;

interface Calibrated {
  updates: number;
  real: RunOutcome;
  rehearsed: RunOutcome[];
  bad: RunOutcome;
  decisions: string[];
}

const calibrate = (): Promise<Calibrated> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, ["--import", "tsx", program, String(seed)], (error, stdout, stderr) =>
      error === null ? resolve(JSON.parse(stdout) as Calibrated) : reject(new Error(stderr)),
    );
  });

it("durations that are rehearsed are about those of the fleet, and gates speak in the engine's words", async () => {
  console.log(`FLIPSIDE_SEED=${seed} npx vitest run apps/rehearsal/test/calibration.test.ts`);
  const { updates, real, rehearsed, bad, decisions } = await calibrate();
  expect(updates).toBe(20);
  expect(real.state).toBe("completed");
  const bracketed = (of: (outcome: RunOutcome) => number | undefined): void => {
    const times = rehearsed.map((outcome) => of(outcome)!);
    expect(of(real)).toBeGreaterThanOrEqual(Math.min(...times) * (1 - tolerance));
    expect(of(real)).toBeLessThanOrEqual(Math.max(...times) * (1 + tolerance));
  };
  bracketed(({ endedMs }) => endedMs);
  for (const wave of [0, 1, 2]) bracketed(({ waves }) => waves[wave]!.endMs);
  expect(rehearsed.map(({ devices }) => devices.updated)).toEqual(rehearsed.map(() => 20));

  expect(bad.gate).toMatchObject({ state: "paused" });
  expect(decisions).toContain(bad.gate!.reason);
  expect(bad.gate!.exposed, "no more than that is under way, and was before").toBeLessThan(20);
  expect(bad.gate!.harmed).toBeGreaterThan(0);
  expect(bad.devices.rolledBack, "an image that is bad on them does not stay").toBe(bad.devices.harmed);
}, 600_000);
