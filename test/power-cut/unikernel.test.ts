// Power cuts on the unikernel itself, as the seed chooses: 30 of those of which `npm run power-cut -- --qemu` makes 500
// (unikernel-campaign.ts). A case that fails is printed with what replays it.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildLoader } from "../../apps/agent/build/build-loader.ts";
import { buildPayloads } from "../../apps/agent/build/build-release.ts";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { runUnikernelCampaign } from "./unikernel-campaign.ts";

const CUTS = 30;
const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

test("the unikernel boots a whole image and comes to its end, wherever its power is cut", {
  timeout: 600_000,
}, async () => {
  const { failures, ...figures } = await runUnikernelCampaign({ cuts: CUTS, seed });
  console.log(JSON.stringify(figures));
  const shown = failures.map(
    (failure) =>
      `node --import tsx test/power-cut/unikernel-main.ts --case '${JSON.stringify(failure.case)}': ${failure.violations.join("; ")}\n${failure.console.join("\n")}`,
  );
  expect(shown, `FLIPSIDE_SEED=${seed}\n${shown.join("\n")}`).toEqual([]);
  expect(figures.cuts).toBeGreaterThanOrEqual(CUTS);
});

test("a shipped loader or image has nothing of the fault hook", { timeout: 240_000 }, async () => {
  const holdsRecorder = async (flashFaults: boolean): Promise<boolean[]> => {
    const loader = readFileSync((await buildLoader({ flashFaults })).binaryPath);
    const image = Buffer.from((await buildPayloads({ flashFaults })).unikernelPayload);
    return [loader, image].map((bytes) => bytes.includes("flash P "));
  };
  expect(await holdsRecorder(true)).toEqual([true, true]);
  expect(await holdsRecorder(false)).toEqual([false, false]);
});
