// The crypto primitives of a module whose instrumented build imports them, computed once for each input: by the strict
// verifier's own code where it decides (a module of the same release), so that acceptance is the device's and not a
// library's.

import { sha256 } from "@flipside/protocol/primitives";
import type { CryptoPrimitive } from "./instrumented-names.ts";
import type { Calls, ModuleInstance } from "./module-instance.ts";
import { keyOf } from "./page-store.ts";

/** Hashes are of records too, each with a counter of its own: of those, so many are remembered at a time. */
const HASHES_MAX = 200_000;
/** Words of a hash in progress, and of a block. */
const STATE_WORDS = 8;
const BLOCK_WORDS = 16;

/** Inputs are told apart by a hash of theirs. Of signatures there are a thousand or so in a campaign. */
export class RememberedCrypto {
  readonly #results = new Map<number, Uint8Array | number>();
  readonly #hashes = new Map<number, Uint8Array>();
  readonly #blocks = new Map<number, Int32Array>();
  readonly #original: ModuleInstance;
  readonly #scratch: number;

  /** `original`: an instance of the shipped module, whose memory this may overwrite. */
  constructor(original: ModuleInstance) {
    this.#original = original;
    // Working space for arguments: the upper half of a memory that nothing else uses meanwhile.
    this.#scratch = original.memory.length >>> 1;
  }

  calls(instance: () => ModuleInstance): Calls {
    return {
      sha256: (data, length, out) => {
        const { memory } = instance();
        const input = memory.subarray(data, data! + length!);
        const key = this.#keyOf(1, [input]);
        let result = this.#hashes.get(key);
        if (!result) {
          if (this.#hashes.size >= HASHES_MAX) this.#hashes.clear();
          this.#hashes.set(key, (result = new Uint8Array(sha256(input))));
        }
        memory.set(result, out!);
      },
      // What is hashed in pieces: HMACs of sessions, and the random bit generator, in each run of the agent.
      sha256Block: (state, block) => {
        const { words } = instance();
        let a = 0x811c9dc5;
        let b = 0x2545f491;
        for (let i = 0; i < STATE_WORDS; i++) {
          const word = words.getInt32(state! + 4 * i, true);
          a = Math.imul(a ^ word, 0x9e3779b1);
          b = Math.imul(((b << 5) | (b >>> 27)) ^ word, 0x85ebca6b);
        }
        for (let i = 0; i < BLOCK_WORDS; i++) {
          const word = words.getInt32(block! + 4 * i, true);
          a = Math.imul(a ^ word, 0x9e3779b1);
          b = Math.imul(((b << 5) | (b >>> 27)) ^ word, 0x85ebca6b);
        }
        const key = keyOf(a ^ (a >>> 13), b ^ (b >>> 16));
        let result = this.#blocks.get(key);
        if (!result) {
          if (this.#blocks.size >= HASHES_MAX) this.#blocks.clear();
          this.#blocks.set(key, (result = this.#fold(words, state!, block!)));
        }
        for (let i = 0; i < STATE_WORDS; i++) words.setInt32(state! + 4 * i, result[i]!, true);
      },
      ed25519VerifyParts: (publicKey, signature, a, aLength, b, bLength) => {
        const { memory } = instance();
        const inputs = [
          memory.subarray(publicKey, publicKey! + 32),
          memory.subarray(signature, signature! + 64),
          memory.subarray(a, a! + aLength!),
          memory.subarray(b, b! + bLength!),
        ];
        return this.#remember("ed25519VerifyParts", inputs, (at) => [
          at[0]!,
          at[1]!,
          at[2]!,
          aLength!,
          at[3]!,
          bLength!,
        ]) as number;
      },
      ed25519SignParts: (seed, publicKey, a, aLength, b, bLength, out) => {
        const { memory } = instance();
        const inputs = [
          memory.subarray(seed, seed! + 32),
          memory.subarray(publicKey, publicKey! + 32),
          memory.subarray(a, a! + aLength!),
          memory.subarray(b, b! + bLength!),
        ];
        memory.set(
          this.#remember(
            "ed25519SignParts",
            inputs,
            (at, to) => [at[0]!, at[1]!, at[2]!, aLength!, at[3]!, bLength!, to],
            64,
          ) as Uint8Array,
          out!,
        );
      },
      ed25519PublicKey: (seed, out) => {
        const { memory } = instance();
        memory.set(
          this.#remember(
            "ed25519PublicKey",
            [memory.subarray(seed, seed! + 32)],
            (at, to) => [at[0]!, to],
            32,
          ) as Uint8Array,
          out!,
        );
      },
    };
  }

  /** The state behind this block, by the shipped module's code. */
  #fold(words: DataView, state: number, block: number): Int32Array {
    const { words: own, exports } = this.#original;
    const at = this.#scratch;
    for (let i = 0; i < STATE_WORDS; i++) own.setInt32(at + 4 * i, words.getInt32(state + 4 * i, true), true);
    for (let i = 0; i < BLOCK_WORDS; i++) own.setInt32(at + 32 + 4 * i, words.getInt32(block + 4 * i, true), true);
    exports["sha256Block"]!(at, at + 32);
    return Int32Array.from({ length: STATE_WORDS }, (_, i) => own.getInt32(at + 4 * i, true));
  }

  #remember(
    name: CryptoPrimitive,
    inputs: Uint8Array[],
    args: (at: number[], out: number) => number[],
    outBytes = 0,
  ): Uint8Array | number {
    const key = this.#keyOf(name.length, inputs);
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const { memory, exports } = this.#original;
    let to = this.#scratch;
    const at = inputs.map((input) => {
      memory.set(input, to);
      to += (input.length + 15) & ~15;
      return to - ((input.length + 15) & ~15);
    });
    const verdict = exports[name]!(...args(at, to));
    const result = outBytes === 0 ? verdict : memory.slice(to, to + outBytes);
    this.#results.set(key, result);
    return result;
  }

  readonly #aligned = new Uint32Array(1 << 14);
  readonly #alignedBytes = new Uint8Array(this.#aligned.buffer);

  /** Two words at a time, in lanes that don't wait for each other. */
  #keyOf(kind: number, inputs: Uint8Array[]): number {
    let a = 0x811c9dc5 ^ kind;
    let b = 0x2545f491;
    let c = 0x61c88647;
    let d = 0x7ed55d16;
    const words = this.#aligned;
    for (const bytes of inputs) {
      const count = ((bytes.length + 7) >>> 3) << 1;
      if (count === 0) continue;
      words[count - 1] = words[count - 2] = 0;
      this.#alignedBytes.set(bytes);
      for (let i = 0; i < count; i += 2) {
        const even = words[i]!;
        const odd = words[i + 1]!;
        a = Math.imul(a ^ even, 0x9e3779b1);
        b = Math.imul(((b << 5) | (b >>> 27)) ^ even, 0x85ebca6b);
        c = Math.imul(c ^ odd, 0xc2b2ae35);
        d = Math.imul(((d << 7) | (d >>> 25)) ^ odd, 0x27d4eb2f);
      }
      a = Math.imul(a ^ bytes.length, 0x85ebca6b);
    }
    c ^= c >>> 15;
    d ^= d >>> 13;
    return keyOf((a ^ (a >>> 13)) + Math.imul(c, 0x2c1b3c6d), (b ^ (b >>> 16)) + Math.imul(d, 0x165667b1));
  }
}
