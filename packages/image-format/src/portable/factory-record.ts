// What a device is told once, where it is made: its zone "factory". Never written again.
//
//   0 u8[4] "FSFA"   4 u16 version   6 u16 record bytes (256)   8 u8[32] device key (Ed25519 seed)   40 u8[32] claim
//   secret
//   72 u16 hardware revision   74 u8 device id bytes   75 u8 product bytes   76 u8 hardware bytes   77 u8 host bytes
//   78 u16 MQTT port   80 u8[48] device id   128 u8[32] product   160 u8[32] hardware   192 u8[48] host
//   240 u8[16] first bytes of SHA-256 over bytes 0..239
//
// Behind it, where a server is to be known by its certificate's key (channel-prefix.ts); else the flash is as it was:
//   256 u8[4] "FSSK"   260 u8[32] Ed25519 public key   292 u8[16] first bytes of SHA-256 over bytes 256..291

import { readU16, readU32 } from "./bytes";

export const FACTORY_MAGIC: u32 = 0x41465346;
export const FACTORY_BYTES: i32 = 256;
export const FACTORY_CHECKED_BYTES: i32 = 240;
export const FACTORY_CHECK_BYTES: i32 = 16;
export const FACTORY_KEY_OFFSET: i32 = 8;
export const FACTORY_CLAIM_OFFSET: i32 = 40;
export const FACTORY_REVISION_OFFSET: i32 = 72;
export const FACTORY_DEVICE_ID_BYTES_OFFSET: i32 = 74;
export const FACTORY_PRODUCT_BYTES_OFFSET: i32 = 75;
export const FACTORY_HARDWARE_BYTES_OFFSET: i32 = 76;
export const FACTORY_HOST_BYTES_OFFSET: i32 = 77;
export const FACTORY_PORT_OFFSET: i32 = 78;
export const FACTORY_DEVICE_ID_OFFSET: i32 = 80;
export const FACTORY_PRODUCT_OFFSET: i32 = 128;
export const FACTORY_HARDWARE_OFFSET: i32 = 160;
export const FACTORY_HOST_OFFSET: i32 = 192;
export const FACTORY_HOST_BYTES_MAX: i32 = 48;

export const SERVER_KEY_MAGIC: u32 = 0x4b535346;
export const SERVER_KEY_OFFSET: i32 = 256;
export const SERVER_KEY_BYTES: i32 = 52;
/** Within it. */
export const SERVER_KEY_KEY_OFFSET: i32 = 4;
export const SERVER_KEY_CHECKED_BYTES: i32 = 36;

/** Whether the form is right; the caller compares the check. */
export function isFactoryRecord(bytes: Uint8Array, offset: i32): bool {
  return (
    readU32(bytes, offset) == FACTORY_MAGIC &&
    readU16(bytes, offset + 4) == 1 &&
    readU16(bytes, offset + 6) == <u32>FACTORY_BYTES &&
    bytes[offset + FACTORY_DEVICE_ID_BYTES_OFFSET]! >= 1 &&
    bytes[offset + FACTORY_DEVICE_ID_BYTES_OFFSET]! <= 48 &&
    bytes[offset + FACTORY_PRODUCT_BYTES_OFFSET]! <= 32 &&
    bytes[offset + FACTORY_HARDWARE_BYTES_OFFSET]! <= 32 &&
    bytes[offset + FACTORY_HOST_BYTES_OFFSET]! <= 48
  );
}
