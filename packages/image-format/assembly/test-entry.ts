// The entry of a module for tests only: every primitive, and free memory for its operands.

export * from "./index";
export { feFromBytes, feInvert, feMultiply, feSquare, feToBytes } from "./ed25519/field";
export { COMB, COMB_ENTRIES } from "./ed25519/comb";
export { encodeBaseMultiple, encodePublicMultiples } from "./ed25519/point";
export { scalarIsCanonical, scalarMultiplyAdd, scalarReduce } from "./ed25519/scalar";

export { aeadOpen, aeadSeal } from "./chacha20-poly1305";
export { chacha20Xor } from "./chacha20";
export { hkdfExpand, hkdfExpandLabel, hkdfExtract } from "./hkdf-sha256";
export { POLY1305_CONTEXT_BYTES, poly1305Blocks, poly1305Final, poly1305Init } from "./poly1305";
export { x25519, x25519PublicKey } from "./x25519";

const scratch: usize = memory.data(16384, 8);

export function scratchAddress(): usize {
  return scratch;
}
