// `npm run fleet`: a rollout to many devices at protocol level, measured (test/fleet). It takes npm packages alone.

import { runProgram } from "./run-program.mjs";
import { checkNode, installPackages } from "./setup.mjs";

checkNode();
installPackages();
runProgram("test/fleet/main.ts", process.argv.slice(2));
