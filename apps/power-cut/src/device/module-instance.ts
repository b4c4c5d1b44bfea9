// A module that is started again and again: memory and globals are put back to what they were after instantiation.

import { GLOBAL_PREFIX } from "./instrumented-names.ts";

export type Calls = Record<string, (...args: number[]) => number | bigint | void>;

export class ModuleInstance {
  readonly memory: Uint8Array;
  readonly words: DataView;
  readonly exports: Record<string, (...args: number[]) => number>;
  readonly #pristine: Uint8Array;
  readonly #globals: { global: WebAssembly.Global; value: unknown }[];

  /**
   * `calls` is made before the memory exists, so it gets the instance. `others`: what a build for a test imports
   * besides.
   */
  constructor(
    module: WebAssembly.Module,
    calls: (instance: () => ModuleInstance) => { exo: Calls; crypto: Calls },
    others: WebAssembly.Imports = {},
  ) {
    const instance = new WebAssembly.Instance(module, {
      ...(calls(() => this) as unknown as WebAssembly.Imports),
      ...others,
    });
    this.exports = instance.exports as Record<string, (...args: number[]) => number>;
    const { buffer } = instance.exports["memory"] as WebAssembly.Memory;
    this.memory = new Uint8Array(buffer);
    this.words = new DataView(buffer);
    // What lies behind the last byte that is not 0 is cleared faster than it is copied.
    let used = this.memory.length;
    while (used > 0 && this.memory[used - 1] === 0) used--;
    this.#pristine = this.memory.slice(0, used);
    this.#globals = Object.entries(instance.exports)
      .filter(([name]) => name.startsWith(GLOBAL_PREFIX))
      .map(([, global]) => ({ global: global as WebAssembly.Global, value: (global as WebAssembly.Global).value }));
  }

  reset(): void {
    this.memory.fill(0, this.#pristine.length);
    this.memory.set(this.#pristine);
    for (const { global, value } of this.#globals) global.value = value;
  }
}
