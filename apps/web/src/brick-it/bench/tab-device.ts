// A virtual device in the tab's worker, on the rig: the machine of packages/machine on flash that may be torn, and what
// stands around it: power, the hardware watchdog, RAM that outlives a reset. It runs in the worker's own thread, on a
// clock that somebody moves, and needs no shared memory: any static server can bring it.

import { BootReason, ResetCause } from "@flipside/machine/abi";
import type { HostClock } from "@flipside/machine/clock";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Leaves } from "@flipside/machine/faults/torn-operation";
import { type Reading, readings } from "@flipside/machine/faults/unstable-reads";
import { MemoryCells } from "@flipside/machine/flash/cells";
import { FaultyCells, unstableBytes } from "@flipside/machine/flash/faulty-cells";
import { NorFlash } from "@flipside/machine/flash/nor-flash";
import { Machine, type RunStreams } from "@flipside/machine/machine";
import { RETAINED_RAM_BYTES, RetainedRam } from "@flipside/machine/retained-ram";
import { HardwareWatchdog, WATCHDOG_CELL_BYTES, WatchdogCell } from "@flipside/machine/watchdog";
import type { DeviceUnderTest, End, Watch } from "../../../../power-cut/src/rig/device-under-test.ts";
import { FlashPages } from "../../../../power-cut/src/rig/flash-pages.ts";
import { layout } from "./geometry.ts";

const RESET_PAUSE_US = 100_000;

/** Power goes at an operation that is still to come. */
export interface ArmedCut {
  kind: FlashOperation["kind"] | "any";
  /** Of operations of that kind, counted from 1. */
  operation: number;
  leaves: Leaves;
  seed: number;
}

export interface TabDeviceEvents {
  line(line: string): void;
  /** Power is applied, or the device was reset (why: EXO_BOOT_*). */
  loaderBegins(reason: number): void;
  /** Done, or about to be torn. */
  operation(operation: FlashOperation): void;
  /** Power is gone; torn: at this operation. */
  off(torn: FlashOperation | undefined): void;
  recovery(): void;
}

/** What is around a device. */
export interface DeviceHost {
  clock: HostClock;
  wallClockS(): number;
  entropy(target: Uint8Array): void;
  openStreams(onEvent: () => void): RunStreams;
}

export interface TabDeviceOptions {
  bootModule: WebAssembly.Module;
  rootKeys: readonly Uint8Array[];
  flash: Uint8Array;
  host: DeviceHost;
  /** Of how what is unstable reads. */
  random: SeededRandom;
}

export class TabDevice implements DeviceUnderTest<undefined> {
  readonly cells: FaultyCells;
  /** Bits of each byte that may read otherwise, and behind them those that stay so (faulty-cells.ts). */
  readonly unstable = new Uint8Array(unstableBytes(layout.sizeBytes));
  /** How unstable bits read since the last power-on. */
  reading: Reading = "as-new";
  readonly #options: TabDeviceOptions;
  readonly #events: TabDeviceEvents;
  readonly #flash: NorFlash;
  readonly #pages = new FlashPages(layout.sizeBytes);
  readonly #retained = new RetainedRam(new ArrayBuffer(RETAINED_RAM_BYTES));
  readonly #watchdog: HardwareWatchdog;
  #machine: Machine | undefined;
  #cancelRelaunch: (() => void) | undefined;
  #watch: Watch | undefined;
  #ended: ((end: End) => void) | undefined;
  #armed: ArmedCut | undefined;

  constructor(options: TabDeviceOptions, events: TabDeviceEvents) {
    this.#options = options;
    this.#events = events;
    this.cells = new FaultyCells(new MemoryCells(options.flash.slice()), layout.sectorBytes, this.unstable);
    this.cells.onOperation = (operation) => this.#begins(operation);
    this.#flash = new NorFlash(layout, this.cells);
    const cell = new WatchdogCell(new ArrayBuffer(WATCHDOG_CELL_BYTES));
    this.#watchdog = new HardwareWatchdog(cell, options.host.clock, () => this.#watchdogExpired());
  }

  get isOn(): boolean {
    return this.#watch !== undefined;
  }

  get armed(): ArmedCut | undefined {
    return this.#armed;
  }

  /** Undefined disarms. Stays armed over power-ups until it comes. */
  arm(cut: ArmedCut | undefined): void {
    this.#armed = cut && { ...cut };
  }

  readFlash(): FlashPages {
    return this.#pages.take(this.cells.bytes, (page) => {
      const bits = this.unstable.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      return bits.some((byte) => byte !== 0) ? new Uint32Array(bits.slice().buffer) : undefined;
    });
  }

  /**
   * On, until power is pulled or goes at an armed operation ("cut"), or recovery is reached; there it stays on, since a
   * technician may come, or flash read well again.
   */
  powerUp(_cut: undefined, _isSettled: () => boolean, watch: Watch): Promise<End> {
    const { random } = this.#options;
    this.reading = random.pick(readings);
    this.cells.readUnstable({ reading: this.reading, seed: random.next() });
    this.#watch = watch;
    const ended = new Promise<End>((resolve) => (this.#ended = resolve));
    this.#loaderBegins(BootReason.PowerOn);
    this.#launch(ResetCause.Power);
    return ended;
  }

  /** Between two operations. */
  pull(): void {
    if (this.isOn) this.#off(undefined);
  }

  #launch(resetCause: number): void {
    const { bootModule, rootKeys, host } = this.#options;
    this.#machine = new Machine(
      {
        ...host,
        bootModule,
        rootKeys,
        resetCause,
        flash: this.#flash,
        retained: this.#retained,
        watchdog: this.#watchdog,
        resetPauseUs: RESET_PAUSE_US,
      },
      {
        line: (line) => this.#line(line),
        reset: (reason) => this.#loaderBegins(reason),
        recovery: () => this.#recovers("recovery"),
        halted: () => this.#recovers("off"),
        serial: () => {},
        cut: (operation) => this.#off(operation),
      },
    );
    this.#machine.powerOn();
  }

  #line(line: string): void {
    const start = /verified ([0-9a-f]+), starting slot ([ab])/.exec(line);
    if (start) this.#watch?.imageStarts(start[2] === "a" ? 0 : 1, start[1]!);
    this.#events.line(line);
  }

  #loaderBegins(reason: number): void {
    this.#watch?.loaderBegins(reason);
    this.#events.loaderBegins(reason);
  }

  #begins(operation: FlashOperation): void {
    this.#watch?.operation(operation);
    this.#events.operation(operation);
    const armed = this.#armed;
    if (!armed || (armed.kind !== "any" && armed.kind !== operation.kind) || --armed.operation > 0) return;
    this.#armed = undefined;
    this.cells.armCut({ operation: 1, leaves: armed.leaves, seed: armed.seed });
  }

  #recovers(end: End): void {
    this.#events.recovery();
    this.#ended?.(end);
    this.#ended = undefined;
  }

  #off(torn: FlashOperation | undefined): void {
    this.#endRun();
    this.#retained.forget();
    this.#watch = undefined;
    this.#events.off(torn);
    this.#ended?.("cut");
    this.#ended = undefined;
  }

  #endRun(): void {
    this.#watchdog.disarm();
    this.#cancelRelaunch?.();
    this.#cancelRelaunch = undefined;
    this.#machine?.halt();
    this.#machine = undefined;
  }

  /** The run ends without a word. */
  #watchdogExpired(): void {
    this.#endRun();
    this.#loaderBegins(BootReason.Watchdog);
    this.#cancelRelaunch = this.#options.host.clock.after(RESET_PAUSE_US, () => this.#launch(ResetCause.Watchdog));
  }
}
