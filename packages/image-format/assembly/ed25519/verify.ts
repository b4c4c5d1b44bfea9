// Strict Ed25519 verification: RFC 8032 §5.1.7 with the choices that it leaves open made as libsodium makes them.
//
//   S < L; A and R canonical and not of small order; [S]B = R + [k]A without a cofactor, R compared as bytes.
//
// Every verifier of Flipside is this one, so no signature is good in one place and bad in another
// (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", shows how they differ otherwise).

import { differenceOf } from "../constant-time";
import { sha512Final, sha512Init, sha512Update } from "../sha512";
import { checkEncoding, decodeNegated, encodePublicMultiples } from "./point";
import { scalarIsCanonical, scalarReduce } from "./scalar";

export const ED25519_VALID: i32 = 0;
/** S ≥ L: the signature is a variant of another one. */
export const ED25519_S_NOT_CANONICAL: i32 = 1;
/** The public key's y is not below p, or its x is 0 with a sign. */
export const ED25519_A_NOT_CANONICAL: i32 = 2;
/** The public key is one of the eight points of small order, under which one signature fits many messages. */
export const ED25519_A_SMALL_ORDER: i32 = 3;
/** As {@link ED25519_A_NOT_CANONICAL}, of the signature's R. */
export const ED25519_R_NOT_CANONICAL: i32 = 4;
/** As {@link ED25519_A_SMALL_ORDER}, of the signature's R. */
export const ED25519_R_SMALL_ORDER: i32 = 5;
/** The public key is no point of the curve. */
export const ED25519_A_NOT_ON_CURVE: i32 = 6;
/** All is in order, but this key did not sign this message. */
export const ED25519_MISMATCH: i32 = 7;

const digest: usize = memory.data(64, 8);
const challenge: usize = memory.data(32, 8);
const expectedR: usize = memory.data(32, 8);
const negatedA: usize = memory.data(160, 8);

/** Begins a message of any length: sha512Update(context, …) takes it piece by piece. */
export function ed25519VerifyInit(context: usize, publicKey: usize, signature: usize): void {
  sha512Init(context);
  sha512Update(context, signature, 32);
  sha512Update(context, publicKey, 32);
}

/** The verdict on the message that `context` has taken, for the key and signature that it was begun with. */
export function ed25519VerifyFinal(context: usize, publicKey: usize, signature: usize): i32 {
  sha512Final(context, digest); // k = SHA-512(R ‖ A ‖ M) mod L
  if (!scalarIsCanonical(signature + 32)) return ED25519_S_NOT_CANONICAL;
  const a = checkEncoding(publicKey);
  if (a) return ED25519_A_NOT_CANONICAL - 1 + a;
  const r = checkEncoding(signature);
  if (r) return ED25519_R_NOT_CANONICAL - 1 + r;
  if (!decodeNegated(negatedA, publicKey)) return ED25519_A_NOT_ON_CURVE;

  // R = [S]B − [k]A
  scalarReduce(challenge, digest);
  encodePublicMultiples(expectedR, signature + 32, challenge, negatedA);
  // Computed, not branched to: no single branch that goes the wrong way makes a signature valid.
  return ED25519_MISMATCH & -(<i32>(differenceOf(expectedR, signature, 32) != 0));
}

const oneShot: usize = memory.data(200, 8);

/** The verdict on a signature (64 bytes) by a public key (32 bytes) over the message a ‖ b. */
export function ed25519VerifyParts(
  publicKey: usize,
  signature: usize,
  a: usize,
  aLength: usize,
  b: usize,
  bLength: usize,
): i32 {
  ed25519VerifyInit(oneShot, publicKey, signature);
  sha512Update(oneShot, a, aLength);
  sha512Update(oneShot, b, bLength);
  return ed25519VerifyFinal(oneShot, publicKey, signature);
}

/** As {@link ed25519VerifyParts}, for a message in one piece. */
export function ed25519Verify(publicKey: usize, signature: usize, message: usize, length: usize): i32 {
  return ed25519VerifyParts(publicKey, signature, message, length, 0, 0);
}
