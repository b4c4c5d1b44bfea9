// The memory of a module as the exokernel sees it.
//
// A module exports its memory, so this host knows it only after the module's top-level code has run: until then every
// pointer is out of range (EXO_E_ARGUMENT). Modules call the exokernel with pointers from what they export, not before.

import type { MemoryPort } from "./ports.ts";

export class ModuleMemory implements MemoryPort {
  #memory: WebAssembly.Memory | undefined;

  /** Imports are made before the instance, and with it the memory, exists. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The bytes at [ptr, ptr+length), or undefined when they are not all the module's. */
  range(ptr: number, length: number): Uint8Array | undefined {
    const buffer = this.#memory?.buffer;
    if (!buffer || length > buffer.byteLength || ptr > buffer.byteLength - length) return undefined;
    return new Uint8Array(buffer, ptr, length);
  }
}
