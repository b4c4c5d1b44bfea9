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

export const say = (text) => void process.stderr.write(`setup: ${text}\n`);

/** FLIPSIDE_SETUP=no: packages and system are taken as they are; neither npm nor apt is asked. */
const isLeftAlone = process.env.FLIPSIDE_SETUP === "no";

/** As apps/agent/build/run-tool.ts has it, which may need packages that are not installed yet. */
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

/**
 * Whether SQLite comes ready in its npm package (packages/processes/src/sqlite.ts). For older Nodes it is fetched or
 * compiled; newer ones do without, so that it is optional to npm.
 */
const bringsSqlite = Number(process.versions.napi) >= 10;
const compiledSqlite = join(root, "node_modules/better-sqlite3/build/Release/better_sqlite3.node");

/** What compiles better-sqlite3 where npm finds no ready binary for this Node; the words to get it, by platform. */
const compilerTools = {
  "a C++ compiler": ["c++", "g++", "clang++"],
  make: ["make", "gmake"],
  python3: ["python3", "python"],
};
const compilerPackages = [
  ["apt-get", "sudo apt-get install -y g++ make python3"],
  ["dnf", "sudo dnf install -y gcc-c++ make python3"],
  ["pacman", "sudo pacman -S --needed gcc make python"],
  ["apk", "sudo apk add g++ make python3"],
  ["xcode-select", "xcode-select --install"],
];

/** One line about what is missing to compile better-sqlite3, or undefined: all of it is there. */
export function checkCompiler() {
  const missing = Object.entries(compilerTools)
    .filter(([, commands]) => !commands.some(hasCommand))
    .map(([what]) => what);
  if (missing.length === 0) return undefined;
  const how = compilerPackages.find(([manager]) => hasCommand(manager))?.[1];
  return `better-sqlite3 may have to be compiled, and ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing here${how === undefined ? "" : `. To get them: ${how}`}`;
}

/**
 * Whether all packages of the lock file are there already, as after `npm ci` by hand: npm keeps its own list of what it
 * has installed.
 */
function isInstalled() {
  const list = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(list)) return false;
  const packagesIn = (path) => Object.entries(JSON.parse(readFileSync(path, "utf8")).packages);
  const there = new Map(packagesIn(list).map(([path, { version }]) => [path, version]));
  return packagesIn(join(root, "package-lock.json")).every(
    ([path, { version, optional }]) => path === "" || optional === true || there.get(path) === version,
  );
}

/** Whether better-sqlite3 was compiled for this very Node. */
function isCompiled() {
  try {
    process.dlopen({ exports: {} }, compiledSqlite);
    return true;
  } catch {
    return false;
  }
}

/** Installs npm packages when the lock file has changed since the last time. */
export function installPackages() {
  if (isLeftAlone) return;
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(process.versions.modules)
    .digest("hex");
  const stamp = join(root, "node_modules", ".flipside-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  if (isInstalled() && (bringsSqlite || isCompiled())) return void writeFileSync(stamp, lock);
  say("installing npm packages (about a minute where better-sqlite3 is compiled)");
  const compilerProblem = bringsSqlite ? undefined : checkCompiler();
  if (compilerProblem !== undefined)
    say(
      `${compilerProblem}. Where npm finds a ready binary for Node ${process.versions.node}, it goes on without; with Node 22.14 or later none is needed`,
    );
  // npm's own output goes to standard error: standard output is for results.
  const { status, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0 || !(bringsSqlite || existsSync(compiledSqlite))) {
    if (status === 0) say("better-sqlite3 could be neither fetched nor compiled for this Node");
    else
      say(error === undefined ? "`npm ci` failed; its own message is above" : `npm can't be started: ${error.message}`);
    if (compilerProblem !== undefined) say(`${compilerProblem}. Or take Node 22.14 or later, for which it comes ready`);
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** Debian packages of `wanted` (command → package) whose command is missing, and picolibc. */
function missingPackages(wanted, withLibrary) {
  const missing = Object.entries(wanted)
    .filter(([command]) => !hasCommand(command))
    .map(([, name]) => name);
  if (withLibrary && !existsSync(picolibc.path)) missing.push(picolibc.package);
  return missing;
}

/**
 * Tests start their own brokers: a package must not start one for the whole machine (invoke-rc.d(8), policy-rc.d). By a
 * shell, since this process can't act on a signal while it waits: a policy that stayed would keep every later service
 * from starting.
 */
const withoutServices = `
if [ -e "$0" ]; then exec "$@"; fi
trap '/bin/rm -f "$0"' EXIT
trap 'exit 130' HUP INT TERM
printf '#!/bin/sh\\nexit 101\\n' > "$0"
/bin/chmod 755 "$0"
"$@"
`;
const servicePolicy = "/usr/sbin/policy-rc.d";

/** Installs with apt where this user may; true when everything is there afterwards. */
function installDebian(wanted, withLibrary) {
  const packages = missingPackages(wanted, withLibrary);
  if (packages.length === 0) return true;
  if (!isLeftAlone && process.getuid?.() === 0 && hasCommand("apt-get")) {
    say(`installing ${packages.join(" ")} by apt`);
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const run = (command, args) => spawnSync(command, args, { stdio: ["ignore", 2, 2], env: environment });
    run("apt-get", ["update", "-qq"]);
    run("/bin/sh", [
      "-c",
      withoutServices,
      servicePolicy,
      "apt-get",
      "install",
      "-y",
      "-qq",
      "--no-install-recommends",
      ...packages,
    ]);
  }
  return missingPackages(wanted, withLibrary).length === 0;
}

/** How to get the device's tools that are missing, in one line. */
function deviceToolsAdvice() {
  const packages = missingPackages(deviceTools, true).join(" ");
  return hasCommand("apt-get")
    ? `sudo apt-get install -y ${packages}`
    : `Debian 12 or a relative of it (a container or virtual machine will do) with its packages ${packages}`;
}

/** The tools that build and run the unikernel. Exits with the exact command when they can't be had. */
export function installDeviceTools() {
  if (installDebian(deviceTools, true)) return;
  say("tools for the device are missing. This is what it takes:");
  say(`  ${deviceToolsAdvice()}`);
  process.exit(1);
}

/**
 * The same tools for what runs without the unikernel, too: says in one line what stays away where they can't be had.
 */
export function offerDeviceTools() {
  if (!installDebian(deviceTools, true))
    say(`no unikernel here, only virtual devices: its tools are missing. What it would take: ${deviceToolsAdvice()}`);
}

/**
 * What `npm run bench -- --exokernel` puts beside the device: without it that table has no Linux in it, and says so.
 */
export function installComparisonTools() {
  installDebian({ "qemu-system-x86_64": "qemu-system-x86", cc: "gcc" }, false);
}

/** What only tests use; a test that misses one of these skips and says why. */
export function installTestTools() {
  installDebian(
    {
      chromium: "chromium",
      mosquitto: "mosquitto",
      "rabbitmq-server": "rabbitmq-server",
      sqlite3: "sqlite3",
      openssl: "openssl",
      curl: "curl",
      pg_ctlcluster: "postgresql",
      ip: "iproute2",
      haproxy: "haproxy",
      "softhsm2-util": "softhsm2",
      "pkcs11-tool": "opensc",
      zsh: "zsh",
      fish: "fish",
      swupdate: "swupdate",
      mender: "mender-client",
    },
    false,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  checkNode();
  installPackages();
  installDeviceTools();
  if (process.argv.includes("--test-tools")) installTestTools();
}
