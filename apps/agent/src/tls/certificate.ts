// A server's certificate, pinned by its key: of X.509 (RFC 5280 §4.1) nothing counts but that the first certificate's
// key is the Ed25519 key (RFC 8410 §4) that this device was given. Names, dates and signatures of the certificate prove
// nothing here: whoever signs CertificateVerify has that key.

import { get16, get24 } from "../big-endian";
import { equalInConstantTime } from "../crypto";
import { Alert } from "./wire";

const SEQUENCE: u32 = 0x30;
const INTEGER: u32 = 0x02;
const EXPLICIT_0: u32 = 0xa0;

/** SubjectPublicKeyInfo of Ed25519 up to the key: 1.3.101.112 and a BIT STRING without unused bits. */
// biome-ignore format: bytes
const ed25519Key: usize = memory.data<u8>([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
const PREFIX_BYTES: u32 = 12;
const KEY_BYTES: u32 = 32;

let valueAt: usize = 0;
let valueBytes: u32 = 0;

/** Steps over the element at `at`, which has to end by `end`; `valueAt` and `valueBytes` are its content. 0: none. */
function element(at: usize, end: usize, tag: u32): usize {
  if (end - at < 2 || (tag != 0 && load<u8>(at) != tag)) return 0;
  let length: u32 = load<u8>(at, 1);
  at += 2;
  if (length > 0x80) {
    // DER (X.690 §10.1): as few bytes as will do. A certificate here has less than 64 KiB.
    const lengthBytes = length & 0x7f;
    if (lengthBytes > 2 || <u32>(end - at) < lengthBytes) return 0;
    length = lengthBytes == 1 ? <u32>load<u8>(at) : get16(at);
    if (length < (lengthBytes == 1 ? 0x80 : 0x100)) return 0;
    at += lengthBytes;
  } else if (length == 0x80) return 0;
  if (<u32>(end - at) < length) return 0;
  valueAt = at;
  valueBytes = length;
  return at + length;
}

/** Whether `der` is a certificate of this key. */
function hasKey(der: usize, length: u32, key: usize): bool {
  if (element(der, der + length, SEQUENCE) != der + length) return false;
  if (element(valueAt, valueAt + valueBytes, SEQUENCE) == 0) return false; // tbsCertificate
  let at = valueAt;
  const end = valueAt + valueBytes;
  const version = element(at, end, EXPLICIT_0);
  if (version != 0) at = version;
  at = element(at, end, INTEGER); // serialNumber
  // signature, issuer, validity, subject
  for (let i = 0; i < 4 && at != 0; i++) at = element(at, end, SEQUENCE);
  if (at == 0 || <u32>(end - at) < PREFIX_BYTES + KEY_BYTES) return false;
  return equalInConstantTime(at, ed25519Key, PREFIX_BYTES) && equalInConstantTime(at + PREFIX_BYTES, key, KEY_BYTES);
}

/** Of a Certificate message's body (RFC 8446 §4.4.2): 0 or an Alert. */
export function certificateAlert(message: usize, length: u32, key: usize): i32 {
  // certificate_request_context: empty from a server.
  if (length < 4 || load<u8>(message) != 0 || get24(message + 1) != length - 4) return Alert.DecodeError;
  let at = message + 4;
  const end = message + length;
  if (at == end) return Alert.DecodeError;
  let isFirst = true;
  while (at != end) {
    if (<u32>(end - at) < 3) return Alert.DecodeError;
    const bytes = get24(at);
    if (bytes == 0 || <u32>(end - at) - 3 < bytes + 2) return Alert.DecodeError;
    const extensions = at + 3 + bytes;
    // None was asked for, so none may stand there but with nothing in it.
    if (get16(extensions) != 0) return Alert.UnsupportedExtension;
    if (isFirst && !hasKey(at + 3, bytes, key)) return Alert.BadCertificate;
    isFirst = false;
    at = extensions + 2;
  }
  return 0;
}
