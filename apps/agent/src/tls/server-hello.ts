// ServerHello (RFC 8446 §4.1.3) as the answer to our ClientHello, and EncryptedExtensions (§4.3.1). A server that wants
// another ClientHello (HelloRetryRequest) gets none: there is one group to choose, and no cookie is sent back.

import { get16 } from "../big-endian";
import { compareBytes } from "../compare";
import { ChannelMode } from "./credentials";
import {
  Alert,
  CIPHER_SUITE,
  ExtensionType,
  FRAGMENT_OF_4096,
  GROUP_X25519,
  LEGACY_VERSION,
  RANDOM_BYTES,
  TLS_1_3,
} from "./wire";

/** Up to the extensions' length: version, random, session id's length, suite, compression. */
const FIXED_BYTES: u32 = 2 + RANDOM_BYTES + 1 + 2 + 1;

/** SHA-256 of "HelloRetryRequest" (§4.1.3) */
// biome-ignore format: bytes
const retryRandom: usize = memory.data<u8>([
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
  0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
]);

/** Bits of what was there. */
const SAW_VERSION: u32 = 1;
const SAW_KEY_SHARE: u32 = 2;
const SAW_PSK: u32 = 4;

/** Of the ServerHello that was read without an error: the server's public key of 32 bytes. */
export let serverKeyPtr: usize = 0;

/** 0 or an Alert. `message` is the body, without its header. */
export function readServerHello(message: usize, length: u32, mode: u32): i32 {
  if (length < FIXED_BYTES + 2) return Alert.DecodeError;
  const random = message + 2;
  if (compareBytes(random, retryRandom, RANDOM_BYTES) == 0) return Alert.HandshakeFailure;
  if (get16(message) != LEGACY_VERSION) return Alert.ProtocolVersion;
  const behind = random + RANDOM_BYTES;
  // legacy_session_id_echo: ours was empty; legacy_compression_method: null.
  if (load<u8>(behind) != 0 || get16(behind + 1) != CIPHER_SUITE || load<u8>(behind, 3) != 0)
    return Alert.IllegalParameter;
  let at = message + FIXED_BYTES;
  const end = message + length;
  if (at + 2 + get16(at) != end) return Alert.DecodeError;
  let seen: u32 = 0;
  serverKeyPtr = 0;
  for (at += 2; at != end; ) {
    if (at + 4 > end || at + 4 + get16(at + 2) > end) return Alert.DecodeError;
    const bit = bitOf(get16(at));
    const alert = readExtension(bit, at + 4, get16(at + 2), mode);
    if (alert != 0) return alert;
    if (seen & bit) return Alert.IllegalParameter;
    seen |= bit;
    at += 4 + get16(at + 2);
  }
  if (!(seen & SAW_VERSION)) return Alert.ProtocolVersion;
  if (!(seen & SAW_KEY_SHARE)) return Alert.MissingExtension;
  // It doesn't know the key, and would prove itself otherwise.
  if (mode == ChannelMode.PreSharedKey && !(seen & SAW_PSK)) return Alert.HandshakeFailure;
  return 0;
}

/** 0: none that may be there. */
function bitOf(type: u32): u32 {
  if (type == ExtensionType.SupportedVersions) return SAW_VERSION;
  if (type == ExtensionType.KeyShare) return SAW_KEY_SHARE;
  return type == ExtensionType.PreSharedKey ? SAW_PSK : 0;
}

function readExtension(bit: u32, at: usize, length: u32, mode: u32): i32 {
  if (bit == SAW_VERSION) {
    if (length != 2) return Alert.DecodeError;
    return get16(at) == TLS_1_3 ? 0 : Alert.IllegalParameter;
  }
  if (bit == SAW_KEY_SHARE) {
    if (length < 4 || get16(at + 2) != length - 4) return Alert.DecodeError;
    if (get16(at) != GROUP_X25519 || length != 4 + 32) return Alert.IllegalParameter;
    serverKeyPtr = at + 4;
    return 0;
  }
  // Not asked for (§4.2).
  if (bit == 0 || mode != ChannelMode.PreSharedKey) return Alert.UnsupportedExtension;
  if (length != 2) return Alert.DecodeError;
  return get16(at) == 0 ? 0 : Alert.IllegalParameter; // of the identities that were offered
}

/** 0 or an Alert: what stands there must have been asked for (§4.2), and once. */
export function readEncryptedExtensions(message: usize, length: u32): i32 {
  if (length < 2 || get16(message) != length - 2) return Alert.DecodeError;
  const end = message + length;
  let sawFragment = false;
  let sawGroups = false;
  for (let at = message + 2; at != end; ) {
    if (at + 4 > end || at + 4 + get16(at + 2) > end) return Alert.DecodeError;
    const type = get16(at);
    const bytes = get16(at + 2);
    if (type == ExtensionType.MaxFragmentLength) {
      if (bytes != 1) return Alert.DecodeError;
      if (load<u8>(at, 4) != FRAGMENT_OF_4096 || sawFragment) return Alert.IllegalParameter;
      sawFragment = true;
    } else if (type == ExtensionType.SupportedGroups) {
      // What the server would rather have had; nothing is done about it (§4.2.7).
      if (sawGroups) return Alert.IllegalParameter;
      sawGroups = true;
    } else return Alert.UnsupportedExtension;
    at += 4 + bytes;
  }
  return 0;
}
