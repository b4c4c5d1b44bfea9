// What the unikernel's image, its loader and its RAM may be, and what an update may take. docs/benchmarks.md says what is
// counted.

/** The image file: header, signatures, chunk table, payload. */
export const IMAGE_BYTES_GOAL = 128 * 1024;
/** The boot loader in bank 0. */
export const LOADER_BYTES_GOAL = 36 * 1024;
/** The PMP denies more. */
export const RAM_BYTES_GOAL = 512 * 1024;
/** Of an update as large as the RAM window. */
export const UPDATE_INSTRUCTIONS_GOAL = 45_000_000;
