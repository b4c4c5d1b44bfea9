// One instance of an instrumented module, used for all inputs: snapshots bring it back to where an input begins.

import type { FuzzModule } from "./compile.ts";
import { questions } from "../../mutants/questions.ts";
import { BLOCKS, FUEL, MODULE_BASE, NEWS, PREVIOUS } from "./instrument.ts";

export interface Snapshot {
  memory: Uint8Array;
  globals: (number | bigint)[];
}

type Call = (...args: (number | bigint)[]) => number;

/**
 * Loops and calls that one run may take, unless the target says otherwise: some thousand times what a good input takes.
 */
const FUEL_DEFAULT = 3_000_000;

export class FuzzInstance {
  readonly exports: Record<string, Call>;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly blockCount: number;
  /** Inputs are put against the end of memory, so that one byte read behind them traps. */
  readonly end: number;
  readonly #control: Int32Array;
  readonly #globals: WebAssembly.Global[];
  readonly #stateEnd: number;
  /** Of what any snapshot so far has found written. */
  #used = MODULE_BASE;

  constructor(
    fuzzed: FuzzModule,
    imports: (instance: () => FuzzInstance) => Record<string, (...args: never[]) => unknown> = () => ({}),
  ) {
    const exo = imports(() => this);
    const instance = new WebAssembly.Instance(fuzzed.module, {
      exo: exo as WebAssembly.ModuleImports,
      ...questions.imports,
    });
    const { memory, ...rest } = instance.exports;
    this.exports = rest as Record<string, Call>;
    const buffer = (memory as WebAssembly.Memory).buffer;
    this.memory = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.#control = new Int32Array(buffer, 0, 16);
    this.end = buffer.byteLength;
    this.#stateEnd = this.end - 65536;
    this.#globals = fuzzed.globals.map((name) => instance.exports[name] as WebAssembly.Global);
    this.blockCount = fuzzed.blockCount;
    this.refuel();
  }

  /** Before each run of an input. */
  begin(fuel = FUEL_DEFAULT): void {
    this.#control[FUEL / 4] = 0x7fffffff - fuel;
    this.#control[PREVIOUS / 4] = 0;
    this.#control[NEWS / 4] = 0;
  }

  refuel(): void {
    this.#control[FUEL / 4] = 0;
  }

  get foundNews(): boolean {
    return this.#control[NEWS / 4] !== 0;
  }

  get outOfFuel(): boolean {
    return this.#control[FUEL / 4]! < 0;
  }

  /** Puts an input where reading behind it traps; its address. */
  put(input: Uint8Array): number {
    const at = this.end - input.length;
    this.memory.set(input, at);
    return at;
  }

  save(): Snapshot {
    // The module's own memory ends where it was never written: device code allocates nothing after its start.
    let end = this.#stateEnd;
    while (end > MODULE_BASE && this.view.getUint32(end - 4, true) === 0) end -= 4;
    this.#used = Math.max(this.#used, Math.min((end + 4095) & ~4095, this.#stateEnd));
    return {
      memory: this.memory.slice(MODULE_BASE, end),
      globals: this.#globals.map((global) => global.value as number | bigint),
    };
  }

  restore(snapshot: Snapshot): void {
    this.memory.set(snapshot.memory, MODULE_BASE);
    this.memory.fill(
      0,
      MODULE_BASE + snapshot.memory.length,
      Math.max(this.#used, MODULE_BASE + snapshot.memory.length),
    );
    for (let i = 0; i < this.#globals.length; i++) this.#globals[i]!.value = snapshot.globals[i];
  }

  get blocksCovered(): number {
    let count = 0;
    for (let i = 0; i < this.blockCount; i++) count += this.memory[BLOCKS + i]!;
    return count;
  }

  /** What ran, as numbers of blocks. */
  blocks(): number[] {
    return Array.from({ length: this.blockCount }, (_, i) => i).filter((i) => this.memory[BLOCKS + i] !== 0);
  }

  forgetCoverage(): void {
    this.memory.fill(0, BLOCKS, MODULE_BASE);
  }
}
