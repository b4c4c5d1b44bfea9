// `npm run fuzz`: set up what is missing, then fuzz the device's readers (test/fuzz). docs/fuzzing.md.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { checkNode, installPackages, root } from "./setup.mjs";

checkNode();
installPackages();

const child = spawn(process.execPath, ["--import", "tsx", join(root, "test/fuzz/main.ts"), ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// Ctrl-C reaches the child too (same terminal); this process waits for it to clean up.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
