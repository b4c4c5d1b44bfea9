// The strict verifier as boot loader and agent have it. AssemblyScript.

import { ed25519VerifyParts } from "../../../apps/agent/src/crypto";

/** Of 32 bytes of public key, 64 of signature and the message, in two parts that are cut at `cut`. */
export function verdict(ptr: usize, length: u32, cut: u32): i32 {
  const message = ptr + 96;
  const bytes = length - 96;
  const first = min(cut, bytes);
  return ed25519VerifyParts(ptr, ptr + 32, message, first, message + first, bytes - first);
}
