// The primitives as the agent links them, called with bytes.

import { readFileSync } from "node:fs";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { buildAssembly } from "../../assembly/build-strict-verifier.ts";

type Primitive = (...operands: number[]) => number;

export class CryptoModule {
  readonly #wasm: Record<string, Primitive>;
  readonly #memory: Uint8Array;
  readonly #start: number;
  #free: number;

  static async load(): Promise<CryptoModule> {
    const { instance } = await WebAssembly.instantiate(readFileSync(await buildAssembly("test-entry")), {});
    return new CryptoModule(instance.exports);
  }

  private constructor(exports: WebAssembly.Exports) {
    this.#wasm = exports as unknown as Record<string, Primitive>;
    this.#memory = new Uint8Array((exports.memory as WebAssembly.Memory).buffer);
    this.#start = this.#free = this.#wasm.scratchAddress!();
  }

  constant(name: string): number {
    return (this.#wasm[name] as unknown as WebAssembly.Global).value as number;
  }

  call(name: string, ...operands: number[]): number {
    return this.#wasm[name]!(...operands);
  }

  /** Room for `length` bytes, 8 past a multiple of 16 so that nothing relies on more alignment than promised. */
  reserve(length: number): number {
    const at = ((this.#free + 15) & ~15) + 8;
    this.#free = at + length;
    if (this.#free > this.#start + 16384) throw new RangeError("the operands do not fit the test module's memory");
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    this.#memory.set(bytes, at);
    return at;
  }

  set(at: number, bytes: Uint8Array): void {
    this.#memory.set(bytes, at);
  }

  get(at: number, length: number): Uint8Array {
    return this.#memory.slice(at, at + length);
  }

  /** All of the module's memory but the operands of the last call. */
  workingMemory(): Uint8Array {
    const memory = this.#memory.slice();
    memory.fill(0, this.#start, this.#start + 16384);
    return memory;
  }

  /** Runs with all reserved room free, and returns the `length` bytes that `compute` wrote to the address it got. */
  bytes(length: number, compute: (out: number) => void): Uint8Array {
    this.#free = this.#start;
    this.#memory.fill(0xa5, this.#start, this.#start + 16384); // nothing may rely on zeroed memory
    const out = this.reserve(length);
    compute(out);
    return this.get(out, length);
  }

  publicKey(seed: Uint8Array): Uint8Array {
    return this.bytes(32, (out) => this.call("ed25519PublicKey", this.put(seed), out));
  }

  sign(seed: Uint8Array, publicKey: Uint8Array, a: Uint8Array, b: Uint8Array): Uint8Array {
    return this.bytes(64, (out) =>
      this.call(
        "ed25519SignParts",
        this.put(seed),
        this.put(publicKey),
        this.put(a),
        a.length,
        this.put(b),
        b.length,
        out,
      ),
    );
  }

  verify(publicKey: Uint8Array, signature: Uint8Array, a: Uint8Array, b: Uint8Array): number {
    let code = -1;
    this.bytes(0, () => {
      code = this.call(
        "ed25519VerifyParts",
        this.put(publicKey),
        this.put(signature),
        this.put(a),
        a.length,
        this.put(b),
        b.length,
      );
    });
    return code;
  }
}

/** node:crypto's key pair of a seed: RFC 8410 is 16 fixed bytes before it. */
export function nodeKeys(seed: Uint8Array): { privateKey: KeyObject; publicKey: KeyObject; publicBytes: Uint8Array } {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return {
    privateKey,
    publicKey,
    publicBytes: new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(12)),
  };
}

/** node:crypto's view of a public key that may be anything. */
export function nodePublicKey(bytes: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bytes]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}
