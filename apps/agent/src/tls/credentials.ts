// Whom a channel is for: how the server proves itself, and as whom the device speaks. Whoever opens connections keeps
// one of these up to date; it is read when a connection opens.

// biome-ignore format: a table, row by row
export namespace ChannelMode {
  export const Clear: u32 = 0;      // no TLS: bytes go as they are
  export const PreSharedKey: u32 = 1;
  export const PinnedKey: u32 = 2;  // a certificate of this Ed25519 key
}

export const IDENTITY_BYTES_MAX: u32 = 64;

export abstract class ChannelCredentials {
  mode: u32 = ChannelMode.Clear;
  /** PreSharedKey: the identity that is sent, in clear, at most IDENTITY_BYTES_MAX, and the key of 32 bytes. */
  identityPtr: usize = 0;
  identityLength: u32 = 0;
  keyPtr: usize = 0;
  /** PinnedKey: the server's public key, 32 bytes. */
  pinnedKeyPtr: usize = 0;

  /**
   * The server has proved itself, and nothing has been sent yet. `exporterSecret`: for `exportKey`, until this returns.
   */
  abstract onEstablished(exporterSecret: usize): void;
  /** The handshake ended by this alert of ours, or of the peer's (which before ServerHello anybody may have sent). */
  abstract onFailed(alert: i32, isPeers: bool): void;
}
