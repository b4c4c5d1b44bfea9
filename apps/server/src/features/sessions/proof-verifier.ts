// Proofs of sessions by the Ed25519 of this Node, which takes a third of the strict verifier's time, where the two
// agree by construction.
//
// Both compute R' = [S]B - [k]A and compare its bytes with those of R (OpenSSL and BoringSSL, after ref10; RFC 8032,
// 5.1.7, without the cofactor). What ref10 takes besides is what the strict profile asks first: S below the group's
// order, A canonical, neither A nor R of small order. (An R that is not canonical equals no bytes of an R'.) So that is
// asked here; what passes, and what this Node says is right, the strict verifier would accept. Whatever else is its to
// say: nothing is refused by this Node's word, and newer ones refuse more.

import { createPublicKey, verify } from "node:crypto";
import type { StrictVerifier } from "@flipside/image-format";

const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;

const reversed = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex").reverse());
/** The order of the base point, 2^252 + …, and the field's prime, 2^255 - 19; little-endian, as all here. */
const groupOrder = reversed("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
const fieldPrime = reversed("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
/** y of the eight points of small order: 0, 1, -1, and those of order eight. */
const smallOrder = [
  "00".repeat(KEY_BYTES),
  `01${"00".repeat(KEY_BYTES - 1)}`,
  `ec${"ff".repeat(KEY_BYTES - 2)}7f`,
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
].map((hex) => Buffer.from(hex, "hex"));

function isBelow(value: Uint8Array, limit: Uint8Array): boolean {
  for (let i = KEY_BYTES - 1; i >= 0; i--) if (value[i] !== limit[i]) return value[i]! < limit[i]!;
  return false;
}

/** y of an encoded point, without the sign of x. */
function yOf(point: Uint8Array): Uint8Array {
  const y = Uint8Array.from(point);
  y[KEY_BYTES - 1]! &= 0x7f;
  return y;
}

const isOfSmallOrder = (y: Uint8Array): boolean => smallOrder.some((each) => each.equals(y));

/** What the strict profile asks of a signature besides the equation. */
function isStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const [a, r] = [yOf(publicKey), yOf(signature.subarray(0, KEY_BYTES))];
  // Where x is 0, y is 1 or -1.
  if (!isBelow(a, fieldPrime) || isOfSmallOrder(a) || isOfSmallOrder(r)) return false;
  return isBelow(signature.subarray(KEY_BYTES), groupOrder);
}

function holdsHere(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    const x = Buffer.from(publicKey).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}

export interface ProofVerifier {
  /** Whether the strict verifier accepts it. */
  isValid(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean;
}

export const proofVerifier = (strict: Pick<StrictVerifier, "verify">): ProofVerifier => ({
  isValid: (publicKey, signature, message) =>
    (isStrict(publicKey, signature) && holdsHere(publicKey, signature, message)) ||
    strict.verify(publicKey, signature, message) === "valid",
});
