// The entry of strict-verifier.wasm, which gives server and browser the device's own verdict.
// The host writes into `scratch` and hands over any message piece by piece.

import { sha256Final, sha256Init, sha256Update } from "./sha256";
import { sha512Update } from "./sha512";
import { ed25519VerifyFinal, ed25519VerifyInit } from "./ed25519/verify";

const SCRATCH_BYTES: usize = 16384;
const scratch: usize = memory.data(16384, 8);
const publicKey: usize = memory.data(32, 8);
const signature: usize = memory.data(64, 8);
const verifyContext: usize = memory.data(200, 8);
const hashContext: usize = memory.data(136, 8);

export function scratchAddress(): usize {
  return scratch;
}

export function scratchBytes(): usize {
  return SCRATCH_BYTES;
}

/** Takes the public key (32 bytes) and the signature (64 bytes) from `scratch`. */
export function verifyInit(): void {
  memory.copy(publicKey, scratch, 32);
  memory.copy(signature, scratch + 32, 64);
  ed25519VerifyInit(verifyContext, publicKey, signature);
}

/** Takes the next `length` bytes of the message from `scratch`. */
export function verifyUpdate(length: usize): void {
  sha512Update(verifyContext, scratch, length);
}

/** One of the ED25519_… results. */
export function verifyFinal(): i32 {
  return ed25519VerifyFinal(verifyContext, publicKey, signature);
}

export function hashInit(): void {
  sha256Init(hashContext);
}

export function hashUpdate(length: usize): void {
  sha256Update(hashContext, scratch, length);
}

/** Leaves 32 bytes in `scratch`. */
export function hashFinal(): void {
  sha256Final(hashContext, scratch);
}
