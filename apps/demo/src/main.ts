// `npm start`: the product, on this machine.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildSignedRelease } from "../../agent/build/build-release.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { ToolError } from "../../agent/build/run-tool.ts";
import { DemoFleet } from "./demo-fleet.ts";
import { type DemoOptions, OptionError, readOptions, usage } from "./options.ts";
import { buildConsole, prepare } from "./prepare.ts";
import { ServerProcess, ServerStartError } from "./server-process.ts";

const POLL_MS = 3_000;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const progress = (step: string): void => say(`building: ${step}`);

async function demo(options: DemoOptions): Promise<void> {
  const { folder } = options;
  const prepared = await prepare(folder, progress);
  const signingKeys = [prepared.keys.release.privateJwk];
  const release = await buildSignedRelease({ version: "1.0.0", releaseSequence: 1, signingKeys, description: "The image that the factory put in.", onProgress: progress });
  await buildConsole(progress);

  // The broker's port first: devices are made for it.
  const claimsPath = join(folder, "claims.json");
  const server = new ServerProcess({
    folder: join(folder, "server"),
    trustChainPath: prepared.keys.trustChainPath,
    operationsKeyPath: prepared.keys.operationsKeyPath,
    claimsPath,
    port: options.port,
    mqttPort: options.mqttPort === 0 ? await freePort() : options.mqttPort,
    pollMs: POLL_MS,
  });
  progress(`fleet of 1 unikernel and ${options.devices} virtual devices`);
  const fleet = await DemoFleet.open({ folder: join(folder, "fleet"), prepared, release, virtualDevices: options.devices, mqttPort: server.options.mqttPort });
  fleet.writeClaims(claimsPath);
  await server.start();

  let stopping = false;
  const stop = async (code: number): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    say("stopping");
    await fleet.stop();
    await server.stop();
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(0));
  server.onUnexpectedExit = (code) => {
    say(`the server ended by itself (status ${code}); its log is ${relative(process.cwd(), server.logPath)}`);
    void stop(1);
  };

  await fleet.start();
  const next = await buildSignedRelease({ version: "2.0.0", releaseSequence: 2, signingKeys, description: "A first update to try.", onProgress: () => {} });
  const releases = join(folder, "releases");
  mkdirSync(releases, { recursive: true });
  const releasePath = join(releases, "flipside-demo-2.0.0.release");
  writeFileSync(releasePath, next.file);

  const lines = [
    "",
    `  Flipside is up: ${server.url.replace(/\/\/[^:/]+/, "//localhost")}`,
    ...(server.firstPassword === undefined
      ? ["  Sign in as admin with the password that you chose."]
      : [`  First sign-in: user admin, one-time password ${server.firstPassword}`]),
    `  Fleet: ${fleet.size} devices (1 unikernel in QEMU, ${fleet.size - 1} virtual)`,
    `  A release to upload and roll out: ${relative(process.cwd(), releasePath)}`,
    `  Console of the unikernel: ${relative(process.cwd(), join(folder, "fleet", "unikernel-1", "console.log"))}`,
    "  Ctrl-C stops everything; state is kept.",
    "",
  ];
  process.stdout.write(lines.join("\n") + "\n");
}

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), join(repositoryRoot, "var"));
  if (options === "help") return void process.stdout.write(usage);
  if (!options.auto) return demo(options);
  const { runStory } = await import("../../../test/end-to-end/story.ts");
  const summary = await runStory({ virtualDevices: options.devices, seed: options.seed, keep: options.keep, ...(options.chapters === undefined ? {} : { chapters: options.chapters }), say });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exit(summary.ok ? 0 : 1);
}

main().catch((error: unknown) => {
  const forPeople = error instanceof OptionError || error instanceof ToolError || error instanceof ServerStartError;
  say(forPeople ? (error as Error).message : ((error as Error).stack ?? String(error)));
  process.exit(1);
});
