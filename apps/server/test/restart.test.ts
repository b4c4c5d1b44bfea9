import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  buildTrustChain,
  createStrictVerifier,
  generateSigningKey,
  readTrustChain,
  type SigningKey,
} from "@flipside/image-format";
import { afterEach, describe, expect, it } from "vitest";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { readConfiguration } from "../src/configuration.ts";
import { startServer } from "../src/server.ts";
import { ApiClient, mainPath, password, temporaryDirectory } from "./fixture.ts";
import { databaseArguments, databaseOf } from "./database.ts";
import { makeProject, makeRelease, type Project } from "./keys.ts";
import { ProtocolDevice } from "./protocol-device.ts";

interface Started {
  child: ChildProcess;
  url: string;
  mqttUrl: string;
  oneTimePassword: string | undefined;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function run(args: string[]): {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  ended: Promise<{ code: number | null; signal: string | null }>;
} {
  const child = spawn(process.execPath, ["--import", "tsx", mainPath, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let output = "";
  let errors = "";
  child.stdout!.on("data", (data) => (output += data));
  child.stderr!.on("data", (data) => (errors += data));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    // Not at its exit: the last of its words may come after that.
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  return { child, output: () => output, errors: () => errors, ended };
}

async function start(args: string[]): Promise<Started & ReturnType<typeof run>> {
  const process = run(args);
  const deadline = Date.now() + 30_000;
  while (!process.output().includes("Flipside is up")) {
    if (Date.now() > deadline || process.child.exitCode !== null)
      throw new Error(`the server did not start: ${process.errors()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [, url, mqttUrl] = /console (\S+), devices (\S+)/.exec(process.output())!;
  return {
    ...process,
    url: url!,
    mqttUrl: mqttUrl!,
    oneTimePassword: /one-time password (\S+)/.exec(process.output())?.[1],
  };
}

/** Arguments of a server on this folder, with any ports. */
async function argumentsFor(dataDir: string, chain: Uint8Array): Promise<string[]> {
  const trustChain = join(dataDir, "trust-chain.bin");
  await writeFile(trustChain, chain);
  const where = ["--host", "127.0.0.1", "--data-dir", dataDir, ...(await databaseArguments(dataDir))];
  return [...where, "--port", "0", "--mqtt-port", "0", "--trust-chain", trustChain, "--log-level", "warn"];
}

async function signIn(api: ApiClient, oneTimePassword: string | undefined): Promise<void> {
  await api.post("/api/v1/session", { userName: "admin", password: oneTimePassword });
  await api.post("/api/v1/session/password", { currentPassword: oneTimePassword, newPassword: password });
}

async function connectAnew(devices: ProtocolDevice[], { mqttUrl }: Started): Promise<void> {
  for (const device of devices) {
    device.mqttUrl = mqttUrl;
    await device.connect();
    await device.prove();
  }
}

/** Three of them, enrolled and checked in. */
async function threeDevices(
  api: ApiClient,
  server: Started,
): Promise<[ProtocolDevice, ProtocolDevice, ProtocolDevice]> {
  const device = async (id: string) => new ProtocolDevice(id, await generateSigningKey(), server.mqttUrl);
  const devices = await Promise.all([device("k-1"), device("k-2"), device("k-3")]);
  await api.post("/api/v1/claims", { claims: devices.map((each) => each.claim) });
  for (const each of devices) {
    expect(await each.enrol()).toMatchObject({ ok: true });
    await connectAnew([each], server);
    await each.checkIn();
  }
  return devices;
}

/** A rollout to all, whose first wave has two devices. */
async function rollOut(api: ApiClient, project: Project): Promise<string> {
  const release = (await api.post("/api/v1/releases", await makeRelease(project))).body;
  const order = "as-listed";
  const rollout = { name: "r", releaseId: release.id, target: { all: true }, waves: [{ count: 2 }], order };
  return `/api/v1/rollouts/${(await api.post("/api/v1/rollouts", rollout)).body.id}`;
}

describe("the server as a process", () => {
  it("goes on from its database after SIGKILL: no deployment is lost and nothing is installed twice", async () => {
    const project = await makeProject();
    const args = await argumentsFor(await temporaryDirectory(), project.trustChain);
    let server = await start(args);
    const api = new ApiClient(server.url);
    await signIn(api, server.oneTimePassword);
    const devices = await threeDevices(api, server);
    const [one, two, three] = devices;
    const rollout = await rollOut(api, project);
    await one.install(await one.offered());
    const offerTwo = await two.offered();
    two.take1(offerTwo.deployment, offerTwo.attempt);
    await two.report("downloading", { done: 1, total: 37 });
    await api.until(rollout, (body) => body.counts.installed === 1 && body.counts.downloading === 1);

    server.child.kill("SIGKILL");
    expect(await server.ended).toMatchObject({ signal: "SIGKILL" });
    for (const device of devices) await device.close();
    server = await start(args);
    expect(server.oneTimePassword, "the password is told once").toBeUndefined();
    api.url = server.url;
    const after = (await api.get(rollout)).body;
    expect(after).toMatchObject({ state: "running", counts: { installed: 1, downloading: 1, queued: 1 } });

    // The device booted the new image while the server was away.
    one.reboot(true);
    await connectAnew(devices, server);
    expect((await one.checkIn()).deployment, "nothing is installed twice").toBeUndefined();
    const again = await two.checkIn();
    expect([again.deployment, again.attempt], "the same deployment, the same attempt").toEqual([
      offerTwo.deployment,
      offerTwo.attempt,
    ]);
    await two.install(again);
    server.child.kill("SIGKILL");
    await server.ended;
    server = await start(args);
    api.url = server.url;
    two.reboot(true);
    for (const device of [two, three]) {
      await device.close();
      await connectAnew([device], server);
    }
    await two.checkIn();
    await three.install(await three.checkIn());
    three.reboot(true);
    await three.checkIn();
    await api.until(rollout, (body) => body.state === "completed" && body.counts.confirmed === 3);

    server.child.kill("SIGTERM");
    expect(await server.ended, server.errors()).toEqual({ code: 0, signal: null });
    for (const device of devices) await device.close();
  });

  it("says which port is in use and what to do, and leaves no password behind", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const dataDir = await temporaryDirectory();
    const trustChain = join(dataDir, "trust-chain.bin");
    await writeFile(trustChain, (await makeProject()).trustChain);
    const args = [
      "--host",
      "127.0.0.1",
      "--data-dir",
      dataDir,
      ...(await databaseArguments(dataDir)),
      "--trust-chain",
      trustChain,
      "--log-level",
      "silent",
    ];
    const { ended, errors, output } = run([...args, "--port", String(port), "--mqtt-port", "0"]);
    expect(await ended).toMatchObject({ code: 1 });
    expect(errors()).toContain(`Port ${port} for HTTP is in use`);
    expect(errors()).toContain("choose another port with --port");
    expect(errors()).not.toContain(".ts:");
    expect(output()).toBe("");

    const options = {
      ...(await databaseOf(dataDir)),
      dataDir,
      trustChain,
      port: 0,
      mqttPort: port,
      logLevel: "silent" as const,
    };
    await expect(startServer(options)).rejects.toThrow(new RegExp(`Port ${port} for MQTT is in use.*--mqtt-port`));
    taken.close();
    const server = await startServer({ ...options, mqttPort: 0 });
    expect(server.firstAdministrator).toBeDefined();
    await server.close();
  });
});

describe("a start", () => {
  it("is refused with a configuration that cannot be used, naming flag and variable", () => {
    expect(() => readConfiguration(["--port", "http"], { TRUST_CHAIN: "x" })).toThrow(/--port \(PORT\)/);
    expect(() => readConfiguration(["--no-such-flag"], {})).toThrow(/no-such-flag/);
    expect(() => readConfiguration([], { PORT: "1" })).toThrow(/--trust-chain \(TRUST_CHAIN\)/);
    expect(() => readConfiguration([], { TRUST_CHAIN: "x", MQTT_URL: "nonsense" })).toThrow(/--mqtt-url/);
    expect(
      readConfiguration(["--port", "0"], { PORT: "1", TRUST_CHAIN: "x", ALLOWED_ORIGINS: "https://a, https://b" }),
    ).toMatchObject({
      port: 0,
      mqttPort: undefined,
      mqttPskPort: 8883,
      pollMs: 3000,
      allowedOrigins: ["https://a", "https://b"],
    });
  });

  it("is refused with a trust chain that is missing, damaged or not signed by its own roots", async () => {
    const dataDir = await temporaryDirectory();
    const { trustChain } = await makeProject();
    const damaged = trustChain.slice();
    damaged[damaged.length - 1]! ^= 1;
    const start = async (chain: Uint8Array | string) =>
      startServer({
        ...(await databaseOf(dataDir)),
        dataDir,
        trustChain: chain,
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
      });
    await expect(start(join(dataDir, "missing"))).rejects.toThrow(/trust chain .*missing cannot be used/);
    await expect(start(damaged)).rejects.toThrow("not signed by 1 of its predecessor's roots");
    await expect(start(trustChain.slice(0, -1))).rejects.toThrow("is no trust chain");
    await expect(start(Buffer.concat([trustChain, Buffer.from([0])]))).rejects.toThrow("another length");
  });

  it("takes the release keys of the last link, which the roots before it have signed", async () => {
    const [rootOne, rootTwo, releaseOne, releaseTwo] = await Promise.all([1, 2, 3, 4].map(() => generateSigningKey()));
    const link = (trustVersion: number, root: SigningKey, release: SigningKey) => ({
      trustVersion,
      rootThreshold: 1,
      rootKeys: [root.publicKey],
      releaseKeys: [release.publicKey],
      operationsKeys: [],
    });
    const verifier = await createStrictVerifier(await readFile(await buildStrictVerifier()));
    const first = { trust: link(1, rootOne!, releaseOne!), signedBy: [rootOne!.privateJwk] };
    const second = { trust: link(2, rootTwo!, releaseTwo!), signedBy: [rootOne!.privateJwk] };
    const chain = await readTrustChain(await buildTrustChain([first, second]), verifier);
    expect(chain.at(-1)).toMatchObject({ trustVersion: 2, releaseKeys: [releaseTwo!.publicKey] });
    const usurped = await buildTrustChain([first, { ...second, signedBy: [rootTwo!.privateJwk] }]);
    await expect(readTrustChain(usurped, verifier)).rejects.toThrow("link 2 is not signed");
    const gap = await buildTrustChain([
      first,
      { trust: link(3, rootTwo!, releaseTwo!), signedBy: [rootOne!.privateJwk] },
    ]);
    await expect(readTrustChain(gap, verifier)).rejects.toThrow("link 2 has trust version 3");
  });
});
