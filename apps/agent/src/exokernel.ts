// TypeScript's view of exokernel/exokernel.h: the only way a module reaches the machine. Contracts live in the header;
// the names, values and layouts here are the same.

// biome-ignore format: a table, row by row
export namespace Errno {
  export const Argument: i32 = -1;
  export const Denied: i32 = -2;
  export const Absent: i32 = -3;
  export const Again: i32 = -4;
  export const Io: i32 = -5;
  export const NotErased: i32 = -6;
  export const Verify: i32 = -7;
  export const Closed: i32 = -8;
}

export namespace Zone {
  export const BootControl: u32 = 0;
  export const Factory: u32 = 1;
  export const Settings: u32 = 2;
  export const Trust: u32 = 3;
  export const SlotA: u32 = 4;
  export const SlotB: u32 = 5;
  export const Journal: u32 = 6;
  export const App: u32 = 7;
}

export namespace Durability {
  export const Accepted: u32 = 0;
  export const Programmed: u32 = 1;
  export const Verified: u32 = 2;
}

export namespace StreamState {
  export const Connecting: i32 = 0;
  export const Open: i32 = 1;
  export const Closed: i32 = 2;
}

export namespace BootReason {
  export const PowerOn: u32 = 0;
  export const Requested: u32 = 1;
  export const Update: u32 = 2;
  export const RollBack: u32 = 3;
  export const Trap: u32 = 4;
  export const Watchdog: u32 = 5;
  export const Pin: u32 = 6;
  export const Unknown: u32 = 7;
}

/** What reset the machine, as the hardware says it (EXO_CAUSE_*). */
export namespace ResetCause {
  export const Unknown: u32 = 0;
  export const Power: u32 = 1;
  export const Pin: u32 = 2;
  export const Watchdog: u32 = 3;
  export const Software: u32 = 4;
}

export namespace ResetReason {
  export const Requested: u32 = 1;
  export const Update: u32 = 2;
  export const RollBack: u32 = 3;
}

export namespace Health {
  export const Unknown: u32 = 0;
  export const Healthy: u32 = 1;
  export const Unhealthy: u32 = 2;
}

/** How far a run has come (EXO_PHASE_*). */
export namespace Phase {
  export const LogAppended: u32 = 2;
  export const Loaded: u32 = 3;
  export const Verified: u32 = 4;
  export const Agent: u32 = 7;
  export const Trial: u32 = 8;
  export const Proven: u32 = 9;
  export const Confirmed: u32 = 10;
}

export const NIC_FRAME_OFFSET: u32 = 16;
export const BOOT_INFO_BYTES: u32 = 64;
export const BOOT_INFO_MAGIC: u32 = 0x49425346;
export const CRASH_RECORD_BYTES: u32 = 64;
export const CRASH_LOG_BYTES: u32 = 512;
export const RECOVERY_NONE: u32 = 0xffffffff;
export const APP_REPORT_BYTES: u32 = 32;
export const CONSOLE_LOG_BYTES: u32 = 4096;

@external("exo", "flash_geometry")
export declare function flashGeometry(zone: u32, outPtr: usize): i32;
@external("exo", "flash_read")
export declare function flashRead(zone: u32, offsetBytes: u32, ptr: usize, lengthBytes: u32): i32;
@external("exo", "flash_program")
export declare function flashProgram(zone: u32, offsetBytes: u32, ptr: usize, lengthBytes: u32, durability: u32): i32;
@external("exo", "flash_erase")
export declare function flashErase(zone: u32, offsetBytes: u32): i32;

@external("exo", "flash_timing")
export declare function flashTiming(outPtr: usize): i32;

@external("exo", "clock_us")
export declare function clockUs(): i64;
@external("exo", "wall_clock_s")
export declare function wallClockS(): i64;
@external("exo", "entropy")
export declare function entropy(ptr: usize, lengthBytes: u32): i32;
@external("exo", "console_write")
export declare function consoleWrite(ptr: usize, lengthBytes: u32): i32;
@external("exo", "console_log")
export declare function consoleLog(ptr: usize, lengthBytes: u32): i32;

@external("exo", "nic_info")
export declare function nicInfo(outPtr: usize): i32;
@external("exo", "nic_grant")
export declare function nicGrant(ptr: usize, lengthBytes: u32): i32;
@external("exo", "nic_receive")
export declare function nicReceive(): i32;
@external("exo", "nic_release")
export declare function nicRelease(bufferIndex: u32): i32;
@external("exo", "nic_acquire")
export declare function nicAcquire(): i32;
@external("exo", "nic_transmit")
export declare function nicTransmit(bufferIndex: u32, frameLengthBytes: u32): i32;

@external("exo", "stream_open")
export declare function streamOpen(hostPtr: usize, hostLength: u32, port: u32): i32;
@external("exo", "stream_state")
export declare function streamState(handle: u32): i32;
@external("exo", "stream_read")
export declare function streamRead(handle: u32, ptr: usize, lengthBytes: u32): i32;
@external("exo", "stream_write")
export declare function streamWrite(handle: u32, ptr: usize, lengthBytes: u32): i32;
@external("exo", "stream_close")
export declare function streamClose(handle: u32): i32;

@external("exo", "boot_info")
export declare function bootInfo(ptr: usize, lengthBytes: u32): i32;
@external("exo", "crash_record")
export declare function crashRecord(ptr: usize, lengthBytes: u32): i32;
@external("exo", "crash_log")
export declare function crashLog(ptr: usize, lengthBytes: u32): i32;
@external("exo", "boot_phase")
export declare function bootPhase(phase: u32): i32;
@external("exo", "reset")
export declare function reset(reason: u32): i32;
@external("exo", "watchdog_arm")
export declare function watchdogArm(timeoutMs: u32): i32;
@external("exo", "watchdog_pet")
export declare function watchdogPet(): i32;

@external("exo", "app_metric")
export declare function appMetric(namePtr: usize, nameLength: u32, value: i32): i32;
@external("exo", "app_health")
export declare function appHealth(health: u32): i32;
@external("exo", "app_report")
export declare function appReport(outPtr: usize): i32;
@external("exo", "app_identify")
export declare function appIdentify(on: u32): i32;
@external("exo", "app_identifying")
export declare function appIdentifying(): i32;
@external("exo", "configuration_propose")
export declare function configurationPropose(ptr: usize, lengthBytes: u32, number: u32): i32;
@external("exo", "configuration_verdict")
export declare function configurationVerdict(outPtr: usize): i32;
@external("exo", "configuration_read")
export declare function configurationRead(ptr: usize, lengthBytes: u32): i32;
@external("exo", "configuration_judge")
export declare function configurationJudge(number: u32, code: i32, textPtr: usize, textLength: u32): i32;

@external("exo", "root_keys")
export declare function rootKeys(ptr: usize, lengthBytes: u32): i32;
@external("exo", "loader_read")
export declare function loaderRead(offsetBytes: u32, ptr: usize, lengthBytes: u32): i32;
@external("exo", "image_window")
export declare function imageWindow(outPtr: usize): i32;
@external("exo", "image_type")
export declare function imageType(): i32;
@external("exo", "image_load")
export declare function imageLoad(zone: u32, offsetBytes: u32, address: u32, lengthBytes: u32): i32;
@external("exo", "image_read")
export declare function imageRead(address: u32, ptr: usize, lengthBytes: u32): i32;
@external("exo", "image_start")
export declare function imageStart(entry: u32, infoPtr: usize): i32;
@external("exo", "boot_reason")
export declare function bootReason(): i32;

@external("exo", "reset_cause")
export declare function resetCause(): i32;

@external("exo", "serial_read")
export declare function serialRead(ptr: usize, lengthBytes: u32): i32;
@external("exo", "recovery_begin")
export declare function recoveryBegin(zone: u32): i32;
