// What the unikernel's image, its loader and its RAM may be, and what an update may take. docs/benchmarks.md says what
// is counted. A limit is held by `npm test` (sizes.test.ts): what was reached, rounded up to a KiB. A goal is shown by
// `npm run bench` beside its figure.

/** The image file: header, signatures, chunk table, payload. TLS is 13 KB of it (decision 39). */
export const IMAGE_BYTES_LIMIT = 120 * 1024;
export const IMAGE_WITH_TLS_BYTES_GOAL = 96 * 1024;
/** The boot loader in bank 0. It is what may be reached, too. */
export const LOADER_BYTES_LIMIT = 36 * 1024;
/** The PMP denies what is behind 512 KiB. */
export const RAM_BYTES_GOAL = 256 * 1024;
export const INSTRUCTIONS_TO_MQTT_GOAL = 15_000_000;
/** Of a connection by TLS, more than of one in clear. */
export const TLS_HANDSHAKE_INSTRUCTIONS_GOAL = 4_000_000;
/** Of an update by TLS, more than of one in clear, for each byte of the image. */
export const TLS_INSTRUCTIONS_PER_BYTE_GOAL = 40;
/** Of an update as large as the RAM window. */
export const UPDATE_INSTRUCTIONS_GOAL = 45_000_000;
