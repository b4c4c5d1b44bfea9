// What the boot loader and the agent use. Pointers are addresses in the module's own memory, lengths are bytes.
// Nothing allocates, and nothing may be called while another of these functions runs (working memory is shared);
// contexts may be in use side by side.

export { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES, aeadOpen, aeadSeal } from "./chacha20-poly1305";
export { differenceOf, equalInConstantTime } from "./constant-time";
export { SHA256_BYTES, SHA256_CONTEXT_BYTES, sha256, sha256Final, sha256Init, sha256Update } from "./sha256";
export { sha256Block } from "./sha256-block";
export { SHA512_BYTES, SHA512_CONTEXT_BYTES, sha512, sha512Final, sha512Init, sha512Update } from "./sha512";
export { hkdfExpandLabel, hkdfExtract } from "./hkdf-sha256";
export {
  HMAC_SHA256_CONTEXT_BYTES,
  hmacSha256,
  hmacSha256Final,
  hmacSha256Init,
  hmacSha256Update,
} from "./hmac-sha256";
export { ed25519PublicKey, ed25519Sign, ed25519SignParts } from "./ed25519/sign";
export {
  ED25519_A_NOT_CANONICAL,
  ED25519_A_NOT_ON_CURVE,
  ED25519_A_SMALL_ORDER,
  ED25519_MISMATCH,
  ED25519_R_NOT_CANONICAL,
  ED25519_R_SMALL_ORDER,
  ED25519_S_NOT_CANONICAL,
  ED25519_VALID,
  ed25519Verify,
  ed25519VerifyFinal,
  ed25519VerifyInit,
  ed25519VerifyParts,
} from "./ed25519/verify";
export { x25519, x25519PublicKey } from "./x25519";
