import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeAll, expect, test } from "vitest";
import { readConfiguration } from "../src/configuration.ts";
import { StartError, startServer } from "../src/server.ts";
import { mainPath, temporaryDirectory } from "./fixture.ts";
import { makeProject, type Project } from "./keys.ts";

let project: Project;
beforeAll(async () => {
  project = await makeProject();
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** The server as a process of its own; resolves with its lines when it is up, and what it is open to. */
async function start(
  dataDir: string,
  options: { args?: string[]; environment?: NodeJS.ProcessEnv; stdio?: "ipc" } = {},
) {
  const trustChain = join(dataDir, "trust-chain.bin");
  await writeFile(trustChain, project.trustChain);
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      mainPath,
      "--port",
      "0",
      "--mqtt-port",
      "0",
      "--data-dir",
      dataDir,
      "--trust-chain",
      trustChain,
      "--log-level",
      "warn",
      ...(options.args ?? []),
    ],
    {
      stdio: ["ignore", "pipe", "inherit", ...(options.stdio === undefined ? [] : [options.stdio])],
      env: { ...process.env, ...options.environment },
    },
  );
  children.push(child);
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      lines.push(line);
      if (line.startsWith("Open to:")) resolve();
    });
  });
  const [, url, mqtt] = /console (\S+), devices (\S+)/.exec(lines.join("\n"))!;
  return { child, lines, httpPort: Number(new URL(url!).port), mqttPort: Number(/:(\d+)$/.exec(mqtt!)![1]) };
}

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("exit", resolve));

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("a second server on a data folder is told who has it; after kill -9 of the first, the next one starts", async () => {
  const dataDir = await temporaryDirectory();
  const first = await start(dataDir);
  const second = startServer({ dataDir, trustChain: project.trustChain, port: 0, mqttPort: 0, logLevel: "silent" });
  await expect(second).rejects.toThrow(StartError);
  await expect(second).rejects.toThrow(
    new RegExp(`${dataDir} is in use by process ${first.child.pid} since \\S+Z \\(node .*main\\.ts .*--data-dir`),
  );

  const gone = ended(first.child);
  first.child.kill("SIGKILL");
  await gone;
  const third = await startServer({
    dataDir,
    trustChain: project.trustChain,
    port: 0,
    mqttPort: 0,
    logLevel: "silent",
  });
  await expect(
    startServer({ dataDir, trustChain: project.trustChain, port: 0, mqttPort: 0, logLevel: "silent" }),
  ).rejects.toThrow(`in use by process ${process.pid}`);
  await third.close();
  await (
    await startServer({ dataDir, trustChain: project.trustChain, port: 0, mqttPort: 0, logLevel: "silent" })
  ).close();
});

test("a start that fails gives the data folder back", async () => {
  const dataDir = await temporaryDirectory();
  await expect(
    startServer({ dataDir, trustChain: new Uint8Array([1]), port: 0, mqttPort: 0, logLevel: "silent" }),
  ).rejects.toThrow("trust chain");
  await (
    await startServer({ dataDir, trustChain: project.trustChain, port: 0, mqttPort: 0, logLevel: "silent" })
  ).close();
});

test("a server that was started with an IPC channel ends in order when its parent closes it, as the kernel does for one that was killed", async () => {
  const { child } = await start(await temporaryDirectory(), { stdio: "ipc" });
  const gone = ended(child);
  child.disconnect();
  expect(await gone).toBe(0);
});

const otherAddress = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry?.family === "IPv4" && !entry.internal)?.address;
if (otherAddress === undefined)
  console.warn("skipped in part: this machine has no address besides loopback, so only 127.0.0.2 is tried");

test("without options, HTTP and MQTT are open to this machine alone, and the server says so", async () => {
  const server = await start(await temporaryDirectory(), { environment: { HOST: "", MQTT_HOST: "" } });
  expect(server.lines).toContain("Open to: console only this machine; devices only this machine");
  for (const port of [server.httpPort, server.mqttPort]) {
    expect(await answers("127.0.0.1", port)).toBe(true);
    if (otherAddress !== undefined) expect(await answers(otherAddress, port)).toBe(false);
    // Linux has all of 127.0.0.0/8 on its loopback; elsewhere this is refused in any case.
    expect(await answers("127.0.0.2", port)).toBe(false);
  }
});

test("--mqtt-host opens MQTT alone to others, and the server says to whom; HOST in the environment is for both", async () => {
  const server = await start(await temporaryDirectory(), {
    args: ["--mqtt-host", "0.0.0.0"],
    environment: { HOST: "127.0.0.1" },
  });
  expect(server.lines).toContain(
    "Open to: console only this machine; devices anyone on this machine's networks, in clear",
  );
  for (const [port, isOpen] of [
    [server.httpPort, false],
    [server.mqttPort, true],
  ] as const) {
    if (otherAddress !== undefined) expect(await answers(otherAddress, port)).toBe(isOpen);
    if (process.platform === "linux") expect(await answers("127.0.0.2", port)).toBe(isOpen);
  }
  const configuration = readConfiguration(["--trust-chain", "chain"], { HOST: "0.0.0.0" });
  expect(configuration).toMatchObject({ host: "0.0.0.0", mqttHost: undefined });
});

test("an address that is not this machine's is named, with what to give in its place", async () => {
  const dataDir = await temporaryDirectory();
  // RFC 5737: for documentation, so nobody's.
  await expect(
    startServer({
      dataDir,
      trustChain: project.trustChain,
      host: "192.0.2.1",
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
    }),
  ).rejects.toThrow(/192\.0\.2\.1 is no address of this machine that MQTT could listen on/);
});
