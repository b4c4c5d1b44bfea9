// Recovery over the serial line: why a device is in it, and the frames that bring it an image. docs/boot-control.md,
// "Recovery", has both tables and the exchange.
//
// A frame is text on a line of its own, so that a console shows it and a terminal does not change it:
//   STX (0x02, which no console text holds)   base64url of the bytes below   LF
//   0 u8 type   1 u8 version = 1   2 u16 sequence   4 u16 data bytes   6 data   then u32 CRC-32 of all before it
// STX never occurs inside, so it always begins a frame, whatever noise came before.

/** Why nothing could be started: what the device says in `recovery: code N`. A number is never reused. */
export enum RecoveryReason {
  None = 0,
  NoFactoryRecord = 1,
  FlashGeometry = 2,
  NoTrustRecord = 3,
  NoImage = 4,
  CrashLoop = 5,
  BootControlUnwritable = 6,
}

export const RECOVERY_PROTOCOL_VERSION: u32 = 1;
export const FRAME_START: u32 = 0x02;
export const FRAME_END: u32 = 0x0a;
export const FRAME_PREFIX_BYTES: u32 = 6;
export const FRAME_CHECK_BYTES: u32 = 4;
export const FRAME_DATA_BYTES_MAX: u32 = 1028;
/** Of an image in one frame, after its offset. */
export const FRAME_IMAGE_BYTES_MAX: u32 = 1024;

/** To the device. */
export const FRAME_HELLO: u32 = 1;
/** u32 bytes of the image file. */
export const FRAME_BEGIN: u32 = 2;
/** u32 offset in the image file, then its bytes from there on. */
export const FRAME_DATA: u32 = 3;

/** Answers; each has the sequence of what it answers. */
export const FRAME_INFO: u32 = 0x81;
/** u32 offset that the device wants next. */
export const FRAME_ACKNOWLEDGED: u32 = 0x82;
/** u32 error code; the transfer is over, another may begin. */
export const FRAME_REFUSED: u32 = 0x83;
/** u8 slot: the image is a candidate, the device resets. */
export const FRAME_DONE: u32 = 0x84;

/**
 * INFO: 0 u8 RecoveryReason  1 u8 slot that would be written  2 u16, 4 u16 error codes of slots A and B  6 u16 hardware
 *  revision  8 u32 security floor  12 u8, 13 u8, 14 u8 bytes of device id, product, hardware name  15 u8 zero  16 the
 *  three texts
 */
export const INFO_PREFIX_BYTES: u32 = 16;

/** CRC-32 as of IEEE 802.3 (reflected, 0xedb88320), of `length` bytes from `offset` on. */
export function crc32(bytes: Uint8Array, offset: i32, length: i32): u32 {
  let crc: u32 = 0xffffffff;
  for (let i: i32 = 0; i < length; i++) {
    crc = (crc ^ bytes[offset + i]!) >>> 0;
    for (let bit: i32 = 0; bit < 8; bit++) crc = ((crc & 1) != 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1) >>> 0;
  }
  return ~crc >>> 0;
}
