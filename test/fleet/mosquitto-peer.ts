// Mosquitto beside the server: what it costs it to move the same chunks to as many clients.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpuMsOf } from "../bench/server-process.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { untilOpen } from "../brokers/until-open.ts";
import type { Generator } from "./generator.ts";
import { startFeeder } from "./peer-clients.ts";

const MOSQUITTO = "/usr/sbin/mosquitto";
const START_MS_MAX = 10_000;
/** As many as the server lets at first. */
const DOWNLOADS_AT_ONCE = 128;
const HOST = "127.0.0.1";

export const mosquittoMissing: string | undefined = existsSync(MOSQUITTO)
  ? undefined
  : "Mosquitto is not installed (apt-get install -y mosquitto)";

export interface PeerOptions {
  folder: string;
  devices: number;
  /** Each gets as many clients as the others. */
  generators: readonly Generator[];
  chunks: readonly Uint8Array[];
}

/** Bytes of chunks that came, by the processor seconds of Mosquitto while they did. */
export async function measureMosquitto(options: PeerOptions): Promise<number> {
  const { folder, devices, generators, chunks } = options;
  const port = await reservePort();
  const broker = await start(folder, port);
  try {
    const feeder = await startFeeder(HOST, port, chunks);
    const share = Math.ceil(devices / generators.length);
    await Promise.all(
      generators.map((generator, i) =>
        generator.connectPeers({
          firstIndex: i * share,
          count: Math.min(share, devices - i * share),
          ...{ host: HOST, port, chunkCount: chunks.length },
          atOnce: Math.ceil(DOWNLOADS_AT_ONCE / generators.length),
        }),
      ),
    );
    const fromMs = cpuMsOf(broker.pid!);
    const bytes = await Promise.all(generators.map((generator) => generator.downloadPeers()));
    const cpuMs = cpuMsOf(broker.pid!) - fromMs;
    feeder.cut("done");
    return (bytes.reduce((sum, each) => sum + each, 0) * 1_000) / Math.max(cpuMs, 1);
  } finally {
    const ended = new Promise((resolve) => broker.once("exit", resolve));
    broker.kill("SIGTERM");
    await ended;
  }
}

async function start(folder: string, port: number): Promise<ChildProcess> {
  const configuration = join(folder, "mosquitto.conf");
  const lines = [
    `listener ${port} ${HOST}`,
    "allow_anonymous true",
    "persistence false",
    // What waits for a client is bounded by its windows.
    "max_queued_messages 0",
    // Else it becomes the user `mosquitto`, who may not read this folder.
    ...(process.getuid?.() === 0 ? ["user root"] : []),
    "log_dest none",
  ];
  writeFileSync(configuration, `${lines.join("\n")}\n`);
  const child = spawn(MOSQUITTO, ["-c", configuration], { stdio: "ignore", cwd: folder });
  process.once("exit", () => child.kill("SIGKILL"));
  await untilOpen(port, START_MS_MAX, () =>
    child.exitCode === null ? undefined : `Mosquitto ended with status ${child.exitCode}`,
  );
  return child;
}
