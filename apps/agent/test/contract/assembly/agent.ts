// The contract in the agent's place. Each boot checks what the one before it did: three resets, a trap, and a hang that
// the watchdog ends; the boot reason says which of them this boot follows.

import {
  appHealth,
  appIdentify,
  appIdentifying,
  appMetric,
  appReport,
  BOOT_INFO_BYTES,
  BOOT_INFO_MAGIC,
  bootInfo,
  bootReason,
  bootPhase,
  BootReason,
  clockUs,
  configurationJudge,
  configurationPropose,
  configurationRead,
  configurationVerdict,
  CONSOLE_LOG_BYTES,
  consoleLog,
  crashLog,
  CRASH_LOG_BYTES,
  CRASH_RECORD_BYTES,
  crashRecord,
  consoleWrite,
  entropy,
  Errno,
  flashRead,
  flashTiming,
  Health,
  imageWindow,
  loaderRead,
  nicAcquire,
  nicGrant,
  nicInfo,
  nicReceive,
  nicRelease,
  nicTransmit,
  reset,
  resetCause,
  ResetCause,
  ResetReason,
  rootKeys,
  streamClose,
  streamOpen,
  streamRead,
  streamState,
  StreamState,
  streamWrite,
  wallClockS,
  watchdogArm,
  watchdogPet,
  Zone,
} from "../../../src/exokernel";
import { FACTORY_PORT_OFFSET } from "../../../src/format";
import { all, expect, holds, memoryEnd, print } from "./checks";
import { checkDeniedZone, checkNoSuchZone, checkReadOnlyZone, checkWritableZone } from "./flash-checks";

export { abort } from "../../../src/abort";

const info: usize = memory.data(64, 8);
const record: usize = memory.data(64, 8);
const report: usize = memory.data(32, 8);
const buffer: usize = memory.data(1088, 8);
const log: usize = memory.data(4100, 8);
const FRAMES: u32 = 24 * 1536;
const frames: usize = memory.data(36880, 16);
const HOST: usize = memory.data<u8>([0x31, 0x32, 0x37, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x31]); // 127.0.0.1
const HOST_BYTES: u32 = 9;
const BAD_HOST: usize = memory.data<u8>([0xff, 0xfe]);

let reason: u32 = 0;
let steps: u32 = 0;
let hasNic: bool = false;
let handle: i32 = -1;
let refusedHandle: i32 = -1;
let streamDone: bool = false;
let wrote: bool = false;

export function start(): void {
  expect("agent: boot information", bootInfo(info, BOOT_INFO_BYTES), 0);
  reason = load<u8>(info, 7);
  if (reason == BootReason.PowerOn) return first();
  if (reason == BootReason.Trap) {
    expect("after a trap: crash record", crashRecord(record, CRASH_RECORD_BYTES), 0);
    expect("after a trap: its magic", load<u32>(record), 0x52435346);
    expect("after a trap: its kind", load<u32>(record, 4), BootReason.Trap);
    expect("after a trap: its module", load<u32>(record, 8), 2);
    expect("after a trap: its code is wasm's for unreachable", load<u32>(record, 12), 5);
    holds("after a trap: its message", load<u8>(record, 32) == 0x75 && load<u8>(record, 63) == 0);
    expect("after a trap: its phase", load<u32>(record, 28), 7);
    const kept = crashLog(buffer, CRASH_LOG_BYTES);
    holds("after a trap: its last lines", kept > 64 && kept <= 512);
    // "crash: unreachable module 2 code 5 mepc 00000000 mtval 00000000\n" ends them.
    holds(
      "after a trap: the last of them is the crash",
      load<u8>(buffer + kept - 1) == 0x0a && load<u8>(buffer + kept - 2) == 0x30,
    );
    expect("after a trap: less of them", crashLog(buffer, 16), 16);
    expect("after a trap: crash log beyond memory", crashLog(memoryEnd() - 8, 16), Errno.Argument);
    expect("after a trap: crash record to 63 bytes", crashRecord(record, 63), Errno.Argument);
  } else if (reason == BootReason.Watchdog) {
    expect("after a hang: crash record", crashRecord(record, CRASH_RECORD_BYTES), 0);
    expect("after a hang: its kind", load<u32>(record, 4), BootReason.Watchdog);
  } else {
    expect("after a reset: no crash record", crashRecord(record, CRASH_RECORD_BYTES), Errno.Absent);
  }
  holds("after a reset: the loader and the host agree why", <u32>bootReason() == reason);
  expect(
    "after a reset: the hardware says the cause",
    resetCause(),
    reason == BootReason.Watchdog ? ResetCause.Watchdog : ResetCause.Software,
  );
  holds("after a reset: the boots are counted", load<u32>(info, 8) == reason + 1);
}

function checkLoader(): void {
  const loader = loaderRead(0, buffer, 256);
  holds("agent: the loader's first bytes, where the host has them", loader == 256 || loader == Errno.Absent);
  const behind = loaderRead(0xffffff00, buffer, 256);
  holds("agent: nothing behind the loader", behind == Errno.Argument || behind == Errno.Absent);
}

function first(): void {
  expect("agent: information to 63 bytes", bootInfo(info, 63), Errno.Argument);
  expect("agent: information beyond memory", bootInfo(memoryEnd() - 60, BOOT_INFO_BYTES), Errno.Argument);
  expect("agent: information's magic", load<u32>(info), BOOT_INFO_MAGIC);
  expect("agent: slot a runs", load<u8>(info, 6), 0);
  expect("agent: reason is power on", bootReason(), BootReason.PowerOn);
  expect("agent: cause is power", resetCause(), ResetCause.Power);
  expect("agent: no crash record after power on", crashRecord(record, CRASH_RECORD_BYTES), Errno.Absent);

  checkWritableZone("agent:", Zone.Journal);
  checkWritableZone("agent, slot b:", Zone.SlotB);
  checkReadOnlyZone("agent: running slot", Zone.SlotA);
  checkReadOnlyZone("agent: factory", Zone.Factory);
  checkDeniedZone("agent: app zone", Zone.App);
  checkNoSuchZone("agent:");

  const before = clockUs();
  let now = before;
  let ordered = true;
  for (let i = 0; i < 1000; i++) {
    const next = clockUs();
    if (next < now) ordered = false;
    now = next;
  }
  holds("agent: the clock never goes back", ordered);
  holds("agent: the clock counts from reset", before >= 0 && before < 60_000_000);
  holds("agent: wall clock is after 2020, or absent", wallClockS() > 1577836800 || wallClockS() == Errno.Absent);

  memory.fill(buffer, 0, 257);
  expect("agent: entropy", entropy(buffer, 256), 0);
  holds(
    "agent: entropy fills what was asked for, no more",
    !all(buffer, 32, 0) && !all(buffer + 224, 32, 0) && load<u8>(buffer, 256) == 0,
  );
  expect("agent: entropy of nothing", entropy(buffer, 0), 0);
  expect("agent: too much entropy", entropy(buffer, 257), Errno.Argument);
  expect("agent: entropy beyond memory", entropy(memoryEnd() - 4, 8), Errno.Argument);
  expect("agent: console of nothing", consoleWrite(buffer, 0), 0);
  expect("agent: console of too much", consoleWrite(buffer, 1025), Errno.Argument);
  expect("agent: console beyond memory", consoleWrite(memoryEnd() - 4, 8), Errno.Argument);
  expect("agent: console from a pointer that wraps", consoleWrite(0xfffffff0, 32), Errno.Argument);

  expect("agent: root keys", rootKeys(buffer, 256), 1);
  expect("agent: root keys to too little room", rootKeys(buffer, 31), Errno.Argument);
  checkLoader();
  expect("agent: image window", imageWindow(buffer), 0);
  expect("agent: reset for no reason", reset(0), Errno.Argument);
  expect("agent: reset for an unknown reason", reset(4), Errno.Argument);
  expect("agent: phase 0", bootPhase(0), Errno.Argument);
  expect("agent: no crash log after power on", crashLog(record, 64), Errno.Absent);
  expect("agent: metric denied", appMetric(buffer, 1, 1), Errno.Denied);
  expect("agent: health denied", appHealth(Health.Healthy), Errno.Denied);
  expect("agent: flash timing", flashTiming(buffer), 0);
  holds(
    "agent: an erase and a program take time, and end",
    load<u32>(buffer) > 0 && load<u32>(buffer) <= 60_000 && load<u32>(buffer, 4) > 0 && load<u32>(buffer, 4) <= 60_000,
  );
  expect("agent: flash timing at a misaligned pointer", flashTiming(buffer + 2), Errno.Argument);
  expect("agent: flash timing beyond memory", flashTiming(memoryEnd() - 4), Errno.Argument);
  expect("agent: watchdog petted", watchdogPet(), 0);
  expect("agent: watchdog too short", watchdogArm(99), Errno.Argument);
  expect("agent: watchdog too long", watchdogArm(600001), Errno.Argument);
  expect("agent: watchdog armed again", watchdogArm(30000), 0);

  expect("agent: report beyond memory", appReport(memoryEnd() - 28), Errno.Argument);
  expect("agent: report", appReport(report), 0);
  expect("agent: report before a tick", load<u32>(report), 0);
  expect("agent: report's health", load<u32>(report, 4), Health.Unhealthy);
  expect("agent: report's metric", load<i32>(report, 8), -7);
  expect("agent: report's name", load<u32>(report, 12), 3);
  holds("agent: report's name, filled with zeros", load<u32>(report, 16) == 0x0031_5f61 && load<u64>(report, 24) == 0);

  checkConsoleLog();
  checkConfiguration();
  hasNic = nicInfo(buffer) != Errno.Absent;
  if (hasNic) checkNic();
  else checkSockets();
}

function checkConsoleLog(): void {
  expect("agent: console log of nothing", consoleLog(log, 0), 0);
  expect("agent: console log beyond memory", consoleLog(memoryEnd() - 4, 8), Errno.Argument);
  print("a line to be found again");
  expect("agent: console log, the newest of it", consoleLog(log, 24), 24);
  holds("agent: console log, as it was written", load<u32>(log) == 0x6e696c20 && load<u8>(log, 23) == 0x0a);
  memory.fill(buffer, 0x2e, 1024);
  for (let i = 0; i < 5; i++) consoleWrite(buffer, 1024);
  print("");
  store<u8>(log, 0, CONSOLE_LOG_BYTES);
  expect("agent: console log, no more than is kept", consoleLog(log, CONSOLE_LOG_BYTES + 4), CONSOLE_LOG_BYTES);
  holds(
    "agent: console log, oldest first",
    all(log, CONSOLE_LOG_BYTES - 1, 0x2e) &&
      load<u8>(log, CONSOLE_LOG_BYTES - 1) == 0x0a &&
      load<u8>(log, CONSOLE_LOG_BYTES) == 0,
  );
}

function checkConfiguration(): void {
  expect("agent: identifying denied", appIdentifying(), Errno.Denied);
  expect("agent: identify otherwise than on or off", appIdentify(2), Errno.Argument);
  expect("agent: identify", appIdentify(1), 0);
  expect("agent: configuration denied", configurationRead(log, 1028), Errno.Denied);
  expect("agent: judgement denied", configurationJudge(1, 0, log, 0), Errno.Denied);
  expect("agent: no verdict on nothing", configurationVerdict(log), Errno.Again);
  expect("agent: configuration too long", configurationPropose(log, 1025, 1), Errno.Argument);
  expect("agent: configuration beyond memory", configurationPropose(memoryEnd() - 4, 8, 1), Errno.Argument);
  memory.fill(buffer, 0x2b, 1024);
  expect("agent: configuration", configurationPropose(log, 2, 0xfffffffe), 0);
  expect("agent: no configuration any more", configurationPropose(log, 0, 0), 0);
  expect("agent: configuration, another one", configurationPropose(buffer, 1024, 0xfffffffe), 0);
  expect("agent: verdict beyond memory", configurationVerdict(memoryEnd() - 76), Errno.Argument);
  // The app's tick is a second off.
  expect("agent: no verdict yet", configurationVerdict(log), Errno.Again);
}

function checkVerdict(): void {
  memory.fill(log, 0xaa, 84);
  expect("agent: verdict", configurationVerdict(log), 0);
  expect("agent: verdict's number", load<u32>(log), 0xfffffffe);
  expect("agent: verdict's code: all that the app looks at holds", load<i32>(log, 4), -63);
  expect("agent: verdict's words, their length", load<u32>(log, 8), 4);
  holds(
    "agent: verdict's words, and zeros",
    load<u32>(log, 12) == 0 && load<u32>(log, 16) == 0x41315f61 && all(log + 20, 60, 0) && load<u8>(log, 80) == 0xaa,
  );
  expect("agent: verdict, again", configurationVerdict(log), 0);
  expect("agent: configuration after it", configurationPropose(buffer, 1, 7), 0);
  expect("agent: no verdict on that yet", configurationVerdict(log), Errno.Again);
}

function checkNic(): void {
  expect("host with a nic: information", nicInfo(buffer), 0);
  expect("host with a nic: mtu", load<u16>(buffer, 6), 1500);
  expect("host with a nic: information beyond memory", nicInfo(memoryEnd() - 16), Errno.Argument);
  const bytes = (load<u32>(buffer, 8) + load<u32>(buffer, 12)) * load<u32>(buffer, 16);
  expect("host with a nic: window", bytes, FRAMES);
  expect("host with a nic: receive before the grant", nicReceive(), Errno.Closed);
  expect("host with a nic: acquire before the grant", nicAcquire(), Errno.Closed);
  expect("host with a nic: misaligned grant", nicGrant(frames + 8, FRAMES), Errno.Argument);
  expect("host with a nic: short grant", nicGrant(frames, FRAMES - 16), Errno.Argument);
  expect("host with a nic: grant beyond memory", nicGrant(memoryEnd() - 16, FRAMES), Errno.Argument);
  expect("host with a nic: grant", nicGrant(frames, FRAMES), 0);
  expect("host with a nic: second grant", nicGrant(frames, FRAMES), Errno.Argument);
  expect("host with a nic: release of what is not held", nicRelease(0), Errno.Argument);
  expect("host with a nic: transmit of what is not held", nicTransmit(0, 60), Errno.Argument);
  const out = nicAcquire();
  holds("host with a nic: acquire", out >= 0);
  expect("host with a nic: frame too short", nicTransmit(out, 13), Errno.Argument);
  expect("host with a nic: frame too long", nicTransmit(out, 1515), Errno.Argument);
  expect("host with a nic: transmit", nicTransmit(out, 60), 0);
  expect("host with a nic: transmit twice", nicTransmit(out, 60), Errno.Argument);
  expect("host with a nic: no streams", streamOpen(HOST, HOST_BYTES, 1), Errno.Absent);
  expect("host with a nic: no stream state", streamState(0), Errno.Absent);
  streamDone = true;
}

function checkSockets(): void {
  expect("host with sockets: no nic to grant", nicGrant(frames, FRAMES), Errno.Absent);
  expect("host with sockets: nothing to receive", nicReceive(), Errno.Absent);
  expect("host with sockets: nothing to release", nicRelease(0), Errno.Absent);
  expect("host with sockets: nothing to acquire", nicAcquire(), Errno.Absent);
  expect("host with sockets: nothing to transmit", nicTransmit(0, 60), Errno.Absent);
  expect("host with sockets: no such handle", streamState(0), Errno.Argument);
  expect("host with sockets: read of no handle", streamRead(7, buffer, 4), Errno.Argument);
  expect("host with sockets: write of no handle", streamWrite(7, buffer, 4), Errno.Argument);
  expect("host with sockets: close of no handle", streamClose(0xffffffff), Errno.Argument);
  expect("host with sockets: open of port 0", streamOpen(HOST, HOST_BYTES, 0), Errno.Argument);
  expect("host with sockets: open of port 65536", streamOpen(HOST, HOST_BYTES, 65536), Errno.Argument);
  expect("host with sockets: open of no host", streamOpen(HOST, 0, 1), Errno.Argument);
  expect("host with sockets: open of a host that is no UTF-8", streamOpen(BAD_HOST, 2, 1), Errno.Argument);
  expect("host with sockets: open of a host beyond memory", streamOpen(memoryEnd() - 4, 8, 1), Errno.Argument);
  flashRead(Zone.Factory, FACTORY_PORT_OFFSET & ~3, buffer, 4);
  handle = streamOpen(HOST, HOST_BYTES, load<u16>(buffer + (FACTORY_PORT_OFFSET & 3)));
  refusedHandle = streamOpen(HOST, HOST_BYTES, 1);
  holds("host with sockets: open", handle >= 0 && refusedHandle >= 0 && handle != refusedHandle);
  expect("host with sockets: connecting", streamState(handle), StreamState.Connecting);
  expect("host with sockets: read while connecting", streamRead(handle, buffer, 4), Errno.Again);
  expect("host with sockets: write while connecting", streamWrite(handle, buffer, 4), Errno.Again);
}

/** The test's server sends back what it gets. Returns whether all is said. */
function followStreams(): bool {
  if (streamDone) return true;
  if (!wrote) {
    if (streamState(handle) != StreamState.Open) return false;
    wrote = true;
    memory.fill(buffer, 0x2a, 8);
    expect("host with sockets: write", streamWrite(handle, buffer, 8), 8);
    expect("host with sockets: write from beyond memory", streamWrite(handle, memoryEnd() - 4, 8), Errno.Argument);
    expect("host with sockets: nothing to read yet", streamRead(handle, buffer, 8), Errno.Again);
    memory.fill(buffer, 0, 8);
    return false;
  }
  if (handle >= 0) {
    const got = streamRead(handle, buffer, 5);
    if (got == Errno.Again) return false;
    expect("host with sockets: read of a part", got, 5);
    expect("host with sockets: read beyond memory", streamRead(handle, memoryEnd() - 4, 8), Errno.Argument);
    expect("host with sockets: read of the rest", streamRead(handle, buffer + 5, 8), 3);
    holds("host with sockets: what was sent came back", all(buffer, 8, 0x2a));
    expect("host with sockets: close", streamClose(handle), 0);
    expect("host with sockets: state after the close", streamState(handle), Errno.Closed);
    expect("host with sockets: close after the close", streamClose(handle), Errno.Closed);
    handle = -1;
  }
  if (streamState(refusedHandle) != StreamState.Closed) return false;
  expect("host with sockets: refused connection is closed", streamRead(refusedHandle, buffer, 4), Errno.Closed);
  expect("host with sockets: write to it", streamWrite(refusedHandle, buffer, 4), Errno.Closed);
  expect("host with sockets: close of it", streamClose(refusedHandle), 0);
  streamDone = true;
  return true;
}

export function step(): u32 {
  steps++;
  switch (reason) {
    case BootReason.PowerOn:
      appReport(report);
      if (!followStreams() || load<u32>(report) < 2) return 5_000_000;
      expect("agent: report after ticks", load<u32>(report, 4), Health.Healthy);
      checkVerdict();
      // More than a wake-up each for the ticks and what the network did: a step that came from nothing would be busy
      // waiting.
      holds("agent: steps come from events and the app's ticks", steps < 50);
      reset(ResetReason.Requested);
      break;
    case BootReason.Requested:
      reset(ResetReason.Update);
      break;
    case BootReason.Update:
      reset(ResetReason.RollBack);
      break;
    case BootReason.RollBack:
      expect("agent: phase", bootPhase(7), 0);
      unreachable();
    case BootReason.Trap:
      expect("after a trap: watchdog armed", watchdogArm(300), 0);
      for (;;) store<u32>(buffer, load<u32>(buffer) + 1);
    default:
      if (steps == 1) {
        expect("after a hang: watchdog armed", watchdogArm(1000), 0);
        return 100_000;
      }
      watchdogPet();
      if (clockUs() < 2_000_000) return 100_000;
      print("end of the agent's contract");
      return 5_000_000;
  }
  print("not ok agent: reset returned");
  return 5_000_000;
}
