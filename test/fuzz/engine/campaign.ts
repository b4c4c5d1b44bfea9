// Fuzzes one target: seeds and kept cases first, then what comes of changing them; an input that reaches a new edge of
// the instrumented code is changed further. The same seed and number of inputs do the same again.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { Transcript } from "../../../apps/power-cut/src/device/transcript.ts";
import { mutate } from "./mutate.ts";
import { type Draft, type Target, Violation } from "./target.ts";

export interface Finding {
  target: string;
  /** What did not hold: the first line is the same for the same fault. */
  what: string;
  input: Uint8Array;
}

export interface Figures {
  target: string;
  inputs: number;
  seconds: number;
  blocks: number;
  blocksCovered: number;
  corpus: number;
}

const CORPUS_MAX = 4000;
const FINDINGS_MAX = 20;
const MINIMISING_RUNS = 3000;

export class Campaign {
  readonly findings: Finding[] = [];
  readonly corpus: Uint8Array[] = [];
  inputs = 0;
  #busyMs = 0;
  readonly #random: SeededRandom;
  readonly #draft: Draft;
  readonly #known = new Set<string>();
  #recent = 0;

  constructor(
    readonly target: Target,
    seed: number,
    kept: Uint8Array[] = [],
  ) {
    this.#random = new SeededRandom(seed);
    this.#draft = { bytes: new Uint8Array(target.inputBytesMax), length: 0 };
    for (const input of [...target.seeds, ...kept]) {
      if (input.length > target.inputBytesMax)
        throw new RangeError(`${target.name}: a seed of ${input.length} bytes, more than ${target.inputBytesMax}`);
      this.try(input, true);
    }
    if (this.corpus.length === 0) this.corpus.push(new Uint8Array(0));
  }

  /** Runs until `inputs` were run in all, or the time is over. */
  run(inputs: number, until = Number.POSITIVE_INFINITY): void {
    const random = this.#random;
    const draft = this.#draft;
    const began = performance.now();
    while (this.inputs < inputs && this.findings.length < FINDINGS_MAX) {
      if ((this.inputs & 15) === 0 && performance.now() >= until) break;
      const base = this.#pick();
      draft.bytes.set(base);
      draft.length = base.length;
      for (
        let changes = 1 + (random.below(2) === 0 ? 0 : random.below(random.below(4) === 0 ? 16 : 4));
        changes > 0;
        changes--
      ) {
        if (this.target.mutate && random.below(2) === 0) this.target.mutate(draft, random);
        else mutate(draft, random, this.target.dictionary, random.pick(this.corpus));
      }
      if (this.target.repair && random.below(8) !== 0) this.target.repair(draft, random);
      this.try(draft.bytes.subarray(0, draft.length), false);
    }
    this.#busyMs += performance.now() - began;
  }

  /** What came last reaches what little has been tried: every other time one of the newest. */
  #pick(): Uint8Array {
    const { corpus } = this;
    const random = this.#random;
    if (random.below(2) === 0) return corpus[corpus.length - 1 - random.below(Math.min(corpus.length, 64))]!;
    return random.pick(corpus);
  }

  try(input: Uint8Array, keep: boolean): void {
    const fault = this.faultOf(input);
    this.inputs++;
    if (fault === undefined) {
      if (keep || this.target.instance.foundNews) {
        if (this.corpus.length < CORPUS_MAX) this.corpus.push(input.slice());
        else this.corpus[this.#recent++ % CORPUS_MAX] = input.slice();
      }
      return;
    }
    if (this.#known.has(fault)) return;
    this.#known.add(fault);
    this.findings.push({ target: this.target.name, what: fault, input: this.minimised(input, fault) });
  }

  /** What goes wrong with this input, or undefined. */
  faultOf(input: Uint8Array): string | undefined {
    const { target } = this;
    try {
      target.instance.begin();
      target.run(input);
      return undefined;
    } catch (error) {
      if (error instanceof Violation) return error.message;
      if (
        !(error instanceof WebAssembly.RuntimeError) &&
        !(error instanceof RangeError && /call stack/.test(error.message))
      )
        throw error;
      if (target.instance.outOfFuel) return "hang: more loops and calls than any good input takes";
      const place = /wasm-function\[\d+\][^\n]*/.exec(error.stack ?? "")?.[0] ?? "";
      return `trap: ${error.message} ${/^\s*at (\S+) \(wasm/m.exec(error.stack ?? "")?.[1] ?? place}`.trim();
    } finally {
      target.instance.refuel();
    }
  }

  /** What the device does with this input; a target that has no device does nothing. */
  transcriptOf(input: Uint8Array): Transcript {
    const transcript = new Transcript();
    const { host } = this.target;
    if (!host) return transcript;
    host.transcript = transcript;
    try {
      const fault = this.faultOf(input);
      if (fault !== undefined) transcript.note(fault);
    } finally {
      host.transcript = undefined;
    }
    return transcript;
  }

  /** The shortest and plainest input with the same fault that some thousand runs give. */
  minimised(input: Uint8Array, fault: string): Uint8Array {
    let best = new Uint8Array(input);
    let left = MINIMISING_RUNS;
    const same = (candidate: Uint8Array<ArrayBuffer>): boolean => {
      if (--left < 0 || this.faultOf(candidate) !== fault) return false;
      best = candidate;
      return true;
    };
    for (let piece = best.length >> 1; piece >= 1; piece >>= 1) {
      for (let at = 0; at < best.length && left > 0; ) {
        const shorter = new Uint8Array(best.length - Math.min(piece, best.length - at));
        shorter.set(best.subarray(0, at));
        shorter.set(best.subarray(at + piece), at);
        if (!same(shorter)) at += piece;
      }
    }
    for (let at = 0; at < best.length && left > 0; at++) {
      if (best[at] === 0) continue;
      const plainer = new Uint8Array(best);
      plainer[at] = 0;
      same(plainer);
    }
    return best;
  }

  figures(): Figures {
    const { instance, name } = this.target;
    return {
      target: name,
      inputs: this.inputs,
      seconds: this.#busyMs / 1000,
      blocks: instance.blockCount,
      blocksCovered: instance.blocksCovered,
      corpus: this.corpus.length,
    };
  }
}
