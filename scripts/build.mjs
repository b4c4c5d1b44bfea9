// `npm run build`: the console and its page "Try to brick it" (apps/web).

import { checkNode, installPackages } from "./setup.mjs";
import { runProgram } from "./run-program.mjs";

checkNode();
installPackages();
runProgram("apps/web/build/build-main.ts", process.argv.slice(2));
