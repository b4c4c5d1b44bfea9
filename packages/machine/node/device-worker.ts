// The thread of one virtual device (machine-in-worker.ts), whose flash may be a file.

import { randomFillSync } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { MemoryCells } from "../src/flash/cells.ts";
import { type MachineData, machineInWorker } from "../src/machine-in-worker.ts";
import { FileCells } from "./file-cells.ts";
import { realClock } from "./real-clock.ts";
import { connectTcp, Streams } from "./streams.ts";

export interface DeviceWorkerData extends MachineData {
  flashPath: string | undefined;
}

const data = workerData as DeviceWorkerData;
const bytes = new Uint8Array(data.flash);
const machine = machineInWorker(
  data,
  data.flashPath === undefined ? new MemoryCells(bytes) : new FileCells(data.layout, data.flashPath, bytes),
  {
    clock: realClock,
    entropy: (target) => void randomFillSync(target),
    openStreams: (onEvent) => new Streams(connectTcp, onEvent),
  },
  (message) => parentPort!.postMessage(message),
);
// What is written to the serial line.
parentPort!.on("message", (bytes: Uint8Array) => machine.serial(bytes));
machine.powerOn();
