// `npm run bench`: set up what is missing, then measure (test/bench). `--json FILE` writes the figures.

import { runProgram } from "./run-program.mjs";
import { checkNode, installDeviceTools, installPackages } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help")) installDeviceTools();
runProgram("test/bench/main.ts", process.argv.slice(2));
