// Numbers and names of the protocol that device and server share (docs/protocol.md).

export const TOPIC_ROOT: string = "flipside/v1/";
export const DEVICE_ID_BYTES_MAX: i32 = 48;

/** Control messages are JSON of at most this many bytes. */
export const CONTROL_MESSAGE_BYTES_MAX: i32 = 8192;

/** Binary chunk message: 16 bytes, then the data.
 *   0 u8[4] "FSCH"   4 u32 attempt   8 u8 part (CHUNK_PART_*)   9 u8[3] first bytes of the image digest   12 u32 index
 */
export const CHUNK_MESSAGE_MAGIC: u32 = 0x48435346;
export const CHUNK_MESSAGE_PREFIX_BYTES: i32 = 16;
/** Chunk table, in pieces of CHUNK_TABLE_PIECE_BYTES. */
export const CHUNK_PART_TABLE: u32 = 0;
/** Payload, in the chunks of the table. */
export const CHUNK_PART_PAYLOAD: u32 = 1;
export const CHUNK_TABLE_PIECE_BYTES: u32 = 4096;
/** The most chunks that one `fetch` may ask for. */
export const FETCH_WINDOW_MAX: u32 = 8;

/** A configuration is a JSON object in UTF-8 of so many bytes. */
export const CONFIGURATION_BYTES_MIN: i32 = 2;
export const CONFIGURATION_BYTES_MAX: i32 = 1024;
/** What an app says of one that it refuses: so many characters of printable ASCII at most. */
export const CONFIGURATION_REFUSAL_TEXT_BYTES_MAX: i32 = 64;
/** How long a device may be asked to make itself known. */
export const IDENTIFY_SECONDS_MAX: u32 = 600;
/** How much of a device's console one message on `log` holds. */
export const LOG_PART_CHARACTERS_MAX: i32 = 1024;

/** Lengths of random values, in bytes before base64url. */
export const NONCE_BYTES: i32 = 16;
export const CLAIM_SECRET_BYTES: i32 = 32;
export const DEVICE_SECRET_BYTES: i32 = 32;
/** What a device has started from, as it signs it (apps/agent/src/session/measurement.ts). */
export const MEASUREMENT_BYTES: i32 = 100;
