// `npm test`: set up what is missing, check types, run every test. The last line is `N passed, N failed, N skipped`.
// Arguments go to vitest: npm test -- packages/image-format

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkNode, installDeviceTools, installPackages, installTestTools, root } from "./setup.mjs";

checkNode();
installPackages();
installDeviceTools();
installTestTools();

const node = (args) => spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;
const bin = (path) => join(root, "node_modules", path);

// Tests in several processes use these: built once, before any of them starts.
if (node(["--import", "tsx", "packages/image-format/assembly/build-strict-verifier.ts"]) !== 0) process.exit(1);
console.log("checking types");
const types = node([bin("typescript/bin/tsc"), "-p", "tsconfig.json"]);

const results = join(root, "build-output", "test-results.json");
mkdirSync(join(root, "build-output"), { recursive: true });
rmSync(results, { force: true });
const status = node([bin("vitest/vitest.mjs"), "run", "--reporter=default", "--reporter=json", `--outputFile.json=${results}`, ...process.argv.slice(2)]);

let counts = { passed: 0, failed: 0, skipped: 0 };
try {
  const report = JSON.parse(readFileSync(results, "utf8"));
  counts = {
    passed: report.numPassedTests,
    // A file that can't be loaded has no tests to count, and is a failure all the same.
    failed: report.numFailedTests + report.testResults.filter((file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")).length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  };
} catch (error) {
  console.error(`vitest left no report: ${error.message}`);
  counts.failed = 1;
}
if (types !== 0) {
  console.error("the types do not hold: see above");
  counts.failed++;
}
if (status !== 0 && counts.failed === 0) counts.failed = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && status === 0 ? 0 : 1);
