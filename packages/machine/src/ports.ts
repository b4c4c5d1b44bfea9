// What the calls of exokernel.h stand on: a host is a set of these. What a port is handed was checked against the
// header; what it answers is what the module gets.

import type { FlashLayout } from "./factory/flash-layout.ts";

/** The calling module's memory. */
export interface MemoryPort {
  /** The bytes at [ptr, ptr+length), or undefined when they are not all the module's. */
  range(ptr: number, length: number): Uint8Array | undefined;
}

/**
 * Flash behind its driver. `at` counts from the start of the flash, and the range lies in `zone` (EXO_ZONE_*).
 * Each operation gives 0 or an EXO_E_*.
 */
export interface FlashPort {
  readonly layout: FlashLayout;
  /** How long one of each may take, as exo_flash_timing says it. */
  readonly eraseMsMax: number;
  readonly programMsMax: number;
  read(at: number, target: Uint8Array, zone: number): number;
  /** Inside one page, both aligned to 4. EXO_E_NOT_ERASED and EXO_E_VERIFY are the port's to find. */
  program(at: number, source: Uint8Array, durability: number, zone: number): number;
  /** `at` is the start of a sector. */
  erase(at: number, zone: number): number;
}

/** Connections of the host's, behind handles. Answers are those of exo_stream_*. */
export interface StreamsPort {
  /** 1..253 bytes of UTF-8 that name a host or an address; a port from 1 to 65535. */
  open(host: string, port: number): number;
  state(handle: number): number;
  read(handle: number, target: Uint8Array): number;
  write(handle: number, source: Uint8Array): number;
  close(handle: number): number;
}

/** What the machine says of this run and the one before, and what it is told of this one. */
export interface RunPort {
  readonly bootReason: number;
  readonly resetCause: number;
  /** EXO_BOOT_INFO_BYTES, of the image that was started. */
  readonly bootInfo: Uint8Array;
  /** EXO_CRASH_RECORD_BYTES; undefined: the last run left none. */
  readonly lastCrash: Uint8Array | undefined;
  /** The newest of what the crashed run wrote to the console; undefined: nothing was kept. */
  readonly lastConsole: Uint8Array | undefined;
  sayPhase(phase: number): void;
}

/** What the app says of itself, for the agent. */
export interface AppPort {
  /** EXO_APP_REPORT_BYTES. */
  readonly report: Uint8Array;
  metric(name: Uint8Array, value: number): void;
  health(health: number): void;
}

/** What the agent wants of the app. */
export interface AppConfigurationPort {
  isIdentifying: boolean;
  /** Takes the place of what was proposed before, and of the verdict on it. Without a byte: nothing is proposed. */
  propose(document: Uint8Array, number: number): void;
  /** EXO_CONFIGURATION_VERDICT_BYTES; undefined: nothing is proposed, or it was not judged yet. */
  readonly verdict: Uint8Array | undefined;
  /** What was proposed and not judged yet. */
  readonly waiting: { number: number; document: Uint8Array } | undefined;
  /** 0, or EXO_E_AGAIN: nothing with this number waits. */
  judge(number: number, code: number, text: Uint8Array): number;
}

export interface ConsoleLogPort {
  /** The newest of what this run has said, oldest first. */
  newest(bytesMax: number): Uint8Array;
}

/** RAM that the boot loader copies an image to. */
export interface WindowPort {
  /** IMAGE_TYPE_*: of what is started in it. */
  readonly imageType: number;
  readonly address: number;
  readonly sizeBytes: number;
  /** Undefined once an image runs. */
  readonly bytes: Uint8Array | undefined;
}

/** What the modules of one run share. */
export interface Ports {
  readonly flash: FlashPort;
  /** Microseconds since reset. */
  clockUs(): number;
  wallClockS(): number;
  /** Fills the target; or returns an EXO_E_*, as a source does that is missing or gives nothing. */
  entropy(target: Uint8Array): number | void;
  readonly console: { write(bytes: Uint8Array): void };
  readonly consoleLog: ConsoleLogPort;
  readonly streams: StreamsPort;
  /** Bytes that were put at the target's start, or EXO_E_AGAIN; undefined: this host has no serial line. */
  readonly serial: { read(target: Uint8Array): number } | undefined;
  readonly watchdog: { arm(timeoutMs: number): void; pet(): void };
  readonly run: RunPort;
  readonly app: AppPort;
  readonly appConfiguration: AppConfigurationPort;
  /** 32 bytes each, at most 8: burnt in where the device was made. */
  readonly rootKeys: readonly Uint8Array[];
  /** The boot loader's program, where the host has it at hand. */
  readonly loader?: Uint8Array | undefined;
  readonly imageWindow: WindowPort;
  /** A zone that nobody may change, once an image runs. */
  readonly runningSlotZone: number | undefined;
  /** A slot that recovery may write; then nothing can be started any more in this run. The calls set it. */
  recoverySlotZone: number | undefined;
  /** Control leaves the module: what ends its run is thrown. */
  reset(reason: number): never;
  startImage(entry: number, info: Uint8Array): never;
  /** A change of flash was refused for want of a grant. */
  onDenied?(kind: "erase" | "program", zone: number): void;
}
