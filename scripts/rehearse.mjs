// `npm run rehearse`: set up what is missing, then the rehearsals (apps/rehearsal).

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages } from "./setup.mjs";

checkNode();
installPackages();
runProgram("apps/rehearsal/src/rehearsal-main.ts", process.argv.slice(2), { cwd: process.cwd() });
