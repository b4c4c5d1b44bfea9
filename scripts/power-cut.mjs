// `npm run power-cut`: set up what is missing, then the campaign (apps/power-cut).

import { runProgram } from "./run-program.mjs";
import { checkNode, installDeviceTools, installPackages } from "./setup.mjs";

checkNode();
installPackages();
if (process.argv.includes("--qemu")) installDeviceTools();
runProgram("apps/power-cut/src/power-cut-main.ts", process.argv.slice(2), { cwd: process.cwd() });
