// `npm start`: the product, on this machine.

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { buildSignedRelease, buildVirtualRelease } from "../../agent/build/build-release.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import type { ProjectKeys } from "../../agent/build/project-keys.ts";
import { missingDeviceTools, ToolError } from "../../agent/build/run-tool.ts";
import { outliveOutput } from "../../../packages/processes/src/end-with-parent.ts";
import { FolderInUseError, lockFolder } from "../../../packages/processes/src/folder-lock.ts";
import { isLoopback, isWildcard, whoReaches } from "../../../packages/processes/src/reach.ts";
import { DemoFleet, wasMadeInClear } from "./demo-fleet.ts";
import { type DemoOptions, OptionError, readOptions, usage } from "./options.ts";
import { buildServed } from "../../web/build/build-served.ts";
import { prepare, prepareVirtual } from "./prepare.ts";
import { ServerProcess, ServerStartError } from "./server-process.ts";

const POLL_MS = 3_000;
/**
 * One stop often comes as several signals: a terminal's or a service manager's to the group, and the launcher's own.
 */
const SAME_STOP_MS = 1_000;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const progress = (step: string): void => say(`building: ${step}`);

/** What is running, for whatever ends this process. */
interface Running {
  server?: ServerProcess;
  fleet?: DemoFleet;
}

/** Stops everything in order at the first signal, at once at one that comes later. */
function stopOnSignals(running: Running): (code: number) => Promise<void> {
  let stoppingSinceMs: number | undefined;
  const stop = async (code: number): Promise<void> => {
    if (stoppingSinceMs !== undefined) {
      if (performance.now() - stoppingSinceMs <= SAME_STOP_MS) return;
      running.server?.killNow();
      process.exit(1);
    }
    stoppingSinceMs = performance.now();
    say("stopping");
    await running.fleet?.stop();
    await running.server?.stop();
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop(0));
  return stop;
}

interface OpenFleet {
  fleet: DemoFleet;
  keys: ProjectKeys;
  /** What the factory has put in slot A. */
  factoryRelease: Uint8Array;
  nextRelease: () => Promise<Uint8Array>;
}

/** Builds the first release and opens the fleet that has it in slot A: with a unikernel where its tools are. */
async function openFleet(options: DemoOptions, mqttPort: number): Promise<OpenFleet> {
  const { folder } = options;
  const missing = missingDeviceTools();
  const first = {
    version: "1.0.0",
    releaseSequence: 1,
    description: "The image that the factory put in.",
    onProgress: progress,
  };
  const next = { version: "2.0.0", releaseSequence: 2, description: "A first update to try." };
  const { devices: virtualDevices, mqttHost, isMqttClear } = options;
  const plan = { folder: join(folder, "fleet"), virtualDevices, mqttPort, mqttHost, isMqttClear };
  const isVirtual = missing.length > 0;
  if (isVirtual) say(`no unikernel: ${missing.join(", ")} missing here`);
  const fleetOf = `fleet of ${isVirtual ? "" : "1 unikernel and "}${options.devices} virtual devices`;
  if (isVirtual) {
    const prepared = await prepareVirtual(folder, progress);
    const signingKeys = [prepared.keys.release.privateJwk];
    const release = await buildVirtualRelease({ ...first, signingKeys });
    progress(fleetOf);
    const fleet = await DemoFleet.openVirtual({ ...plan, prepared, release });
    return {
      fleet,
      keys: prepared.keys,
      factoryRelease: release.file,
      nextRelease: async () => (await buildVirtualRelease({ ...next, signingKeys })).file,
    };
  }
  const prepared = await prepare(folder, progress);
  const signingKeys = [prepared.keys.release.privateJwk];
  const release = await buildSignedRelease({ ...first, signingKeys });
  progress(fleetOf);
  const fleet = await DemoFleet.open({ ...plan, prepared, release });
  return {
    fleet,
    keys: prepared.keys,
    factoryRelease: release.file,
    nextRelease: async () => (await buildSignedRelease({ ...next, signingKeys })).file,
  };
}

/** As asked, or as the devices that are there already can. */
function asTheFleetSpeaks(options: DemoOptions): DemoOptions {
  if (options.isMqttClear || !wasMadeInClear(join(options.folder, "fleet"))) return options;
  say(
    `the devices in ${options.folder} were made for MQTT in clear, and are served so; another --folder has new ones, with TLS`,
  );
  return { ...options, isMqttClear: true };
}

async function demo(asked: DemoOptions): Promise<void> {
  const { folder } = asked;
  // Held until this process ends: two of them would write over each other's devices.
  lockFolder(folder);
  const options = asTheFleetSpeaks(asked);
  const running: Running = {};
  const stop = stopOnSignals(running);
  // The broker's port first: devices are made for it.
  const held = options.mqttPort === 0 ? await holdPort(options.mqttHost) : undefined;
  const mqttPort = held?.port ?? options.mqttPort;
  const { fleet, keys, factoryRelease, nextRelease } = await openFleet(options, mqttPort);
  running.fleet = fleet;
  const consoleDir = await buildServed(() => progress("console (React, Vite)"));
  const claimsPath = join(folder, "claims.json");
  fleet.writeClaims(claimsPath);
  const server = new ServerProcess({
    folder: join(folder, "server"),
    trustChainPath: keys.trustChainPath,
    operationsKeyPath: keys.operationsKeyPath,
    claimsPath,
    consoleDir,
    host: options.host,
    mqttHost: options.mqttHost,
    port: options.port,
    mqttPort,
    isMqttClear: options.isMqttClear,
    mqttWebSocketPort: options.mqttWebSocketPort,
    pollMs: POLL_MS,
  });
  running.server = server;
  server.onUnexpectedExit = (code) => {
    say(`the server ended by itself (status ${code}); its log is ${relative(process.cwd(), server.logPath)}`);
    void stop(1);
  };
  await held?.release();
  await server.start();
  await fleet.start();
  const releases = join(folder, "releases");
  mkdirSync(releases, { recursive: true });
  const releasePath = join(releases, "flipside-demo-2.0.0.release");
  writeFileSync(releasePath, await nextRelease());
  // Without it the server knows no way back to it.
  const factoryPath = join(releases, "flipside-demo-1.0.0.release");
  writeFileSync(factoryPath, factoryRelease);

  const webSocketPort = options.mqttWebSocketPort === 0 ? "any free port" : `port ${options.mqttWebSocketPort}`;
  const lines = [
    "",
    `  Flipside is up: ${isLoopback(options.host) || isWildcard(options.host) ? server.url.replace(/\/\/(\[[^\]]*\]|[^:/]+)/, "//localhost") : server.url}`,
    ...(server.firstPassword === undefined
      ? ["  Sign in as admin with the password that you chose."]
      : [`  First sign-in: user admin, one-time password ${server.firstPassword}`]),
    `  Open to: console ${whoReaches(options.host)}; devices (MQTT ${options.isMqttClear ? "in clear" : "over TLS"}, port ${mqttPort}; by WebSocket, ${webSocketPort}) ${whoReaches(options.mqttHost)}`,
    `  Fleet: ${fleet.size} devices (${fleet.hasUnikernel ? "1 unikernel in QEMU, " : ""}${fleet.virtual.devices.size} virtual)`,
    `  A release to upload and roll out: ${relative(process.cwd(), releasePath)}`,
    `  The release that the factory put in, to be able to roll back to it: ${relative(process.cwd(), factoryPath)}`,
    ...(fleet.hasUnikernel
      ? [`  Console of the unikernel: ${relative(process.cwd(), fleet.unikernel.consolePath)}`]
      : []),
    "  Ctrl-C stops everything; state is kept.",
    "",
  ];
  process.stdout.write(lines.join("\n") + "\n");
}

/** A port that nobody else is given until `release`, after which somebody should listen there soon. */
async function holdPort(host: string): Promise<{ port: number; release(): Promise<void> }> {
  const holder = createServer();
  await new Promise<void>((resolve, reject) => {
    holder.once("error", reject);
    holder.listen(0, host, resolve);
  });
  const { port } = holder.address() as { port: number };
  return { port, release: () => new Promise((resolve) => holder.close(() => resolve())) };
}

async function main(): Promise<void> {
  outliveOutput();
  const options = readOptions(process.argv.slice(2), join(repositoryRoot, "var"), process.env);
  if (options === "help") return void process.stdout.write(usage);
  if (!options.auto) return demo(options);
  const missing = missingDeviceTools();
  if (missing.length > 0)
    throw new ToolError(
      `--auto tells the story of a unikernel beside virtual devices, and ${missing.join(", ")} missing here (npm run setup says how to get that). Without --auto it goes with virtual devices alone.`,
    );
  const { runStory } = await import("../../../test/end-to-end/story.ts");
  const summary = await runStory({
    virtualDevices: options.devices,
    seed: options.seed,
    isMqttClear: options.isMqttClear,
    keep: options.keep,
    ...(options.chapters === undefined ? {} : { chapters: options.chapters }),
    say,
  });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exit(summary.ok ? 0 : 1);
}

main().catch((error: unknown) => {
  const forPeople =
    error instanceof OptionError ||
    error instanceof ToolError ||
    error instanceof ServerStartError ||
    error instanceof FolderInUseError;
  say(forPeople ? (error as Error).message : ((error as Error).stack ?? String(error)));
  process.exit(1);
});
