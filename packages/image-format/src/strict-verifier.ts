/**
 * "valid", or why a signature was refused. Stable names: they appear in logs and in answers of the API.
 * Always compare with "valid": every result is a non-empty string, so truthy.
 */
export type VerifyResult =
  | "valid"
  /** The public key is not 32 bytes long. */
  | "public-key-length"
  /** The signature is not 64 bytes long. */
  | "signature-length"
  /** S ≥ L: the signature is a variant of another one. */
  | "s-not-canonical"
  /** The public key's y is not below p, or its x is 0 with a sign. */
  | "public-key-not-canonical"
  /** The public key is one of the eight points of small order. */
  | "public-key-small-order"
  /** As `public-key-not-canonical`, of the signature's R. */
  | "r-not-canonical"
  /** As `public-key-small-order`, of the signature's R. */
  | "r-small-order"
  /** The public key is no point of the curve. */
  | "public-key-not-on-curve"
  /** All is in order, but this key did not sign this message. */
  | "mismatch";

export interface StrictVerifier {
  /**
   * The device's verdict on an Ed25519 signature over the concatenation of `parts`, of any length: RFC 8032 §5.1.7
   * with libsodium's strictness (S < L, A and R canonical and not of small order, no cofactor). Never throws.
   */
  verify(publicKey: Uint8Array, signature: Uint8Array, ...parts: readonly Uint8Array[]): VerifyResult;
  /** SHA-256 of the concatenation of `parts`: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
}

/** What assembly/strict-verifier.ts exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  scratchAddress(): number;
  scratchBytes(): number;
  verifyInit(): void;
  verifyUpdate(length: number): void;
  verifyFinal(): number;
  hashInit(): void;
  hashUpdate(length: number): void;
  hashFinal(): void;
}

/** By result code, as in assembly/ed25519/verify.ts. */
const results: readonly VerifyResult[] = [
  "valid",
  "s-not-canonical",
  "public-key-not-canonical",
  "public-key-small-order",
  "r-not-canonical",
  "r-small-order",
  "public-key-not-on-curve",
  "mismatch",
];

/**
 * Starts the strict verifier in Node or a browser.
 *
 * @param wasmBytes the content of `dist/strict-verifier.wasm`
 */
export async function createStrictVerifier(wasmBytes: BufferSource): Promise<StrictVerifier> {
  const { instance } = await WebAssembly.instantiate(wasmBytes, {});
  const wasm = instance.exports as unknown as Exports;
  // The memory never grows, so one view serves for good.
  const scratch = new Uint8Array(wasm.memory.buffer, wasm.scratchAddress(), wasm.scratchBytes());

  function feed(parts: readonly Uint8Array[], update: (length: number) => void): void {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += scratch.length) {
        const piece = part.subarray(at, at + scratch.length);
        scratch.set(piece);
        update(piece.length);
      }
    }
  }

  return {
    verify(publicKey, signature, ...parts) {
      if (publicKey.length !== 32) return "public-key-length";
      if (signature.length !== 64) return "signature-length";
      scratch.set(publicKey, 0);
      scratch.set(signature, 32);
      wasm.verifyInit();
      feed(parts, wasm.verifyUpdate);
      return results[wasm.verifyFinal()] ?? "mismatch";
    },
    sha256(...parts) {
      wasm.hashInit();
      feed(parts, wasm.hashUpdate);
      wasm.hashFinal();
      return scratch.slice(0, 32);
    },
  };
}
