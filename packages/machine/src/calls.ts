// The calls of exokernel/exokernel.h for one module, over the ports of a host: every check of an argument and every
// error is here, in the order of the C code. Arguments arrive as signed 32-bit numbers; `u` makes them what the header
// says they are. This host has sockets, and no network card.

import {
  BOOT_INFO_BYTES,
  CONFIGURATION_BYTES_MAX,
  CONFIGURATION_TEXT_BYTES_MAX,
  CONFIGURATION_VERDICT_BYTES,
  CRASH_RECORD_BYTES,
  Exo,
  HEALTH_UNHEALTHY,
  Phase,
  VERIFIED,
  Zone,
  ZONE_COUNT,
} from "./abi.ts";
import { zoneNames } from "./factory/flash-layout.ts";
import { isProgramRange } from "./flash/program-range.ts";
import type { Grants } from "./grants.ts";
import type { MemoryPort, Ports, WindowPort } from "./ports.ts";

export type Call = (...args: number[]) => number | bigint;
export type Calls = Record<string, Call>;

const CONSOLE_BYTES_MAX = 1024;
const SERIAL_BYTES_MAX = 1024;
const ENTROPY_BYTES_MAX = 256;
const HOST_BYTES_MAX = 253;
const METRIC_NAME_BYTES_MAX = 15;
const ROOT_KEY_BYTES = 32;
const ROOT_KEYS_MAX = 8;
const RESET_REASON_MAX = 3;
const WATCHDOG_MS_MIN = 100;
const WATCHDOG_MS_MAX = 600_000;

/** What `exo` is to a module that holds these grants. */
export function calls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  return {
    ...flashCalls(grants, ports, memory),
    ...basicCalls(grants, ports, memory),
    ...nicCalls(grants),
    ...streamCalls(grants, ports, memory),
    ...runCalls(grants, ports, memory),
    ...watchdogCalls(grants, ports),
    ...appCalls(grants, ports, memory),
    ...configurationCalls(grants, ports, memory),
    ...imageCalls(grants, ports, memory),
    ...recoveryCalls(grants, ports, memory),
  };
}

const u = (value: number): number => value >>> 0;

function putWord(target: Uint8Array, at: number, word: number): void {
  target[at] = word;
  target[at + 1] = word >>> 8;
  target[at + 2] = word >>> 16;
  target[at + 3] = word >>> 24;
}

/** Where a range of a zone lies in the flash, or -1 when it is not all in the zone. Zones are looked up once. */
function zoneRanges(ports: Ports): (zone: number, offset: number, length: number) => number {
  const { zones } = ports.flash.layout;
  const offsets = zoneNames.map((name) => zones[name].offsetBytes);
  const sizes = zoneNames.map((name) => zones[name].sizeBytes);
  return (zone, offset, length) => {
    if (zone >= ZONE_COUNT) return -1;
    const size = sizes[zone]!;
    return length <= size && offset <= size - length ? offsets[zone]! + offset : -1;
  };
}

function flashCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const { flash } = ports;
  const { sectorBytes, pageBytes, zones } = flash.layout;
  const at = zoneRanges(ports);
  const mayRead = zoneNames.map((_, zone) => grants.readableZones.has(zone));
  const mayWrite = zoneNames.map((_, zone) => grants.writableZones.has(zone));
  const readable = (zone: number): number => (zone >= ZONE_COUNT ? Exo.Argument : mayRead[zone] ? Exo.Ok : Exo.Denied);
  const writable = (zone: number): number => {
    if (zone >= ZONE_COUNT) return Exo.Argument;
    const isGranted = mayWrite[zone] || (grants.recover === true && zone === ports.recoverySlotZone);
    return isGranted && zone !== ports.runningSlotZone ? Exo.Ok : Exo.Denied;
  };
  const refused = (kind: "erase" | "program", zone: number, error: number): number => {
    ports.onDenied?.(kind, zone);
    return error;
  };
  return {
    flash_geometry(zone, outPtr) {
      const allowed = readable(u(zone!));
      if (allowed < 0) return allowed;
      const out = memory.range(u(outPtr!), 16);
      if (!out || outPtr! & 3) return Exo.Argument;
      putWord(out, 0, zones[zoneNames[zone!]!].sizeBytes);
      putWord(out, 4, sectorBytes);
      putWord(out, 8, pageBytes);
      putWord(out, 12, writable(u(zone!)) === Exo.Ok ? 1 : 0);
      return Exo.Ok;
    },
    flash_timing(outPtr) {
      if (!grants.feedWatchdog) return Exo.Denied;
      const out = memory.range(u(outPtr!), 8);
      if (!out || outPtr! & 3) return Exo.Argument;
      putWord(out, 0, flash.eraseMsMax);
      putWord(out, 4, flash.programMsMax);
      return Exo.Ok;
    },
    flash_read(zone, offset, ptr, length) {
      const allowed = readable(u(zone!));
      if (allowed < 0) return allowed;
      const from = at(u(zone!), u(offset!), u(length!));
      const target = memory.range(u(ptr!), u(length!));
      return from < 0 || !target ? Exo.Argument : flash.read(from, target, zone!);
    },
    flash_program(zone, offset, ptr, length, durability) {
      const allowed = writable(u(zone!));
      if (allowed < 0) return refused("program", u(zone!), allowed);
      const to = at(u(zone!), u(offset!), u(length!));
      const source = memory.range(u(ptr!), u(length!));
      if (to < 0 || !source || u(durability!) > VERIFIED) return Exo.Argument;
      const fits = isProgramRange(u(offset!), source.length, pageBytes);
      return fits ? flash.program(to, source, durability!, zone!) : Exo.Argument;
    },
    flash_erase(zone, offset) {
      const allowed = writable(u(zone!));
      if (allowed < 0) return refused("erase", u(zone!), allowed);
      const to = at(u(zone!), u(offset!), sectorBytes);
      return to < 0 || (offset! & (sectorBytes - 1)) !== 0 ? Exo.Argument : flash.erase(to, zone!);
    },
  };
}

function basicCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  return {
    clock_us: () => BigInt(ports.clockUs()),
    wall_clock_s: () => BigInt(ports.wallClockS()),
    entropy(ptr, length) {
      if (!grants.useEntropy) return Exo.Denied;
      const target = memory.range(u(ptr!), u(length!));
      if (!target || target.length > ENTROPY_BYTES_MAX) return Exo.Argument;
      return ports.entropy(target) ?? Exo.Ok;
    },
    console_write(ptr, length) {
      const bytes = memory.range(u(ptr!), u(length!));
      if (!bytes || bytes.length > CONSOLE_BYTES_MAX) return Exo.Argument;
      ports.console.write(bytes);
      return Exo.Ok;
    },
    console_log(ptr, length) {
      if (!grants.readConsole) return Exo.Denied;
      const out = memory.range(u(ptr!), u(length!));
      if (!out) return Exo.Argument;
      const newest = ports.consoleLog.newest(out.length);
      out.set(newest);
      return newest.length;
    },
  };
}

function nicCalls(grants: Grants): Calls {
  const absent = (): number => (grants.useNetwork ? Exo.Absent : Exo.Denied);
  return {
    nic_info: absent,
    nic_grant: absent,
    nic_receive: absent,
    nic_release: absent,
    nic_acquire: absent,
    nic_transmit: absent,
  };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function streamCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const { streams } = ports;
  return {
    stream_open(hostPtr, hostLength, port) {
      if (!grants.useNetwork) return Exo.Denied;
      const bytes = memory.range(u(hostPtr!), u(hostLength!));
      if (!bytes || bytes.length < 1 || bytes.length > HOST_BYTES_MAX) return Exo.Argument;
      if (u(port!) < 1 || u(port!) > 65535) return Exo.Argument;
      const host = textOf(bytes);
      return host === undefined ? Exo.Argument : streams.open(host, port!);
    },
    stream_state: (handle) => (grants.useNetwork ? streams.state(u(handle!)) : Exo.Denied),
    stream_read(handle, ptr, length) {
      if (!grants.useNetwork) return Exo.Denied;
      const target = memory.range(u(ptr!), u(length!));
      return target ? streams.read(u(handle!), target) : Exo.Argument;
    },
    stream_write(handle, ptr, length) {
      if (!grants.useNetwork) return Exo.Denied;
      const source = memory.range(u(ptr!), u(length!));
      return source ? streams.write(u(handle!), source) : Exo.Argument;
    },
    stream_close: (handle) => (grants.useNetwork ? streams.close(u(handle!)) : Exo.Denied),
  };
}

function runCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const { run } = ports;
  return {
    boot_info(ptr, length) {
      const out = memory.range(u(ptr!), u(length!));
      if (!out || out.length !== BOOT_INFO_BYTES) return Exo.Argument;
      out.set(run.bootInfo);
      return Exo.Ok;
    },
    crash_record(ptr, length) {
      const out = memory.range(u(ptr!), u(length!));
      if (!out || out.length !== CRASH_RECORD_BYTES) return Exo.Argument;
      const record = run.lastCrash;
      if (!record) return Exo.Absent;
      out.set(record);
      return Exo.Ok;
    },
    crash_log(ptr, length) {
      const out = memory.range(u(ptr!), u(length!));
      if (!out) return Exo.Argument;
      const kept = run.lastConsole;
      if (!kept) return Exo.Absent;
      const newest = kept.subarray(Math.max(0, kept.length - out.length));
      out.set(newest);
      return newest.length;
    },
    boot_phase(phase) {
      if (!grants.sayPhase) return Exo.Denied;
      if (phase! < Phase.Loader || phase! > Phase.Recovery) return Exo.Argument;
      run.sayPhase(phase!);
      return Exo.Ok;
    },
    reset(reason) {
      if (!grants.reset && !(grants.recover && ports.recoverySlotZone !== undefined)) return Exo.Denied;
      return reason! < 1 || reason! > RESET_REASON_MAX ? Exo.Argument : ports.reset(reason!);
    },
    root_keys(ptr, length) {
      if (!grants.readRootKeys) return Exo.Denied;
      const count = ports.rootKeys.length;
      if (count < 1 || count > ROOT_KEYS_MAX) return Exo.Io;
      const out = memory.range(u(ptr!), u(length!));
      if (!out || out.length < ROOT_KEY_BYTES * count) return Exo.Argument;
      ports.rootKeys.forEach((key, i) => out.set(key, ROOT_KEY_BYTES * i));
      return count;
    },
    loader_read(offset, ptr, length) {
      if (!grants.readRootKeys) return Exo.Denied;
      const out = memory.range(u(ptr!), u(length!));
      const { loader } = ports;
      if (!loader) return Exo.Absent;
      if (!out || u(offset!) > loader.length) return Exo.Argument;
      const part = loader.subarray(u(offset!), u(offset!) + out.length);
      out.set(part);
      return part.length;
    },
    boot_reason: () => run.bootReason,
    reset_cause: () => run.resetCause,
  };
}

function watchdogCalls(grants: Grants, ports: Ports): Calls {
  const { watchdog } = ports;
  return {
    watchdog_arm(timeoutMs) {
      if (!grants.feedWatchdog) return Exo.Denied;
      if (timeoutMs! < WATCHDOG_MS_MIN || timeoutMs! > WATCHDOG_MS_MAX) return Exo.Argument;
      watchdog.arm(timeoutMs!);
      return Exo.Ok;
    },
    watchdog_pet() {
      if (!grants.feedWatchdog) return Exo.Denied;
      watchdog.pet();
      return Exo.Ok;
    },
  };
}

/** [a-z0-9_] */
const isMetricLetter = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;

function appCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const { app } = ports;
  return {
    app_metric(namePtr, nameLength, value) {
      if (!grants.reportAsApp) return Exo.Denied;
      const name = memory.range(u(namePtr!), u(nameLength!));
      if (!name || name.length < 1 || name.length > METRIC_NAME_BYTES_MAX) return Exo.Argument;
      if (!name.every(isMetricLetter)) return Exo.Argument;
      app.metric(name, value!);
      return Exo.Ok;
    },
    app_health(health) {
      if (!grants.reportAsApp) return Exo.Denied;
      if (u(health!) > HEALTH_UNHEALTHY) return Exo.Argument;
      app.health(health!);
      return Exo.Ok;
    },
    app_report(outPtr) {
      if (!grants.readApp) return Exo.Denied;
      const { report } = app;
      const out = memory.range(u(outPtr!), report.length);
      if (!out) return Exo.Argument;
      out.set(report);
      return Exo.Ok;
    },
  };
}

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

function configurationCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const { appConfiguration } = ports;
  return {
    app_identify(on) {
      if (!grants.configureApp) return Exo.Denied;
      if (u(on!) > 1) return Exo.Argument;
      appConfiguration.isIdentifying = on === 1;
      return Exo.Ok;
    },
    app_identifying() {
      if (!grants.reportAsApp) return Exo.Denied;
      return appConfiguration.isIdentifying ? 1 : 0;
    },
    configuration_propose(ptr, length, number) {
      if (!grants.configureApp) return Exo.Denied;
      const document = memory.range(u(ptr!), u(length!));
      if (!document || document.length > CONFIGURATION_BYTES_MAX) return Exo.Argument;
      appConfiguration.propose(document, u(number!));
      return Exo.Ok;
    },
    configuration_verdict(outPtr) {
      if (!grants.configureApp) return Exo.Denied;
      const out = memory.range(u(outPtr!), CONFIGURATION_VERDICT_BYTES);
      if (!out) return Exo.Argument;
      const { verdict } = appConfiguration;
      if (!verdict) return Exo.Again;
      out.set(verdict);
      return Exo.Ok;
    },
    configuration_read(ptr, length) {
      if (!grants.reportAsApp) return Exo.Denied;
      const out = memory.range(u(ptr!), u(length!));
      if (!out) return Exo.Argument;
      const { waiting } = appConfiguration;
      if (!waiting) return Exo.Again;
      if (out.length < 4 + waiting.document.length) return Exo.Argument;
      putWord(out, 0, waiting.number);
      out.set(waiting.document, 4);
      return waiting.document.length;
    },
    configuration_judge(number, code, textPtr, textLength) {
      if (!grants.reportAsApp) return Exo.Denied;
      const text = memory.range(u(textPtr!), u(textLength!));
      if (!text || text.length > CONFIGURATION_TEXT_BYTES_MAX || !text.every(isPrintable)) return Exo.Argument;
      return appConfiguration.judge(u(number!), code! | 0, text);
    },
  };
}

function recoveryCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  return {
    serial_read(ptr, length) {
      if (!grants.recover) return Exo.Denied;
      const target = memory.range(u(ptr!), u(length!));
      if (!target || target.length > SERIAL_BYTES_MAX) return Exo.Argument;
      return ports.serial ? ports.serial.read(target) : Exo.Absent;
    },
    recovery_begin(zone) {
      if (!grants.recover) return Exo.Denied;
      if (zone !== Zone.SlotA && zone !== Zone.SlotB) return Exo.Argument;
      if (ports.recoverySlotZone !== undefined && ports.recoverySlotZone !== zone) return Exo.Denied;
      ports.recoverySlotZone = zone;
      return Exo.Ok;
    },
  };
}

const isInWindow = ({ address: start, sizeBytes }: WindowPort, address: number, length: number): boolean =>
  address >= start && length <= sizeBytes && address - start <= sizeBytes - length;

function imageCalls(grants: Grants, ports: Ports, memory: MemoryPort): Calls {
  const window = ports.imageWindow;
  const at = zoneRanges(ports);
  /** Undefined: nothing may be started, or looked at for it. */
  const loadable = (): Uint8Array | undefined =>
    grants.startImages && ports.recoverySlotZone === undefined ? window.bytes : undefined;
  const part = (bytes: Uint8Array, address: number, length: number): Uint8Array =>
    bytes.subarray(address - window.address, address - window.address + length);
  return {
    // Not only for the boot loader: the agent refuses the same load addresses.
    image_window(outPtr) {
      const out = memory.range(u(outPtr!), 8);
      if (!out) return Exo.Argument;
      putWord(out, 0, window.address);
      putWord(out, 4, window.sizeBytes);
      return Exo.Ok;
    },
    image_type: () => (loadable() ? window.imageType : Exo.Denied),
    image_load(zone, offset, address, length) {
      const bytes = loadable();
      if (!bytes) return Exo.Denied;
      if (zone !== Zone.SlotA && zone !== Zone.SlotB) return Exo.Argument;
      if (!isInWindow(window, u(address!), u(length!))) return Exo.Argument;
      const from = at(zone, u(offset!), u(length!));
      return from < 0 ? Exo.Argument : ports.flash.read(from, part(bytes, u(address!), length!), zone);
    },
    image_read(address, ptr, length) {
      const bytes = loadable();
      if (!bytes) return Exo.Denied;
      const out = memory.range(u(ptr!), u(length!));
      if (!out || !isInWindow(window, u(address!), u(length!))) return Exo.Argument;
      out.set(part(bytes, u(address!), out.length));
      return Exo.Ok;
    },
    image_start(entry, infoPtr) {
      if (!loadable()) return Exo.Denied;
      const info = memory.range(u(infoPtr!), BOOT_INFO_BYTES);
      if (!info || !isInWindow(window, u(entry!), 4) || entry! & 3 || info[6]! > 1) return Exo.Argument;
      return ports.startImage(u(entry!), info);
    },
  };
}
