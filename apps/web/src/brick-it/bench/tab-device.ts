// A virtual device in the tab's worker, on the rig: the machine of packages/machine on flash that may be torn, and what
// stands around it: power, the hardware watchdog, RAM that outlives a reset. It runs in the worker's own thread, on a
// clock that somebody moves, and needs no shared memory: any static server can bring it.

import { BootReason, Exo, ResetCause } from "@flipside/machine/abi";
import type { HostClock } from "@flipside/machine/clock";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Leaves } from "@flipside/machine/faults/torn-operation";
import { type Reading, readings } from "@flipside/machine/faults/unstable-reads";
import { MemoryCells } from "@flipside/machine/flash/cells";
import { FaultyCells, unstableBytes } from "@flipside/machine/flash/faulty-cells";
import { NorFlash } from "@flipside/machine/flash/nor-flash";
import { Machine } from "@flipside/machine/machine";
import { OneStream } from "@flipside/machine/one-stream";
import { RETAINED_RAM_BYTES, RetainedRam } from "@flipside/machine/retained-ram";
import { HardwareWatchdog, WATCHDOG_CELL_BYTES, WatchdogCell } from "@flipside/machine/watchdog";
import type { DeviceUnderTest, End, Watch } from "../../../../power-cut/src/rig/device-under-test.ts";
import { FlashPages } from "../../../../power-cut/src/rig/flash-pages.ts";
import type { MqttWire } from "../../../../power-cut/src/server/mqtt-wire.ts";
import { layout } from "./geometry.ts";

/** Time stands for all devices alike: what a device does follows from its seed. */
const WALL_CLOCK_S = 1_800_000_000;
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

/** Some hundred kilobits a second: chunks come one after the other, and can be watched as they are written. */
const LINK_BYTE_US = 12;
/** What comes at once: a chunk and what is around it come in a few. */
const LINK_BYTES = 2_048;

/** Tells the agent of what has come for it. */
class WireStreams extends OneStream {
  readonly #wire: MqttWire;
  readonly #clock: HostClock;
  readonly #onEvent: () => void;
  #nothingUntilUs = 0;

  constructor(wire: MqttWire, clock: HostClock, onEvent: () => void) {
    super(() => wire);
    this.#wire = wire;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  override read(handle: number, target: Uint8Array): number {
    if (target.length > 0 && this.#wire.hasData && this.#clock.nowUs() < this.#nothingUntilUs) return Exo.Again;
    const taken = super.read(handle, target.subarray(0, LINK_BYTES));
    if (taken > 0 && this.#wire.hasData) {
      const us = LINK_BYTE_US * taken;
      this.#nothingUntilUs = this.#clock.nowUs() + us;
      this.#clock.after(us, this.#onEvent);
    }
    return taken;
  }

  override open(host: string, port: number): number {
    const handle = super.open(host, port);
    this.#onEvent();
    return handle;
  }

  override write(handle: number, source: Uint8Array): number {
    const taken = super.write(handle, source);
    if (this.#wire.hasData) this.#onEvent();
    return taken;
  }

  destroy(): void {
    this.#wire.drop();
  }
}

export interface TabDeviceOptions {
  bootModule: WebAssembly.Module;
  rootKeys: readonly Uint8Array[];
  flash: Uint8Array;
  clock: HostClock;
  /** Of entropy, and of how what is unstable reads. */
  random: SeededRandom;
  wire: MqttWire;
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
    this.#watchdog = new HardwareWatchdog(cell, options.clock, () => this.#watchdogExpired());
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
    const { bootModule, rootKeys, clock, random, wire } = this.#options;
    this.#machine = new Machine(
      {
        clock,
        bootModule,
        rootKeys,
        resetCause,
        flash: this.#flash,
        retained: this.#retained,
        watchdog: this.#watchdog,
        resetPauseUs: RESET_PAUSE_US,
        wallClockS: () => WALL_CLOCK_S,
        entropy: (target) => target.forEach((_, i) => (target[i] = random.below(256))),
        openStreams: (onEvent) => new WireStreams(wire, clock, onEvent),
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
    this.#cancelRelaunch = this.#options.clock.after(RESET_PAUSE_US, () => this.#launch(ResetCause.Watchdog));
  }
}
