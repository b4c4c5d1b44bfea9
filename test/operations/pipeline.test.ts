// docs/pipeline/release.sh, run as a pipeline runs it: the command installed by npm, a real server, virtual devices.
// Once with a release that is good, and once with one whose app crashes.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildVirtualRelease } from "../../apps/agent/build/build-release.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { DemoFleet } from "../../apps/demo/src/demo-fleet.ts";
import { prepareVirtual } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { reservePorts } from "../../packages/processes/test/reserved-port.ts";

const DEVICES = 4;
const SCRIPT_TIMEOUT_MS = 240_000;

let folder: string;
let fleet: DemoFleet | undefined;
let server: ServerProcess | undefined;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-pipeline-"));
  const prepared = await prepareVirtual(folder, () => {});
  const { keys } = prepared;
  const release = await buildVirtualRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [keys.release.privateJwk],
  });
  const [port, mqttPort] = (await reservePorts(2)) as [number, number];
  fleet = await DemoFleet.openVirtual({
    folder: join(folder, "fleet"),
    virtualDevices: DEVICES,
    mqttPort,
    prepared,
    release,
  });
  const claimsPath = join(folder, "claims.json");
  fleet.writeClaims(claimsPath);
  const { trustChainPath } = keys;
  server = new ServerProcess({
    folder: join(folder, "server"),
    trustChainPath,
    claimsPath,
    port,
    mqttPort,
    pollMs: 500,
  });
  await server.start();
  await fleet.start();

  // As docs/command-line.md installs it.
  const installed = spawnSync("npm", ["install", "--global", "--prefix", join(folder, "prefix"), "."], {
    cwd: repositoryRoot,
    encoding: "utf8",
    env: { ...process.env, npm_config_offline: "true", npm_config_update_notifier: "false" },
    timeout: 60_000,
  });
  expect([installed.status, installed.stderr]).toEqual([0, expect.any(String)]);
  const { RELEASE_KEY: _, FLIPSIDE_TOKEN: __, ...inherited } = process.env;
  environment = {
    ...inherited,
    PATH: `${join(folder, "prefix/bin")}${delimiter}${process.env["PATH"]}`,
    XDG_CONFIG_HOME: join(folder, "config"),
    FLIPSIDE_SERVER: server.url,
    RELEASE_KEY: readFileSync(keys.releaseKeyPath, "utf8"),
    TRUST_CHAIN: trustChainPath,
    FLIPSIDE_SOAK: "2s",
    FLIPSIDE_PATIENCE: "3m",
  };
}, 240_000);

afterAll(async () => {
  await fleet?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface Ended {
  status: number | null;
  said: string;
  complained: string;
}

/** What it starts ends with it, when it takes too long as well. */
function run(program: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      // The script writes below the folder it is started in; sources are named from the root.
      cwd: folder,
      env: { ...environment, ...more },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const ended: Ended = { status: null, said: "", complained: "" };
    child.stdout.on("data", (text: Buffer) => void (ended.said += text.toString()));
    child.stderr.on("data", (text: Buffer) => void (ended.complained += text.toString()));
    const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), SCRIPT_TIMEOUT_MS);
    child.once("close", (status) => {
      clearTimeout(timer);
      resolve({ ...ended, status });
    });
  });
}

const flipside = (...args: string[]): Promise<Ended> => run("flipside", args);
const release = (version: string, sequence: string, more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  run(join(repositoryRoot, "docs/pipeline/release.sh"), [version, sequence], {
    BUILD_OPTIONS: "--virtual-only",
    ...more,
  });

async function runsEverywhere(version: string): Promise<void> {
  const filter = `version = ${version} and slotState = confirmed`;
  await expect
    .poll(
      async () => JSON.parse((await flipside("device", "list", "--filter", filter, "--json")).said).devices.length,
      {
        timeout: 120_000,
        interval: 500,
      },
    )
    .toBe(DEVICES);
}

it("a stranger signs in, the script brings a good release past its canaries, and the rollout goes on by itself", async () => {
  mkdirSync(join(folder, "secrets"));
  const [once, chosen] = [join(folder, "secrets/once"), join(folder, "secrets/chosen")];
  writeFileSync(once, server!.firstPassword!);
  writeFileSync(chosen, "four words in a row");
  const login = await flipside("login", "--password-file", once, "--new-password-file", chosen);
  expect([login.status, login.complained]).toEqual([0, ""]);
  await runsEverywhere("1.0.0");
  expect((await flipside("device", "tag", "virtual-01", "--add", "canary")).status).toBe(0);

  const ended = await release("2.0.0", "2");
  expect([ended.status, ended.complained]).toEqual([0, expect.stringContaining("4 of 4 devices, in waves of 1 + ")]);
  expect(ended.said).toMatch(/not signed[^]*signed by[^]*every signature, chunk table and chunk holds/);
  const id = /^rollout (\S+)$/m.exec(ended.said)![1]!;
  expect((await flipside("rollout", "watch", id, "--timeout", "3m")).status).toBe(0);
  await runsEverywhere("2.0.0");
}, 600_000);

it("a release whose app crashes pauses at its canary, the script says why and ends with 5; others keep theirs", async () => {
  const app = join(repositoryRoot, "test/end-to-end/faulty-images/app-crash.ts");
  const ended = await release("3.0.0", "3", { BUILD_OPTIONS: `--virtual-only --app ${app}` });
  expect([ended.status, ended.complained]).toEqual([5, expect.stringMatching(/it is paused\n[^]*You can /)]);
  expect(ended.said).toContain("paused automatically");
  await runsEverywhere("2.0.0");
}, 600_000);

it("without a key, or with another project's, the script ends before anything is pushed", async () => {
  const keyless = await release("4.0.0", "4", { RELEASE_KEY: "" });
  expect([keyless.status, keyless.complained]).toEqual([2, expect.stringContaining("the release key is missing")]);
  const stranger = join(folder, "stranger.jwk");
  expect((await flipside("keygen", stranger)).status).toBe(0);
  const foreign = await release("4.0.0", "4", { RELEASE_KEY: readFileSync(stranger, "utf8") });
  expect([foreign.status, foreign.complained]).toEqual([1, expect.stringContaining("signature-unknown-key")]);
  expect((await run("sh", [join(repositoryRoot, "docs/pipeline/release.sh")])).status).toBe(2);
}, 300_000);
