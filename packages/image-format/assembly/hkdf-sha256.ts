// HKDF with SHA-256, RFC 5869, and TLS 1.3's labels over it, RFC 8446 §7.1. Time and memory depend on lengths alone.
// What was derived on the way is wiped before these return.

import { hmacSha256, hmacSha256Final, hmacSha256Init, hmacSha256Update } from "./hmac-sha256";
import { SHA256_BYTES } from "./sha256";

/** RFC 5869 §2.3: L ≤ 255 · HashLen */
export const HKDF_BYTES_MAX: usize = 255 * 32;
/** A label without "tls13 ", and its context: more than any that TLS 1.3 has. */
export const TLS_LABEL_BYTES_MAX: usize = 64;
export const TLS_LABEL_CONTEXT_BYTES_MAX: usize = 64;

/** The HMAC in progress, 2 · 136 bytes; it wipes itself. */
const context: usize = memory.data(272, 8);
const pseudoRandomKey: usize = memory.data(32, 8);
/** T(i) */
const output: usize = memory.data(32, 8);
const counter: usize = memory.data(1);
/** struct HkdfLabel: u16 length, u8 label bytes, label, u8 context bytes, context */
const hkdfLabel: usize = memory.data(138, 8);

/** Writes PRK, 32 bytes, to `out`. */
export function hkdfExtract(salt: usize, saltLength: usize, secret: usize, length: usize, out: usize): void {
  hmacSha256(context, salt, saltLength, secret, length, out);
}

/**
 * Writes `length` bytes of the key PRK (32 bytes) and `info`; `out` may be the key, and may not overlap the info. False
 * for more bytes than RFC 5869 allows.
 */
export function hkdfExpand(key: usize, info: usize, infoLength: usize, out: usize, length: usize): bool {
  if (length > HKDF_BYTES_MAX) return false;
  memory.copy(pseudoRandomKey, key, SHA256_BYTES);
  store<u8>(counter, 0);
  while (length) {
    hmacSha256Init(context, pseudoRandomKey, SHA256_BYTES);
    if (load<u8>(counter)) hmacSha256Update(context, output, SHA256_BYTES);
    store<u8>(counter, load<u8>(counter) + 1);
    hmacSha256Update(context, info, infoLength);
    hmacSha256Update(context, counter, 1);
    hmacSha256Final(context, output);
    const taken = length < SHA256_BYTES ? length : SHA256_BYTES;
    memory.copy(out, output, taken);
    out += taken;
    length -= taken;
  }
  store<u8>(counter, 0);
  memory.fill(output, 0, SHA256_BYTES);
  memory.fill(pseudoRandomKey, 0, SHA256_BYTES);
  return true;
}

/**
 * HKDF-Expand-Label(secret, label, context, length), RFC 8446 §7.1: `label` without "tls13 ", in ASCII. False where
 * label, context or length are longer than the limits above.
 */
export function hkdfExpandLabel(
  secret: usize,
  label: usize,
  labelLength: usize,
  labelContext: usize,
  contextLength: usize,
  out: usize,
  length: usize,
): bool {
  if (labelLength > TLS_LABEL_BYTES_MAX || contextLength > TLS_LABEL_CONTEXT_BYTES_MAX) return false;
  store<u16>(hkdfLabel, bswap(<u16>length));
  store<u8>(hkdfLabel, <u8>(6 + labelLength), 2);
  store<u32>(hkdfLabel, 0x31736c74, 3); // "tls1"
  store<u16>(hkdfLabel, 0x2033, 7); // "3 "
  memory.copy(hkdfLabel + 9, label, labelLength);
  store<u8>(hkdfLabel + 9 + labelLength, <u8>contextLength);
  memory.copy(hkdfLabel + 10 + labelLength, labelContext, contextLength);
  return hkdfExpand(secret, hkdfLabel, 10 + labelLength + contextLength, out, length);
}
