// The calls of exokernel/exokernel.h on Node, for one module: same checks in the same order as the C code, same errors.
// Arguments arrive as signed 32-bit numbers; `u` makes them what the header says they are.

import { zoneNames } from "./factory/flash-layout.ts";
import { BOOT_INFO_BYTES, BootReason, CRASH_RECORD_BYTES, Exo, Phase, VERIFIED, Zone, ZONE_COUNT } from "./abi.ts";
import type { AppSlice } from "./app-slice.ts";
import type { ConsoleLines } from "./console-lines.ts";
import type { Grants } from "./grants.ts";
import { IMAGE_WINDOW_ADDRESS, IMAGE_WINDOW_BYTES, type ImageWindow } from "./image-window.ts";
import type { ModuleMemory } from "./module-memory.ts";
import type { NorFlash } from "../node/nor-flash.ts";
import type { RetainedRam } from "./retained-ram.ts";
import { RunEnds } from "./run-ends.ts";
import type { SerialReceiver } from "../node/serial-line.ts";
import type { Streams } from "../node/streams.ts";
import type { WatchdogLine } from "./watchdog.ts";

/** What the modules of one run share. */
export interface Board {
  flash: NorFlash;
  retained: RetainedRam;
  /** 32 bytes each, at most 8: burnt in where the device was made. */
  rootKeys: readonly Uint8Array[];
  /** A zone that nobody may change, once an image runs. */
  runningSlotZone: number | undefined;
  /** Microseconds since reset. */
  clockUs(): number;
  wallClockS(): number;
  /** Fills the target; or returns an EXO_E_*, as a source does that is missing or gives nothing. */
  entropy(target: Uint8Array): number | void;
  console: ConsoleLines;
  serial: SerialReceiver;
  /** A slot that recovery may write; then nothing can be started any more in this run. */
  recoverySlotZone: number | undefined;
  streams: Streams;
  watchdog: WatchdogLine;
  appSlice: AppSlice;
  /** While the boot loader runs. */
  imageWindow: ImageWindow | undefined;
}

type Call = (...args: number[]) => number | bigint;

const CONSOLE_BYTES_MAX = 1024;
const SERIAL_BYTES_MAX = 1024;
const ENTROPY_BYTES_MAX = 256;
/** It is memory, and a file that is written through to. */
const FLASH_ERASE_MS_MAX = 100;
const FLASH_PROGRAM_MS_MAX = 100;
const ROOT_KEYS_MAX = 8;

export function exokernelCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  return {
    ...flashCalls(board, grants, memory),
    ...basicCalls(board, grants, memory),
    ...nicCalls(grants),
    ...streamCalls(board, grants, memory),
    ...runCalls(board, grants, memory),
    ...appCalls(board, grants, memory),
    ...imageCalls(board, grants, memory),
    ...recoveryCalls(board, grants, memory),
  };
}

const u = (value: number): number => value >>> 0;

function putWords(target: Uint8Array, words: number[]): void {
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
}

/** Where a range of a zone lies in the flash, or undefined when it is not all in the zone. */
function zoneOffset(flash: NorFlash, zone: number, offset: number, length: number): number | undefined {
  const name = zoneNames[zone];
  if (name === undefined) return undefined;
  const { offsetBytes, sizeBytes } = flash.layout.zones[name];
  return length <= sizeBytes && offset <= sizeBytes - length ? offsetBytes + offset : undefined;
}

function flashCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  const { flash } = board;
  const readable = (zone: number): number => (zone >= ZONE_COUNT ? Exo.Argument : grants.readableZones.has(zone) ? Exo.Ok : Exo.Denied);
  const writable = (zone: number): number => {
    if (zone >= ZONE_COUNT) return Exo.Argument;
    const isGranted = grants.writableZones.has(zone) || (grants.recover === true && zone === board.recoverySlotZone);
    return isGranted && zone !== board.runningSlotZone ? Exo.Ok : Exo.Denied;
  };
  return {
    flash_geometry(zone, outPtr) {
      const allowed = readable(u(zone));
      if (allowed < 0) return allowed;
      const out = memory.range(u(outPtr), 16);
      if (!out || outPtr & 3) return Exo.Argument;
      const { sectorBytes, pageBytes, zones } = flash.layout;
      putWords(out, [zones[zoneNames[zone]!].sizeBytes, sectorBytes, pageBytes, writable(u(zone)) === Exo.Ok ? 1 : 0]);
      return Exo.Ok;
    },
    flash_timing(outPtr) {
      if (!grants.feedWatchdog) return Exo.Denied;
      const out = memory.range(u(outPtr), 8);
      if (!out || outPtr & 3) return Exo.Argument;
      putWords(out, [FLASH_ERASE_MS_MAX, FLASH_PROGRAM_MS_MAX]);
      return Exo.Ok;
    },
    flash_read(zone, offset, ptr, length) {
      const allowed = readable(u(zone));
      if (allowed < 0) return allowed;
      const at = zoneOffset(flash, u(zone), u(offset), u(length));
      const target = memory.range(u(ptr), u(length));
      if (at === undefined || !target) return Exo.Argument;
      flash.read(at, target);
      return Exo.Ok;
    },
    flash_program(zone, offset, ptr, length, durability) {
      const allowed = writable(u(zone));
      if (allowed < 0) return allowed;
      const at = zoneOffset(flash, u(zone), u(offset), u(length));
      const source = memory.range(u(ptr), u(length));
      if (at === undefined || !source || u(durability) > VERIFIED) return Exo.Argument;
      return flash.program(at, source, u(durability));
    },
    flash_erase(zone, offset) {
      const allowed = writable(u(zone));
      if (allowed < 0) return allowed;
      const at = zoneOffset(flash, u(zone), u(offset), flash.layout.sectorBytes);
      if (at === undefined || u(offset) % flash.layout.sectorBytes !== 0) return Exo.Argument;
      return flash.erase(at);
    },
  };
}

function basicCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  return {
    clock_us: () => BigInt(board.clockUs()),
    wall_clock_s: () => BigInt(board.wallClockS()),
    entropy(ptr, length) {
      if (!grants.useEntropy) return Exo.Denied;
      const target = memory.range(u(ptr), u(length));
      if (!target || target.length > ENTROPY_BYTES_MAX) return Exo.Argument;
      return board.entropy(target) ?? Exo.Ok;
    },
    console_write(ptr, length) {
      const bytes = memory.range(u(ptr), u(length));
      if (!bytes || bytes.length > CONSOLE_BYTES_MAX) return Exo.Argument;
      board.console.write(bytes);
      return Exo.Ok;
    },
  };
}

/** This host has sockets, and no network card. */
function nicCalls(grants: Grants): Record<string, Call> {
  const absent = (): number => (grants.useNetwork ? Exo.Absent : Exo.Denied);
  return { nic_info: absent, nic_grant: absent, nic_receive: absent, nic_release: absent, nic_acquire: absent, nic_transmit: absent };
}

function streamCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  const { streams } = board;
  return {
    stream_open(hostPtr, hostLength, port) {
      if (!grants.useNetwork) return Exo.Denied;
      const host = memory.range(u(hostPtr), u(hostLength));
      return host ? streams.open(host, u(port)) : Exo.Argument;
    },
    stream_state: (handle) => (grants.useNetwork ? streams.state(u(handle)) : Exo.Denied),
    stream_read(handle, ptr, length) {
      if (!grants.useNetwork) return Exo.Denied;
      const target = memory.range(u(ptr), u(length));
      return target ? streams.read(u(handle), target) : Exo.Argument;
    },
    stream_write(handle, ptr, length) {
      if (!grants.useNetwork) return Exo.Denied;
      const source = memory.range(u(ptr), u(length));
      return source ? streams.write(u(handle), source) : Exo.Argument;
    },
    stream_close: (handle) => (grants.useNetwork ? streams.close(u(handle)) : Exo.Denied),
  };
}

function runCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  const { retained } = board;
  return {
    boot_info(ptr, length) {
      const out = memory.range(u(ptr), u(length));
      if (!out || out.length !== BOOT_INFO_BYTES) return Exo.Argument;
      out.set(retained.bootInfo);
      return Exo.Ok;
    },
    crash_record(ptr, length) {
      const out = memory.range(u(ptr), u(length));
      if (!out || out.length !== CRASH_RECORD_BYTES) return Exo.Argument;
      const record = retained.lastCrash;
      if (!record) return Exo.Absent;
      out.set(record);
      return Exo.Ok;
    },
    crash_log(ptr, length) {
      const out = memory.range(u(ptr), u(length));
      if (!out) return Exo.Argument;
      const kept = retained.lastConsole;
      if (!kept) return Exo.Absent;
      const newest = kept.subarray(Math.max(0, kept.length - out.length));
      out.set(newest);
      return newest.length;
    },
    boot_phase(phase) {
      if (!grants.sayPhase) return Exo.Denied;
      if (phase < Phase.Loader || phase > Phase.Recovery) return Exo.Argument;
      retained.phase = phase;
      return Exo.Ok;
    },
    reset(reason) {
      if (!grants.reset && !(grants.recover && board.recoverySlotZone !== undefined)) return Exo.Denied;
      if (reason < 1 || reason > 3) return Exo.Argument;
      throw new RunEnds({ kind: "reset", reason });
    },
    watchdog_arm(timeoutMs) {
      if (!grants.feedWatchdog) return Exo.Denied;
      if (timeoutMs < 100 || timeoutMs > 600_000) return Exo.Argument;
      board.watchdog.arm(timeoutMs);
      return Exo.Ok;
    },
    watchdog_pet() {
      if (!grants.feedWatchdog) return Exo.Denied;
      board.watchdog.pet();
      return Exo.Ok;
    },
    root_keys(ptr, length) {
      if (!grants.readRootKeys) return Exo.Denied;
      const count = board.rootKeys.length;
      if (count < 1 || count > ROOT_KEYS_MAX) return Exo.Io;
      const out = memory.range(u(ptr), u(length));
      if (!out || out.length < 32 * count) return Exo.Argument;
      board.rootKeys.forEach((key, i) => out.set(key, 32 * i));
      return count;
    },
    boot_reason: () => retained.bootReason,
    reset_cause: () => retained.resetCause,
  };
}

function appCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  return {
    app_metric(namePtr, nameLength, value) {
      if (!grants.reportAsApp) return Exo.Denied;
      const name = memory.range(u(namePtr), u(nameLength));
      return name ? board.appSlice.metric(name, value) : Exo.Argument;
    },
    app_health: (health) => (grants.reportAsApp ? board.appSlice.health(u(health)) : Exo.Denied),
    app_report(outPtr) {
      if (!grants.readApp) return Exo.Denied;
      const out = memory.range(u(outPtr), board.appSlice.report.length);
      if (!out) return Exo.Argument;
      out.set(board.appSlice.report);
      return Exo.Ok;
    },
  };
}

function recoveryCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  return {
    serial_read(ptr, length) {
      if (!grants.recover) return Exo.Denied;
      const target = memory.range(u(ptr), u(length));
      if (!target || target.length > SERIAL_BYTES_MAX) return Exo.Argument;
      return board.serial.read(target);
    },
    recovery_begin(zone) {
      if (!grants.recover) return Exo.Denied;
      if (zone !== Zone.SlotA && zone !== Zone.SlotB) return Exo.Argument;
      if (board.recoverySlotZone !== undefined && board.recoverySlotZone !== zone) return Exo.Denied;
      board.recoverySlotZone = zone;
      return Exo.Ok;
    },
  };
}

function imageCalls(board: Board, grants: Grants, memory: ModuleMemory): Record<string, Call> {
  const mayStart = (): boolean => grants.startImages === true && board.recoverySlotZone === undefined;
  return {
    // Not only for the boot loader: the agent refuses the same load addresses.
    image_window(outPtr) {
      const out = memory.range(u(outPtr), 8);
      if (!out) return Exo.Argument;
      putWords(out, [IMAGE_WINDOW_ADDRESS, IMAGE_WINDOW_BYTES]);
      return Exo.Ok;
    },
    image_load(zone, offset, address, length) {
      const window = board.imageWindow;
      if (!mayStart() || !window) return Exo.Denied;
      if ((zone !== Zone.SlotA && zone !== Zone.SlotB) || !window.contains(u(address), u(length))) return Exo.Argument;
      const at = zoneOffset(board.flash, zone, u(offset), u(length));
      if (at === undefined) return Exo.Argument;
      board.flash.read(at, window.range(u(address), u(length)));
      return Exo.Ok;
    },
    image_read(address, ptr, length) {
      const window = board.imageWindow;
      if (!mayStart() || !window) return Exo.Denied;
      const out = memory.range(u(ptr), u(length));
      if (!out || !window.contains(u(address), u(length))) return Exo.Argument;
      out.set(window.range(u(address), u(length)));
      return Exo.Ok;
    },
    image_start(entry, infoPtr) {
      const window = board.imageWindow;
      if (!mayStart() || !window) return Exo.Denied;
      const info = memory.range(u(infoPtr), BOOT_INFO_BYTES);
      if (!info || !window.contains(u(entry), 4) || entry & 3 || info[6]! > 1) return Exo.Argument;
      board.retained.bootInfo.set(info);
      board.retained.phase = Phase.HandedOver;
      board.retained.nextReason = BootReason.Unknown;
      throw new RunEnds({ kind: "image", entry: u(entry) });
    },
  };
}
