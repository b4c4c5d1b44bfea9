// A virtual device in a browser's tab: the page stands around the device's thread as node/virtual-device.ts does, with
// power, the hardware watchdog, and what outlives a run. The page has to be isolated (COOP and COEP), since flash and
// retained RAM are shared memory.

import { BootReason, ResetCause } from "../src/abi.ts";
import type { FlashLayout } from "../src/factory/flash-layout.ts";
import type { MachineMessage } from "../src/machine-in-worker.ts";
import { RETAINED_RAM_BYTES, RetainedRam } from "../src/retained-ram.ts";
import { HardwareWatchdog, WATCHDOG_CELL_BYTES, WatchdogCell } from "../src/watchdog.ts";
import { browserClock } from "./browser-clock.ts";
import type { BrowserDeviceData } from "./device-worker.ts";

export interface BrowserDeviceOptions {
  layout: FlashLayout;
  /** Of the layout's size: what the flash holds at first. */
  flash: Uint8Array;
  bootModule: WebAssembly.Module;
  /** First root keys, 32 bytes each, 1 to 8: the boot bank's. */
  rootKeys: Uint8Array[];
  /** ws: or wss: address of what opens connections for it (relayed-streams.ts). */
  relay: string;
  /** From a reset to the next boot. */
  resetPauseMs: number;
}

export interface BrowserDeviceEvents {
  line(line: string): void;
  /** EXO_BOOT_* of the boot that follows. */
  reset(reason: number): void;
  /** It has written to its serial line, in recovery. */
  serial(bytes: Uint8Array): void;
  /** It is off by itself. */
  stopped(): void;
}

export class BrowserDevice {
  readonly #options: BrowserDeviceOptions;
  readonly #events: BrowserDeviceEvents;
  readonly #flash: SharedArrayBuffer;
  readonly #retained = new SharedArrayBuffer(RETAINED_RAM_BYTES);
  readonly #watchdogCell = new SharedArrayBuffer(WATCHDOG_CELL_BYTES);
  readonly #watchdog: HardwareWatchdog;
  #worker: Worker | undefined;
  #cancelRelaunch: (() => void) | undefined;
  #resetCause: number = ResetCause.Power;

  constructor(options: BrowserDeviceOptions, events: BrowserDeviceEvents) {
    this.#options = options;
    this.#events = events;
    this.#flash = new SharedArrayBuffer(options.layout.sizeBytes);
    new Uint8Array(this.#flash).set(options.flash);
    const cell = new WatchdogCell(this.#watchdogCell);
    this.#watchdog = new HardwareWatchdog(cell, browserClock, () => this.#watchdogExpired());
  }

  powerOn(): void {
    if (this.#worker) throw new Error("the device is on already");
    this.#resetCause = ResetCause.Power;
    this.#launch();
  }

  /** Takes the power away and forgets RAM. */
  cutPower(): void {
    this.#end();
    new RetainedRam(this.#retained).forget();
  }

  /** Bytes on its serial line. */
  serial(bytes: Uint8Array): void {
    this.#worker?.postMessage(bytes.slice());
  }

  #launch(): void {
    const { layout, bootModule, rootKeys, relay, resetPauseMs } = this.#options;
    const data: BrowserDeviceData = {
      layout,
      bootModule,
      rootKeys,
      relay,
      flash: this.#flash,
      retained: this.#retained,
      watchdog: this.#watchdogCell,
      unstable: undefined,
      reading: undefined,
      cut: undefined,
      resetPauseUs: 1000 * resetPauseMs,
      resetCause: this.#resetCause,
    };
    const worker = new Worker(new URL("./device-worker.ts", import.meta.url), { type: "module" });
    this.#worker = worker;
    worker.onmessage = ({ data: message }: MessageEvent<MachineMessage>) => {
      if (this.#worker === worker) this.#told(message);
    };
    // A fault of the host itself. The device restarts as after a silent end of any other kind.
    worker.onerror = ({ message }) => {
      if (this.#worker !== worker) return;
      this.#events.line(`host: ${message}`);
      this.#watchdogExpired();
    };
    worker.postMessage(data);
  }

  #told(message: MachineMessage): void {
    switch (message.kind) {
      case "line":
        return this.#events.line(message.line);
      case "reset":
        return this.#events.reset(message.reason);
      case "serial":
        return this.#events.serial(message.bytes);
      case "watchdog":
        return message.timeoutMs === 0 ? this.#watchdog.disarm() : this.#watchdog.arm(message.timeoutMs);
      case "halted":
        this.#end();
        return this.#events.stopped();
      case "recovery":
      case "cut":
        return;
    }
  }

  #end(): void {
    this.#watchdog.disarm();
    this.#cancelRelaunch?.();
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** The run ends without a word. A browser does not say when a thread is gone; it runs no module's code after this. */
  #watchdogExpired(): void {
    this.#end();
    this.#resetCause = ResetCause.Watchdog;
    this.#events.reset(BootReason.Watchdog);
    this.#cancelRelaunch = browserClock.after(1000 * this.#options.resetPauseMs, () => this.#launch());
  }
}
