// `npm run build:release -- …`: from TypeScript to a signed release file.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { checkNode, installDeviceTools, installPackages, root } from "./setup.mjs";

checkNode();
installPackages();
if (!process.argv.includes("--help")) installDeviceTools();
const child = spawn(process.execPath, ["--import", "tsx", join(root, "apps/agent/build/build-release-main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
child.on("exit", (code) => process.exit(code ?? 1));
