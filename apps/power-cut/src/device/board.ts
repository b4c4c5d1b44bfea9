// The device under test: the exokernel's calls over flash that can be torn, put back and forked. Made for speed, so
// nothing here allocates in the common case.

import { APP_REPORT_BYTES, BOOT_INFO_BYTES, BootReason, Exo, ResetCause, VERIFIED, Zone } from "@flipside/machine/abi";
import { calls } from "@flipside/machine/calls";
import { type FlashLayout, zoneNames } from "@flipside/machine/factory/flash-layout";
import { type FlashPage, PAGE_BYTES, PAGE_WORDS, programmed } from "@flipside/machine/faults/flash-page";
import { type Reading, rotReadings, SETTLING_READS, UnstableReads } from "@flipside/machine/faults/unstable-reads";
import type { Grants } from "@flipside/machine/grants";
import { type ByteStream, OneStream } from "@flipside/machine/one-stream";
import { AppConfiguration } from "@flipside/machine/app-configuration";
import type { AppPort, FlashPort, Ports, RunPort } from "@flipside/machine/ports";
import type { Calls, ModuleInstance } from "./module-instance.ts";
import { type Hash, PageStore, pageTerm } from "./page-store.ts";

/** Thrown out of a module when its run is over; no stack is wanted. */
export const runEnds = {
  imageStarted: { name: "image started" },
  reset: { name: "reset" },
  powerLost: { name: "power lost" },
} as const;

/** In place of EXO_E_*: the chip says done, and the flash holds what the surroundings have put there. */
export const SAYS_DONE = 1;

export interface Operation {
  kind: "erase" | "program";
  zone: number;
  /** In the flash. */
  offset: number;
  length: number;
  /** Of a program: what is to be written. Valid during the call only. */
  data: Uint8Array | undefined;
}

/** What the surroundings of the device do. */
export interface Surroundings {
  /**
   * Before an operation is done: throw `runEnds.powerLost` to cut power; return an EXO_E_* to let the operation fail,
   * or SAYS_DONE to have it taken for done.
   */
  onOperation(operation: Operation): number;
  stream: ByteStream;
  /** Whether the self-test's read of boot control works in what runs now. */
  passesSelfTest(): boolean;
  /** EXO_HEALTH_* that the app says. */
  appHealth(): number;
  onConsole(bytes: Uint8Array): void;
  /** EXO_PHASE_* that a run has come to. */
  onPhase(phase: number): void;
  /** A change of flash was refused for want of a grant. */
  onDenied(kind: string, zone: number): void;
}

export interface BoardOptions {
  layout: FlashLayout;
  pages: PageStore;
  rootKeys: readonly Uint8Array[];
  /** Of what type images are, where they are linked to be, and how much RAM there is for them. */
  imageWindow: { imageType: number; address: number; sizeBytes: number };
}

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, PAGE_BYTES);

/** What every app says of itself. */
const APP_METRIC = { name: new TextEncoder().encode("queue"), value: -7 };
/** As exokernel/flash_cfi.c says. */
const ERASE_MS_MAX = 5_000;
const PROGRAM_MS_MAX = 200;

/** What the hardware says, of a run whose RAM says as much. */
const causeOf = (reason: number): number =>
  reason === BootReason.PowerOn
    ? ResetCause.Power
    : reason === BootReason.Watchdog
      ? ResetCause.Watchdog
      : reason === BootReason.Pin
        ? ResetCause.Pin
        : ResetCause.Software;

/** Numbers of zone, sector of the zone and page of the sector, for each page: the same for both sizes of flash. */
function namePages(layout: FlashLayout, count: number): Int32Array {
  const names = new Int32Array(count).fill(-1);
  zoneNames.forEach((zone, number) => {
    const { offsetBytes, sizeBytes } = layout.zones[zone];
    for (let at = 0; at < sizeBytes; at += PAGE_BYTES)
      names[(offsetBytes + at) / PAGE_BYTES] =
        (number << 24) | (Math.floor(at / layout.sectorBytes) << 12) | ((at % layout.sectorBytes) / PAGE_BYTES);
  });
  return names;
}

export class Board {
  readonly layout: FlashLayout;
  readonly pages: PageStore;
  readonly imageRam: Uint8Array;
  /** What the flash reads as when unstable bits read as new. */
  readonly flash: Uint8Array;
  readonly bootInfo = new Uint8Array(BOOT_INFO_BYTES);
  readonly #words: Uint32Array;
  /** Content number of each page. */
  readonly ids: Int32Array;
  readonly hash: Hash = { a: 0, b: 0 };
  readonly #options: BoardOptions;
  readonly #ports: Ports;
  readonly #streams = new OneStream(() => this.surroundings.stream);
  readonly #operation: Operation = { kind: "erase", zone: 0, offset: 0, length: 0, data: undefined };
  surroundings!: Surroundings;
  /** Before each read of flash: an EXO_E_* lets it fail. */
  readTrouble: ((zone: number, offset: number, length: number) => number) | undefined;
  #unstablePages = 0;
  /** How unstable bits read: by zone, page and place, so that a case means the same bits in every geometry. */
  readonly unstableReads: UnstableReads;
  readonly #pageNames: Int32Array;
  nowUs = 0;
  bootReason = 0;
  /** A zone that nobody may change, once an image runs. */
  runningSlotZone = -1;
  watchdogMs = 0;
  /** How often the watchdog was fed. */
  pets = 0;
  resetReason = 0;
  entryAddress = 0;
  #crash: Uint8Array | undefined;
  #entropyState = 1;

  constructor(options: BoardOptions) {
    this.#options = options;
    this.layout = options.layout;
    this.pages = options.pages;
    this.flash = new Uint8Array(options.layout.sizeBytes).fill(0xff);
    this.#words = new Uint32Array(this.flash.buffer);
    this.ids = new Int32Array(options.layout.sizeBytes / PAGE_BYTES);
    for (let page = 0; page < this.ids.length; page++) pageTerm(page, 0, this.hash, 1);
    this.#pageNames = namePages(options.layout, this.ids.length);
    this.unstableReads = new UnstableReads(this.ids.length, (page) => this.#pageNames[page]!);
    this.imageRam = new Uint8Array(options.imageWindow.sizeBytes);
    this.#ports = this.#makePorts();
  }

  get imageWindowAddress(): number {
    return this.#options.imageWindow.address;
  }

  /** Puts a snapshot back; only pages that differ are copied. */
  load(ids: Int32Array): void {
    for (let page = 0; page < ids.length; page++) if (this.ids[page] !== ids[page]) this.#put(page, ids[page]!);
  }

  /** Applies power: how unstable bits read from now on. */
  powerOn(reading: Reading, seed: number): void {
    this.unstableReads.powerOn(reading, seed);
    this.#crash = undefined;
  }

  get unstablePages(): number {
    return this.#unstablePages;
  }

  /** Of the page whose unstable bits were read most often since power-on: how often. */
  get unstableReadsMax(): number {
    let max = 0;
    for (const reads of this.unstableReads.counts) if (reads > max) max = reads;
    return max;
  }

  /** What unstable bits will read as from here on follows from their pages' contents and this. */
  get unstableKey(): number {
    const { reading, counts, fadingReads } = this.unstableReads;
    let key = Math.imul(rotReadings.indexOf(reading) + 1, 0x9e3779b1);
    if (reading === "as-new" || reading === "as-old") return key;
    for (let page = 0; page < this.ids.length; page++) {
      if (!this.pages.isUnstable(this.ids[page]!)) continue;
      const reads = counts[page]!;
      const told =
        reading === "flickering" ? reads : Math.min(reads, reading === "fading" ? fadingReads : SETTLING_READS);
      key = Math.imul(key ^ told, 0x85ebca6b) ^ (key >>> 15);
    }
    return key;
  }

  /** At the start of each run, after power-on and after a reset. */
  beginRun(bootReason: number): void {
    this.nowUs = 0;
    this.bootReason = bootReason;
    this.runningSlotZone = -1;
    this.#ports.recoverySlotZone = undefined;
    this.#streams.handle = "never open";
    this.watchdogMs = 0;
    this.#entropyState = 1;
  }

  /** Puts other contents in place of pages from `first` on. */
  replace(first: number, contents: Int32Array): void {
    contents.forEach((id, i) => this.ids[first + i] !== id && this.#put(first + i, id));
  }

  /** What the next run finds as crash record. */
  leaveCrash(record: Uint8Array | undefined): void {
    this.#crash = record;
  }

  /** The content that a page would have after `program` (offset in the flash; inside one page). */
  pageAfterProgram(offset: number, data: Uint8Array): FlashPage {
    const page = Math.floor(offset / PAGE_BYTES);
    const words = new Uint32Array(data.length / 4);
    new Uint8Array(words.buffer).set(data);
    return programmed(this.pages.page(this.ids[page]!), { firstWord: (offset % PAGE_BYTES) / 4, words });
  }

  #put(page: number, id: number): void {
    const before = this.ids[page]!;
    pageTerm(page, before, this.hash, -1);
    pageTerm(page, id, this.hash, 1);
    if (this.pages.isUnstable(before)) this.#unstablePages--;
    if (this.pages.isUnstable(id)) this.#unstablePages++;
    this.ids[page] = id;
    this.flash.set(this.pages.bytes(id), page * PAGE_BYTES);
  }

  read(offset: number, target: Uint8Array): void {
    const length = target.length;
    target.set(this.flash.subarray(offset, offset + length));
    if (this.#unstablePages === 0) return;
    for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < offset + length; page++) {
      const { unstable } = this.pages.page(this.ids[page]!);
      if (unstable) this.unstableReads.disturb(bytesOf(unstable), page, offset, target);
    }
  }

  /** What a page is called in every geometry: its zone, its sector there, and its place in the sector. */
  pageName(page: number): number {
    return this.#pageNames[page]!;
  }

  #erase(zone: number, offset: number): number {
    const { sectorBytes } = this.layout;
    const operation = this.#operation;
    operation.kind = "erase";
    operation.zone = zone;
    operation.offset = offset;
    operation.length = sectorBytes;
    operation.data = undefined;
    const failure = this.surroundings.onOperation(operation);
    if (failure !== Exo.Ok) return failure === SAYS_DONE ? Exo.Ok : failure;
    for (let page = offset / PAGE_BYTES; page < (offset + sectorBytes) / PAGE_BYTES; page++)
      if (this.ids[page] !== PageStore.erasedId) this.#put(page, PageStore.erasedId);
    return Exo.Ok;
  }

  readonly #now = new Uint32Array(PAGE_WORDS);
  readonly #nowBytes = new Uint8Array(this.#now.buffer);
  readonly #data = new Uint32Array(PAGE_WORDS);
  readonly #dataBytes = new Uint8Array(this.#data.buffer);

  #program(zone: number, offset: number, data: Uint8Array, durability: number): number {
    const length = data.length;
    const wanted = this.#data;
    const now = this.#now;
    const count = length >>> 2;
    this.#dataBytes.set(data);
    const nowBytes = this.#nowBytes.subarray(0, length);
    this.read(offset, nowBytes);
    for (let i = 0; i < count; i++) if ((wanted[i]! & ~now[i]!) !== 0) return Exo.NotErased;

    const operation = this.#operation;
    operation.kind = "program";
    operation.zone = zone;
    operation.offset = offset;
    operation.length = length;
    operation.data = data;
    const failure = this.surroundings.onOperation(operation);
    if (failure < 0) return failure;
    const number = Math.floor(offset / PAGE_BYTES);
    const before = this.ids[number]!;
    if (failure === SAYS_DONE) {
      // Only reading back can tell.
    } else if (this.pages.isUnstable(before)) {
      this.#put(number, this.pages.intern(this.pageAfterProgram(offset, data)));
    } else {
      const words = this.#words;
      const first = offset >>> 2;
      for (let i = 0; i < count; i++) words[first + i] = words[first + i]! & wanted[i]!;
      const pageFirst = (number * PAGE_BYTES) >>> 2;
      const id = this.pages.internProgrammed(
        before,
        words.subarray(pageFirst, pageFirst + PAGE_WORDS),
        first - pageFirst,
        count,
      );
      pageTerm(number, before, this.hash, -1);
      pageTerm(number, id, this.hash, 1);
      this.ids[number] = id;
    }
    if (durability === VERIFIED) {
      this.read(offset, nowBytes);
      for (let i = 0; i < count; i++) if (now[i] !== wanted[i]) return Exo.Verify;
    }
    return Exo.Ok;
  }

  /** What a module imports. */
  calls(instance: () => ModuleInstance, grants: Grants): Calls {
    return calls(grants, this.#ports, {
      range(ptr, length) {
        const { memory } = instance();
        const isInside = length <= memory.length && ptr <= memory.length - length;
        return isInside ? memory.subarray(ptr, ptr + length) : undefined;
      },
    });
  }

  #makePorts(): Ports {
    const board = this;
    const { imageWindow, rootKeys } = this.#options;
    return {
      flash: this.#flashPort(),
      clockUs: () => ++board.nowUs,
      wallClockS: () => 1_800_000_000,
      // The same at every run, so that runs from equal states are equal.
      // A linear congruential generator (Numerical Recipes): good enough for the health tests, and quick.
      entropy(target) {
        let state = board.#entropyState;
        for (let i = 0; i < target.length; i++) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          target[i] = state >>> 24;
        }
        board.#entropyState = state;
      },
      console: { write: (bytes) => board.surroundings.onConsole(bytes) },
      consoleLog: { newest: () => new Uint8Array(0) },
      streams: this.#streams,
      serial: undefined,
      watchdog: {
        arm: (timeoutMs) => void (board.watchdogMs = timeoutMs),
        pet: () => void board.pets++,
      },
      run: this.#runPort(),
      app: this.#appPort(),
      // Nobody judges what is proposed, so nothing of it tells one run from another.
      appConfiguration: new AppConfiguration(),
      rootKeys,
      imageWindow: { ...imageWindow, bytes: this.imageRam },
      get runningSlotZone() {
        return board.runningSlotZone;
      },
      recoverySlotZone: undefined,
      reset(reason) {
        board.resetReason = reason;
        throw runEnds.reset;
      },
      startImage(entry, info) {
        board.bootInfo.set(info);
        board.entryAddress = entry;
        throw runEnds.imageStarted;
      },
      onDenied: (kind, zone) => board.surroundings.onDenied(kind, zone),
    };
  }

  #flashPort(): FlashPort {
    const offsets = zoneNames.map((name) => this.layout.zones[name].offsetBytes);
    return {
      layout: this.layout,
      eraseMsMax: ERASE_MS_MAX,
      programMsMax: PROGRAM_MS_MAX,
      read: (at, target, zone) => {
        const offset = at - offsets[zone]!;
        // Nothing but src/agent/self-test.ts reads the first 16 bytes.
        const isSelfTest = zone === Zone.BootControl && offset === 0 && target.length === 16;
        if (isSelfTest && !this.surroundings.passesSelfTest()) return Exo.Io;
        const failure = this.readTrouble?.(zone, offset, target.length) ?? Exo.Ok;
        if (failure < 0) return failure;
        this.read(at, target);
        return Exo.Ok;
      },
      program: (at, source, durability, zone) => this.#program(zone, at, source, durability),
      erase: (at, zone) => this.#erase(zone, at),
    };
  }

  #runPort(): RunPort {
    const board = this;
    return {
      get bootReason() {
        return board.bootReason;
      },
      get resetCause() {
        return causeOf(board.bootReason);
      },
      bootInfo: this.bootInfo,
      get lastCrash() {
        return board.#crash;
      },
      lastConsole: undefined,
      sayPhase: (phase) => board.surroundings.onPhase(phase),
    };
  }

  /** Of an app that nobody runs: what it says is the surroundings' to choose. */
  #appPort(): AppPort {
    const board = this;
    const report = new Uint8Array(APP_REPORT_BYTES);
    const words = new DataView(report.buffer);
    words.setInt32(8, APP_METRIC.value, true);
    words.setUint32(12, APP_METRIC.name.length, true);
    report.set(APP_METRIC.name, 16);
    return {
      get report() {
        words.setUint32(0, Math.floor(board.nowUs / 1_000_000), true);
        words.setUint32(4, board.surroundings.appHealth(), true);
        return report;
      },
      metric: () => {},
      health: () => {},
    };
  }
}
