// The entry of a module for tests only: every primitive, and free memory for its operands.

export * from "./index";
export { feFromBytes, feInvert, feMultiply, feSquare, feToBytes } from "./ed25519/field";
export { COMB, COMB_ENTRIES } from "./ed25519/comb";
export { encodeBaseMultiple, encodePublicMultiples } from "./ed25519/point";
export { scalarIsCanonical, scalarMultiplyAdd, scalarReduce } from "./ed25519/scalar";

const scratch: usize = memory.data(16384, 8);

export function scratchAddress(): usize {
  return scratch;
}
