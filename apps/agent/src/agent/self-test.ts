// What a new image checks of itself at its first look: that its cryptography, its flash and its clock do what they
// should on this machine. The noise source has its own tests (random/), and until the confirm deadline to answer
// (trial.ts). Known answers: FIPS 180-4 ("abc"), RFC 8032 section 7.1 (TEST 2).

import { compareBytes } from "../compare";
import { ed25519PublicKey, ed25519Sign, ED25519_VALID, ed25519Verify, sha256 } from "../crypto";
import { clockUs, flashRead, Zone } from "../exokernel";

const abc: usize = memory.data<u8>([0x61, 0x62, 0x63]);
// biome-ignore format: a table, row by row
const abcSha256: usize = memory.data<u8>([
  0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
  0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
]);
// biome-ignore format: a table, row by row
const seed: usize = memory.data<u8>([
  0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
  0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
]);
// biome-ignore format: a table, row by row
const expectedPublicKey: usize = memory.data<u8>([
  0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
  0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c,
]);
const message: usize = memory.data<u8>([0x72]);
const out: usize = memory.data(64);

export function selfTestPasses(): bool {
  sha256(abc, 3, out);
  if (compareBytes(out, abcSha256, 32) != 0) return false;
  ed25519PublicKey(seed, out);
  if (compareBytes(out, expectedPublicKey, 32) != 0) return false;
  ed25519Sign(seed, expectedPublicKey, message, 1, out);
  if (ed25519Verify(expectedPublicKey, out, message, 1) != ED25519_VALID) return false;
  store<u8>(out, load<u8>(out) ^ 1);
  if (ed25519Verify(expectedPublicKey, out, message, 1) == ED25519_VALID) return false;
  if (flashRead(Zone.BootControl, 0, out, 16) < 0) return false;
  return clockUs() > 0;
}
