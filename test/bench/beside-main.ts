// `npm run bench -- --beside COMMIT`: an old commit and this tree in turn, in the same minutes on the same machine, so
// that what else it does falls on both. The old commit is unpacked to a temporary folder, with the packages of its own
// lock.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import type { FleetUpdate } from "./fleet-update-main.ts";
import { spreadOf } from "./statistics.ts";

const usage = `npm run bench -- --beside COMMIT [OPTIONS]

  --devices N   devices of the fleet whose update is measured (1000)
  --rounds N    how often each tree is measured (3)
  --only PARTS  of device, campaign, fleet, with commas between them (all)
  --json FILE   write the figures of both as one JSON object
`;

const parts = ["device", "campaign", "fleet"] as const;
type Part = (typeof parts)[number];

/** A measurement that takes longer hangs. */
const MEASUREMENT_MS_MAX = 1_800_000;

interface Tree {
  name: "old" | "new";
  folder: string;
}

/** What a measurement says, by name; more than one value where it was made in several rounds. */
type Figures = Map<string, number[]>;

/** Names, and whether more is better. */
const moreIsBetter: Record<string, boolean> = { "boots executed a second": true };

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

/** Runs it in the tree and returns what it says; its own messages go where ours go. */
function run(tree: Tree, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: tree.folder, stdio: ["ignore", "pipe", "inherit"] });
    const timer = setTimeout(() => child.kill("SIGTERM"), MEASUREMENT_MS_MAX);
    let said = "";
    child.stdout.on("data", (data: Buffer) => void (said += data.toString()));
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      if (status === 0) resolve(said);
      else reject(new Error(`${args.join(" ")} in the ${tree.name} tree ended with ${status}:\n${said}`));
    });
  });
}

function put(figures: Figures, name: string, value: number): void {
  if (!figures.has(name)) figures.set(name, []);
  figures.get(name)!.push(value);
}

/** Sizes and instructions, by the tree's own bench. */
async function measureDevice(tree: Tree, folder: string, figures: Figures): Promise<void> {
  const file = join(folder, `${tree.name}-bench.json`);
  await run(tree, ["scripts/bench.mjs", "--json", file]);
  const said = JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  put(figures, "image, bytes", said["imageBytes"]!);
  put(figures, "RAM in use, bytes", said["ramBytes"]!);
  put(figures, "instructions to MQTT", said["instructionsToMqtt"]!);
}

/** One story, all its nested cuts: how fast power-ups are executed, on all cores, by the tree's own campaign. */
async function measureCampaign(tree: Tree, folder: string, figures: Figures): Promise<void> {
  const file = join(folder, `${tree.name}-campaign.json`);
  const story = ["--story", "first-update", "--exhaustive", "--deep", "0"];
  await run(tree, ["scripts/power-cut.mjs", ...story, "--seed", "1", "--json", file]);
  const said = JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  put(figures, "boots executed a second", said["executedBootsPerSecond"]!);
  put(figures, "seconds for all nested cuts of first-update", said["seconds"]!);
}

/** By this tree's means, in both: the old one may have none. */
async function measureFleet(tree: Tree, devices: number, figures: Figures): Promise<void> {
  const script = join(repositoryRoot, "test/bench/fleet-update-main.ts");
  const said = JSON.parse(await run(tree, ["--import", "tsx", script, tree.folder, String(devices)])) as FleetUpdate;
  put(figures, `processor ms of the server an update of ${devices} devices, each`, said.updateCpuMs);
  put(figures, "processor ms of a check-in that brings nothing new", said.checkInCpuMs);
}

function unpack(commit: string, folder: string): void {
  const archive = execFileSync("git", ["archive", "--format=tar", commit], {
    cwd: repositoryRoot,
    maxBuffer: 2 ** 30,
  });
  mkdirSync(folder);
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  say(`installing the packages of ${commit}`);
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

const shown = (values: readonly number[]): string => {
  const { median, min, max } = spreadOf([...values]);
  const text = (value: number): string => (value >= 1000 ? Math.round(value).toString() : value.toPrecision(3));
  return values.length === 1 ? text(median) : `${text(median)} (${text(min)} to ${text(max)})`;
};

function table(old: Figures, now: Figures): string {
  const rows = [...now].map(([name, values]) => {
    const before = old.get(name)!;
    const ratio = spreadOf([...values]).median / spreadOf([...before]).median;
    return `| ${name}${moreIsBetter[name] ? " (more is better)" : ""} | ${shown(before)} | ${shown(values)} | ${ratio.toFixed(2)} |`;
  });
  return ["| | old | new | new / old |", "|---|---|---|---|", ...rows].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      beside: { type: "string" },
      devices: { type: "string", default: "1000" },
      rounds: { type: "string", default: "3" },
      only: { type: "string", default: parts.join(",") },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help || values.beside === undefined) return void process.stdout.write(usage);
  const chosen = values.only.split(",") as Part[];
  const [devices, rounds] = [Number(values.devices), Number(values.rounds)];
  const wrong = chosen.find((part) => !parts.includes(part));
  if (wrong !== undefined) throw new Error(`--only takes ${parts.join(", ")}, not ${wrong}`);
  for (const [name, value] of [
    ["devices", devices],
    ["rounds", rounds],
  ] as const)
    if (!(Number.isInteger(value) && value > 0 && value <= 10_000)) throw new Error(`--${name} takes 1 to 10000`);

  const commit = execFileSync("git", ["rev-parse", "--short", `${values.beside}^{commit}`], {
    cwd: repositoryRoot,
    encoding: "utf8",
  }).trim();
  const folder = mkdtempSync(join(tmpdir(), "flipside-beside-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      remove();
      process.exit(1);
    });
  try {
    unpack(commit, join(folder, "old"));
    const trees: Tree[] = [
      { name: "old", folder: join(folder, "old") },
      { name: "new", folder: repositoryRoot },
    ];
    const figures = { old: new Map() as Figures, new: new Map() as Figures };
    for (let round = 1; round <= rounds; round++)
      for (const tree of trees) {
        say(`round ${round} of ${rounds}: the ${tree.name} tree`);
        // What the tree's own bench repeats by itself is asked for once.
        if (chosen.includes("device") && round === 1) await measureDevice(tree, folder, figures[tree.name]);
        if (chosen.includes("campaign")) await measureCampaign(tree, folder, figures[tree.name]);
        if (chosen.includes("fleet")) await measureFleet(tree, devices, figures[tree.name]);
      }
    console.log(`${commit} beside this tree\n\n${table(figures.old, figures.new)}`);
    if (values.json !== undefined) {
      const both = { old: Object.fromEntries(figures.old), new: Object.fromEntries(figures.new) };
      writeFileSync(values.json, `${JSON.stringify({ commit, ...both }, null, 2)}\n`);
    }
  } finally {
    remove();
  }
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
