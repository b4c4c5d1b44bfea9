// A minimal exokernel for the real boot loader and agent under fuzzing: flash in memory, a clock that the target moves, one
// byte stream, a serial line. Arguments are checked as exokernel.h says. What the module wants to change without a grant is
// refused, and the module's fault.

import { type FlashLayout, zoneNames } from "@flipside/machine/factory/flash-layout";
import { Exo, ResetCause, StreamState, Zone } from "@flipside/machine/abi";
import type { Grants } from "@flipside/machine/grants";
import type { ByteStream } from "../../../apps/power-cut/src/device/board.ts";
import { contentOf, type Transcript } from "../../../apps/power-cut/src/device/transcript.ts";
import type { FuzzInstance } from "../engine/instance.ts";
import { Violation } from "../engine/target.ts";

export const WINDOW_ADDRESS = 0;
export const WINDOW_BYTES = 196_608;
/** As exokernel/flash_cfi.c says. */
export const ERASE_MS_MAX = 5_000;
const PROGRAM_MS_MAX = 200;

const inWindow = (address: number, length: number): boolean => length <= WINDOW_BYTES && address - WINDOW_ADDRESS <= WINDOW_BYTES - length;

/** Ends a run: control has left the module. */
export class Left {
  constructor(readonly how: "image" | "reset", readonly value: number, readonly info = new Uint8Array(0)) {}
}

/** Of flash: an erase has no bytes. Valid during the call only. */
export interface Change {
  zone: number;
  offset: number;
  bytes: Uint8Array | undefined;
}

/** What an input may change of the host, apart from what its target sets for each. */
export interface HostState {
  flash: Uint8Array;
  nowUs: number;
  entropyState: number;
}

const SERIAL_READ_MAX = 1024;
const ENTROPY_MAX = 256;
const LINES_MAX = 4096;
const isSlot = (zone: number): boolean => zone === Zone.SlotA || zone === Zone.SlotB;

export class DeviceHost {
  readonly flash: Uint8Array;
  readonly window = new Uint8Array(WINDOW_BYTES);
  nowUs = 1000;
  bootReason = 0;
  resetCause: number = ResetCause.Power;
  /** Erases and programs that were done, ever. */
  operations = 0;
  /** As the watchdog was armed last; 0: never. */
  watchdogMs = 0;
  bootInfo = new Uint8Array(64);
  rootKeys: Uint8Array[] = [];
  entropyState = 1;
  lines = "";
  /** A zone that may not be changed. */
  runningSlot: number | undefined;
  /** Zones of which no byte can be read before this moment. */
  unreadable: { zones: readonly number[]; untilUs: number } | undefined;
  /** A zone of which nothing can be erased or programmed any more. */
  wornZone: number | undefined;
  /** The slot that recovery may write; then nothing can be started any more. */
  recoverySlot: number | undefined;
  /** What came on the serial line and was not read; undefined: there is no line. */
  serial: Uint8Array | undefined;
  /** At most so many bytes of it at a time. */
  serialPieceBytes = SERIAL_READ_MAX;
  /** The one connection; undefined: none can be opened. */
  stream: ByteStream | undefined;
  /** EXO_HEALTH_* that the app says. */
  appHealth = 0;
  #transcript: Transcript | undefined;
  /** The watchdog was fed since the last change of flash. */
  #isFed = false;
  /** Inside of a frame of the recovery protocol, which is not only said to people. */
  #inFrame = false;
  /** Before anything of flash changes. */
  onChange: (change: Change) => void = () => {};
  readonly keepLines = (bytes: Uint8Array): void => {
    if (this.lines.length < LINES_MAX) this.lines += Buffer.from(bytes).toString("latin1");
  };
  onConsole: (bytes: Uint8Array) => void = this.keepLines;

  constructor(readonly layout: FlashLayout, readonly instance: () => FuzzInstance, readonly grants: Grants) {
    this.flash = new Uint8Array(layout.sizeBytes).fill(0xff);
  }

  /** What is noted of what the module does. */
  get transcript(): Transcript | undefined {
    return this.#transcript;
  }

  set transcript(transcript: Transcript | undefined) {
    this.#transcript = transcript;
    this.#isFed = false;
    this.#inFrame = false;
  }

  save(): HostState {
    return { flash: this.flash.slice(), nowUs: this.nowUs, entropyState: this.entropyState };
  }

  restore({ flash, nowUs, entropyState }: HostState): void {
    this.flash.set(flash);
    this.nowUs = nowUs;
    this.entropyState = entropyState;
    this.recoverySlot = undefined;
    this.#isFed = false;
    this.lines = "";
  }

  #mayChange(zone: number, kind: string): void {
    const isGranted = this.grants.writableZones.has(zone) || zone === this.recoverySlot;
    if (!isGranted || zone === this.runningSlot) throw new Violation(`zone ${zone} is ${kind}, which must not be changed`);
  }

  #isUnreadable(zone: number): boolean {
    return this.unreadable !== undefined && this.unreadable.zones.includes(zone) && this.nowUs < this.unreadable.untilUs;
  }

  get #second(): string {
    return `at ${Math.floor(this.nowUs / 1_000_000)} s`;
  }

  #fed(): string {
    const was = this.#isFed;
    this.#isFed = false;
    return was ? "fed" : "not fed";
  }

  #noteFrames(bytes: Uint8Array): void {
    let frame = "";
    for (const byte of bytes) {
      if (byte === 2) this.#inFrame = true;
      else if (byte === 10) this.#inFrame = false;
      else if (this.#inFrame) frame += String.fromCharCode(byte);
    }
    if (frame !== "") this.transcript?.note(`answer ${frame} ${this.#second}`);
  }

  zone(name: (typeof zoneNames)[number]): Uint8Array {
    const { offsetBytes, sizeBytes } = this.layout.zones[name];
    return this.flash.subarray(offsetBytes, offsetBytes + sizeBytes);
  }

  #at(zone: number, offset: number, length: number): number | undefined {
    const name = zoneNames[zone];
    if (name === undefined) return undefined;
    const { offsetBytes, sizeBytes } = this.layout.zones[name];
    return length <= sizeBytes && offset <= sizeBytes - length ? offsetBytes + offset : undefined;
  }

  #memory(at: number, length: number): Uint8Array {
    const { memory } = this.instance();
    if (at + length > memory.length) throw new Violation(`the module passes ${length} bytes at ${at}, outside of its memory`);
    return memory.subarray(at, at + length);
  }

  #mayStart(): boolean {
    return this.grants.startImages === true && this.recoverySlot === undefined;
  }

  get imports(): Record<string, (...args: never[]) => unknown> {
    const u = (value: number): number => value >>> 0;
    const calls: Record<string, (...args: number[]) => number | bigint> = {
      flash_geometry: (zone, out) => {
        const name = zoneNames[zone!];
        if (name === undefined) return Exo.Argument;
        if (!this.grants.readableZones.has(zone!)) return Exo.Denied;
        const { view } = this.instance();
        [this.layout.zones[name].sizeBytes, this.layout.sectorBytes, this.layout.pageBytes, 1].forEach((word, i) => view.setUint32(u(out!) + 4 * i, word, true));
        return 0;
      },
      flash_timing: (out) => {
        const { view } = this.instance();
        view.setUint32(u(out!), ERASE_MS_MAX, true);
        view.setUint32(u(out!) + 4, PROGRAM_MS_MAX, true);
        return Exo.Ok;
      },
      flash_read: (zone, offset, ptr, length) => {
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if (at === undefined) return Exo.Argument;
        if (!this.grants.readableZones.has(zone!)) return Exo.Denied;
        if (this.#isUnreadable(zone!)) return Exo.Io;
        this.#memory(u(ptr!), u(length!)).set(this.flash.subarray(at, at + u(length!)));
        return 0;
      },
      flash_program: (zone, offset, ptr, length) => {
        this.#mayChange(u(zone!), "programmed");
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if (at === undefined || (u(offset!) & 3) !== 0 || (u(length!) & 3) !== 0 || length === 0) return Exo.Argument;
        if (Math.floor(u(offset!) / this.layout.pageBytes) !== Math.floor((u(offset!) + length! - 1) / this.layout.pageBytes)) return Exo.Argument;
        const bytes = this.#memory(u(ptr!), u(length!));
        if (zone === this.wornZone) return Exo.Io;
        for (let i = 0; i < bytes.length; i++) if ((bytes[i]! & ~this.flash[at + i]!) !== 0) return Exo.NotErased;
        this.operations++;
        this.transcript?.note(`program ${zone} at ${u(offset!)} ${contentOf(bytes)} ${this.#fed()} ${this.#second}`);
        this.onChange({ zone: zone!, offset: u(offset!), bytes });
        this.flash.set(bytes, at);
        return Exo.Ok;
      },
      flash_erase: (zone, offset) => {
        this.#mayChange(u(zone!), "erased");
        const at = this.#at(u(zone!), u(offset!), this.layout.sectorBytes);
        if (at === undefined || u(offset!) % this.layout.sectorBytes !== 0) return Exo.Argument;
        if (zone === this.wornZone) return Exo.Io;
        this.operations++;
        this.transcript?.note(`erase ${zone} at ${u(offset!)} ${this.#fed()} ${this.#second}`);
        this.onChange({ zone: zone!, offset: u(offset!), bytes: undefined });
        this.flash.fill(0xff, at, at + this.layout.sectorBytes);
        return Exo.Ok;
      },
      clock_us: () => BigInt(this.nowUs++),
      wall_clock_s: () => 1_800_000_000n,
      entropy: (ptr, length) => {
        if (!this.grants.useEntropy) return Exo.Denied;
        if (u(length!) > ENTROPY_MAX) return Exo.Argument;
        const target = this.#memory(u(ptr!), u(length!));
        for (let i = 0; i < target.length; i++) target[i] = (this.entropyState = (Math.imul(this.entropyState, 1664525) + 1013904223) >>> 0) >>> 24;
        return 0;
      },
      console_write: (ptr, length) => {
        const bytes = this.#memory(u(ptr!), u(length!));
        if (this.transcript) this.#noteFrames(bytes);
        this.onConsole(bytes);
        return Exo.Ok;
      },
      image_window: (out) => {
        const { view } = this.instance();
        view.setUint32(u(out!), WINDOW_ADDRESS, true);
        view.setUint32(u(out!) + 4, WINDOW_BYTES, true);
        return 0;
      },
      image_load: (zone, offset, address, length) => {
        if (!this.#mayStart()) return Exo.Denied;
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if (!isSlot(u(zone!)) || at === undefined || !inWindow(u(address!), u(length!))) return Exo.Argument;
        if (this.#isUnreadable(zone!)) return Exo.Io;
        this.window.set(this.flash.subarray(at, at + u(length!)), u(address!));
        return Exo.Ok;
      },
      image_read: (address, ptr, length) => {
        if (!this.#mayStart()) return Exo.Denied;
        if (!inWindow(u(address!), u(length!))) return Exo.Argument;
        this.#memory(u(ptr!), u(length!)).set(this.window.subarray(u(address!), u(address!) + u(length!)));
        return Exo.Ok;
      },
      image_start: (entry, ptr) => {
        if (!this.#mayStart()) return Exo.Denied;
        const info = this.#memory(u(ptr!), 64).slice();
        if (!inWindow(u(entry!), 4) || (entry! & 3) !== 0 || info[6]! > 1) return Exo.Argument;
        this.transcript?.note(`start at ${u(entry!)}, watched for ${this.watchdogMs} ms: ${Buffer.from(info).toString("hex")}`);
        throw new Left("image", u(entry!), info);
      },
      boot_phase: (phase) => {
        this.transcript?.note(`phase ${phase}`);
        return Exo.Ok;
      },
      crash_log: () => Exo.Absent,
      serial_read: (ptr, length) => {
        if (!this.grants.recover) return Exo.Denied;
        if (u(length!) > SERIAL_READ_MAX) return Exo.Argument;
        if (this.serial === undefined) return Exo.Absent;
        const count = Math.min(this.serial.length, u(length!), this.serialPieceBytes);
        this.#memory(u(ptr!), count).set(this.serial.subarray(0, count));
        this.serial = this.serial.subarray(count);
        return count > 0 ? count : Exo.Again;
      },
      recovery_begin: (zone) => {
        if (!this.grants.recover) return Exo.Denied;
        this.transcript?.note(`recovery of ${zone}`);
        if (!isSlot(u(zone!))) return Exo.Argument;
        if (this.recoverySlot !== undefined && this.recoverySlot !== zone) return Exo.Denied;
        this.recoverySlot = zone;
        return Exo.Ok;
      },
      boot_reason: () => this.bootReason,
      reset_cause: () => this.resetCause,
      boot_info: (ptr) => {
        this.#memory(u(ptr!), 64).set(this.bootInfo);
        return 0;
      },
      crash_record: () => Exo.Absent,
      root_keys: (ptr, length) => {
        if (u(length!) < 32 * this.rootKeys.length) return Exo.Argument;
        this.rootKeys.forEach((key, i) => this.#memory(u(ptr!) + 32 * i, 32).set(key));
        return this.rootKeys.length;
      },
      reset: (reason) => {
        if (!this.grants.reset && this.recoverySlot === undefined) return Exo.Denied;
        this.transcript?.note(`reset ${reason} ${this.#second}`);
        throw new Left("reset", reason!);
      },
      watchdog_arm: (timeoutMs) => {
        this.watchdogMs = timeoutMs!;
        return Exo.Ok;
      },
      watchdog_pet: () => {
        this.#isFed = true;
        return Exo.Ok;
      },
      app_report: (out) => {
        this.#memory(u(out!), 32).fill(0);
        this.instance().view.setUint32(u(out!) + 4, this.appHealth, true);
        return Exo.Ok;
      },
      stream_open: (host, hostLength, port) => {
        if (!this.stream) return Exo.Absent;
        this.transcript?.note(`connect to ${Buffer.from(this.#memory(u(host!), u(hostLength!))).toString("latin1")}:${port} ${this.#second}`);
        this.stream.open(Buffer.from(this.#memory(u(host!), u(hostLength!))).toString("latin1"), port!);
        return 0;
      },
      stream_state: () => this.stream?.state() ?? StreamState.Closed,
      stream_read: (_handle, ptr, length) => this.stream?.read(this.#memory(u(ptr!), u(length!))) ?? Exo.Closed,
      stream_write: (_handle, ptr, length) => {
        const bytes = this.#memory(u(ptr!), u(length!));
        this.transcript?.note(`write ${contentOf(bytes)} ${this.#second}`);
        return this.stream?.write(bytes) ?? Exo.Closed;
      },
      stream_close: () => {
        this.transcript?.note(`close ${this.#second}`);
        this.stream?.close();
        return Exo.Ok;
      },
      ...Object.fromEntries(["nic_info", "nic_grant", "nic_receive", "nic_release", "nic_acquire", "nic_transmit", "app_metric", "app_health"].map((name) => [name, () => Exo.Absent])),
    };
    return calls as Record<string, (...args: never[]) => unknown>;
  }
}
