// Whom a channel is for: how the server proves itself, and as whom the device speaks. Which of it holds,
// a connection's host says: `tls:` before it is a pre-shared key, `pin:` a pinned one, neither is no TLS.

import { PINNED_HOST_PREFIX, TLS_HOST_PREFIX } from "../agent-format";
import { asciiBytes } from "../text/constant";
import { compareBytes } from "../compare";

// biome-ignore format: a table, row by row
export namespace ChannelMode {
  export const Clear: u32 = 0;      // no TLS: bytes go as they are
  export const PreSharedKey: u32 = 1;
  export const PinnedKey: u32 = 2;  // a certificate of a key that is known
}

/** Of both prefixes. */
export const HOST_PREFIX_BYTES: u32 = 4;
const tlsPrefix: usize = asciiBytes(TLS_HOST_PREFIX);
const pinnedPrefix: usize = asciiBytes(PINNED_HOST_PREFIX);

/** A ChannelMode: how a host, as settings name it, is to be spoken to. But for Clear it has a prefix. */
export function channelModeOf(host: usize, length: u32): u32 {
  if (length <= HOST_PREFIX_BYTES) return ChannelMode.Clear;
  if (compareBytes(host, tlsPrefix, HOST_PREFIX_BYTES) == 0) return ChannelMode.PreSharedKey;
  return compareBytes(host, pinnedPrefix, HOST_PREFIX_BYTES) == 0 ? ChannelMode.PinnedKey : ChannelMode.Clear;
}

export abstract class ChannelCredentials {
  /** PreSharedKey: the identity that is sent, in clear, at most 64 bytes, and the key of 32 bytes. */
  identityPtr: usize = 0;
  identityLength: u32 = 0;
  keyPtr: usize = 0;
  /** PinnedKey: the server's public key, 32 bytes. */
  pinnedKeyPtr: usize = 0;

  /** A connection of this ChannelMode opens: what is above has to be right now. */
  abstract onOpen(mode: u32): void;
  /**
   * The server has proved itself, and nothing has been sent yet. `exporterSecret`: for `exportKey`, until this returns.
   */
  abstract onEstablished(exporterSecret: usize): void;
  /** The handshake ended by this alert of ours, or of the peer's (which before ServerHello anybody may have sent). */
  abstract onFailed(alert: i32, isPeers: bool): void;
}
