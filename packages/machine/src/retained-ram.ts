// The RAM that nobody clears at a reset (struct retained of exokernel/kernel.h): why the run ended, its crash record,
// and what the boot loader told the image. It may lie in shared memory, so that it outlives a thread that was stopped
// from outside; a power cut empties it.
//   0 u32 magic  4 u32 reason of the next boot  8 u32 has crash  12 u32 has last crash  16 u32 boot reason
//   20 u32 phase  24 u32 console bytes of this run  28 u32 of the crashed run, kept
//   32 u8[64] crash  96 u8[64] last crash  160 u8[64] boot information
//   224 u8[512] console of this run, a ring  736 u8[512] of the crashed run, in order  1248 u32 reset cause

import {
  BOOT_INFO_BYTES,
  BootReason,
  CRASH_LOG_BYTES,
  CRASH_RECORD_BYTES,
  CRASH_RECORD_MAGIC,
  Phase,
  ResetCause,
} from "./abi.ts";
import type { RunPort } from "./ports.ts";

export const RETAINED_RAM_BYTES = 228 + 2 * CRASH_LOG_BYTES;
const MAGIC = 0x4e494154;
const REASON = 4;
const HAS_CRASH = 8;
const HAS_LAST_CRASH = 12;
const BOOT_REASON = 16;
const PHASE = 20;
const CONSOLE_BYTES = 24;
const LAST_CONSOLE_BYTES = 28;
const CRASH = 32;
const LAST_CRASH = 96;
const BOOT_INFO = 160;
const CONSOLE = 224;
const LAST_CONSOLE = CONSOLE + CRASH_LOG_BYTES;
const RESET_CAUSE = LAST_CONSOLE + CRASH_LOG_BYTES;

export interface Crash {
  module: number;
  /** wasm trap code of wasm2c's runtime; 0x100 + mcause for what the exokernel found. */
  code: number;
  uptimeMs: number;
  message: string;
}

/** What the hardware says goes before what is left in RAM: a button, or a supply that dips, is no crash. */
function reasonOf(cause: number, said: number): number {
  if (cause === ResetCause.Watchdog) return BootReason.Watchdog;
  if (cause === ResetCause.Pin) return BootReason.Pin;
  if (cause === ResetCause.Power) return BootReason.PowerOn;
  return said <= BootReason.Trap ? said : BootReason.Unknown;
}

export class RetainedRam implements RunPort {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(RETAINED_RAM_BYTES)) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** What a power cut does. */
  forget(): void {
    this.#bytes.fill(0);
  }

  /**
   * First thing at a boot, which `cause` (ResetCause) began: why the last run ended; and, until this run says
   * otherwise, it ended without a word.
   */
  beginBoot(cause: number): void {
    if (this.#get(0) !== MAGIC) this.forget();
    const last = this.#bytes.subarray(LAST_CRASH, LAST_CRASH + CRASH_RECORD_BYTES);
    this.#set(RESET_CAUSE, cause);
    this.#set(BOOT_REASON, reasonOf(cause, this.#get(REASON)));
    this.#set(HAS_LAST_CRASH, this.#get(HAS_CRASH));
    last.set(this.#bytes.subarray(CRASH, CRASH + CRASH_RECORD_BYTES));
    this.#keepLastConsole();
    if (this.bootReason === BootReason.Watchdog) {
      this.#write(last, BootReason.Watchdog, { module: 0, code: 0, uptimeMs: 0, message: "hardware watchdog expired" });
      this.#set(HAS_LAST_CRASH, 1);
    }
    this.#set(REASON, BootReason.Unknown);
    this.#set(HAS_CRASH, 0);
    this.#set(PHASE, Phase.Loader);
    this.#set(CONSOLE_BYTES, 0);
    this.#set(0, MAGIC);
  }

  get bootReason(): number {
    return this.#get(BOOT_REASON);
  }

  get resetCause(): number {
    return this.#get(RESET_CAUSE);
  }

  /** What the next boot is told. */
  set nextReason(reason: number) {
    this.#set(REASON, reason);
  }

  recordCrash(crash: Crash): void {
    this.#write(this.#bytes.subarray(CRASH, CRASH + CRASH_RECORD_BYTES), BootReason.Trap, crash);
    this.#set(HAS_CRASH, 1);
  }

  /** Crash record of the last run, if it left one. */
  get lastCrash(): Uint8Array | undefined {
    return this.#get(HAS_LAST_CRASH) ? this.#bytes.subarray(LAST_CRASH, LAST_CRASH + CRASH_RECORD_BYTES) : undefined;
  }

  /** The last that the crashed run wrote to its console; undefined without a crash record. */
  get lastConsole(): Uint8Array | undefined {
    return this.#get(HAS_LAST_CRASH)
      ? this.#bytes.subarray(LAST_CONSOLE, LAST_CONSOLE + this.#get(LAST_CONSOLE_BYTES))
      : undefined;
  }

  keepConsole(bytes: Uint8Array): void {
    let written = this.#get(CONSOLE_BYTES);
    for (const byte of bytes) this.#bytes[CONSOLE + (written++ % CRASH_LOG_BYTES)] = byte;
    this.#set(CONSOLE_BYTES, written);
  }

  /** EXO_PHASE_* of this run. */
  sayPhase(phase: number): void {
    this.#set(PHASE, phase);
  }

  #keepLastConsole(): void {
    const written = this.#get(CONSOLE_BYTES);
    const length = Math.min(written, CRASH_LOG_BYTES);
    for (let i = 0; i < length; i++)
      this.#bytes[LAST_CONSOLE + i] = this.#bytes[CONSOLE + ((written - length + i) % CRASH_LOG_BYTES)]!;
    this.#set(LAST_CONSOLE_BYTES, length);
  }

  get bootInfo(): Uint8Array {
    return this.#bytes.subarray(BOOT_INFO, BOOT_INFO + BOOT_INFO_BYTES);
  }

  #write(record: Uint8Array, kind: number, crash: Crash): void {
    record.fill(0);
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    [CRASH_RECORD_MAGIC, kind, crash.module, crash.code, 0, 0, crash.uptimeMs, this.#get(PHASE)].forEach((value, i) =>
      view.setUint32(4 * i, value >>> 0, true),
    );
    record.set(new TextEncoder().encode(crash.message).subarray(0, 31), 32);
  }

  #get(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  #set(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }
}
