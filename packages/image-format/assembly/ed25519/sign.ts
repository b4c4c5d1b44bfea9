// Ed25519 keys and signatures, RFC 8032 §5.1.5 and §5.1.6.
//
// Which instructions run and which memory is touched does not depend on the seed or on anything derived from it.
// What was derived is wiped from memory before these return.

import { sha512Final, sha512Init, sha512Update } from "../sha512";
import { encodeBaseMultiple } from "./point";
import { scalarMultiplyAdd, scalarReduce } from "./scalar";

/** All that is kept between two steps, in one piece so that it can be wiped. */
const WORK_BYTES: usize = 200 + 2 * 64 + 3 * 32;
const work: usize = memory.data(424, 8);

const context: usize = work;
/** SHA-512 of the seed: the secret scalar s, clamped, then the prefix that makes the nonce. */
const expanded: usize = work + 200;
const digest: usize = work + 264;
const nonce: usize = work + 328;
const challenge: usize = work + 360;
const encodedR: usize = work + 392;

/** RFC 8032 §5.1.5, steps 1 and 2 */
function expand(seed: usize): void {
  sha512Init(context);
  sha512Update(context, seed, 32);
  sha512Final(context, expanded);
  store<u8>(expanded, load<u8>(expanded) & 248);
  store<u8>(expanded, (load<u8>(expanded, 31) & 127) | 64, 31);
}

/** Writes the 32-byte public key of a 32-byte seed. */
export function ed25519PublicKey(seed: usize, out: usize): void {
  expand(seed);
  encodeBaseMultiple(out, expanded);
  memory.fill(work, 0, WORK_BYTES);
}

/**
 * Signs the message a ‖ b and writes 64 bytes to `signature`, which may overlap nothing else.
 *
 * `publicKey` must be this seed's and come from the device's own store: signing one message under two public keys
 * gives the secret away.
 */
export function ed25519SignParts(
  seed: usize,
  publicKey: usize,
  a: usize,
  aLength: usize,
  b: usize,
  bLength: usize,
  signature: usize,
): void {
  expand(seed);

  // r = SHA-512(prefix ‖ M) mod L, R = [r]B
  sha512Init(context);
  sha512Update(context, expanded + 32, 32);
  sha512Update(context, a, aLength);
  sha512Update(context, b, bLength);
  sha512Final(context, digest);
  scalarReduce(nonce, digest);
  encodeBaseMultiple(encodedR, nonce);

  // k = SHA-512(R ‖ A ‖ M) mod L
  sha512Init(context);
  sha512Update(context, encodedR, 32);
  sha512Update(context, publicKey, 32);
  sha512Update(context, a, aLength);
  sha512Update(context, b, bLength);
  sha512Final(context, digest);
  scalarReduce(challenge, digest);

  // S = (k·s + r) mod L
  scalarMultiplyAdd(signature + 32, challenge, expanded, nonce);
  memory.copy(signature, encodedR, 32);
  memory.fill(work, 0, WORK_BYTES);
}

/** As {@link ed25519SignParts}, for a message in one piece. */
export function ed25519Sign(seed: usize, publicKey: usize, message: usize, length: usize, signature: usize): void {
  ed25519SignParts(seed, publicKey, message, length, 0, 0, signature);
}
