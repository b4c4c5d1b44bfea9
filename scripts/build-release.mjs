// `npm run build:release -- …`: from TypeScript to a signed release file.

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages, offerDeviceTools } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help") && !process.argv.includes("--virtual-only")) offerDeviceTools();
runProgram("apps/agent/build/build-release-main.ts", process.argv.slice(2), { cwd: process.cwd() });
