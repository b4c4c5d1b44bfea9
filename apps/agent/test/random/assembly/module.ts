// Test module: the generator and the health tests on raw memory, as exports.
export { drbgGenerate, drbgInstantiate, drbgUpdate } from "../../../src/random/hmac-drbg";
export { noiseIsHealthy } from "../../../src/random/health-tests";

/** Memory from here on is the test's. */
export const SPACE: usize = heap.alloc(1 << 16);

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}
