// `npm run power-cut`: set up what is missing, then the campaign (apps/power-cut).

import { spawn } from "node:child_process";
import { join } from "node:path";
import { checkNode, installDeviceTools, installPackages, root } from "./setup.mjs";

checkNode();
installPackages();
if (process.argv.includes("--qemu")) installDeviceTools();

const child = spawn(process.execPath, ["--import", "tsx", join(root, "apps/power-cut/src/power-cut-main.ts"), ...process.argv.slice(2)], { cwd: process.cwd(), stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
