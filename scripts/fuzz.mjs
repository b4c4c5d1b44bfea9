// `npm run fuzz`: set up what is missing, then fuzz the device's readers (test/fuzz). docs/fuzzing.md.

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages } from "./setup.mjs";

checkNode();
installPackages();
runProgram("test/fuzz/main.ts", process.argv.slice(2));
