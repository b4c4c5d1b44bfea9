// `npm run fuzz`: fuzzes what reads bytes from outside on the device, on both cores. docs/fuzzing.md.

import { fork } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { Campaign, type Figures } from "./engine/campaign.ts";
import { keepFinding, keptCases } from "./engine/corpus.ts";
import { targets } from "./targets/index.ts";
import type { Job, Told } from "./worker.ts";

const usage = `npm run fuzz -- [options]
  --target NAME    only this one (may be given more than once): ${Object.keys(targets).join(", ")}
  --inputs N       inputs for each target (default: 20,000)
  --seconds N      instead: seconds for each target
  --deep           ten million inputs in all, shared out by what one costs
  --seed N         as an earlier run's (also FLIPSIDE_SEED)
  --json FILE      figures
  --replay FILE    one kept case of --target NAME`;

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    inputs: { type: "string" },
    seconds: { type: "string" },
    deep: { type: "boolean" },
    seed: { type: "string" },
    json: { type: "string" },
    replay: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const number = (name: "inputs" | "seconds" | "seed"): number | undefined => {
  const given = values[name];
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) fail(`--${name} ${given}: a whole number`);
  return value;
};
function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

const names = values.target ?? Object.keys(targets);
for (const name of names) if (!(name in targets)) fail(`there is no target ${name}`);

if (values.replay !== undefined) {
  if (names.length !== 1) fail("--replay needs one --target");
  const campaign = new Campaign(await targets[names[0]!]!(), 0);
  const fault = campaign.faultOf(new Uint8Array(readFileSync(values.replay)));
  console.log(fault ?? "nothing goes wrong");
  process.exit(fault === undefined ? 0 : 1);
}

const seed = number("seed") ?? seedOfRun();
const DEEP_INPUTS = 10_000_000;
const seconds = number("seconds");
const jobs: Job[] = [];
for (const [i, target] of names.entries()) {
  let inputs = seconds === undefined ? (number("inputs") ?? 20_000) : Number.MAX_SAFE_INTEGER;
  if (values.deep) inputs = Math.ceil((await targets[target]!()).share * DEEP_INPUTS);
  // In two halves with seeds of their own, so that no core waits for a long target at the end.
  for (const half of [0, 1])
    jobs.push({
      target,
      seed: (seed + i * 2 + half) >>> 0,
      inputs: seconds === undefined ? Math.ceil(inputs / 2) : inputs,
      seconds: seconds === undefined ? 86_400 : seconds / 2,
    });
}
const planned = jobs.reduce((sum, job) => sum + job.inputs, 0);
console.log(`fuzzing, seed ${seed}${seconds === undefined ? `, ${planned.toLocaleString("en")} inputs` : ""}`);

interface Sum extends Figures {
  covered: Set<number>;
}
const sums = new Map<string, Sum>();
const found: string[] = [];
const running = new Map<string, number>();
let done = 0;
const began = Date.now();
const progress = (): void => {
  const inputs = done + [...running.values()].reduce((sum, n) => sum + n, 0);
  const line = `${inputs.toLocaleString("en")} inputs, ${Math.round((Date.now() - began) / 1000)} s, ${found.length} findings; at ${[...running.keys()].map((key) => key.split(" ")[0]).join(", ")}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${line}`);
  else console.log(line);
};
const timer = setInterval(progress, process.stdout.isTTY ? 1000 : 15_000);

async function work(): Promise<void> {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const { target, seed: jobSeed } = job;
    const key = `${target} ${jobSeed}`;
    const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), { execArgv: ["--import", "tsx"] });
    running.set(key, 0);
    child.send(job);
    await new Promise<void>((resolve, reject) => {
      child.on("message", (told: Told) => {
        if (told.kind === "progress") return void running.set(key, told.inputs);
        const { figures } = told;
        const sum = sums.get(target);
        const covered = new Set([...(sum?.covered ?? []), ...told.blocks]);
        sums.set(target, {
          ...figures,
          covered,
          blocksCovered: covered.size,
          inputs: figures.inputs + (sum?.inputs ?? 0),
          seconds: figures.seconds + (sum?.seconds ?? 0),
          corpus: Math.max(figures.corpus, sum?.corpus ?? 0),
        });
        for (const { what, inputBase64 } of told.findings) {
          const path = keepFinding(target, Buffer.from(inputBase64, "base64"));
          found.push(`${target}: ${what}\n  npm run fuzz -- --target ${target} --replay ${path}`);
          console.log(`\nfound in ${found.at(-1)}`);
        }
        done += figures.inputs;
        running.delete(key);
        resolve();
        child.kill();
      });
      child.on(
        "exit",
        (code, signal) =>
          running.has(key) && reject(new Error(`the worker of ${target} ended: ${signal ?? `exit status ${code}`}`)),
      );
    });
  }
}
await Promise.all(Array.from({ length: Math.min(cpus().length, 8) }, work));
clearInterval(timer);

const figures = names.map((name) => sums.get(name)!);
const total = figures.reduce((sum, f) => sum + f.inputs, 0);
console.log(
  `\n${"target".padEnd(18)}${"inputs".padStart(12)}${"inputs/s".padStart(12)}${"blocks".padStart(8)}${"of".padStart(8)}${"kept".padStart(8)}${"cases".padStart(8)}`,
);
for (const f of figures) {
  console.log(
    f.target.padEnd(18) +
      f.inputs.toLocaleString("en").padStart(12) +
      Math.round(f.inputs / f.seconds)
        .toLocaleString("en")
        .padStart(12) +
      String(f.blocksCovered).padStart(8) +
      String(f.blocks).padStart(8) +
      String(f.corpus).padStart(8) +
      String(keptCases(f.target).length).padStart(8),
  );
}
console.log(
  `${total.toLocaleString("en")} inputs in ${Math.round((Date.now() - began) / 1000)} s, ${found.length} findings, seed ${seed}`,
);
for (const finding of found) console.log(finding);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ seed, inputs: total, seconds: (Date.now() - began) / 1000, findings: found, targets: figures.map(({ covered: _, ...rest }) => rest) }, null, 2)}\n`,
  );
}
process.exit(found.length > 0 ? 1 : 0);
