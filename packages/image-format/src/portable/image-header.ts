// The image header: typed fields (TLV), each critical or optional. docs/image-format.md has every byte.
//
//   0  u8[4] "FSIM"   4 u16 format version   6 u16 header bytes (a multiple of 4, <= 2048)   8 fields ...
//   field: u16 type (bit 15: critical)   u16 value bytes   value   zeros up to a multiple of 4
//
// Types ascend strictly, so each occurs once and a header has one encoding.

import { isFilledWith, readU16, readU32 } from "./bytes";
import { ErrorCode } from "./error-codes";

export const HEADER_MAGIC: u32 = 0x4d495346;
export const HEADER_FORMAT_VERSION: u32 = 1;
export const HEADER_BYTES_MAX: i32 = 2048;
export const HEADER_PREFIX_BYTES: i32 = 8;
export const FIELD_CRITICAL: u32 = 0x8000;

export const FIELD_IMAGE_TYPE: u32 = 0x8001;
export const FIELD_PRODUCT: u32 = 0x8002;
export const FIELD_HARDWARE: u32 = 0x8003;
export const FIELD_COMPONENT: u32 = 0x8004;
export const FIELD_VERSION: u32 = 0x8005;
export const FIELD_RELEASE_SEQUENCE: u32 = 0x8006;
export const FIELD_SECURITY_COUNTER: u32 = 0x8007;
export const FIELD_MINIMUMS: u32 = 0x8008;
export const FIELD_PAYLOAD: u32 = 0x8009;
export const FIELD_LOAD: u32 = 0x800a;
export const FIELD_CONFIRM: u32 = 0x800b;
export const FIELD_KEY_ID: u32 = 0x800c;
export const FIELD_FLAGS: u32 = 0x800d;
/** Optional: what the release is about, UTF-8, up to 512 bytes. */
export const FIELD_DESCRIPTION: u32 = 0x0020;

/** Fields 0x8001..0x800d are all required. */
const REQUIRED_FIELDS: u32 = 0x1fff;

export const IMAGE_TYPE_UNIKERNEL: u32 = 1;
export const IMAGE_TYPE_WASM_BUNDLE: u32 = 2;

export const FLAG_DELTA: u32 = 1; // reserved: refused in format version 1
export const FLAG_ENCRYPTED: u32 = 2; // reserved: refused in format version 1
export const FLAG_RAISE_FLOOR: u32 = 4; // confirming this image raises the security floor at once

export const NAME_BYTES_MAX: u32 = 32;
export const PAYLOAD_BYTES_MAX: u32 = 0x4000000; // 64 MiB: keeps every sum and product below 2^31
export const CHUNK_BYTES_MIN: u32 = 256;
export const CHUNK_BYTES_MAX: u32 = 4096;
export const DIGEST_BYTES: i32 = 32;
export const KEY_ID_BYTES: i32 = 8;
export const DEADLINE_MS_MAX: u32 = 86400000;
export const TRIES_MAX: u32 = 15;

/** What a checked header says. Texts and hashes stay in the parsed bytes; offsets are from the header's first byte. */
export class ImageHeader {
  headerBytes: i32 = 0;
  imageType: u32 = 0;
  productOffset: i32 = 0;
  productBytes: i32 = 0;
  hardwareOffset: i32 = 0;
  hardwareBytes: i32 = 0;
  hardwareRevisionMin: u32 = 0;
  hardwareRevisionMax: u32 = 0;
  componentId: u32 = 0;
  componentCount: u32 = 0;
  versionOffset: i32 = 0;
  versionBytes: i32 = 0;
  releaseSequence: u32 = 0;
  securityCounter: u32 = 0;
  loaderVersionMin: u32 = 0;
  trustVersionMin: u32 = 0;
  payloadBytes: u32 = 0;
  chunkBytes: u32 = 0;
  chunkCount: u32 = 0;
  tableDigestOffset: i32 = 0;
  loadAddress: u32 = 0;
  entryAddress: u32 = 0;
  confirmDeadlineMs: u32 = 0;
  contactDeadlineMs: u32 = 0;
  tries: u32 = 0;
  watchdogMs: u32 = 0;
  keyIdOffset: i32 = 0;
  flags: u32 = 0;
  descriptionOffset: i32 = 0;
  descriptionBytes: i32 = 0;
}

/** The exact length of a field's value, or 0 where it varies. */
function fixedValueBytes(type: u32): u32 {
  if (type == FIELD_IMAGE_TYPE || type == FIELD_RELEASE_SEQUENCE || type == FIELD_SECURITY_COUNTER) return 4;
  if (type == FIELD_COMPONENT || type == FIELD_FLAGS) return 4;
  if (type == FIELD_MINIMUMS || type == FIELD_LOAD || type == FIELD_KEY_ID) return 8;
  if (type == FIELD_PAYLOAD) return 44;
  if (type == FIELD_CONFIRM) return 16;
  return 0;
}

/** Printable ASCII without space: names and versions are compared byte by byte, so they have one spelling. */
function isName(bytes: Uint8Array, offset: i32, length: u32): bool {
  if (length < 1 || length > NAME_BYTES_MAX) return false;
  for (let i: i32 = 0; i < <i32>length; i++) {
    const c: u32 = bytes[offset + i]!;
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

/**
 * Checks the header that starts at `offset` and has at most `available` bytes; fills `out`.
 * Returns ErrorCode.None, or why it was refused (then `out` means nothing). Signatures are another matter.
 */
export function parseImageHeader(bytes: Uint8Array, offset: i32, available: i32, out: ImageHeader): i32 {
  if (available < HEADER_PREFIX_BYTES) return ErrorCode.ImageTruncated;
  if (readU32(bytes, offset) != HEADER_MAGIC) return ErrorCode.HeaderMalformed;
  if (readU16(bytes, offset + 4) != HEADER_FORMAT_VERSION) return ErrorCode.HeaderVersionUnsupported;
  const headerBytes: i32 = readU16(bytes, offset + 6);
  if (headerBytes > HEADER_BYTES_MAX || (headerBytes & 3) != 0 || headerBytes < HEADER_PREFIX_BYTES)
    return ErrorCode.HeaderMalformed;
  if (headerBytes > available) return ErrorCode.ImageTruncated;
  out.headerBytes = headerBytes;
  out.descriptionOffset = 0;
  out.descriptionBytes = 0;

  let seen: u32 = 0;
  let previousNumber: i32 = -1;
  let at: i32 = HEADER_PREFIX_BYTES;
  while (at < headerBytes) {
    // at and headerBytes are multiples of 4, so four bytes are there.
    const type: u32 = readU16(bytes, offset + at);
    const valueBytes: u32 = readU16(bytes, offset + at + 2);
    const value: i32 = at + 4;
    const paddedBytes: i32 = (valueBytes + 3) & ~3;
    if (paddedBytes > headerBytes - value) return ErrorCode.HeaderMalformed;
    const number: i32 = type & 0x7fff;
    if (number <= previousNumber) return ErrorCode.HeaderMalformed;
    previousNumber = number;
    if (!isFilledWith(bytes, offset + value + valueBytes, paddedBytes - valueBytes, 0))
      return ErrorCode.HeaderMalformed;

    const code: i32 = readField(bytes, offset, type, value, valueBytes, out);
    if (code != ErrorCode.None) return code;
    if ((type & FIELD_CRITICAL) != 0) seen |= 1 << (number - 1);
    at = value + paddedBytes;
  }
  if (seen != REQUIRED_FIELDS) return ErrorCode.HeaderFieldMissing;
  return checkHeader(out);
}

function readField(bytes: Uint8Array, offset: i32, type: u32, value: i32, valueBytes: u32, out: ImageHeader): i32 {
  const fixed = fixedValueBytes(type);
  if (fixed != 0 && valueBytes != fixed) return ErrorCode.HeaderMalformed;
  const at: i32 = offset + value;
  if (type == FIELD_IMAGE_TYPE) {
    out.imageType = readU32(bytes, at);
  } else if (type == FIELD_PRODUCT) {
    if (!isName(bytes, at, valueBytes)) return ErrorCode.HeaderMalformed;
    out.productOffset = value;
    out.productBytes = valueBytes;
  } else if (type == FIELD_HARDWARE) {
    if (valueBytes < 5 || !isName(bytes, at + 4, valueBytes - 4)) return ErrorCode.HeaderMalformed;
    out.hardwareRevisionMin = readU16(bytes, at);
    out.hardwareRevisionMax = readU16(bytes, at + 2);
    out.hardwareOffset = value + 4;
    out.hardwareBytes = valueBytes - 4;
  } else if (type == FIELD_COMPONENT) {
    out.componentId = readU16(bytes, at);
    out.componentCount = readU16(bytes, at + 2);
  } else if (type == FIELD_VERSION) {
    if (!isName(bytes, at, valueBytes)) return ErrorCode.HeaderMalformed;
    out.versionOffset = value;
    out.versionBytes = valueBytes;
  } else if (type == FIELD_RELEASE_SEQUENCE) {
    out.releaseSequence = readU32(bytes, at);
  } else if (type == FIELD_SECURITY_COUNTER) {
    out.securityCounter = readU32(bytes, at);
  } else if (type == FIELD_MINIMUMS) {
    out.loaderVersionMin = readU32(bytes, at);
    out.trustVersionMin = readU32(bytes, at + 4);
  } else if (type == FIELD_PAYLOAD) {
    out.payloadBytes = readU32(bytes, at);
    out.chunkBytes = readU32(bytes, at + 4);
    out.chunkCount = readU32(bytes, at + 8);
    out.tableDigestOffset = value + 12;
  } else if (type == FIELD_LOAD) {
    out.loadAddress = readU32(bytes, at);
    out.entryAddress = readU32(bytes, at + 4);
  } else if (type == FIELD_CONFIRM) {
    out.confirmDeadlineMs = readU32(bytes, at);
    out.contactDeadlineMs = readU32(bytes, at + 4);
    out.tries = readU32(bytes, at + 8);
    out.watchdogMs = readU32(bytes, at + 12);
  } else if (type == FIELD_KEY_ID) {
    out.keyIdOffset = value;
  } else if (type == FIELD_FLAGS) {
    out.flags = readU32(bytes, at);
  } else if (type == FIELD_DESCRIPTION) {
    if (valueBytes > 512) return ErrorCode.HeaderMalformed;
    out.descriptionOffset = value;
    out.descriptionBytes = valueBytes;
  } else if ((type & FIELD_CRITICAL) != 0) {
    return ErrorCode.HeaderUnknownCriticalField;
  }
  return ErrorCode.None;
}

function checkHeader(h: ImageHeader): i32 {
  if (h.imageType != IMAGE_TYPE_UNIKERNEL && h.imageType != IMAGE_TYPE_WASM_BUNDLE)
    return ErrorCode.HeaderFeatureUnsupported;
  if ((h.flags & ~FLAG_RAISE_FLOOR) != 0) return ErrorCode.HeaderFeatureUnsupported;
  if (h.hardwareRevisionMin > h.hardwareRevisionMax) return ErrorCode.HeaderMalformed;
  if (h.componentCount != 1 || h.componentId != 0) return ErrorCode.HeaderFeatureUnsupported;
  if (h.releaseSequence == 0) return ErrorCode.HeaderMalformed;
  // Bounded before anything is added or multiplied, so that no later sum can wrap.
  if (h.payloadBytes == 0 || h.payloadBytes > PAYLOAD_BYTES_MAX) return ErrorCode.HeaderMalformed;
  if (h.chunkBytes < CHUNK_BYTES_MIN || h.chunkBytes > CHUNK_BYTES_MAX) return ErrorCode.HeaderMalformed;
  if ((h.chunkBytes & (h.chunkBytes - 1)) != 0) return ErrorCode.HeaderMalformed;
  if (h.chunkCount != chunkCountOf(h.payloadBytes, h.chunkBytes)) return ErrorCode.HeaderMalformed;
  if (h.confirmDeadlineMs == 0 || h.confirmDeadlineMs > DEADLINE_MS_MAX) return ErrorCode.HeaderMalformed;
  if (h.contactDeadlineMs < h.confirmDeadlineMs || h.contactDeadlineMs > DEADLINE_MS_MAX)
    return ErrorCode.HeaderMalformed;
  if (h.tries == 0 || h.tries > TRIES_MAX) return ErrorCode.HeaderMalformed;
  if (h.watchdogMs < 100 || h.watchdogMs > 600000) return ErrorCode.HeaderMalformed;
  return ErrorCode.None;
}

/**
 * No app has said anything before its first tick, so no trial is judged before: a header's shorter deadlines count as
 * this.
 */
export const TRIAL_DEADLINE_MS_MIN: u32 = 3000;

/** What an agent may need between two feedings of the watchdog besides flash: its start, and one step of everything. */
const WATCHDOG_STEP_MS: u32 = 1000;

/**
 * The shortest watchdog that hardware can meet whose flash may take `eraseMsMax` for one erase: the agent feeds it
 * before each. The build refuses less; the boot loader arms this in place of less.
 */
export function watchdogMsMin(eraseMsMax: u32): u32 {
  return WATCHDOG_STEP_MS + eraseMsMax;
}

/** ceil(payload / chunk), for chunk a power of two. */
export function chunkCountOf(payloadBytes: u32, chunkBytes: u32): u32 {
  let shift: u32 = 0;
  while (<u32>(1 << shift) < chunkBytes) shift++;
  return (payloadBytes + chunkBytes - 1) >>> shift;
}

/** Length of chunk `index` (all alike but the last). */
export function chunkLength(header: ImageHeader, index: u32): u32 {
  return index + 1 < header.chunkCount
    ? header.chunkBytes
    : header.payloadBytes - (header.chunkCount - 1) * header.chunkBytes;
}
