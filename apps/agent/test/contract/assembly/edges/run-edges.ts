// Edge calls that every module can make: clocks, console, what a run is told, reset and watchdog.

import {
  bootInfo,
  bootPhase,
  bootReason,
  clockUs,
  consoleWrite,
  crashLog,
  crashRecord,
  Errno,
  imageWindow,
  reset,
  resetCause,
  rootKeys,
  wallClockS,
  watchdogArm,
  watchdogPet,
} from "../../../../src/exokernel";
import { answer, memoryEnd } from "./answers";

const buffer: usize = memory.data(1088, 8);

export function runEdges(): void {
  answer("clock_us: from reset on", clockUs() >= 0 ? 1 : 0);
  const wall = wallClockS();
  answer("wall_clock_s: a time, or absent", wall > 0 || wall == Errno.Absent ? 1 : 0);
  consoleEdges();
  toldEdges();
  answer("reset: 0", reset(0));
  answer("reset: 4", reset(4));
  answer("reset: 2^31 + 1", reset(0x80000001));
  answer("reset: 2^32 - 1", reset(0xffffffff));
  answer("watchdog_arm: 0", watchdogArm(0));
  answer("watchdog_arm: 99 ms", watchdogArm(99));
  answer("watchdog_arm: 600001 ms", watchdogArm(600001));
  answer("watchdog_arm: 2^31 ms", watchdogArm(0x80000000));
  answer("watchdog_arm: 2^32 - 1 ms", watchdogArm(0xffffffff));
  answer("watchdog_arm: 600000 ms", watchdogArm(600000));
  answer("watchdog_pet: armed", watchdogPet());
  answer("boot_phase: 0", bootPhase(0));
  answer("boot_phase: 12", bootPhase(12));
  answer("boot_phase: 2^31 + 4", bootPhase(0x80000004));
  answer("boot_phase: 2^32 - 1", bootPhase(0xffffffff));
  answer("boot_phase: 11", bootPhase(11));
}

function consoleEdges(): void {
  answer("console_write: of nothing", consoleWrite(buffer, 0));
  answer("console_write: of nothing at memory's end", consoleWrite(memoryEnd(), 0));
  answer("console_write: of nothing behind memory", consoleWrite(memoryEnd() + 1, 0));
  answer("console_write: of 1025 bytes", consoleWrite(buffer, 1025));
  answer("console_write: over memory's end", consoleWrite(memoryEnd() - 4, 8));
  answer("console_write: from a pointer whose end wraps", consoleWrite(0xfffffff0, 32));
  answer("console_write: of 2^32 - 1 bytes", consoleWrite(1, 0xffffffff));
}

function toldEdges(): void {
  answer("boot_reason", bootReason());
  answer("reset_cause", resetCause());
  answer("boot_info: to 63 bytes", bootInfo(buffer, 63));
  answer("boot_info: to 65 bytes", bootInfo(buffer, 65));
  answer("boot_info: to nothing", bootInfo(buffer, 0));
  answer("boot_info: to an odd place", bootInfo(buffer + 1, 64));
  answer("boot_info: over memory's end", bootInfo(memoryEnd() - 60, 64));
  answer("boot_info: to a pointer whose end wraps", bootInfo(0xffffffe0, 64));
  answer("crash_record: of no crash", crashRecord(buffer, 64));
  answer("crash_record: to 63 bytes", crashRecord(buffer, 63));
  answer("crash_record: to 65 bytes", crashRecord(buffer, 65));
  answer("crash_record: over memory's end", crashRecord(memoryEnd() - 60, 64));
  answer("crash_log: of no crash", crashLog(buffer, 64));
  answer("crash_log: of no crash, to nothing", crashLog(buffer, 0));
  answer("crash_log: over memory's end", crashLog(memoryEnd() - 4, 64));
  answer("crash_log: of 2^32 - 1 bytes", crashLog(0, 0xffffffff));
  answer("root_keys: to 256 bytes", rootKeys(buffer, 256));
  answer("root_keys: to 32 bytes", rootKeys(buffer, 32));
  answer("root_keys: to 31 bytes", rootKeys(buffer, 31));
  answer("root_keys: to nothing", rootKeys(buffer, 0));
  answer("root_keys: over memory's end", rootKeys(memoryEnd() - 31, 32));
  answer("root_keys: beyond memory for room that is not needed", rootKeys(memoryEnd() - 32, 64));
  answer("root_keys: to a pointer whose end wraps", rootKeys(0xffffffe0, 64));
  answer("image_window: well", imageWindow(buffer));
  answer("image_window: to an odd place", imageWindow(buffer + 1));
  answer("image_window: at memory's end", imageWindow(memoryEnd() - 8));
  answer("image_window: over memory's end", imageWindow(memoryEnd() - 4));
  answer("image_window: at the highest address", imageWindow(0xfffffffc));
}
