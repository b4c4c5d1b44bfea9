// Numbers of TLS 1.3 (RFC 8446, appendix B; the registries at IANA).

// biome-ignore format: a table, row by row
export namespace ContentType {
  export const ChangeCipherSpec: u32 = 20;
  export const Alert: u32 = 21;
  export const Handshake: u32 = 22;
  export const ApplicationData: u32 = 23;
}

// biome-ignore format: a table, row by row
export namespace HandshakeType {
  export const ClientHello: u32 = 1;
  export const ServerHello: u32 = 2;
  export const NewSessionTicket: u32 = 4;
  export const EncryptedExtensions: u32 = 8;
  export const Certificate: u32 = 11;
  export const CertificateRequest: u32 = 13;
  export const CertificateVerify: u32 = 15;
  export const Finished: u32 = 20;
  export const KeyUpdate: u32 = 24;
}

// biome-ignore format: a table, row by row
export namespace ExtensionType {
  export const MaxFragmentLength: u32 = 1;       // RFC 6066 §4
  export const SupportedGroups: u32 = 10;
  export const SignatureAlgorithms: u32 = 13;
  export const PreSharedKey: u32 = 41;
  export const SupportedVersions: u32 = 43;
  export const PskKeyExchangeModes: u32 = 45;
  export const KeyShare: u32 = 51;
}

/** AlertDescription (§6). Those that this client sends, and 0. */
// biome-ignore format: a table, row by row
export namespace Alert {
  export const CloseNotify: i32 = 0;
  export const UnexpectedMessage: i32 = 10;
  export const BadRecordMac: i32 = 20;
  export const RecordOverflow: i32 = 22;
  export const HandshakeFailure: i32 = 40;
  export const BadCertificate: i32 = 42;
  export const IllegalParameter: i32 = 47;
  export const DecodeError: i32 = 50;
  export const DecryptError: i32 = 51;
  export const ProtocolVersion: i32 = 70;
  export const InternalError: i32 = 80;
  export const MissingExtension: i32 = 109;
  export const UnsupportedExtension: i32 = 110;
}
export const ALERT_FATAL: u32 = 2;

export const RECORD_HEADER_BYTES: u32 = 5;
export const HANDSHAKE_HEADER_BYTES: u32 = 4;
export const RANDOM_BYTES: u32 = 32;
export const LEGACY_VERSION: u32 = 0x0303;
export const TLS_1_3: u32 = 0x0304;
/** TLS_CHACHA20_POLY1305_SHA256 */
export const CIPHER_SUITE: u32 = 0x1303;
export const GROUP_X25519: u32 = 29;
export const SIGNATURE_ED25519: u32 = 0x0807;
/** psk_dhe_ke: without a key exchange of its own, who learns the key later reads what was said before (§4.2.9) */
export const PSK_WITH_KEY_EXCHANGE: u32 = 1;
/** Of MaxFragmentLength: 2^12 bytes. */
export const FRAGMENT_OF_4096: u32 = 4;
export const FRAGMENT_BYTES_MAX: u32 = 4096;
