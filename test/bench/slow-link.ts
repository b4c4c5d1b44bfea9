// What an update costs on a slow link: the real server, a virtual device with the shipped agent, and between them a
// proxy that hands on so many bytes a second. Counted is all that the server sent to the device, from the moment at
// which the rollout was made until the device says "installed".

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { buildImage, buildRelease } from "@flipside/image-format";
import type { VirtualRelease } from "../../apps/agent/build/build-release.ts";
import { imageFields } from "../../apps/agent/build/image-fields.ts";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { DemoFleet } from "../../apps/demo/src/demo-fleet.ts";
import type { PreparedVirtual } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { ConsoleClient } from "../end-to-end/console-client.ts";

export const slowRates = [1_000, 4_000, 16_000, 64_000, 200_000] as const;
/** At 1,000 bytes a second, a minute. */
const PAYLOAD_BYTES = 56 * 1024;
const POLL_MS = 3_000;
const PASSWORD = "only for this benchmark";
const READY_TIMEOUT_MS = 120_000;
/** Bytes are handed on this often. */
const TICK_MS = 20;
/** What the proxy takes from the server before it has handed it on: a modem's queue is not endless either. */
const QUEUE_BYTES = 64 * 1024;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A TCP proxy towards `port`, slow in the direction of the device. */
class SlowProxy {
  bytesPerSecond = Infinity;
  sentBytes = 0;
  connections = 0;
  readonly #server = createServer((device) => this.#join(device));
  readonly #sockets = new Set<Socket>();
  readonly #port: () => number;

  constructor(port: () => number) {
    this.#port = port;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  #join(device: Socket): void {
    this.connections++;
    const server = connect(this.#port(), "127.0.0.1");
    const queue: Buffer[] = [];
    let queuedBytes = 0;
    let allowance = 0;
    const timer = setInterval(() => {
      allowance = Math.min(allowance + (this.bytesPerSecond * TICK_MS) / 1_000, this.bytesPerSecond);
      while (queue.length > 0 && allowance >= 1) {
        const first = queue[0]!;
        const part = first.subarray(0, Math.min(first.length, Math.floor(allowance)));
        if (part.length === first.length) queue.shift();
        else queue[0] = first.subarray(part.length);
        device.write(part);
        queuedBytes -= part.length;
        allowance -= part.length;
      }
      if (queue.length === 0) allowance = Math.min(allowance, (this.bytesPerSecond * TICK_MS) / 1_000);
      if (queuedBytes < QUEUE_BYTES) server.resume();
    }, TICK_MS);
    const end = (): void => {
      clearInterval(timer);
      device.destroy();
      server.destroy();
      this.#sockets.delete(device);
      this.#sockets.delete(server);
    };
    for (const socket of [device, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end).on("close", end);
    }
    device.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => {
      this.sentBytes += bytes.length;
      queue.push(bytes);
      queuedBytes += bytes.length;
      if (queuedBytes >= QUEUE_BYTES) server.pause();
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

export interface SlowTransfer {
  bytesPerSecond: number;
  /** Bytes that the server sent, by the image's. */
  sentToImage: number;
  /** Connections that were opened meanwhile: 0, or some were lost. */
  reconnections: number;
  seconds: number;
}

const delivered = new Set(["verifying", "installed", "rebooting", "testing", "failed", "rolled-back", "rejected"]);

async function until(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await pause(100))
    if (Date.now() > deadline) throw new Error(`${what}: not after ${timeoutMs} ms`);
}

/** Server, proxy and one device, and the way to it. */
interface Bench {
  client: ConsoleClient;
  proxy: SlowProxy;
  deviceId: string;
  signingKeys: SigningKeys;
}

type SigningKeys = Parameters<typeof buildImage>[0]["signingKeys"];

const runsConfirmed = async ({ client, deviceId }: Bench): Promise<boolean> =>
  (await client.devices()).some(
    (device) =>
      device.id === deviceId &&
      device.online &&
      device.running?.state === "confirmed" &&
      device.activeDeployment == null,
  );

/** The `i`th update, at this rate. */
async function transfer(bench: Bench, i: number, bytesPerSecond: number): Promise<SlowTransfer> {
  const { client, proxy, deviceId, signingKeys } = bench;
  proxy.bytesPerSecond = Infinity;
  await until("the device runs a confirmed image", READY_TIMEOUT_MS, () => runsConfirmed(bench));
  const version = `9.0.${i}`;
  // The device is not asked to run it: filler is as good as modules, and falls back to the image before it.
  const image = await buildImage({
    fields: imageFields(virtualTarget, { version, releaseSequence: 100 + i }),
    payload: randomBytes(PAYLOAD_BYTES),
    signingKeys,
  });
  const uploaded = await client.uploadRelease(buildRelease([image]));
  proxy.bytesPerSecond = bytesPerSecond;
  const before = { sentBytes: proxy.sentBytes, connections: proxy.connections };
  const began = performance.now();
  const rollout = await client.createRollout({
    name: version,
    releaseId: uploaded.id,
    target: { deviceIds: [deviceId] },
    waves: [{ percent: 100 }],
  });
  const timeoutMs = 30_000 + (4_000 * PAYLOAD_BYTES) / bytesPerSecond;
  await until(`the update at ${bytesPerSecond} bytes a second`, timeoutMs, async () =>
    (await client.rollout(rollout.id)).deployments.some(({ state }) => delivered.has(state)),
  );
  return {
    bytesPerSecond,
    sentToImage: Math.round((1_000 * (proxy.sentBytes - before.sentBytes)) / image.length) / 1_000,
    reconnections: proxy.connections - before.connections,
    seconds: (performance.now() - began) / 1_000,
  };
}

/** One update at each rate, one after the other. */
export async function measureSlowLink(options: {
  folder: string;
  prepared: PreparedVirtual;
  release: VirtualRelease;
  rates?: readonly number[];
}): Promise<SlowTransfer[]> {
  const { folder, prepared, release, rates = slowRates } = options;
  mkdirSync(folder, { recursive: true });
  const claimsPath = join(folder, "claims.json");
  let server: ServerProcess | undefined;
  const proxy = new SlowProxy(() => server!.mqttPort);
  const mqttPort = await proxy.listen();
  const fleet = await DemoFleet.openVirtual({
    folder: join(folder, "fleet"),
    prepared,
    release,
    virtualDevices: 1,
    mqttPort,
    isMqttClear: true,
  });
  fleet.writeClaims(claimsPath);
  server = new ServerProcess({
    folder: join(folder, "server"),
    trustChainPath: prepared.keys.trustChainPath,
    claimsPath,
    port: 0,
    mqttPort: 0,
    isMqttClear: true,
    pollMs: POLL_MS,
  });
  const transfers: SlowTransfer[] = [];
  try {
    await server.start();
    const client = new ConsoleClient(server.url);
    await client.signIn("admin", server.firstPassword!, PASSWORD);
    const signingKeys = [prepared.keys.release.privateJwk];
    const bench: Bench = { client, proxy, deviceId: fleet.deviceIds[0]!, signingKeys };
    await fleet.start();
    for (const [i, bytesPerSecond] of rates.entries()) transfers.push(await transfer(bench, i, bytesPerSecond));
    return transfers;
  } finally {
    proxy.close();
    await fleet.stop();
    await server.stop();
  }
}
