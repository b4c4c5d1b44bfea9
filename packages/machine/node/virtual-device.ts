// A virtual device: the modules of the unikernel, as .wasm, on simulated hardware. This file is what stands around the
// code that runs: power, the hardware watchdog, and what outlives a run (flash, and RAM until a power cut).
//
// A device has a thread of its own, since a loop without end can only be stopped from outside of its thread. Flash and
// retained RAM are shared memory: the parent still has them when the thread was stopped at any instruction, in
// memory-only devices too. The thread itself writes flash through to its file, so no operation waits for another
// thread.
//
// `isolation: "in-process"` runs the same code in the caller's thread with a clock, entropy and connections that a test
// may choose: fast, and the same each time, but an endless loop in a module is then the caller's.

import { randomFillSync } from "node:crypto";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { FlashLayout } from "../src/factory/flash-layout.ts";
import type { FlashOperation } from "../src/faults/flash-operation.ts";
import { BootReason, ResetCause } from "../src/abi.ts";
import type { DeviceWorkerData } from "./device-worker.ts";
import type { HostClock } from "../src/clock.ts";
import { Machine } from "../src/machine.ts";
import type { MachineMessage } from "../src/machine-in-worker.ts";
import { type FaultyCells, type PlannedCut, type PlannedReading, unstableBytes } from "../src/flash/faulty-cells.ts";
import { openFlash } from "./open-flash.ts";
import { realClock } from "./real-clock.ts";
import { RETAINED_RAM_BYTES, RetainedRam } from "../src/retained-ram.ts";
import { SerialSocket } from "./serial-socket.ts";
import { type Connect, connectTcp, Streams } from "./streams.ts";
import { HardwareWatchdog, WATCHDOG_CELL_BYTES, WatchdogCell } from "../src/watchdog.ts";
import { waitForLine } from "./wait-for-line.ts";

export interface VirtualDeviceOptions {
  deviceId: string;
  layout: FlashLayout;
  /** A file as `manufactureVirtualDevice` writes it, or the content at the start, which is copied. */
  flash: { path: string } | { bytes: Uint8Array };
  /** boot.wasm (build-loader.ts, `buildBootWasm`). */
  bootWasm: Uint8Array;
  /** First root keys, 32 bytes each, 1 to 8: the boot bank's. */
  rootKeys: readonly Uint8Array[];
  isolation?: "worker" | "in-process";
  /** From a reset to the next boot. Default: 100 in a worker, 0 in-process. */
  resetPauseMs?: number;
  /** In-process only: time, entropy, wall clock and connections to use instead of the machine's. */
  surroundings?: Partial<Surroundings>;
}

export interface Surroundings {
  clock: HostClock;
  wallClockS(): number;
  /** Fills the target; or returns an EXO_E_*, as a source does that is missing or gives nothing. */
  entropy(target: Uint8Array): number | void;
  connect: Connect;
}

export interface VirtualDeviceEvents {
  line: [line: string];
  /** The device reset itself, or its watchdog did; EXO_BOOT_* of the boot that follows. */
  reset: [reason: number];
  /** Power was cut: at a flash operation, or from outside. */
  cut: [operation: FlashOperation | undefined];
  /** The boot loader found nothing to start: the device listens on its serial line, and tries again now and then. */
  recovery: [];
  /** The device is off, for whichever reason. */
  stopped: [];
}

const CONSOLE_LINES_KEPT = 500;

const realSurroundings: Surroundings = {
  clock: realClock,
  wallClockS: () => Math.floor(Date.now() / 1000),
  entropy: (target) => void randomFillSync(target),
  connect: connectTcp,
};

export class VirtualDevice extends EventEmitter<VirtualDeviceEvents> {
  readonly options: VirtualDeviceOptions;
  /** The newest console lines. */
  readonly console: string[] = [];
  /** The end of its serial line that a technician's computer is plugged into. */
  readonly serial: SerialSocket = new SerialSocket((bytes) => {
    this.#machine?.serial(bytes);
    this.#worker?.postMessage(Uint8Array.from(bytes));
  });
  readonly #flash: SharedArrayBuffer;
  #unstable: SharedArrayBuffer | undefined;
  readonly #retained = new SharedArrayBuffer(RETAINED_RAM_BYTES);
  readonly #watchdogCell = new SharedArrayBuffer(WATCHDOG_CELL_BYTES);
  readonly #watchdog: HardwareWatchdog;
  readonly #surroundings: Surroundings;
  readonly #bootModule: WebAssembly.Module;
  readonly #resetPauseUs: number;
  #cut: PlannedCut | undefined;
  #reading: PlannedReading | undefined;
  #isOn = false;
  /** Of the next boot that the device does not bring about itself. */
  #resetCause: number = ResetCause.Power;
  #worker: Worker | undefined;
  #machine: Machine | undefined;
  #flashCells: FaultyCells | undefined;
  #cancelRelaunch: (() => void) | undefined;
  /** Fulfilled when no thread of the device runs any more. */
  #gone: Promise<unknown> = Promise.resolve();

  constructor(options: VirtualDeviceOptions) {
    super();
    this.options = options;
    this.#surroundings = { ...realSurroundings, ...options.surroundings };
    if (this.#isWorker && options.surroundings)
      throw new Error("surroundings can be chosen for in-process devices only");
    this.#flash = new SharedArrayBuffer(options.layout.sizeBytes);
    if ("bytes" in options.flash) this.flashBytes.set(options.flash.bytes);
    this.#bootModule = new WebAssembly.Module(new Uint8Array(options.bootWasm));
    this.#resetPauseUs = 1000 * (options.resetPauseMs ?? (this.#isWorker ? 100 : 0));
    this.#watchdog = new HardwareWatchdog(new WatchdogCell(this.#watchdogCell), this.#surroundings.clock, () =>
      this.#watchdogExpired(),
    );
  }

  get deviceId(): string {
    return this.options.deviceId;
  }

  get running(): boolean {
    return this.#isOn;
  }

  /** What the flash holds. With a file: as of the last power-on, and all operations since. Change it only while off. */
  get flashBytes(): Uint8Array {
    return new Uint8Array(this.#flash);
  }

  /** The flash of an in-process device while it is on: to count operations, to watch them, or to wear it out. */
  get flashCells(): FaultyCells | undefined {
    return this.#flashCells;
  }

  /** Which bits of the flash are unstable (faulty-cells.ts, `unstableBytes`); undefined as long as no cut was armed. */
  get unstableBits(): Uint8Array | undefined {
    return this.#unstable && new Uint8Array(this.#unstable);
  }

  get #isWorker(): boolean {
    return this.options.isolation !== "in-process";
  }

  /** Applies power: RAM is what the last run left, unless power was cut. */
  powerOn(): void {
    if (this.#isOn) throw new Error(`virtual device ${this.deviceId} is on already`);
    this.#isOn = true;
    this.#resetCause = ResetCause.Power;
    this.#afterGone(() => this.#launch());
  }

  /** Takes the power away at once and forgets RAM. */
  async cutPower(): Promise<void> {
    const wasOn = this.#isOn;
    this.#off();
    await this.#gone;
    new RetainedRam(this.#retained).forget();
    if (wasOn) this.emit("cut", undefined);
    if (wasOn) this.emit("stopped");
  }

  /** Pulls the reset line: the device boots anew, and RAM stays as it is. */
  pressReset(): void {
    if (this.#isOn) this.#resetFromOutside(ResetCause.Pin, BootReason.Pin);
  }

  /** Ends the device's thread and keeps RAM. With `powerOn` behind it: a supply that dips. */
  async stop(): Promise<void> {
    const wasOn = this.#isOn;
    this.#off();
    await this.#gone;
    if (wasOn) this.emit("stopped");
  }

  /** Arms a cut; it counts from the next power-on, across resets. Undefined disarms. */
  armCut(cut: PlannedCut | undefined): void {
    this.#cut = cut;
    if (cut) this.#unstable ??= new SharedArrayBuffer(unstableBytes(this.options.layout.sizeBytes));
  }

  /** How bits read that a cut left unstable: from the next power-on, or reset, on. Default: anew at each read. */
  readUnstable(reading: PlannedReading): void {
    this.#reading = reading;
  }

  /** Waits for a console line that matches, from now on. */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    return waitForLine(this, this.deviceId, pattern, timeoutMs);
  }

  #launch(): void {
    if (!this.#isOn || this.#worker || this.#machine) return;
    if (this.#isWorker) this.#launchWorker();
    else this.#launchHere();
  }

  /** Ends what runs. */
  #off(): void {
    this.#isOn = false;
    this.#endRun();
  }

  #endRun(): void {
    this.#watchdog.disarm();
    this.#cancelRelaunch?.();
    this.#cancelRelaunch = undefined;
    this.#machine?.halt();
    this.#machine = undefined;
    this.#flashCells?.close();
    this.#flashCells = undefined;
    if (this.#worker) this.#gone = this.#worker.terminate();
    this.#worker = undefined;
  }

  #launchHere(): void {
    const { options } = this;
    const { flash, cells } = openFlash({
      layout: options.layout,
      bytes: this.flashBytes,
      path: "path" in options.flash ? options.flash.path : undefined,
      unstable: this.#unstable && new Uint8Array(this.#unstable),
    });
    this.#flashCells = cells;
    cells.armCut(this.#takeCut());
    if (this.#reading) cells.readUnstable(this.#reading);
    const { clock, wallClockS, entropy, connect } = this.#surroundings;
    this.#machine = new Machine(
      {
        clock,
        wallClockS,
        entropy,
        flash,
        openStreams: (onEvent) => new Streams(connect, onEvent),
        retained: new RetainedRam(this.#retained),
        watchdog: this.#watchdog,
        rootKeys: options.rootKeys,
        bootModule: this.#bootModule,
        loader: options.bootWasm,
        resetPauseUs: this.#resetPauseUs,
        resetCause: this.#resetCause,
      },
      {
        line: (line) => this.#line(line),
        reset: (reason) => this.emit("reset", reason),
        recovery: () => this.emit("recovery"),
        halted: () => this.#ended(() => {}),
        serial: (bytes) => this.serial.fromDevice(bytes),
        cut: (operation) => this.#powerLost(operation),
      },
    );
    this.#machine.powerOn();
  }

  #launchWorker(): void {
    const { options } = this;
    const data: DeviceWorkerData = {
      layout: options.layout,
      flash: this.#flash,
      flashPath: "path" in options.flash ? options.flash.path : undefined,
      unstable: this.#unstable,
      cut: this.#takeCut(),
      reading: this.#reading,
      retained: this.#retained,
      watchdog: this.#watchdogCell,
      rootKeys: [...options.rootKeys],
      bootModule: this.#bootModule,
      loader: options.bootWasm,
      resetPauseUs: this.#resetPauseUs,
      resetCause: this.#resetCause,
    };
    const worker = new Worker(workerProgram, { eval: true, execArgv: [], workerData: data, name: options.deviceId });
    this.#worker = worker;
    worker.on("message", (message: MachineMessage) => {
      if (this.#worker === worker) this.#told(message);
    });
    // A fault of the host itself. The device restarts as after a silent end of any other kind.
    worker.on("error", (error) => {
      if (this.#worker !== worker) return;
      this.#line(`host: ${error.stack ?? error.message}`);
      this.#watchdogExpired();
    });
  }

  #told(message: MachineMessage): void {
    switch (message.kind) {
      case "line":
        return this.#line(message.line);
      case "reset":
        return void this.emit("reset", message.reason);
      case "watchdog":
        return message.timeoutMs === 0 ? this.#watchdog.disarm() : this.#watchdog.arm(message.timeoutMs);
      case "recovery":
        return void this.emit("recovery");
      case "halted":
        return this.#ended(() => {});
      case "serial":
        return this.serial.fromDevice(message.bytes);
      case "cut":
        return this.#powerLost(message.operation);
    }
  }

  #powerLost(operation: FlashOperation): void {
    new RetainedRam(this.#retained).forget();
    this.#ended(() => this.emit("cut", operation));
  }

  /** The device is off by itself. */
  #ended(tell: () => void): void {
    this.#off();
    tell();
    this.emit("stopped");
  }

  #watchdogExpired(): void {
    this.#resetFromOutside(ResetCause.Watchdog, BootReason.Watchdog);
  }

  /** The run ends without a word; retained RAM says nothing but that it began. */
  #resetFromOutside(cause: number, reason: number): void {
    this.#endRun();
    this.#resetCause = cause;
    this.emit("reset", reason);
    if (!this.#isOn) return;
    this.#afterGone(() => {
      this.#cancelRelaunch = this.#surroundings.clock.after(this.#resetPauseUs, () => this.#launch());
    });
  }

  /** Two threads never run one device. */
  #afterGone(task: () => void): void {
    if (!this.#isWorker) return task();
    void this.#gone.then(() => {
      if (this.#isOn) task();
    });
  }

  /** A cut is for one power-on. */
  #takeCut(): PlannedCut | undefined {
    const cut = this.#cut;
    this.#cut = undefined;
    return cut;
  }

  #line(line: string): void {
    this.console.push(line);
    if (this.console.length > CONSOLE_LINES_KEPT) this.console.shift();
    this.emit("line", line);
  }
}

/**
 * Starts device-worker.ts in a thread. tsx's hook for require() works in the thread itself; its hook for import would
 * need a second thread beside each device's.
 */
const workerProgram = [
  createRequire(import.meta.url).resolve("tsx/cjs"),
  fileURLToPath(new URL("./device-worker.ts", import.meta.url)),
]
  .map((path) => `require(${JSON.stringify(path)});`)
  .join(" ");
