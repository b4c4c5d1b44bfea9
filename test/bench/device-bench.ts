// The device's figures: sizes of what it ships, instructions of its boots, connections and updates, and what an update
// takes by the clock, on a unikernel beside virtual devices at a server of the bench's.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { buildPayloads, buildSignedRelease } from "../../apps/agent/build/build-release.ts";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { DemoFleet } from "../../apps/demo/src/demo-fleet.ts";
import { type Prepared, prepare } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { ConsoleClient } from "../end-to-end/console-client.ts";
import { countToApp, countToMqtt, type MqttCount, sleepRecorder } from "./boot-instructions.ts";
import { timeBoots } from "./boot-time.ts";
import { DeviceSnapshot } from "./device-snapshot.ts";
import {
  IMAGE_BYTES_LIMIT,
  IMAGE_WITH_TLS_BYTES_GOAL,
  TLS_HANDSHAKE_INSTRUCTIONS_GOAL,
  TLS_INSTRUCTIONS_PER_BYTE_GOAL,
  INSTRUCTIONS_TO_MQTT_GOAL,
  LOADER_BYTES_LIMIT,
  RAM_BYTES_GOAL,
  UPDATE_INSTRUCTIONS_GOAL,
} from "../../apps/agent/build/size-goals.ts";
import { type Figures, Table } from "./figures.ts";
import { imageParts, ramParts, sumOf, usefulBytes } from "./image-parts.ts";
import { InstructionCounter } from "./instruction-counter.ts";
import { toldOf } from "./other-server.ts";
import { say } from "./say.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { measureTcp } from "./tcp-throughput.ts";
import { IMAGE_WINDOW_BYTES, measureUpdates, rateOf } from "./update-throughput.ts";

const VIRTUAL_DEVICES = 24;
export const POLL_MS = 1_000;
const CHECKED_IN_TIMEOUT_MS = 60_000;
export const IDLE_MS = 10_000;
const BOOT_COUNTS = 3;
const MQTT_COUNTS = 5;
const MQTT_DISCARDED_MAX = 5;
const BOOT_TIMES = 7;
/** Of the first image by the clock: behind those that were counted, since the server knows what the device has had. */
const TIMED_SEQUENCE = 100;
/** The same over TLS, between the two. */
const SEALED_SEQUENCE = 50;
const TRANSFER_BYTES_MIN = 1024 * 1024;
const PASSWORD = "only for this benchmark";

/** Server and fleet until every device has checked in; the server's memory; then the fleet is off and the server on. */
export class World {
  private constructor(
    readonly server: ServerProcess,
    readonly fleet: DemoFleet,
  ) {}

  static async open(folder: string, prepared: Prepared, release: Release): Promise<World> {
    const claimsPath = join(folder, "claims.json");
    const mqttPort = await reservePort();
    const server = new ServerProcess({
      folder: join(folder, "server"),
      trustChainPath: prepared.keys.trustChainPath,
      claimsPath,
      port: 0,
      mqttPort,
      // Figures of before TLS go on from here; what TLS costs, `npm run bench -- --device` says.
      isMqttClear: true,
      mqttPskPort: await reservePort(),
      pollMs: POLL_MS,
    });
    const fleet = await DemoFleet.open({
      folder: join(folder, "fleet"),
      prepared,
      release,
      virtualDevices: VIRTUAL_DEVICES,
      mqttPort,
      // Figures of before TLS go on from here; what TLS costs, `npm run bench -- --device` says.
      isMqttClear: true,
    });
    fleet.writeClaims(claimsPath);
    return new World(server, fleet);
  }

  async start(): Promise<ConsoleClient> {
    await this.server.start();
    const client = new ConsoleClient(this.server.url);
    await client.signIn("admin", this.server.firstPassword!, PASSWORD);
    await this.fleet.start();
    return client;
  }

  async allCheckedIn(client: ConsoleClient): Promise<void> {
    const deadline = Date.now() + CHECKED_IN_TIMEOUT_MS;
    for (;;) {
      const here = (await client.devices()).filter((device) => device.online && device.running !== null).length;
      if (here === this.fleet.size) return;
      if (Date.now() > deadline)
        throw new Error(`${here} of ${this.fleet.size} devices have checked in after ${CHECKED_IN_TIMEOUT_MS} ms`);
      await pause(250);
    }
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.server.stop();
  }
}

/** A count that must not depend on anything outside the machine. */
function repeated(name: string, counts: number[]): { value: number; note: string } {
  const same = counts.every((count) => count === counts[0]);
  if (!same) {
    say(`${name} is not repeatable: ${counts.join(", ")}`);
    process.exitCode = 1;
  }
  return {
    value: Math.round(counts[0]!),
    note: same ? `the same in ${counts.length} runs` : `NOT REPEATABLE: ${counts.map(Math.round).join(", ")}`,
  };
}

const milliseconds = (spread: Spread): string =>
  `min ${spread.min.toFixed(0)}, max ${spread.max.toFixed(0)}, ${spread.count} runs`;

/** What is measured, with what it is measured on. */
export interface Subject {
  folder: string;
  prepared: Prepared;
  release: Release;
  table: Table;
  /** The same device, which speaks TLS, or doesn't. */
  told(snapshot: DeviceSnapshot, how: { isTls: boolean }): Promise<DeviceSnapshot>;
}

type DeviceFigures = Pick<
  Figures,
  | "imageBytes"
  | "imageBytesWithTls"
  | "loaderBytes"
  | "ramBytes"
  | "instructionsToVerified"
  | "instructionsToApp"
  | "instructionsToMqtt"
  | "tlsHandshakeInstructions"
  | "serverRssBytes"
>;
type Release = Awaited<ReturnType<typeof buildSignedRelease>>;

async function benchSizes({
  prepared,
  release,
  table,
}: Subject): Promise<Pick<Figures, "imageBytes" | "imageBytesWithTls" | "loaderBytes" | "ramBytes">> {
  say("sizes");
  const imageBytes = release.unikernelImage.length;
  const parts = await imageParts(release.unikernelImage, release.unikernel);
  if (sumOf(parts) !== imageBytes)
    throw new Error(`the parts of the image sum up to ${sumOf(parts)}, not ${imageBytes}`);
  const withoutApp = await buildPayloads({ appEntry: join(repositoryRoot, "test/bench/assembly/empty-app.ts") });
  const ram = await ramParts(release.unikernel);
  const ramBytes = sumOf(ram);
  table.row(
    "image",
    imageBytes,
    "B",
    `limit: ${IMAGE_BYTES_LIMIT}; TLS is in it; goal: at most ${IMAGE_WITH_TLS_BYTES_GOAL}`,
  );
  table.parts(parts);
  table.row(
    "  (the example app, by difference to an empty one)",
    (await usefulBytes(release.unikernel)) - (await usefulBytes(withoutApp.unikernel)),
    "B",
  );
  const loaderBytes = readFileSync(prepared.loader.binaryPath).length;
  table.row("boot loader", loaderBytes, "B", `limit and goal: ${LOADER_BYTES_LIMIT}; in bank 0, beside the image`);
  table.row("RAM in use", ramBytes, "B", `goal: at most ${RAM_BYTES_GOAL}; the PMP denies more than 524288`);
  table.parts(ram);
  return { imageBytes, imageBytesWithTls: imageBytes, loaderBytes, ramBytes };
}

/** The fleet has checked in and is idle: what the server has by then, and the unikernel, switched off after that. */
async function idleFleet(
  { folder }: Subject,
  world: World,
): Promise<{ client: ConsoleClient; snapshot: DeviceSnapshot; serverRssBytes: number }> {
  const client = await world.start();
  await world.allCheckedIn(client);
  await pause(IDLE_MS);
  await world.allCheckedIn(client);
  const serverRssBytes = world.server.residentBytes();
  await world.fleet.stop();
  return { client, snapshot: DeviceSnapshot.take(world.fleet.unikernel, join(folder, "snapshot")), serverRssBytes };
}

/** `folder`: of these alone. */
async function countConnections(
  { prepared }: Subject,
  snapshot: DeviceSnapshot,
  folder: string,
): Promise<{ connections: MqttCount[]; discarded: number }> {
  mkdirSync(folder, { recursive: true });
  const recorder = await sleepRecorder({ snapshot, releaseKey: prepared.keys.release, folder });
  const connections: MqttCount[] = [];
  let discarded = 0;
  while (connections.length < MQTT_COUNTS) {
    const count = await countToMqtt(recorder);
    if (count) connections.push(count);
    else if (++discarded > MQTT_DISCARDED_MAX)
      throw new Error(`${discarded} connections took too long to be counted; is this machine busy?`);
  }
  return { connections, discarded };
}

async function benchInstructions(
  subject: Subject,
  snapshot: DeviceSnapshot,
  sealed: DeviceSnapshot,
): Promise<
  Pick<Figures, "instructionsToVerified" | "instructionsToApp" | "instructionsToMqtt" | "tlsHandshakeInstructions">
> {
  const { folder, release, table } = subject;
  say("boots, counted");
  const counts: { verified: number; app: number }[] = [];
  for (let i = 0; i < BOOT_COUNTS; i++) counts.push(await countToApp(snapshot, release.unikernel));
  const { connections, discarded } = await countConnections(subject, snapshot, join(folder, "in-clear"));
  const bySeal = await countConnections(subject, sealed, join(folder, "sealed"));
  const verified = repeated(
    "instructions to verified",
    counts.map((count) => count.verified),
  );
  const app = repeated(
    "instructions to the app",
    counts.map((count) => count.app),
  );
  const mqtt = spreadOf(connections.map((count) => count.instructions));
  const sleeps = spreadOf(connections.map((count) => count.sleeps));
  const slept = spreadOf(connections.map((count) => count.sleptInstructions));
  table.row("instructions to verified", verified.value, "", verified.note);
  table.row("instructions to app", app.value, "", app.note);
  table.row(
    "instructions to MQTT",
    mqtt.median,
    "",
    `goal: at most ${INSTRUCTIONS_TO_MQTT_GOAL}; median; min ${Math.round(mqtt.min)}, max ${Math.round(mqtt.max)}, ${mqtt.count} runs; taken off: ${sleeps.min} to ${sleeps.max} sleeps, ${Math.round(slept.min)} to ${Math.round(slept.max)}${discarded > 0 ? `; ${discarded} runs discarded` : ""}`,
  );
  const overTls = spreadOf(bySeal.connections.map((count) => count.instructions));
  const handshake = Math.round(overTls.median - mqtt.median);
  table.row(
    "  by TLS more than that",
    handshake,
    "",
    `goal: at most ${TLS_HANDSHAKE_INSTRUCTIONS_GOAL}; difference of medians; by TLS min ${Math.round(overTls.min)}, max ${Math.round(overTls.max)}, ${overTls.count} runs`,
  );
  return {
    instructionsToVerified: verified.value,
    instructionsToApp: app.value,
    instructionsToMqtt: Math.round(mqtt.median),
    tlsHandshakeInstructions: handshake,
  };
}

export async function benchBootTimes({ table }: Subject, snapshot: DeviceSnapshot): Promise<void> {
  say("boots, by the clock");
  const times = await timeBoots(snapshot, BOOT_TIMES);
  table.row("wall time to verified", times.verified.median, "ms", milliseconds(times.verified));
  table.row("wall time to the agent's first line", times.agent.median, "ms", milliseconds(times.agent));
  table.row("wall time to MQTT", times.mqtt.median, "ms", milliseconds(times.mqtt));
}

/**
 * From "update accepted" to "installed", of updates as large as the window; and the device as it is then, for what goes
 * on with this server. Without the figure where nothing compiles C.
 */
export async function benchUpdateInstructions(
  subject: Subject,
  snapshot: DeviceSnapshot,
  client: ConsoleClient,
): Promise<{
  figures: Pick<Figures, "updateInstructions" | "tlsInstructionsPerByte">;
  updated: DeviceSnapshot;
}> {
  if (!hasCommand("cc")) {
    say("the instructions of an update are not counted: cc, a C compiler for this machine, is not installed");
    return { figures: {}, updated: snapshot };
  }
  const { folder, table } = subject;
  say("updates, counted");
  const { counts, verified, updated } = await countUpdates(subject, snapshot, client, {
    ...{ folder: join(folder, "updates"), firstSequence: 2 },
  });
  say("updates over TLS, counted");
  const sealed = await countUpdates(subject, await subject.told(updated, { isTls: true }), client, {
    folder: join(folder, "sealed-updates"),
    firstSequence: SEALED_SEQUENCE,
  });
  const note = (of: Spread): string =>
    `${IMAGE_WINDOW_BYTES} B; median; min ${of.min}, max ${of.max}, ${of.count} updates`;
  table.row(
    "instructions of an update",
    counts.median,
    "",
    `${note(counts)}; goal: at most ${UPDATE_INSTRUCTIONS_GOAL}`,
  );
  table.row("  instructions to verified, then", verified.max, "", "an image that fills the window");
  table.row("  by TLS", sealed.counts.median, "", note(sealed.counts));
  const perByte = (sealed.counts.median - counts.median) / IMAGE_WINDOW_BYTES;
  table.row(
    "  by TLS more, a byte of the image",
    perByte,
    "",
    `goal: at most ${TLS_INSTRUCTIONS_PER_BYTE_GOAL}; what goes with it, such as check-ins, is in it`,
  );
  return {
    figures: { updateInstructions: counts.median, tlsInstructionsPerByte: perByte },
    updated: await subject.told(sealed.updated, { isTls: false }),
  };
}

/** `folder`: of these updates alone. */
async function countUpdates(
  { prepared, release }: Subject,
  snapshot: DeviceSnapshot,
  client: ConsoleClient,
  { folder, firstSequence }: { folder: string; firstSequence: number },
): Promise<{ counts: Spread; verified: Spread; updated: DeviceSnapshot }> {
  mkdirSync(folder, { recursive: true });
  const counter = await InstructionCounter.build(folder);
  const unikernel = snapshot.restore({ qemuPath: counter.qemuPath });
  const proven = unikernel.waitForLine(/\] session proven/, CHECKED_IN_TIMEOUT_MS);
  unikernel.powerOn();
  try {
    await proven;
    await measureUpdates({
      unikernel,
      payload: readFileSync(release.unikernel.binaryPath),
      releaseKey: prepared.keys.release,
      client,
      bytesMin: TRANSFER_BYTES_MIN,
      firstSequence,
    });
  } finally {
    await unikernel.cutPower();
  }
  const lines = counter.lines(unikernel);
  const of = (what: RegExp): number[] =>
    lines.filter(({ line }) => what.test(line)).map(({ instructions }) => instructions);
  const begun = of(/\] update accepted/);
  const counts = spreadOf(of(/\] installed /).map((installed, i) => installed - begun[i]!));
  return {
    counts,
    verified: spreadOf(of(/\] verified /)),
    updated: DeviceSnapshot.take(unikernel, join(folder, "updated")),
  };
}

export async function benchTransfers(
  { folder, prepared, release, table }: Subject,
  snapshot: DeviceSnapshot,
  client: ConsoleClient,
): Promise<Pick<Figures, "updateBytesPerSecond" | "tcpBytesPerSecond">> {
  say("updates");
  const unikernel = snapshot.restore();
  const proven = unikernel.waitForLine(/\] session proven/, CHECKED_IN_TIMEOUT_MS);
  unikernel.powerOn();
  let updates;
  try {
    await proven;
    updates = await measureUpdates({
      unikernel,
      payload: readFileSync(release.unikernel.binaryPath),
      releaseKey: prepared.keys.release,
      client,
      bytesMin: TRANSFER_BYTES_MIN,
      firstSequence: TIMED_SEQUENCE,
    });
  } finally {
    await unikernel.cutPower();
  }
  say("plain TCP");
  const tcp = await measureTcp({ folder, prepared, transfers: updates.length, bytes: IMAGE_WINDOW_BYTES });
  const updateBytesPerSecond = Math.round(rateOf(updates));
  const tcpBytesPerSecond = Math.round(rateOf(tcp));
  const seconds = (transfers: { seconds: number }[]): string =>
    `${transfers.length} × ${IMAGE_WINDOW_BYTES} B in ${transfers.map((t) => t.seconds.toFixed(3)).join(", ")} s`;
  table.row("update", updateBytesPerSecond, "B/s", seconds(updates));
  table.row("plain TCP", tcpBytesPerSecond, "B/s", seconds(tcp));
  table.row("update to plain TCP", (100 * updateBytesPerSecond) / tcpBytesPerSecond, "%");
  return { updateBytesPerSecond, tcpBytesPerSecond };
}

/** The device's sizes and the instructions of its boots, and what the rest of a run goes on with. */
export async function benchDevice(
  folder: string,
  table: Table,
  onWorld: (world: World) => void,
): Promise<{
  subject: Subject;
  world: World;
  snapshot: DeviceSnapshot;
  client: ConsoleClient;
  figures: DeviceFigures;
}> {
  say("building");
  const prepared = await prepare(folder, () => {});
  const release = await buildSignedRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [prepared.keys.release.privateJwk],
    description: "The image that the factory put in.",
  });
  let told = 0;
  const subject: Subject = {
    ...{ folder, prepared, release, table },
    told: (of, { isTls }) => {
      const into = join(folder, `told-${++told}`);
      mkdirSync(into, { recursive: true });
      const identityPath = join(world.fleet.unikernel.options.folder, "identity.json");
      const { mqttPort, mqttPskPort } = world.server.options;
      return toldOf(of, { folder: into, identityPath, isTls, port: isTls ? mqttPskPort! : mqttPort });
    },
  };
  const sizes = await benchSizes(subject);

  say(`server with ${VIRTUAL_DEVICES} virtual devices and the unikernel`);
  const world = await World.open(folder, prepared, release);
  onWorld(world);
  const { client, snapshot, serverRssBytes } = await idleFleet(subject, world);
  const instructions = await benchInstructions(subject, snapshot, await subject.told(snapshot, { isTls: true }));
  return { subject, world, snapshot, client, figures: { ...sizes, ...instructions, serverRssBytes } };
}

export async function onlyDevice(
  folder: string,
  onWorld: (world: World) => void,
): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const { subject, snapshot, client, figures } = await benchDevice(folder, table, onWorld);
  const { serverRssBytes: _, ...ofDevice } = figures;
  const update = await benchUpdateInstructions(subject, snapshot, client);
  return { figures: { ...ofDevice, ...update.figures }, table };
}
