// The app's configuration, behind the settings record that it belongs to, in the same copy. So an image that knows of
// no configurations reads the settings all the same; when it changes them, which erases, the configuration goes.
//
//   0 u8[4] "FSCF"   4 u16 version (1)   6 u16 document bytes   8 u32 generation of the settings   12 u32 number
//   16 u8[1024] document, then zeros   1040 u8[16] first bytes of SHA-256 over bytes 0..1039

import { equalInConstantTime, sha256 } from "../crypto";
import { CONFIGURATION_BYTES_MAX, CONFIGURATION_BYTES_MIN } from "../format";

export const CONFIGURATION_ANNEX_BYTES: u32 = 1056;
const MAGIC: u32 = 0x46435346;
const VERSION: u32 = 1;
const DOCUMENT_BYTES: u32 = 6;
const GENERATION: u32 = 8;
const NUMBER: u32 = 12;
const DOCUMENT: u32 = 16;
const CHECKED_BYTES: u32 = 1040;
const CHECK_BYTES: u32 = 16;

const digest: usize = memory.data(32);

/** 0: there is none. */
export function annexNumber(at: usize): u32 {
  return load<u32>(at, NUMBER);
}

export function annexDocument(at: usize): usize {
  return at + DOCUMENT;
}

export function annexDocumentBytes(at: usize): u32 {
  return load<u16>(at, DOCUMENT_BYTES);
}

/** Nothing was programmed there. */
export function annexIsAbsent(at: usize): bool {
  return load<u32>(at) == 0xffffffff;
}

/** Whole, and of the settings of this generation. */
export function annexHolds(at: usize, generation: u32): bool {
  if (load<u32>(at) != MAGIC || load<u16>(at, 4) != <u16>VERSION || load<u32>(at, GENERATION) != generation)
    return false;
  const bytes = annexDocumentBytes(at);
  if (annexNumber(at) == 0 || bytes < <u32>CONFIGURATION_BYTES_MIN || bytes > <u32>CONFIGURATION_BYTES_MAX)
    return false;
  for (let i = DOCUMENT + bytes; i < CHECKED_BYTES; i++) if (load<u8>(at + i) != 0) return false;
  sha256(at, CHECKED_BYTES, digest);
  return equalInConstantTime(digest, at + CHECKED_BYTES, CHECK_BYTES);
}

/** Another configuration; then `sealAnnex`. */
export function setAnnex(at: usize, number: u32, document: usize, bytes: u32): void {
  memory.fill(at, 0, CONFIGURATION_ANNEX_BYTES);
  store<u16>(at, bytes, DOCUMENT_BYTES);
  store<u32>(at, number, NUMBER);
  memory.copy(at + DOCUMENT, document, bytes);
}

/** Completes it for the settings of this generation: magic, version, check. */
export function sealAnnex(at: usize, generation: u32): void {
  store<u32>(at, MAGIC);
  store<u16>(at, VERSION, 4);
  store<u32>(at, generation, GENERATION);
  sha256(at, CHECKED_BYTES, digest);
  memory.copy(at + CHECKED_BYTES, digest, CHECK_BYTES);
}
