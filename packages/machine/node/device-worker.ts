// The thread of one virtual device. Whatever shall outlive it (flash, retained RAM, when the watchdog was last petted) is
// shared memory that virtual-device.ts gave it; what happens is told by messages.

import { randomFillSync } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { FlashLayout } from "../src/factory/flash-layout.ts";
import type { FlashOperation } from "../src/faults/torn-operation.ts";
import { Machine } from "../src/machine.ts";
import { type PlannedCut } from "../src/flash/faulty-cells.ts";
import { openFlash } from "./open-flash.ts";
import { realClock } from "./real-clock.ts";
import { RetainedRam } from "../src/retained-ram.ts";
import { connectTcp, Streams } from "./streams.ts";
import { WatchdogCell } from "../src/watchdog.ts";

export interface DeviceWorkerData {
  layout: FlashLayout;
  flash: SharedArrayBuffer;
  flashPath: string | undefined;
  unstableBits: SharedArrayBuffer | undefined;
  cut: PlannedCut | undefined;
  retained: SharedArrayBuffer;
  watchdog: SharedArrayBuffer;
  rootKeys: Uint8Array[];
  bootModule: WebAssembly.Module;
  resetPauseUs: number;
  resetCause: number;
}

export type DeviceWorkerMessage =
  | { kind: "line"; line: string }
  | { kind: "reset"; reason: number }
  | { kind: "recovery" }
  | { kind: "halted" }
  | { kind: "serial"; bytes: Uint8Array }
  | { kind: "cut"; operation: FlashOperation }
  /** `timeoutMs` 0: disarmed. */
  | { kind: "watchdog"; timeoutMs: number };

const data = workerData as DeviceWorkerData;
const tell = (message: DeviceWorkerMessage): void => parentPort!.postMessage(message);
const cell = new WatchdogCell(data.watchdog);

const { flash, cells } = openFlash({
  layout: data.layout,
  bytes: new Uint8Array(data.flash),
  path: data.flashPath,
  unstableBits: data.unstableBits && new Uint8Array(data.unstableBits),
});
cells.armCut(data.cut);

let isInRecovery = false;
const machine = new Machine(
  {
    flash,
    retained: new RetainedRam(data.retained),
    watchdog: {
      arm: (timeoutMs) => tell({ kind: "watchdog", timeoutMs }),
      pet: () => (cell.pettedUs = realClock.nowUs()),
      disarm: () => tell({ kind: "watchdog", timeoutMs: 0 }),
    },
    rootKeys: data.rootKeys,
    bootModule: data.bootModule,
    clock: realClock,
    wallClockS: () => Math.floor(Date.now() / 1000),
    entropy: (target) => void randomFillSync(target),
    openStreams: (onEvent) => new Streams(connectTcp, onEvent),
    resetPauseUs: data.resetPauseUs,
    resetCause: data.resetCause,
  },
  {
    line: (line) => tell({ kind: "line", line }),
    reset: (reason) => tell({ kind: "reset", reason }),
    recovery: () => {
      isInRecovery = true;
      tell({ kind: "recovery" });
    },
    halted: () => tell({ kind: "halted" }),
    // Outside of recovery the line says what "line" says already.
    serial: (bytes) => isInRecovery && tell({ kind: "serial", bytes: bytes.slice() }),
    cut: (operation) => tell({ kind: "cut", operation }),
  },
);
// What is written to the serial line.
parentPort!.on("message", (bytes: Uint8Array) => machine.serial(bytes));
machine.powerOn();
