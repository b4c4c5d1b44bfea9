// Names and values of exokernel/exokernel.h for the Node host. Contracts live in the header.

export const Exo = {
  Ok: 0,
  Argument: -1,
  Denied: -2,
  Absent: -3,
  Again: -4,
  Io: -5,
  NotErased: -6,
  Verify: -7,
  Closed: -8,
} as const;

export const Zone = {
  BootControl: 0,
  Factory: 1,
  Settings: 2,
  Trust: 3,
  SlotA: 4,
  SlotB: 5,
  Journal: 6,
  App: 7,
} as const;
export const ZONE_COUNT = 8;

/** Durability of a program. */
export const VERIFIED = 2;

export const StreamState = { Connecting: 0, Open: 1, Closed: 2 } as const;

/** Why the last run ended. EXO_RESET_x has the number of the EXO_BOOT_x that it causes. */
export const BootReason = {
  PowerOn: 0,
  Requested: 1,
  Update: 2,
  RollBack: 3,
  Trap: 4,
  Watchdog: 5,
  Pin: 6,
  Unknown: 7,
} as const;

/** What reset the machine, as the hardware says it. */
export const ResetCause = { Unknown: 0, Power: 1, Pin: 2, Watchdog: 3, Software: 4 } as const;

/** Modules as the crash record names them. */
export const ModuleId = { Exokernel: 0, Boot: 1, Agent: 2, App: 3 } as const;

export const BOOT_INFO_BYTES = 64;
export const CRASH_RECORD_BYTES = 64;
export const CRASH_RECORD_MAGIC = 0x52435346;
/** The newest bytes of a crashed run's console that are kept. */
export const CRASH_LOG_BYTES = 512;
/** EXO_PHASE_*: those that the exokernel says itself, and the last. */
export const Phase = { Loader: 1, LogAppended: 2, HandedOver: 5, Image: 6, Recovery: 11 } as const;
/** What `recover` returns where there is no serial line. */
export const RECOVERY_NONE = 0xffffffff;
export const APP_REPORT_BYTES = 32;
/** The newest bytes of a run's console that are kept for its agent. */
export const CONSOLE_LOG_BYTES = 4096;
export const CONFIGURATION_BYTES_MAX = 1024;
export const CONFIGURATION_TEXT_BYTES_MAX = 64;
export const CONFIGURATION_VERDICT_BYTES = 80;
export const APP_SLICE_PERIOD_US = 1_000_000;
export const HEALTH_UNHEALTHY = 2;
