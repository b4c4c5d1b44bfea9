// The device under test: the calls of exokernel.h over flash that can be torn, put back and forked. Same checks and same
// errors as exokernel/*.c and packages/machine (the contract test's subset that boot loader and agent use); made for
// speed, so nothing here allocates in the common case.

import { type FlashLayout, type ZoneName, zoneNames } from "@flipside/machine/factory/flash-layout";
import { type FlashPage, PAGE_BYTES, PAGE_WORDS, programmed } from "@flipside/machine/faults/nor-faults";
import {
  BOOT_INFO_BYTES, BootReason, CRASH_RECORD_BYTES, Exo, ResetCause, VERIFIED, Zone, ZONE_COUNT,
} from "@flipside/machine/abi";
import type { Calls, ModuleInstance } from "./module-instance.ts";
import { type Hash, PageStore, pageTerm } from "./page-store.ts";

/**
 * How unstable bits read during one power-up. What was left unstable may read well at each of them, or at none, or change
 * its mind in between; after the next power-up it may be another way.
 */
export const readings = ["as-new", "as-old", "fading", "flickering"] as const;
export type Reading = (typeof readings)[number];

/** Reads of a page's unstable bits after which `fading` ones no longer look right, unless something else is wanted. */
export const FADING_READS = 6;

/** Thrown out of a module when its run is over; no stack is wanted. */
export const runEnds = { imageStarted: { name: "image started" }, reset: { name: "reset" }, powerLost: { name: "power lost" } } as const;

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
   * Before an operation is done: throw `runEnds.powerLost` to cut power; return an EXO_E_* to let the operation fail, or
   * SAYS_DONE to have it taken for done.
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

/** The one connection that a device has. */
export interface ByteStream {
  open(host: string, port: number): void;
  /** EXO_STREAM_*. */
  state(): number;
  /** Bytes put at the start of `target`, EXO_E_AGAIN or EXO_E_CLOSED. */
  read(target: Uint8Array): number;
  write(bytes: Uint8Array): number;
  close(): void;
}

export interface BoardOptions {
  layout: FlashLayout;
  pages: PageStore;
  rootKeys: readonly Uint8Array[];
  /** Where images are linked to be, and how much RAM there is for them. */
  imageWindow: { address: number; sizeBytes: number };
}

const ROOT_KEYS_MAX = 8;
/** What every app says of itself. */
const APP_METRIC = { name: new TextEncoder().encode("queue"), value: -7 };
/** As exokernel/flash_cfi.c says. */
const ERASE_MS_MAX = 5_000;
const PROGRAM_MS_MAX = 200;

/** What the hardware says, of a run whose RAM says as much. */
const causeOf = (reason: number): number =>
  reason === BootReason.PowerOn ? ResetCause.Power : reason === BootReason.Watchdog ? ResetCause.Watchdog : reason === BootReason.Pin ? ResetCause.Pin : ResetCause.Software;

/** Numbers of zone, sector of the zone and page of the sector, for each page: the same for both sizes of flash. */
function namePages(layout: FlashLayout, count: number): Int32Array {
  const names = new Int32Array(count).fill(-1);
  zoneNames.forEach((zone, number) => {
    const { offsetBytes, sizeBytes } = layout.zones[zone];
    for (let at = 0; at < sizeBytes; at += PAGE_BYTES)
      names[(offsetBytes + at) / PAGE_BYTES] = (number << 24) | (Math.floor(at / layout.sectorBytes) << 12) | ((at % layout.sectorBytes) / PAGE_BYTES);
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
  readonly #zoneOffsets: number[];
  readonly #zoneSizes: number[];
  readonly #operation: Operation = { kind: "erase", zone: 0, offset: 0, length: 0, data: undefined };
  surroundings!: Surroundings;
  /** Before each read of flash: an EXO_E_* lets it fail. */
  readTrouble: ((zone: number, offset: number, length: number) => number) | undefined;
  #unstablePages = 0;
  #reading: Reading = "as-new";
  fadingReads = FADING_READS;
  /** Of each page, how often unstable bits were read since power-on. */
  readonly #unstableReads: Uint32Array;
  readonly #pageNames: Int32Array;
  #seed = 1;
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
    this.#unstableReads = new Uint32Array(this.ids.length);
    this.#pageNames = namePages(options.layout, this.ids.length);
    this.imageRam = new Uint8Array(options.imageWindow.sizeBytes);
    this.#zoneOffsets = zoneNames.map((name: ZoneName) => options.layout.zones[name].offsetBytes);
    this.#zoneSizes = zoneNames.map((name: ZoneName) => options.layout.zones[name].sizeBytes);
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
    this.#reading = reading;
    this.#unstableReads.fill(0);
    this.#seed = seed;
    this.#crash = undefined;
  }

  get unstablePages(): number {
    return this.#unstablePages;
  }

  /** Of the page whose unstable bits were read most often since power-on: how often. */
  get unstableReadsMax(): number {
    let max = 0;
    for (const reads of this.#unstableReads) if (reads > max) max = reads;
    return max;
  }

  /** What unstable bits will read as from here on follows from their pages' contents and this. */
  get unstableKey(): number {
    const reading = this.#reading;
    let key = Math.imul(readings.indexOf(reading) + 1, 0x9e3779b1);
    if (reading === "as-new" || reading === "as-old") return key;
    for (let page = 0; page < this.ids.length; page++) {
      if (!this.pages.isUnstable(this.ids[page]!)) continue;
      const reads = this.#unstableReads[page]!;
      key = Math.imul(key ^ (reading === "fading" ? Math.min(reads, this.fadingReads) : reads), 0x85ebca6b) ^ (key >>> 15);
    }
    return key;
  }

  /** At the start of each run, after power-on and after a reset. */
  beginRun(bootReason: number): void {
    this.nowUs = 0;
    this.bootReason = bootReason;
    this.runningSlotZone = -1;
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
      if (unstable) this.#disturb(unstable, page, offset, target);
    }
  }

  /** What a page is called in every geometry: its zone, its sector there, and its place in the sector. */
  pageName(page: number): number {
    return this.#pageNames[page]!;
  }

  #disturb(unstable: Uint32Array, page: number, offset: number, target: Uint8Array): void {
    const reading = this.#reading;
    const pageOffset = page * PAGE_BYTES;
    const bits = new Uint8Array(unstable.buffer, unstable.byteOffset, PAGE_BYTES);
    const from = Math.max(pageOffset, offset);
    const to = Math.min(pageOffset + PAGE_BYTES, offset + target.length);
    let touched = false;
    for (let at = from; at < to; at++) if (bits[at - pageOffset] !== 0) { touched = true; break; }
    if (!touched) return;
    const reads = this.#unstableReads[page]!++;
    if (reading === "as-new" || (reading === "fading" && reads < this.fadingReads)) return;
    for (let at = from; at < to; at++) {
      const mask = bits[at - pageOffset]!;
      if (mask !== 0) target[at - offset] = target[at - offset]! ^ (reading === "flickering" ? this.#flicker(page, at - pageOffset, reads) & mask : mask);
    }
  }

  /** Bits for the `read`-th read of a byte: by place, so that they don't depend on what else is read in between. */
  #flicker(page: number, at: number, read: number): number {
    let h = Math.imul(this.#seed ^ Math.imul(this.#pageNames[page]! + 1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(at + PAGE_BYTES * read + 1, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    return (h ^ (h >>> 15)) >>> 8;
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
    for (let page = offset / PAGE_BYTES; page < (offset + sectorBytes) / PAGE_BYTES; page++) if (this.ids[page] !== PageStore.erasedId) this.#put(page, PageStore.erasedId);
    return Exo.Ok;
  }

  readonly #now = new Uint32Array(PAGE_WORDS);
  readonly #nowBytes = new Uint8Array(this.#now.buffer);
  readonly #data = new Uint32Array(PAGE_WORDS);
  readonly #dataBytes = new Uint8Array(this.#data.buffer);

  #program(zone: number, offset: number, data: Uint8Array, durability: number): number {
    const page = this.layout.pageBytes;
    const length = data.length;
    if (length === 0 || length > page || ((offset | length) & 3) !== 0 || (offset & (page - 1)) > page - length) return Exo.Argument;
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
      const id = this.pages.internProgrammed(before, words.subarray(pageFirst, pageFirst + PAGE_WORDS), first - pageFirst, count);
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

  /** Where a range of a zone lies, or -1 when it is not all in the zone. */
  #at(zone: number, offset: number, length: number): number {
    const size = this.#zoneSizes[zone]!;
    return length <= size && offset <= size - length ? this.#zoneOffsets[zone]! + offset : -1;
  }

  /** The imports of one module. Zones are the grants of packages/machine/src/grants.ts. */
  calls(instance: () => ModuleInstance, module: "boot" | "agent"): Calls {
    const range = (ptr: number, length: number): Uint8Array | undefined => {
      const { memory } = instance();
      return length <= memory.length && ptr <= memory.length - length ? memory.subarray(ptr, ptr + length) : undefined;
    };
    const readable = (zone: number): number => (zone >= ZONE_COUNT ? Exo.Argument : zone === Zone.App ? Exo.Denied : Exo.Ok);
    const agentWrites = [Zone.BootControl, Zone.Settings, Zone.Trust, Zone.SlotA, Zone.SlotB, Zone.Journal] as number[];
    const writes = module === "boot" ? [Zone.BootControl as number] : agentWrites;
    const writable = (zone: number): number => (zone >= ZONE_COUNT ? Exo.Argument : writes.includes(zone) && zone !== this.runningSlotZone ? Exo.Ok : Exo.Denied);
    const { imageWindow, rootKeys } = this.#options;
    const inWindow = (address: number, length: number): boolean => address >= imageWindow.address && length <= imageWindow.sizeBytes && address - imageWindow.address <= imageWindow.sizeBytes - length;
    const denied = (): number => Exo.Denied;
    const refused = (kind: string, zone: number, code: number): number => {
      this.surroundings.onDenied(kind, zone);
      return code;
    };
    const isAgent = module === "agent";

    const calls: Calls = {
      flash_geometry: (zone, out) => {
        const allowed = readable(zone! >>> 0);
        if (allowed < 0) return allowed;
        const { words } = instance();
        words.setUint32(out!, this.#zoneSizes[zone!]!, true);
        words.setUint32(out! + 4, this.layout.sectorBytes, true);
        words.setUint32(out! + 8, this.layout.pageBytes, true);
        words.setUint32(out! + 12, writable(zone!) === Exo.Ok ? 1 : 0, true);
        return Exo.Ok;
      },
      flash_timing: (out) => {
        if (!range(out! >>> 0, 8)) return Exo.Argument;
        instance().words.setUint32(out!, ERASE_MS_MAX, true);
        instance().words.setUint32(out! + 4, PROGRAM_MS_MAX, true);
        return Exo.Ok;
      },
      flash_read: (zone, offset, ptr, length) => {
        const allowed = readable(zone! >>> 0);
        if (allowed < 0) return allowed;
        const at = this.#at(zone!, offset! >>> 0, length! >>> 0);
        const target = range(ptr! >>> 0, length! >>> 0);
        if (at < 0 || !target) return Exo.Argument;
        // Nothing but src/agent/self-test.ts reads the first 16 bytes.
        if (zone === Zone.BootControl && offset === 0 && target.length === 16 && !this.surroundings.passesSelfTest()) return Exo.Io;
        const failure = this.readTrouble?.(zone!, offset! >>> 0, target.length) ?? Exo.Ok;
        if (failure < 0) return failure;
        this.read(at, target);
        return Exo.Ok;
      },
      flash_program: (zone, offset, ptr, length, durability) => {
        const allowed = writable(zone! >>> 0);
        if (allowed < 0) return refused("program", zone!, allowed);
        const at = this.#at(zone!, offset! >>> 0, length! >>> 0);
        const source = range(ptr! >>> 0, length! >>> 0);
        if (at < 0 || !source || durability! >>> 0 > VERIFIED) return Exo.Argument;
        return this.#program(zone!, at, source, durability!);
      },
      flash_erase: (zone, offset) => {
        const allowed = writable(zone! >>> 0);
        if (allowed < 0) return refused("erase", zone!, allowed);
        const { sectorBytes } = this.layout;
        const at = this.#at(zone!, offset! >>> 0, sectorBytes);
        if (at < 0 || (offset! >>> 0) % sectorBytes !== 0) return Exo.Argument;
        return this.#erase(zone!, at);
      },
      clock_us: () => BigInt(++this.nowUs),
      wall_clock_s: () => 1_800_000_000n,
      entropy: (ptr, length) => {
        if (!isAgent) return Exo.Denied;
        const target = range(ptr! >>> 0, length! >>> 0);
        if (!target || target.length > 256) return Exo.Argument;
        // The same at every run, so that runs from equal states are equal.
        // A linear congruential generator (Numerical Recipes): good enough for the health tests, and quick.
        for (let i = 0; i < target.length; i++) target[i] = (this.#entropyState = (Math.imul(this.#entropyState, 1664525) + 1013904223) >>> 0) >>> 24;
        return Exo.Ok;
      },
      console_write: (ptr, length) => {
        const bytes = range(ptr! >>> 0, length! >>> 0);
        if (!bytes) return Exo.Argument;
        this.surroundings.onConsole(bytes);
        return Exo.Ok;
      },
      stream_open: (hostPtr, hostLength, port) => {
        if (!isAgent) return Exo.Denied;
        const host = range(hostPtr! >>> 0, hostLength! >>> 0);
        if (!host) return Exo.Argument;
        this.surroundings.stream.open(Buffer.from(host).toString("latin1"), port!);
        return 0;
      },
      stream_state: () => (isAgent ? this.surroundings.stream.state() : Exo.Denied),
      stream_read: (_handle, ptr, length) => {
        if (!isAgent) return Exo.Denied;
        const target = range(ptr! >>> 0, length! >>> 0);
        return target ? this.surroundings.stream.read(target) : Exo.Argument;
      },
      stream_write: (_handle, ptr, length) => {
        if (!isAgent) return Exo.Denied;
        const source = range(ptr! >>> 0, length! >>> 0);
        return source ? this.surroundings.stream.write(source) : Exo.Argument;
      },
      stream_close: () => {
        if (!isAgent) return Exo.Denied;
        this.surroundings.stream.close();
        return Exo.Ok;
      },
      boot_info: (ptr, length) => {
        const out = range(ptr! >>> 0, length! >>> 0);
        if (!out || out.length !== BOOT_INFO_BYTES) return Exo.Argument;
        out.set(this.bootInfo);
        return Exo.Ok;
      },
      crash_record: (ptr, length) => {
        const out = range(ptr! >>> 0, length! >>> 0);
        if (!out || out.length < CRASH_RECORD_BYTES) return Exo.Argument;
        if (!this.#crash) return Exo.Absent;
        out.fill(0);
        out.set(this.#crash);
        return Exo.Ok;
      },
      reset: (reason) => {
        if (!isAgent) return Exo.Denied;
        if (reason! < 1 || reason! > 3) return Exo.Argument;
        this.resetReason = reason!;
        throw runEnds.reset;
      },
      watchdog_arm: (timeoutMs) => {
        if (timeoutMs! < 100 || timeoutMs! > 600_000) return Exo.Argument;
        this.watchdogMs = timeoutMs!;
        return Exo.Ok;
      },
      watchdog_pet: () => (this.pets++, Exo.Ok),
      root_keys: (ptr, length) => {
        const out = range(ptr! >>> 0, length! >>> 0);
        if (rootKeys.length < 1 || rootKeys.length > ROOT_KEYS_MAX) return Exo.Io;
        if (!out || out.length < 32 * rootKeys.length) return Exo.Argument;
        rootKeys.forEach((key, i) => out.set(key, 32 * i));
        return rootKeys.length;
      },
      boot_reason: () => this.bootReason,
      reset_cause: () => causeOf(this.bootReason),
      app_metric: denied,
      app_health: denied,
      app_report: (out) => {
        if (!isAgent) return Exo.Denied;
        const report = range(out! >>> 0, 32);
        if (!report) return Exo.Argument;
        report.fill(0);
        instance().words.setUint32(out!, Math.floor(this.nowUs / 1_000_000), true);
        instance().words.setUint32(out! + 4, this.surroundings.appHealth(), true);
        instance().words.setInt32(out! + 8, APP_METRIC.value, true);
        instance().words.setUint32(out! + 12, APP_METRIC.name.length, true);
        report.set(APP_METRIC.name, 16);
        return Exo.Ok;
      },
      boot_phase: (phase) => {
        this.surroundings.onPhase(phase!);
        return Exo.Ok;
      },
      image_window: (out) => {
        if (!range(out! >>> 0, 8)) return Exo.Argument;
        instance().words.setUint32(out!, imageWindow.address, true);
        instance().words.setUint32(out! + 4, imageWindow.sizeBytes, true);
        return Exo.Ok;
      },
      image_load: (zone, offset, address, length) => {
        if (isAgent) return Exo.Denied;
        if ((zone !== Zone.SlotA && zone !== Zone.SlotB) || !inWindow(address! >>> 0, length! >>> 0)) return Exo.Argument;
        const at = this.#at(zone, offset! >>> 0, length! >>> 0);
        if (at < 0) return Exo.Argument;
        const to = (address! >>> 0) - imageWindow.address;
        const failure = this.readTrouble?.(zone!, offset! >>> 0, length! >>> 0) ?? Exo.Ok;
        if (failure < 0) return failure;
        this.read(at, this.imageRam.subarray(to, to + length!));
        return Exo.Ok;
      },
      image_read: (address, ptr, length) => {
        if (isAgent) return Exo.Denied;
        const out = range(ptr! >>> 0, length! >>> 0);
        if (!out || !inWindow(address! >>> 0, length! >>> 0)) return Exo.Argument;
        const from = (address! >>> 0) - imageWindow.address;
        out.set(this.imageRam.subarray(from, from + out.length));
        return Exo.Ok;
      },
      image_start: (entry, infoPtr) => {
        if (isAgent) return Exo.Denied;
        const info = range(infoPtr! >>> 0, BOOT_INFO_BYTES);
        if (!info || !inWindow(entry! >>> 0, 4) || entry! & 3 || info[6]! > 1) return Exo.Argument;
        this.bootInfo.set(info);
        this.entryAddress = entry! >>> 0;
        throw runEnds.imageStarted;
      },
    };
    // A call of exokernel.h that this host has no device for.
    return new Proxy(calls, { get: (target, name: string) => target[name] ?? (() => Exo.Absent), has: () => true });
  }
}
