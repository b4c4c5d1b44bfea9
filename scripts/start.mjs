// `npm start`: set up what is missing, then run the demo (apps/demo).

import { spawn } from "node:child_process";
import { join } from "node:path";
import { checkNode, installPackages, offerDeviceTools, root } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help")) offerDeviceTools();

const child = spawn(process.execPath, ["--import", "tsx", join(root, "apps/demo/src/main.ts"), ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// Ctrl-C reaches the child too (same terminal); this process waits for it to stop cleanly.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
