// `npm start`: set up what is missing, then run the demo (apps/demo).

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages, offerDeviceTools } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help")) offerDeviceTools();
runProgram("apps/demo/src/main.ts", process.argv.slice(2));
