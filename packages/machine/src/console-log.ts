// What a run has said lately, for its agent (exokernel/console_log.c). Of what the boot loader said, no more than RAM
// keeps across a reset.

import { CONSOLE_LOG_BYTES, CRASH_LOG_BYTES } from "./abi.ts";
import type { ConsoleLogPort } from "./ports.ts";

export class ConsoleLog implements ConsoleLogPort {
  readonly #ring = new Uint8Array(CONSOLE_LOG_BYTES);
  #written = 0;

  keep(bytes: Uint8Array): void {
    for (const byte of bytes) this.#ring[this.#written++ % CONSOLE_LOG_BYTES] = byte;
  }

  newest(bytesMax: number): Uint8Array {
    const length = Math.min(bytesMax, this.#written, CONSOLE_LOG_BYTES);
    const from = this.#written - length;
    return Uint8Array.from({ length }, (_, i) => this.#ring[(from + i) % CONSOLE_LOG_BYTES]!);
  }

  /** The image begins: of what came before, the loader's RAM has kept so much. */
  beginImage(): void {
    const said = this.newest(CRASH_LOG_BYTES);
    this.#written = 0;
    this.keep(said);
  }
}
