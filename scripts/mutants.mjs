// `npm run mutants`: set up what is missing, then plant bugs one after the other and see what finds them
// (test/mutants). docs/power-cut.md, "Mutants".

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages } from "./setup.mjs";

checkNode();
installPackages();
runProgram("test/mutants/main.ts", process.argv.slice(2), { cwd: process.cwd() });
