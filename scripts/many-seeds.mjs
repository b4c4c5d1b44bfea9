// `npm run seeds`: every randomised test file, run with many seeds. A suite that is red once in twelve runs is red, and
// one run in `npm test` would not tell.
//
//   npm run seeds -- [--count 200] [--first 1] [--budget SECONDS] [--json FILE] [TEST FILES]
//
// A file is randomised when its first run prints FLIPSIDE_SEED. Seeds are first, first + 1, … ; with a budget, files
// take turns, so that what was left out is left out evenly, and the table says how many seeds each had. Exit status 1:
// some were red.

import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkNode, installPackages, root } from "./setup.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "200" },
    first: { type: "string", default: "1" },
    budget: { type: "string" },
    json: { type: "string" },
  },
});
for (const name of ["count", "first", "budget"]) {
  if (values[name] === undefined || /^\d{1,9}$/.test(values[name])) continue;
  console.error(`--${name} takes a whole number, not ${values[name]}`);
  process.exit(2);
}
checkNode();
installPackages();

const FILE_TIMEOUT_MS = 900_000;
const processes = 2;
const count = Number(values.count);
const first = Number(values.first);
const endsMs = values.budget === undefined ? Infinity : performance.now() + Number(values.budget) * 1000;

const listed = spawnSync("git", ["ls-files", "*.test.ts", "*.test.tsx"], { cwd: root, encoding: "utf8" })
  .stdout.trim()
  .split("\n");
const asked =
  positionals.length === 0 ? listed : listed.filter((file) => positionals.some((part) => file.includes(part)));
if (asked.length === 0) {
  console.error(`no test file matches ${positionals.join(" ")}`);
  process.exit(2);
}

/** One file, one seed. Resolves to whether it passed, and what it printed. */
function run(file, seed) {
  return new Promise((resolve) => {
    const arguments_ = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--maxWorkers", "1", file];
    const child = spawn(process.execPath, arguments_, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: FILE_TIMEOUT_MS,
      env: { ...process.env, FLIPSIDE_SEED: String(seed) },
    });
    let output = "";
    child.stdout.on("data", (bytes) => (output += bytes));
    child.stderr.on("data", (bytes) => (output += bytes));
    child.on("close", (code) => resolve({ passed: code === 0, output }));
  });
}

const rows = asked.map((file) => ({ file, randomised: undefined, green: 0, red: [], running: 0, next: 0 }));
const isOpen = (row) =>
  row.randomised !== false && row.next < count && !(row.randomised === undefined && row.running > 0);

/** The file with the fewest runs first. */
function take() {
  const open = rows.filter(isOpen).sort((a, b) => a.next - b.next);
  return performance.now() < endsMs ? open[0] : undefined;
}

async function work() {
  for (let row = take(); row !== undefined; row = take()) {
    const seed = first + row.next++;
    row.running++;
    const { passed, output } = await run(row.file, seed);
    row.running--;
    row.randomised ??= output.includes("FLIPSIDE_SEED");
    if (passed) {
      row.green++;
      continue;
    }
    row.red.push(seed);
    console.log(`red: FLIPSIDE_SEED=${seed} npx vitest run ${row.file}\n${output.split("\n").slice(-60).join("\n")}`);
  }
}

await Promise.all(Array.from({ length: processes }, work));
const randomised = rows.filter((row) => row.randomised);
for (const { file, green, red } of randomised)
  console.log(
    `${String(green + red.length).padStart(4)} seeds, ${red.length} red${red.length === 0 ? "" : ` (${red.join(", ")})`}  ${file}`,
  );
const unasked = rows.filter((row) => row.randomised === undefined).map((row) => row.file);
if (unasked.length > 0) console.log(`not run, for lack of time: ${unasked.join(", ")}`);
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify(
      randomised.map(({ file, green, red }) => ({ file, green, red })),
      null,
      2,
    )}\n`,
  );
process.exit(rows.some((row) => row.red.length > 0) ? 1 : 0);
