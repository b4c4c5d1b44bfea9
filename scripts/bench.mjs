// `npm run bench`: set up what is missing, then measure (test/bench). `--json FILE` writes the figures; `--beside
// COMMIT` measures an old commit and this one in turn.

import { runProgram } from "./run-program.mjs";
import { checkNode, installComparisonTools, installDeviceTools, installPackages } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help")) installDeviceTools();
if (process.argv.includes("--exokernel")) installComparisonTools();
const isBeside = process.argv.some((argument) => argument === "--beside" || argument.startsWith("--beside="));
runProgram(isBeside ? "test/bench/beside-main.ts" : "test/bench/main.ts", process.argv.slice(2));
