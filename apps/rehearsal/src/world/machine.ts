// The machine that the server's process runs on, in place of the real one: its clocks, timers, random numbers and
// files. They are put in place of Node's own, for the whole process, so that nothing gets past them: neither the
// server's code, which is what ships, nor what it stands on (Express, Kysely, jose).
//
// What stays of Node is deterministic, or is waited for before anything else happens: SQLite is synchronous, promises
// go on in microtasks, and those few things that threads do (scrypt at a sign-in, HMAC of a cookie, compiling
// WebAssembly) are steps of a request or of a start, which the world waits for (settled.ts).

import crypto from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import perfHooks from "node:perf_hooks";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** One run of the server's program: its timers end with it. */
export interface Process {
  isAlive: boolean;
}

export class Machine {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #startedAtMs: number;
  /** Whose timers those are that are made now. */
  process: Process = { isAlive: true };
  /** How far the wall clock was set forward, or back. */
  wallShiftMs = 0;
  /** Of the present start of the machine. */
  bootId = "boot-1";
  /** What happens again and again does so no more often. */
  intervalMsLeast = 1;
  #bootedAtMs = 0;

  constructor(schedule: Schedule, random: Random, startedAtMs: number) {
    this.#schedule = schedule;
    this.#random = random;
    this.#startedAtMs = startedAtMs;
  }

  wallMs = (): number => this.#startedAtMs + Math.floor(this.#schedule.nowMs) + this.wallShiftMs;
  monotonicMs = (): number => 1_000_000 + this.#schedule.nowMs - this.#bootedAtMs;

  /** The machine itself starts anew: its monotonic clock does, too. */
  reboot(): void {
    this.#bootedAtMs = this.#schedule.nowMs;
    this.bootId = `boot-${Math.floor(this.#schedule.nowMs)}`;
  }

  randomBytes = (length: number): Buffer => this.#random.bytes(length);
  randomBelow = (n: number): number => this.#random.below(n);

  arrange(delayMs: number, run: () => void): () => void {
    const { process } = this;
    return this.#schedule.after(Math.max(1, delayMs), () => process.isAlive && run());
  }
}

let present: Machine | undefined;

/** From now on the process is on this machine. Throws when it was never moved. */
export function runOn(machine: Machine): void {
  if (!isMoved) throw new Error("leaveRealMachine() comes first");
  present = machine;
}

function machine(): Machine {
  if (present === undefined) throw new Error("there is no simulated machine yet: runOn() comes first");
  return present;
}

class Timer {
  readonly #run: () => void;
  readonly #delayMs: number;
  readonly #repeats: boolean;
  #takeBack: () => void = () => {};

  constructor(run: () => void, delayMs: number, repeats: boolean) {
    this.#run = run;
    this.#delayMs = delayMs;
    this.#repeats = repeats;
    this.refresh();
  }

  refresh(): this {
    this.#takeBack();
    const delayMs = this.#repeats ? Math.max(this.#delayMs, machine().intervalMsLeast) : this.#delayMs;
    this.#takeBack = machine().arrange(delayMs, () => {
      if (this.#repeats) this.refresh();
      this.#run();
    });
    return this;
  }

  clear(): void {
    this.#takeBack();
  }

  ref = (): this => this;
  unref = (): this => this;
  hasRef = (): boolean => true;
}

/** A file whose operations are done when they are asked for: which of two reads ends first must not be chance. */
class PromptFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return { bytesRead: fs.readSync(this.#descriptor, into, offset, length, position) };
  }

  async write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> {
    return { bytesWritten: fs.writeSync(this.#descriptor, bytes, offset, length) };
  }

  /** Nobody pulls the plug of the machine that the rehearsal itself runs on. */
  async sync(): Promise<void> {}

  async close(): Promise<void> {
    fs.closeSync(this.#descriptor);
  }
}

const promptFiles = {
  open: async (path: string, flags: string, mode?: number) => new PromptFile(fs.openSync(path, flags, mode)),
  readFile: async (path: string) => fs.readFileSync(path),
  rename: async (from: string, to: string) => fs.renameSync(from, to),
  unlink: async (path: string) => fs.unlinkSync(path),
  mkdir: async (path: string, options: fs.MakeDirectoryOptions) => fs.mkdirSync(path, options),
  readdir: async (path: string) => fs.readdirSync(path),
};

/** Node's, for the world that waits for what the server does. */
const realImmediate = setImmediate;
/** Resolves when all that goes on in microtasks has come to its end. */
export const microtasksDone = (): Promise<void> => new Promise((resolve) => realImmediate(resolve));

let isMoved = false;

/** Puts the machine in place of Node's own clocks, timers, random numbers and files, until the process ends. */
export function leaveRealMachine(): void {
  if (isMoved) return;
  isMoved = true;
  const RealDate = Date;
  class SimulatedDate extends RealDate {
    constructor(...given: [] | [string | number]) {
      if (given.length === 0) super(machine().wallMs());
      else super(...given);
    }
    static override now(): number {
      return machine().wallMs();
    }
  }
  const begin =
    (repeats: boolean) =>
    (run: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) =>
      new Timer(() => run(...given), delayMs, repeats);
  const end = (timer: Timer | undefined | null): void => timer?.clear();
  Object.assign(globalThis, {
    Date: SimulatedDate,
    setTimeout: begin(false),
    setInterval: begin(true),
    clearTimeout: end,
    clearInterval: end,
    // What is left for the next turn of the event loop (SQLite's commits) is done before time goes on.
    setImmediate: (run: (...given: unknown[]) => void, ...given: unknown[]) => {
      let isWanted = true;
      queueMicrotask(() => isWanted && run(...given));
      const immediate = { ref: () => immediate, unref: () => immediate, clear: () => void (isWanted = false) };
      return immediate;
    },
    clearImmediate: (immediate: { clear: () => void } | undefined) => immediate?.clear(),
  });
  performance.now = () => machine().monotonicMs();
  Math.random = () => machine().randomBelow(2 ** 32) / 2 ** 32;
  const randomInt = (least: number, most?: number): number =>
    most === undefined ? machine().randomBelow(least) : least + machine().randomBelow(most - least);
  const randomUUID = (): string =>
    machine()
      .randomBytes(16)
      .toString("hex")
      .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
  Object.assign(crypto, { randomBytes: (length: number) => machine().randomBytes(length), randomInt, randomUUID });
  Object.assign(fs.promises, promptFiles);
  // How late the loop is, is a matter of the real machine.
  const inTime = { enable: () => true, disable: () => true, reset() {}, percentile: () => 0, max: 0 };
  Object.assign(perfHooks, { monitorEventLoopDelay: () => inTime });
  syncBuiltinESMExports();
}
