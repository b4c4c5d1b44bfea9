// `npm test`: set up what is missing, check types, format, rules and what nobody uses, run every test. What failed is
// said once more at the end, since whoever keeps only the end of a long log has to learn it too. The last line is
// `N passed, N failed, N skipped`.
// Arguments go to vitest: npm test -- packages/image-format
//
//   --node VERSION   run on this version of Node, from npm (26, 20.19)
//   --slice          the part that leans most on Node: formats and cryptography, the virtual device's host, the server,
//   npm start
//   --and-newest     after everything else, the slice on the newest Node that is known to hold

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { newestNode, nodeFromNpm, NodeVersionError } from "./node-version.mjs";
import { checkNode, installPackages, installTestTools, offerDeviceTools, root } from "./setup.mjs";

const slice = [
  "packages/image-format/test/crypto",
  "packages/image-format/test/portable",
  "apps/agent/test/hosts/virtual-device.test.ts",
  "apps/server/test/enrolment-and-session.test.ts",
  "apps/server/test/releases.test.ts",
  "apps/server/test/update.test.ts",
  "apps/server/test/restart.test.ts",
  "apps/demo/test/process-tree.test.ts",
];

/**
 * They wait for most of their time, for trials, reset lines, links and brokers that take theirs: run beside all others,
 * two at a time, the longest first.
 */
const waiting = [
  "test/end-to-end/story.test.ts",
  "test/end-to-end/commands.test.ts",
  "test/brokers/rollout.test.ts",
  "test/bench/progress-reports.test.ts",
  "test/power-cut/same-operations.test.ts",
  "test/power-cut/unikernel.test.ts",
  "test/operations/walk-through.test.ts",
  "apps/cli/test/conformance/faulty-agents.test.ts",
  "apps/server/test/mender/client.test.ts",
  "apps/cli/test/conformance/virtual-device.test.ts",
  "apps/agent/test/recovery/recovery.test.ts",
  "apps/agent/test/net/slirp.test.ts",
  "apps/demo/test/without-device-tools.test.ts",
  "apps/demo/test/process-tree.test.ts",
  "apps/agent/test/hosts/reset-cause.test.ts",
];

const rest = process.argv.slice(2);
function taken(name) {
  const at = rest.indexOf(name);
  if (at >= 0) rest.splice(at, 1);
  return at >= 0;
}
function takenValue(name) {
  const at = rest.findIndex((argument) => argument === name || argument.startsWith(`${name}=`));
  if (at < 0) return undefined;
  const [first, second] = rest.splice(at, rest[at] === name ? 2 : 1);
  return first === name ? (second ?? "") : first.slice(name.length + 1);
}
const version = takenValue("--node");
const isSlice = taken("--slice");
const andNewest = taken("--and-newest");

checkNode();
installPackages();
offerDeviceTools();
installTestTools();

const bin = (path) => join(root, "node_modules", path);
const own = { path: process.execPath, version: process.versions.node, environment: process.env };

const run = (runtime, args) =>
  spawnSync(runtime.path, args, { cwd: root, env: runtime.environment, stdio: ["ignore", "inherit", "inherit"] })
    .status ?? 1;

const ended = (child, name) =>
  new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`${name}: ${error.message}`);
      resolve(1);
    });
    child.on("close", (status) => resolve(status ?? 1));
  });

/** Its lines come between others, so each says whose it is. */
function runBeside(runtime, name, args) {
  const child = spawn(runtime.path, args, { cwd: root, env: runtime.environment, stdio: ["ignore", "pipe", "pipe"] });
  for (const output of [child.stdout, child.stderr])
    createInterface({ input: output }).on("line", (line) => console.log(`${name} | ${line}`));
  return ended(child, name);
}

const runTests = (runtime, name, args) =>
  ended(
    spawn(runtime.path, args, { cwd: root, env: runtime.environment, stdio: ["ignore", "inherit", "inherit"] }),
    name,
  );

/** Runs vitest on that Node; `name` tells runs apart that happen beside each other. Resolves to an Outcome. */
async function vitest(runtime, name, args, how = runTests) {
  const file = join(root, "build-output", `${name}-outcome.json`);
  rmSync(file, { force: true });
  const reporting = { ...runtime, environment: { ...runtime.environment, FLIPSIDE_OUTCOME: file } };
  const status = await how(reporting, name, [
    bin("vitest/vitest.mjs"),
    "run",
    "--reporter=default",
    `--reporter=${join(root, "test/outcome-reporter.ts")}`,
    ...args,
  ]);
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    outcome = { passed: 0, skipped: 0, failures: [`vitest left no outcome of the ${name}: ${error.message}`] };
  }
  if (status !== 0 && outcome.failures.length === 0)
    outcome.failures = [`vitest ended with exit code ${status} though no test of the ${name} failed: see above`];
  return outcome;
}

const sumOf = (...all) => ({
  passed: all.reduce((sum, each) => sum + each.passed, 0),
  skipped: all.reduce((sum, each) => sum + each.skipped, 0),
  failures: all.flatMap((each) => each.failures),
});
/** What was asked for; all tests: what waits for most of its time beside the rest. */
async function allTests(runtime) {
  if (isSlice || rest.some((argument) => !argument.startsWith("-")))
    return vitest(runtime, "tests", [...(isSlice ? slice : []), ...rest]);
  const beside = vitest(runtime, "beside", ["--project", "!on PostgreSQL", ...waiting, ...rest], runBeside);
  const others = {
    ...runtime,
    environment: { ...runtime.environment, FLIPSIDE_TESTS_BESIDE: JSON.stringify(waiting) },
  };
  return sumOf(...(await Promise.all([beside, vitest(others, "tests", rest)])));
}

/** Throws NodeVersionError where it can't be had. */
function otherNode(wanted) {
  const runtime = nodeFromNpm(wanted);
  console.log(`on Node ${runtime.version} (${runtime.path})`);
  return runtime;
}

let runtime = own;
try {
  if (version !== undefined) runtime = otherNode(version);
} catch (error) {
  if (!(error instanceof NodeVersionError)) throw error;
  console.error(error.message);
  process.exit(1);
}

// Tests in several processes use these: built once, before any of them starts.
if (run(runtime, ["--import", "tsx", "packages/image-format/assembly/build-strict-verifier.ts"]) !== 0) process.exit(1);
const checks = [
  { what: "types", wrong: "the types do not hold", args: [bin("typescript/bin/tsc"), "-p", "tsconfig.json"] },
  {
    what: "format and rules (biome.jsonc)",
    wrong: "format or rules do not hold; `npm run mend` puts right what it can",
    args: [bin("@biomejs/biome/bin/biome"), "check"],
  },
  {
    what: "what nobody uses (knip.jsonc)",
    wrong: "there are files, exports or dependencies that nobody uses",
    args: [bin("knip/bin/knip.js"), "--no-progress"],
  },
];
const broken = checks.filter(({ what, args }) => {
  console.log(`checking ${what}`);
  return run(runtime, args) !== 0;
});

let outcome = await allTests(runtime);
outcome.failures.push(...broken.map(({ wrong }) => `${wrong}: see above`));
if (andNewest) {
  try {
    outcome = sumOf(outcome, await vitest(otherNode(newestNode), "slice", slice));
  } catch (error) {
    if (!(error instanceof NodeVersionError)) throw error;
    console.warn(`skipped: the slice on Node ${newestNode} (${error.message})`);
    outcome.skipped++;
  }
}
for (const failure of outcome.failures) console.error(`failed: ${failure}`);
console.log(`${outcome.passed} passed, ${outcome.failures.length} failed, ${outcome.skipped} skipped`);
process.exit(outcome.failures.length === 0 ? 0 : 1);
