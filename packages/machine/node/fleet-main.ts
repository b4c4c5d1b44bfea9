// A process of virtual devices, for the launcher: FleetConfig as JSON in the first argument, or without one as the
// first IPC message. Events go out over IPC, or without it as one JSON object a line on standard output; commands come
// in the same two ways. The process ends cleanly on `stop`, SIGTERM, SIGINT, and when its parent is gone.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { KIB } from "../src/factory/flash-layout.ts";
import { Fleet } from "./fleet.ts";
import type { FleetCommand, FleetConfig, FleetEvent } from "./fleet-protocol.ts";

const usesIpc = process.send !== undefined;
const OUTPUT_BYTES_MAX = 1024 * KIB;

function tell(event: FleetEvent): void {
  if (usesIpc) {
    if (process.connected) process.send!(event);
    return;
  }
  // A reader that is stuck must not make this process grow: console lines are what can be done without.
  if (event.kind === "line" && process.stdout.writableLength > OUTPUT_BYTES_MAX) return;
  process.stdout.write(JSON.stringify(event) + "\n");
}

const base64url = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));

async function main(config: FleetConfig): Promise<void> {
  const fleet = new Fleet({
    folder: config.folder,
    bootWasm: readFileSync(config.bootWasmPath),
    rootKeys: config.rootKeys.map(base64url),
    ...(config.startsPerSecond === undefined ? {} : { startsPerSecond: config.startsPerSecond }),
  });
  fleet.on("line", (deviceId, line) => tell({ kind: "line", deviceId, line }));
  fleet.on("reset", (deviceId, reason) => tell({ kind: "reset", deviceId, reason }));
  fleet.on("cut", (deviceId) => tell({ kind: "cut", deviceId }));
  fleet.on("recovery", (deviceId) => tell({ kind: "recovery", deviceId }));
  fleet.on("stopped", (deviceId) => tell({ kind: "stopped", deviceId }));

  let isEnding = false;
  const end = async (): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    await fleet.stop();
    tell({ kind: "ended" });
    process.disconnect?.();
    process.exitCode = 0;
    input?.close();
    setTimeout(() => process.exit(0), 1000).unref();
  };
  const obey = async (command: FleetCommand): Promise<void> => {
    if (command.kind === "stop") return end();
    const device = fleet.devices.get(command.deviceId);
    if (!device) return tell({ kind: "problem", message: `no device ${command.deviceId} in this fleet` });
    if (command.kind === "power-on" && !device.running) device.powerOn();
    if (command.kind === "cut-power") await device.cutPower();
  };
  const received = (command: FleetCommand): void => {
    obey(command).catch((error: Error) => tell({ kind: "problem", message: error.message }));
  };

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end());
  process.on("message", received);
  process.on("disconnect", () => void end());
  const input = usesIpc ? undefined : createInterface({ input: process.stdin });
  input?.on("line", (line) => {
    try {
      received(JSON.parse(line) as FleetCommand);
    } catch {
      tell({ kind: "problem", message: "a command is one JSON object a line" });
    }
  });
  input?.on("close", () => void end());

  for (const deviceId of config.deviceIds) {
    if (config.manufacture) {
      const { server, trustChainPath, imagePath, geometry } = config.manufacture;
      await fleet.manufacture({
        deviceId,
        server,
        trustChain: readFileSync(trustChainPath),
        image: readFileSync(imagePath),
        ...(geometry === undefined ? {} : { geometry }),
      });
    } else {
      fleet.add(deviceId);
    }
  }
  tell({ kind: "claims", claims: fleet.claims() });
  if (config.powerOn !== false) await fleet.start();
  tell({ kind: "ready" });
}

function begin(config: FleetConfig): void {
  main(config).catch((error: Error) => {
    tell({ kind: "problem", message: error.message });
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 100);
  });
}

const argument = process.argv[2];
if (argument !== undefined) begin(JSON.parse(argument) as FleetConfig);
else if (usesIpc) process.once("message", (config) => begin(config as FleetConfig));
else throw new Error("fleet-main needs its FleetConfig as JSON in the first argument, or over IPC");
