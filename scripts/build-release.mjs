// `npm run build:release -- …`: `flipside build`, with what it needs set up first.

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages, offerDeviceTools } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help") && !process.argv.includes("--virtual-only")) offerDeviceTools();
runProgram("apps/cli/src/flipside-main.ts", ["build", ...process.argv.slice(2)], { cwd: process.cwd() });
