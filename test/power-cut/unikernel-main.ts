// The campaign on the unikernel from the command line:
//   node --import tsx test/power-cut/unikernel-main.ts [--cuts 500] [--seed N] [--jobs 2] [--json FILE] [--case JSON]
// Exit status 0 only if all of it held.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { runUnikernelCampaign, type UnikernelCase } from "./unikernel-campaign.ts";

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      cuts: { type: "string", default: "500" },
      seed: { type: "string" },
      jobs: { type: "string", default: "2" },
      json: { type: "string" },
      case: { type: "string" },
    },
  });
  if (values.seed !== undefined) process.env["FLIPSIDE_SEED"] = values.seed;
  const seed = seedOfRun();
  console.log(`seed ${seed} (--seed ${seed} replays)`);
  let told = 0;
  const result = await runUnikernelCampaign({
    cuts: Number(values.cuts),
    seed,
    jobs: values.case === undefined ? Number(values.jobs) : 1,
    ...(values.case === undefined ? {} : { cases: [JSON.parse(values.case) as UnikernelCase] }),
    say: (step) => console.log(step),
    onProgress: ({ cuts, powerUps, failures, seconds }) => {
      if (cuts < told) return;
      told = cuts + 25;
      console.log(`${cuts} cuts, ${powerUps} power-ups, ${failures} cases failed, ${seconds} s`);
    },
  });
  for (const failure of result.failures)
    console.log(
      `--case '${JSON.stringify(failure.case)}': ${failure.violations.join("; ")}\n  ${failure.console.join("\n  ")}`,
    );
  const { failures, ...figures } = result;
  console.log(JSON.stringify({ ...figures, failedCases: failures.length }));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result, null, 2) + "\n");
  return result.violations === 0;
}

process.exitCode = (await main()) ? 0 : 1;
