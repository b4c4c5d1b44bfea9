// What an update of many devices costs the server: its processor time for a device, from the rollout's begin to the
// last confirmation, and for a check-in that brings nothing new. Takes the tree to measure as its first argument, so
// that an old commit's server is measured by the same means (beside-main.ts):
//
//   node --import tsx test/bench/fleet-update-main.ts TREE DEVICES
//
// Prints one line of JSON. The devices are the tests' own scripted ones (apps/server/test/protocol-device.ts), in this
// process; the server is a process of its own, over SQLite in a temporary folder.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProtocolDevice } from "../../apps/server/test/protocol-device.ts";
import { pathToFileURL } from "node:url";

export interface FleetUpdate {
  devices: number;
  /** Milliseconds of processor time of the server, all its threads, user and system. */
  updateCpuMs: number;
  checkInCpuMs: number;
  /** How long the update of all took. */
  updateS: number;
}

/** A device tells of its download so often, besides its states. */
const PROGRESS_REPORTS = 8;
const IDLE_CHECK_INS = 10;
/** Enrolments and installations at a time: thousands at once would measure their queue. */
const AT_ONCE = 100;
const START_MS_MAX = 60_000;
const PASSWORD = "only for this benchmark";
/** /proc counts in hundredths of a second (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

/** User and system time of a process. */
function cpuMsOf(processId: number): number {
  const fields = readFileSync(`/proc/${processId}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function inTurns<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < things.length; at += AT_ONCE) await Promise.all(things.slice(at, at + AT_ONCE).map(work));
}

/** The server's interface as a script uses it: no types of this tree, since the server may be another's. */
class Console {
  #cookie = "";
  constructor(readonly url: string) {}

  async call(method: string, path: string, body?: Uint8Array | object): Promise<Record<string, unknown>> {
    const isBinary = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        cookie: this.#cookie,
        ...(body === undefined ? {} : { "content-type": isBinary ? "application/octet-stream" : "application/json" }),
      },
      ...(body === undefined ? {} : { body: isBinary ? Buffer.from(body) : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(";")[0]!;
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }
}

interface Started {
  child: ChildProcess;
  url: string;
  mqttUrl: string;
  password: string;
}

async function startServer(tree: string, folder: string, trustChain: string): Promise<Started> {
  const args = ["--port", "0", "--mqtt-port", "0", "--data-dir", folder, "--trust-chain", trustChain];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(tree, "apps/server/src/main.ts"), ...args, "--log-level", "warn"],
    { stdio: ["ignore", "pipe", "inherit"], cwd: tree },
  );
  let said = "";
  child.stdout.on("data", (data: Buffer) => void (said += data.toString()));
  const deadline = performance.now() + START_MS_MAX;
  while (!/one-time password \S+\s[^]*console \S+, devices \S+\s/.test(said)) {
    if (performance.now() > deadline) throw new Error(`the server of ${tree} did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [, url, mqttUrl] = /console (\S+), devices (\S+)/.exec(said)!;
  const [, password] = /one-time password (\S+)/.exec(said)!;
  return { child, url: url!, mqttUrl: mqttUrl!, password: password! };
}

async function signedIn({ url, password }: Started): Promise<Console> {
  const console = new Console(url);
  await console.call("POST", "/api/session", { userName: "admin", password });
  await console.call("POST", "/api/session/password", { currentPassword: password, newPassword: PASSWORD });
  return console;
}

async function update(device: ProtocolDevice): Promise<void> {
  const offer = await device.offered();
  device.take1(offer.deployment, offer.attempt);
  for (let done = 0; done < PROGRESS_REPORTS; done++) await device.report("downloading", { done, total: 37 });
  await device.checkIn();
  await device.install(offer);
  device.reboot(true);
  await device.checkIn();
}

async function measureFleetUpdate(tree: string, count: number): Promise<FleetUpdate> {
  const of = <T>(path: string): Promise<T> => import(pathToFileURL(join(tree, path)).href) as Promise<T>;
  const { makeProject, makeRelease } =
    await of<typeof import("../../apps/server/test/keys.ts")>("apps/server/test/keys.ts");
  const device = await of<typeof import("../../apps/server/test/protocol-device.ts")>(
    "apps/server/test/protocol-device.ts",
  );
  const { generateSigningKey } = await of<typeof import("@flipside/image-format")>(
    "packages/image-format/src/index.ts",
  );
  const verifier = await of<typeof import("../../packages/image-format/assembly/build-strict-verifier.ts")>(
    "packages/image-format/assembly/build-strict-verifier.ts",
  );
  await verifier.buildStrictVerifier();
  const folder = mkdtempSync(join(tmpdir(), "flipside-bench-"));
  const project = await makeProject();
  const trustChain = join(folder, "trust-chain.bin");
  writeFileSync(trustChain, project.trustChain);
  const server = await startServer(tree, join(folder, "data"), trustChain);
  const serverMs = (): number => cpuMsOf(server.child.pid!);
  try {
    const operator = await signedIn(server);
    const keys = await Promise.all(Array.from({ length: count }, () => generateSigningKey()));
    const devices = keys.map((key, i) => new device.ProtocolDevice(`bench-${i}`, key, server.mqttUrl));
    await operator.call("POST", "/api/claims", { claims: devices.map(({ claim }) => claim) });
    await inTurns(devices, async (each) => {
      await each.enrol();
      await each.connect();
      await each.prove();
      await each.checkIn();
    });
    const idleFrom = serverMs();
    for (let i = 0; i < IDLE_CHECK_INS; i++) await inTurns(devices, async (each) => void (await each.checkIn()));
    const checkInCpuMs = (serverMs() - idleFrom) / (IDLE_CHECK_INS * count);
    const release = await operator.call("POST", "/api/releases", await makeRelease(project));
    const [cpuFrom, from] = [serverMs(), performance.now()];
    const asked = { name: "bench", releaseId: release["id"], target: { all: true } };
    const rollout = await operator.call("POST", "/api/rollouts", asked);
    await inTurns(devices, update);
    const [updateCpuMs, updateS] = [(serverMs() - cpuFrom) / count, (performance.now() - from) / 1000];
    const { state } = await operator.call("GET", `/api/rollouts/${String(rollout["id"])}`);
    if (state !== "completed") throw new Error(`the rollout is ${String(state)}, not completed`);
    await inTurns(devices, (each) => each.close());
    return { devices: count, updateCpuMs, checkInCpuMs, updateS };
  } finally {
    const gone = new Promise((resolve) => server.child.once("exit", resolve));
    server.child.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [tree, count] = process.argv.slice(2);
  console.log(JSON.stringify(await measureFleetUpdate(tree!, Number(count))));
  process.exit(0);
}
