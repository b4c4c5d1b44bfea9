// What the unikernel's image and its RAM may be. docs/benchmarks.md says what is counted.

/** The image file: header, signatures, chunk table, payload. */
export const IMAGE_BYTES_GOAL = 128 * 1024;
/** The PMP denies more. */
export const RAM_BYTES_GOAL = 512 * 1024;
