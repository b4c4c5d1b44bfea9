// The RAM that nobody clears at a reset (struct retained of exokernel/kernel.h): why the run ended, its crash record, and
// what the boot loader told the image. It may lie in shared memory, so that it outlives a thread that was stopped from
// outside; a power cut empties it.
//   0 u32 magic  4 u32 reason of the next boot  8 u32 has crash  12 u32 has last crash  16 u32 boot reason
//   32 u8[64] crash  96 u8[64] last crash  160 u8[64] boot information

import { BOOT_INFO_BYTES, BootReason, CRASH_RECORD_BYTES, CRASH_RECORD_MAGIC } from "./abi.ts";

export const RETAINED_RAM_BYTES = 224;
const MAGIC = 0x4e494154;
const REASON = 4;
const HAS_CRASH = 8;
const HAS_LAST_CRASH = 12;
const BOOT_REASON = 16;
const CRASH = 32;
const LAST_CRASH = 96;
const BOOT_INFO = 160;

export interface Crash {
  module: number;
  /** wasm trap code of wasm2c's runtime; 0x100 + mcause for what the exokernel found. */
  code: number;
  uptimeMs: number;
  message: string;
}

export class RetainedRam {
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

  /** First thing at a boot: why the last run ended; and, until this run says otherwise, it ended without a word. */
  beginBoot(): void {
    const last = this.#bytes.subarray(LAST_CRASH, LAST_CRASH + CRASH_RECORD_BYTES);
    if (this.#get(0) === MAGIC) {
      this.#set(BOOT_REASON, Math.min(this.#get(REASON), BootReason.Watchdog));
      this.#set(HAS_LAST_CRASH, this.#get(HAS_CRASH));
      last.set(this.#bytes.subarray(CRASH, CRASH + CRASH_RECORD_BYTES));
      if (this.bootReason === BootReason.Watchdog) {
        this.#write(last, BootReason.Watchdog, { module: 0, code: 0, uptimeMs: 0, message: "hardware watchdog expired" });
        this.#set(HAS_LAST_CRASH, 1);
      }
    } else {
      this.forget();
      this.#set(BOOT_REASON, BootReason.PowerOn);
    }
    this.#set(REASON, BootReason.Watchdog);
    this.#set(HAS_CRASH, 0);
    this.#set(0, MAGIC);
  }

  get bootReason(): number {
    return this.#get(BOOT_REASON);
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

  get bootInfo(): Uint8Array {
    return this.#bytes.subarray(BOOT_INFO, BOOT_INFO + BOOT_INFO_BYTES);
  }

  #write(record: Uint8Array, kind: number, crash: Crash): void {
    record.fill(0);
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    [CRASH_RECORD_MAGIC, kind, crash.module, crash.code, 0, 0, crash.uptimeMs].forEach((value, i) => view.setUint32(4 * i, value >>> 0, true));
    record.set(new TextEncoder().encode(crash.message).subarray(0, 31), 32);
  }

  #get(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  #set(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }
}
