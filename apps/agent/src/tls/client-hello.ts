// ClientHello (RFC 8446 §4.1.2): one suite, one group, one way for the server to prove itself. No session id, so no
// compatibility with middleboxes (appendix D.4), and no server name.

import { put16, put24, put8, putBytes } from "../big-endian";
import { ChannelCredentials, ChannelMode } from "./credentials";
import { KeySchedule } from "./key-schedule";
import { Transcript } from "./transcript";
import {
  CIPHER_SUITE,
  ExtensionType,
  FRAGMENT_OF_4096,
  GROUP_X25519,
  HandshakeType,
  LEGACY_VERSION,
  PSK_WITH_KEY_EXCHANGE,
  RANDOM_BYTES,
  SIGNATURE_ED25519,
  TLS_1_3,
} from "./wire";

const BINDER_BYTES: u32 = 32;
/** Length of the list, then of its one binder. */
const BINDERS_BYTES: u32 = 2 + 1 + BINDER_BYTES;

const hash: usize = memory.data(32);

/**
 * Writes the message, with its header; its length. With a pre-shared key `schedule` holds the early secret, and
 * `transcript` is empty; the message is not added to it.
 */
export function writeClientHello(
  out: usize,
  random: usize,
  publicKey: usize,
  mode: u32,
  credentials: ChannelCredentials,
  schedule: KeySchedule,
  transcript: Transcript,
): u32 {
  let at = out + 4;
  at = put16(at, LEGACY_VERSION);
  at = putBytes(at, random, RANDOM_BYTES);
  at = put8(at, 0); // legacy_session_id
  at = put16(put16(at, 2), CIPHER_SUITE);
  at = put16(at, 0x0100); // legacy_compression_methods: null
  const extensions = at;
  at += 2;
  at = putOneOf(at, ExtensionType.SupportedVersions, 1, TLS_1_3);
  at = putOneOf(at, ExtensionType.SupportedGroups, 2, GROUP_X25519);
  at = putHeader(at, ExtensionType.KeyShare, 2 + 4 + 32);
  at = put16(put16(put16(at, 4 + 32), GROUP_X25519), 32);
  at = putBytes(at, publicKey, 32);
  at = put8(putHeader(at, ExtensionType.MaxFragmentLength, 1), FRAGMENT_OF_4096);
  if (mode == ChannelMode.PinnedKey) {
    at = putOneOf(at, ExtensionType.SignatureAlgorithms, 2, SIGNATURE_ED25519);
    return finish(out, extensions, at);
  }
  at = put8(put8(putHeader(at, ExtensionType.PskKeyExchangeModes, 2), 1), PSK_WITH_KEY_EXCHANGE);
  // The last one (§4.2.11): its binder is over all that is before the binders.
  const identityLength = credentials.identityLength;
  at = putHeader(at, ExtensionType.PreSharedKey, 2 + 2 + identityLength + 4 + BINDERS_BYTES);
  at = put16(put16(at, 2 + identityLength + 4), identityLength);
  at = putBytes(at, credentials.identityPtr, identityLength);
  at = put16(put16(at, 0), 0); // obfuscated_ticket_age: 0 for external keys
  const binders = at;
  at = put8(put16(at, 1 + BINDER_BYTES), BINDER_BYTES) + BINDER_BYTES;
  const length = finish(out, extensions, at);
  transcript.hashWith(out, <u32>(binders - out), hash);
  schedule.binder(hash, binders + 3);
  return length;
}

function finish(out: usize, extensions: usize, end: usize): u32 {
  put16(extensions, <u32>(end - extensions) - 2);
  const length = <u32>(end - out);
  put24(put8(out, HandshakeType.ClientHello), length - 4);
  return length;
}

function putHeader(at: usize, type: u32, length: u32): usize {
  return put16(put16(at, type), length);
}

/** A list of one number of two bytes, its length in `lengthBytes` (1 or 2). */
function putOneOf(at: usize, type: u32, lengthBytes: u32, value: u32): usize {
  at = putHeader(at, type, lengthBytes + 2);
  return put16(lengthBytes == 1 ? put8(at, 2) : put16(at, 2), value);
}
