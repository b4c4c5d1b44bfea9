// `npm run trust -- …`: the next trust record, made and signed where the roots are.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { checkNode, installPackages, root } from "./setup.mjs";

checkNode();
installPackages();
const child = spawn(process.execPath, ["--import", "tsx", join(root, "apps/agent/build/trust-main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
child.on("exit", (code) => process.exit(code ?? 1));
