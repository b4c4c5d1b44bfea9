// `npm run trust -- …`: the next trust record, made and signed where the roots are.

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages } from "./setup.mjs";

checkNode();
installPackages();
runProgram("apps/agent/build/trust-main.ts", process.argv.slice(2), { cwd: process.cwd() });
