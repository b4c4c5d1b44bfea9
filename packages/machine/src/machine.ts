// One virtual machine with its power on: the boot loader runs, then the image that it starts, until a reset boots again
// or the power goes. Everything of it lives in one thread; virtual-device.ts stands around it with what outlives a run.

import { splitBundle } from "./wasm-bundle.ts";
import type { FlashOperation } from "./faults/flash-operation.ts";
import { BootReason, ModuleId, Phase, RECOVERY_NONE, ResetCause, Zone } from "./abi.ts";
import { AppConfiguration } from "./app-configuration.ts";
import { AppSlice } from "./app-slice.ts";
import { ConsoleLog } from "./console-log.ts";
import { ConsoleLines } from "./console-lines.ts";
import { calls } from "./calls.ts";
import { agentGrants, appGrants, bootGrants, type Grants } from "./grants.ts";
import type { HostClock } from "./clock.ts";
import { ImageWindow } from "./image-window.ts";
import { ModuleMemory } from "./module-memory.ts";
import { PowerLost } from "./flash/faulty-cells.ts";
import type { FlashPort, Ports, StreamsPort } from "./ports.ts";
import type { RetainedRam } from "./retained-ram.ts";
import { RunEnds } from "./run-ends.ts";
import { SerialReceiver } from "./serial-receiver.ts";
import type { WatchdogLine } from "./watchdog.ts";

/** Streams of one run: gone with it, without a word. */
export type RunStreams = StreamsPort & { destroy(): void };

export interface MachineParts {
  flash: FlashPort;
  retained: RetainedRam;
  watchdog: WatchdogLine;
  rootKeys: readonly Uint8Array[];
  bootModule: WebAssembly.Module;
  /** As it was compiled from, for who measures it. */
  loader?: Uint8Array | undefined;
  clock: HostClock;
  wallClockS(): number;
  /** Fills the target; or returns an EXO_E_*, as a source does that is missing or gives nothing. */
  entropy(target: Uint8Array): number | void;
  /** For a new run; `onEvent`: something that a module may wait for has happened. */
  openStreams(onEvent: () => void): RunStreams;
  /**
   * From a reset to the boot loader's first instruction: a device that crashes again and again must not take a whole
   * core.
   */
  resetPauseUs: number;
  /** ResetCause of the first boot; the others of this machine's life are its own software's doing. */
  resetCause: number;
}

export interface MachineEvents {
  line(line: string): void;
  /** EXO_BOOT_* of the boot that follows. */
  reset(reason: number): void;
  /** The boot loader found nothing to start: it listens on the serial line, and tries again now and then. */
  recovery(): void;
  /** The device has written to its serial line, which is its console too. */
  serial(bytes: Uint8Array): void;
  /** The boot loader can do nothing more; the machine has halted. */
  halted(): void;
  /** Power went at a flash operation; the machine is off. */
  cut(operation: FlashOperation): void;
}

/** The ports of a run, and what of them the machine itself works with. */
interface Board extends Ports {
  readonly console: ConsoleLines;
  readonly streams: RunStreams;
  readonly serial: SerialReceiver;
  readonly app: AppSlice;
  readonly consoleLog: ConsoleLog;
  readonly imageWindow: ImageWindow;
  runningSlotZone: number | undefined;
}

type Exports = Record<string, (...args: number[]) => number>;

/** Trap codes of wasm2c's runtime (wasm-rt.h), and the names that the exokernel gives them. */
const traps: [RegExp, number, string][] = [
  [/out of bounds/, 1, "out of bounds"],
  [/unrepresentable/, 2, "integer overflow"],
  [/divide result/, 2, "integer overflow"],
  [/by zero/, 3, "division by zero"],
  [/unreachable/, 5, "unreachable"],
  [/signature mismatch|indirect call|null function/, 6, "invalid indirect call"],
  [/call stack/i, 1, "stack exhausted"],
];

/** mcause 2, as what a jump to bytes that are no program ends in. */
const ILLEGAL_INSTRUCTION = 0x102;

class Crashed extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export class Machine {
  readonly #parts: MachineParts;
  readonly #events: MachineEvents;
  /** Of the run that is under way; undefined between runs. */
  #board: Board | undefined;
  #agent: Exports | undefined;
  #app: Exports | undefined;
  /** The boot loader, in recovery. */
  #recovering: Exports | undefined;
  #currentModule: number = ModuleId.Exokernel;
  #runBeganUs = 0;
  #resetCause: number;
  #cancelTimer: (() => void) | undefined;
  #timerIsImmediate = false;
  /** Something happened while a step ran (connections of a test may answer at once). */
  #eventPending = false;

  constructor(parts: MachineParts, events: MachineEvents) {
    this.#parts = parts;
    this.#resetCause = parts.resetCause;
    this.#events = events;
  }

  powerOn(): void {
    this.#after(0, () => this.#boot());
  }

  /** The power is gone: nothing runs any more. */
  halt(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#parts.watchdog.disarm();
    this.#board?.console.flush();
    this.#board?.streams.destroy();
    this.#board = undefined;
    this.#agent = undefined;
    this.#app = undefined;
    this.#recovering = undefined;
  }

  /** Bytes that came on the serial line. */
  serial(bytes: Uint8Array): void {
    const board = this.#board;
    if (!board?.serial.receive(bytes) || !this.#recovering) return;
    if (this.#cancelTimer && !this.#timerIsImmediate) this.#after(0, () => this.#run(() => this.#recoverStep(board)));
  }

  /** One timer is all a machine waits on. */
  #after(delayUs: number, task: () => void): void {
    this.#cancelTimer?.();
    this.#timerIsImmediate = delayUs <= 0;
    this.#cancelTimer = this.#parts.clock.after(delayUs, () => {
      this.#cancelTimer = undefined;
      task();
    });
  }

  #boot(): void {
    const { clock, flash, retained, rootKeys, loader, watchdog, entropy, wallClockS, openStreams } = this.#parts;
    retained.beginBoot(this.#resetCause);
    this.#resetCause = ResetCause.Software;
    this.#runBeganUs = clock.nowUs();
    const board: Board = {
      flash,
      rootKeys,
      loader,
      watchdog,
      entropy,
      wallClockS,
      run: retained,
      runningSlotZone: undefined,
      recoverySlotZone: undefined,
      serial: new SerialReceiver(),
      clockUs: () => clock.nowUs() - this.#runBeganUs,
      console: new ConsoleLines(
        (line) => this.#events.line(line),
        (bytes) => {
          retained.keepConsole(bytes);
          board.consoleLog.keep(bytes);
          this.#events.serial(bytes);
        },
      ),
      streams: openStreams(() => this.#wake(board)),
      consoleLog: new ConsoleLog(),
      app: new AppSlice(clock.nowUs()),
      appConfiguration: new AppConfiguration(),
      imageWindow: new ImageWindow(),
      reset(reason) {
        throw new RunEnds({ kind: "reset", reason });
      },
      startImage(entry, info) {
        retained.bootInfo.set(info);
        retained.sayPhase(Phase.HandedOver);
        retained.nextReason = BootReason.Unknown;
        throw new RunEnds({ kind: "image", entry });
      },
    };
    this.#board = board;
    this.#run(() => {
      const boot = this.#instantiate(this.#parts.bootModule, bootGrants, board);
      this.#call(ModuleId.Boot, () => boot.boot!());
      if (this.#board !== board) return;
      board.console.flush();
      retained.nextReason = BootReason.PowerOn;
      retained.sayPhase(Phase.Recovery);
      board.serial.open();
      this.#recovering = boot;
      this.#events.recovery();
      if (this.#board === board) this.#recoverStep(board);
    });
  }

  /** What the recovery loop of main_boot.c does. */
  #recoverStep(board: Board): void {
    const waitUs = this.#call(ModuleId.Boot, () => this.#recovering!.recover!()) >>> 0;
    if (this.#board !== board) return;
    if (waitUs !== RECOVERY_NONE) return this.#after(waitUs, () => this.#run(() => this.#recoverStep(board)));
    this.#events.line("recovery: no image on this device can be started; it needs a service technician");
    this.halt();
    this.#events.halted();
  }

  #startImage(entry: number): void {
    this.#recovering = undefined;
    this.#run(() => {
      const board = this.#board;
      if (!board) return;
      this.#parts.retained.sayPhase(Phase.Image);
      board.consoleLog.beginImage();
      board.runningSlotZone = board.run.bootInfo[6] === 0 ? Zone.SlotA : Zone.SlotB;
      const { agent, app } = compileBundle(board.imageWindow.bytes!.subarray(entry - board.imageWindow.address));
      board.imageWindow.bytes = undefined;
      this.#currentModule = ModuleId.App;
      this.#app = this.#instantiate(app, appGrants, board);
      this.#call(ModuleId.App, () => this.#app!.start!());
      if (this.#board !== board) return;
      board.app.nextTickUs = new AppSlice(this.#parts.clock.nowUs()).nextTickUs;
      this.#currentModule = ModuleId.Agent;
      this.#agent = this.#instantiate(agent, agentGrants, board);
      this.#call(ModuleId.Agent, () => this.#agent!.start!());
      // Whoever heard a line may have taken the power away: that holds from the next call into a module.
      if (this.#board === board) this.#step(board);
    });
  }

  /**
   * What the idle loop of main_image.c does: the app's tick when due, one step, then sleep until the next of the two.
   */
  #step(board: Board): void {
    if (board.app.takeTick(this.#parts.clock.nowUs())) {
      this.#call(ModuleId.App, () => this.#app!.tick!());
      board.app.countTick();
    }
    if (this.#board !== board) return;
    this.#eventPending = false;
    const sleepUs = this.#call(ModuleId.Agent, () => this.#agent!.step!()) >>> 0;
    if (this.#board !== board) return;
    const untilTickUs = Math.max(0, board.app.nextTickUs - this.#parts.clock.nowUs());
    this.#after(this.#eventPending ? 0 : Math.min(sleepUs, untilTickUs), () => this.#run(() => this.#step(board)));
  }

  /** Something happened that the agent may wait for. */
  #wake(board: Board): void {
    if (this.#board !== board || !this.#agent) return;
    this.#eventPending = true;
    if (!this.#cancelTimer || this.#timerIsImmediate) return;
    this.#after(0, () => this.#run(() => this.#step(board)));
  }

  #instantiate(module: WebAssembly.Module, grants: Grants, board: Board): Exports {
    const memory = new ModuleMemory();
    const exo = calls(grants, board, memory);
    const lateMemory = WebAssembly.Module.exports(module).some((e) => e.name === "memory" && e.kind === "memory");
    if (!lateMemory) throw new Crashed(ILLEGAL_INSTRUCTION, "module exports no memory");
    let instance: WebAssembly.Instance;
    try {
      instance = new WebAssembly.Instance(module, { exo });
    } catch (error) {
      if (error instanceof WebAssembly.LinkError) throw new Crashed(ILLEGAL_INSTRUCTION, "module can't be linked");
      throw error;
    }
    memory.attach(instance.exports.memory as WebAssembly.Memory);
    return instance.exports as Exports;
  }

  #call<T>(module: number, work: () => T): T {
    const interrupted = this.#currentModule;
    this.#currentModule = module;
    const result = work();
    this.#currentModule = interrupted;
    return result;
  }

  /** Runs modules, and sees to how they end. */
  #run(work: () => void): void {
    this.#currentModule = ModuleId.Exokernel;
    try {
      work();
    } catch (error) {
      if (error instanceof RunEnds && error.end.kind === "image") return this.#startImage(error.end.entry);
      if (error instanceof RunEnds && error.end.kind === "reset") return this.#reset(error.end.reason);
      if (error instanceof PowerLost) {
        this.halt();
        return this.#events.cut(error.operation);
      }
      const crash = crashOf(error);
      if (!crash) throw error;
      this.#crash(crash.code, crash.message);
    }
  }

  #crash(code: number, message: string): void {
    const uptimeMs = Math.floor((this.#parts.clock.nowUs() - this.#runBeganUs) / 1000);
    this.#parts.retained.recordCrash({ module: this.#currentModule, code, uptimeMs, message });
    this.#board?.console.flush();
    const line = `crash: ${message} module ${this.#currentModule} code ${code} mepc 00000000 mtval 00000000`;
    this.#parts.retained.keepConsole(new TextEncoder().encode(`${line}\n`));
    this.#events.line(line);
    this.#reset(BootReason.Trap);
  }

  #reset(reason: number): void {
    if (!this.#board) return;
    this.#parts.retained.nextReason = reason;
    this.halt();
    this.#after(this.#parts.resetPauseUs, () => this.#boot());
    this.#events.reset(reason);
  }
}

function crashOf(error: unknown): { code: number; message: string } | undefined {
  if (error instanceof Crashed) return error;
  const isTrap =
    error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /call stack/i.test(error.message));
  if (!isTrap) return undefined;
  const known = traps.find(([pattern]) => pattern.test((error as Error).message));
  return known ? { code: known[1], message: known[2] } : { code: 0, message: "trap" };
}

/** A bundle is verified before it is started, so what fails here is an image that was signed and is none. */
function compileBundle(bytes: Uint8Array): { agent: WebAssembly.Module; app: WebAssembly.Module } {
  const bundle = splitBundle(bytes);
  if (!bundle) throw new Crashed(ILLEGAL_INSTRUCTION, "image is no bundle");
  try {
    return { agent: new WebAssembly.Module(bundle.agent.slice()), app: new WebAssembly.Module(bundle.app.slice()) };
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw new Crashed(ILLEGAL_INSTRUCTION, "module does not compile");
    throw error;
  }
}
