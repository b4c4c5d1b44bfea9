// What a fresh machine needs before anything else can run: npm packages, and Debian's tools for the device. Plain
// JavaScript without dependencies, since it runs before there are any.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Command that shows a package is there → Debian package. */
const deviceTools = {
  "qemu-system-riscv32": "qemu-system-misc",
  "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
  wasm2c: "wabt",
};
const picolibc = { path: "/usr/lib/picolibc/riscv64-unknown-elf", package: "picolibc-riscv64-unknown-elf" };

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function hasCommand(name) {
  return (process.env.PATH ?? "").split(":").some((folder) => folder !== "" && existsSync(join(folder, name)));
}

/** Node's own version is checked first: everything else would fail in less clear ways. */
export function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`Node ${process.versions.node} is too old: install Node 20.19 or later`);
  process.exit(1);
}

/** Installs npm packages when the lock file has changed since the last time. */
export function installPackages() {
  const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).update(process.versions.modules).digest("hex");
  const stamp = join(root, "node_modules", ".flipside-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing npm packages (better-sqlite3 is compiled: about a minute)");
  // npm's own output goes to standard error: standard output is for results.
  const installed = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, stdio: ["ignore", 2, 2] }).status === 0;
  if (!installed) {
    say("`npm ci` failed. Its message is above; a C++ compiler, make and python3 are needed for better-sqlite3 (apt-get install -y g++ make python3)");
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** Debian packages of `wanted` (command → package) whose command is missing, and picolibc. */
function missingPackages(wanted, withLibrary) {
  const missing = Object.entries(wanted).filter(([command]) => !hasCommand(command)).map(([, name]) => name);
  if (withLibrary && !existsSync(picolibc.path)) missing.push(picolibc.package);
  return missing;
}

/** Installs with apt when this user may; true when everything is there afterwards. */
function installDebian(wanted, withLibrary) {
  const packages = missingPackages(wanted, withLibrary);
  if (packages.length === 0) return true;
  if (process.getuid?.() === 0 && hasCommand("apt-get")) {
    say(`installing ${packages.join(" ")} by apt`);
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = (args) => spawnSync("apt-get", args, { stdio: ["ignore", 2, 2], env: environment }).status === 0;
    apt(["update", "-qq"]);
    apt(["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  }
  return missingPackages(wanted, withLibrary).length === 0;
}

/** The tools that build and run the unikernel. Exits with the exact command when they can't be had. */
export function installDeviceTools() {
  if (installDebian(deviceTools, true)) return;
  say("tools for the device are missing. Run this, then try again:");
  say(`  sudo apt-get install -y ${missingPackages(deviceTools, true).join(" ")}`);
  process.exit(1);
}

/** What only tests use; a test that misses one of these skips and says why. */
export function installTestTools() {
  installDebian({ chromium: "chromium", mosquitto: "mosquitto", ip: "iproute2" }, false);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  checkNode();
  installPackages();
  installDeviceTools();
  if (process.argv.includes("--test-tools")) installTestTools();
}
