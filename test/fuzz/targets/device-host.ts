// A minimal exokernel for the real boot loader and agent under fuzzing: flash in memory, a clock that the target moves, one
// byte stream. Arguments are checked as exokernel.h says; whoever passes a bad one is at fault.

import { type FlashLayout, zoneNames } from "../../../apps/agent/hosts/factory/flash-layout.ts";
import type { FuzzInstance } from "../engine/instance.ts";
import { Violation } from "../engine/target.ts";

export const WINDOW_ADDRESS = 0;
export const WINDOW_BYTES = 65536;

/** EXO_E_ABSENT: this host has no serial line, and keeps no console. */
const ABSENT = -3;

/** Ends a run: control has left the module. */
export class Left {
  constructor(readonly how: "image" | "reset", readonly value: number, readonly info = new Uint8Array(0)) {}
}

export class DeviceHost {
  readonly flash: Uint8Array;
  readonly window = new Uint8Array(WINDOW_BYTES);
  nowUs = 1000;
  bootReason = 0;
  bootInfo = new Uint8Array(64);
  rootKeys: Uint8Array[] = [];
  entropyState = 1;
  lines = "";
  /** A zone that may not be changed. */
  runningSlot: number | undefined;
  /** Of the one stream: what the server sent and the device has not read, what the device sent. */
  incoming: Uint8Array[] = [];
  outgoing: Uint8Array[] = [];
  isOpen = false;

  constructor(readonly layout: FlashLayout, readonly instance: () => FuzzInstance) {
    this.flash = new Uint8Array(layout.sizeBytes).fill(0xff);
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

  get imports(): Record<string, (...args: never[]) => unknown> {
    const u = (value: number): number => value >>> 0;
    const calls: Record<string, (...args: number[]) => number | bigint> = {
      flash_geometry: (zone, out) => {
        const name = zoneNames[zone!];
        if (name === undefined) return -1;
        const { view } = this.instance();
        [this.layout.zones[name].sizeBytes, this.layout.sectorBytes, this.layout.pageBytes, 1].forEach((word, i) => view.setUint32(u(out!) + 4 * i, word, true));
        return 0;
      },
      flash_read: (zone, offset, ptr, length) => {
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if (at === undefined) return -1;
        this.#memory(u(ptr!), u(length!)).set(this.flash.subarray(at, at + u(length!)));
        return 0;
      },
      flash_program: (zone, offset, ptr, length) => {
        if (zone === this.runningSlot || zone === 1 || zone === 7) throw new Violation(`zone ${zone} is programmed, which must not be changed`);
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if (at === undefined || (u(offset!) & 3) !== 0 || (u(length!) & 3) !== 0 || length === 0) return -1;
        if (Math.floor(u(offset!) / this.layout.pageBytes) !== Math.floor((u(offset!) + length! - 1) / this.layout.pageBytes)) return -1;
        const source = this.#memory(u(ptr!), u(length!));
        for (let i = 0; i < source.length; i++) if ((source[i]! & ~this.flash[at + i]!) !== 0) return -6;
        this.flash.set(source, at);
        return 0;
      },
      flash_erase: (zone, offset) => {
        if (zone === this.runningSlot || zone === 1 || zone === 7) throw new Violation(`zone ${zone} is erased, which must not be changed`);
        const at = this.#at(u(zone!), u(offset!), this.layout.sectorBytes);
        if (at === undefined || u(offset!) % this.layout.sectorBytes !== 0) return -1;
        this.flash.fill(0xff, at, at + this.layout.sectorBytes);
        return 0;
      },
      clock_us: () => BigInt(this.nowUs++),
      wall_clock_s: () => 1_800_000_000n,
      entropy: (ptr, length) => {
        const target = this.#memory(u(ptr!), u(length!));
        for (let i = 0; i < target.length; i++) target[i] = (this.entropyState = (Math.imul(this.entropyState, 1664525) + 1013904223) >>> 0) >>> 24;
        return 0;
      },
      console_write: (ptr, length) => {
        const bytes = this.#memory(u(ptr!), u(length!));
        if (this.lines.length < 4096) this.lines += Buffer.from(bytes).toString("latin1");
        return 0;
      },
      image_window: (out) => {
        const { view } = this.instance();
        view.setUint32(u(out!), WINDOW_ADDRESS, true);
        view.setUint32(u(out!) + 4, WINDOW_BYTES, true);
        return 0;
      },
      image_load: (zone, offset, address, length) => {
        const at = this.#at(u(zone!), u(offset!), u(length!));
        if ((zone !== 4 && zone !== 5) || at === undefined || u(length!) > WINDOW_BYTES || u(address!) > WINDOW_BYTES - u(length!)) return -1;
        this.window.set(this.flash.subarray(at, at + u(length!)), u(address!));
        return 0;
      },
      image_read: (address, ptr, length) => {
        if (u(length!) > WINDOW_BYTES || u(address!) > WINDOW_BYTES - u(length!)) return -1;
        this.#memory(u(ptr!), u(length!)).set(this.window.subarray(u(address!), u(address!) + u(length!)));
        return 0;
      },
      image_start: (entry, info) => {
        throw new Left("image", u(entry!), this.#memory(u(info!), 64).slice());
      },
      boot_phase: () => 0,
      crash_log: () => ABSENT,
      serial_read: () => ABSENT,
      recovery_begin: () => ABSENT,
      boot_reason: () => this.bootReason,
      boot_info: (ptr) => {
        this.#memory(u(ptr!), 64).set(this.bootInfo);
        return 0;
      },
      crash_record: () => -3,
      root_keys: (ptr, length) => {
        if (u(length!) < 32 * this.rootKeys.length) return -1;
        this.rootKeys.forEach((key, i) => this.#memory(u(ptr!) + 32 * i, 32).set(key));
        return this.rootKeys.length;
      },
      reset: (reason) => {
        throw new Left("reset", reason!);
      },
      watchdog_arm: () => 0,
      watchdog_pet: () => 0,
      app_report: (out) => {
        this.#memory(u(out!), 32).fill(0);
        return 0;
      },
      stream_open: () => {
        this.isOpen = true;
        this.incoming = [];
        return 0;
      },
      stream_state: () => (this.isOpen ? 1 : 2),
      stream_read: (_handle, ptr, length) => {
        const next = this.incoming[0];
        if (next === undefined) return this.isOpen ? -4 : -8;
        const count = Math.min(next.length, u(length!));
        this.#memory(u(ptr!), count).set(next.subarray(0, count));
        if (count === next.length) this.incoming.shift();
        else this.incoming[0] = next.subarray(count);
        return count === 0 ? -4 : count;
      },
      stream_write: (_handle, ptr, length) => {
        if (!this.isOpen) return -8;
        this.outgoing.push(this.#memory(u(ptr!), u(length!)).slice());
        return u(length!);
      },
      stream_close: () => {
        this.isOpen = false;
        return 0;
      },
      ...Object.fromEntries(["nic_info", "nic_grant", "nic_receive", "nic_release", "nic_acquire", "nic_transmit", "app_metric", "app_health"].map((name) => [name, () => -3])),
    };
    return calls as Record<string, (...args: never[]) => unknown>;
  }
}
