// One direction's record protection (RFC 8446 §5.2, §5.3, §7.3), with ChaCha20-Poly1305.

import { put16, put8 } from "../big-endian";
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES, aeadOpen, aeadSeal, SHA256_BYTES } from "../crypto";
import { expand, Label } from "./key-schedule";
import { ContentType, LEGACY_VERSION, RECORD_HEADER_BYTES } from "./wire";

const labelKey = new Label("key");
const labelIv = new Label("iv");
const labelUpdate = new Label("traffic upd");
const nonce: usize = memory.data(12, 4);

/** What a sealed record is longer than its content: header, type, tag. */
export const SEALED_BYTES_MORE: u32 = RECORD_HEADER_BYTES + 1 + <u32>AEAD_TAG_BYTES;

export class TrafficKeys {
  /** The traffic secret; whoever sets it calls `begin`. */
  readonly secret: usize = heap.alloc(SHA256_BYTES);
  private key: usize = heap.alloc(AEAD_KEY_BYTES);
  private iv: usize = heap.alloc(AEAD_NONCE_BYTES);
  /** Counts records; 2^64 of them are not reached (§5.5). */
  private sequence: u64 = 0;

  /** Key and IV of the secret, from record 0 on. */
  begin(): void {
    expand(this.secret, labelKey, 0, 0, this.key, AEAD_KEY_BYTES);
    expand(this.secret, labelIv, 0, 0, this.iv, AEAD_NONCE_BYTES);
    this.sequence = 0;
  }

  /** The next generation (§7.2), after KeyUpdate. */
  update(): void {
    expand(this.secret, labelUpdate, 0, 0, this.secret, SHA256_BYTES);
    this.begin();
  }

  /**
   * Makes the record of `length` bytes that lie RECORD_HEADER_BYTES behind `record`, where it stands; its whole length,
   * SEALED_BYTES_MORE more.
   */
  seal(record: usize, type: u32, length: u32): u32 {
    const content = record + RECORD_HEADER_BYTES;
    store<u8>(content + length, type);
    put16(put16(put8(record, ContentType.ApplicationData), LEGACY_VERSION), length + 1 + <u32>AEAD_TAG_BYTES);
    this.nextNonce();
    aeadSeal(this.key, nonce, record, RECORD_HEADER_BYTES, content, length + 1, content + length + 1);
    return SEALED_BYTES_MORE + length;
  }

  /**
   * Opens a record in place; `length` is its header's. How many bytes lie behind the header now, the last of them being
   * no padding: the content's type; 0 where there is nothing but padding, -1 where it is not authentic.
   */
  open(record: usize, length: u32): i32 {
    if (length < <u32>AEAD_TAG_BYTES) return -1;
    const content = record + RECORD_HEADER_BYTES;
    let bytes: u32 = length - <u32>AEAD_TAG_BYTES;
    this.nextNonce();
    if (!aeadOpen(this.key, nonce, record, RECORD_HEADER_BYTES, content, bytes, content + bytes)) return -1;
    while (bytes != 0 && load<u8>(content + bytes - 1) == 0) bytes--;
    return bytes;
  }

  wipe(): void {
    memory.fill(this.secret, 0, SHA256_BYTES);
    memory.fill(this.key, 0, AEAD_KEY_BYTES);
    memory.fill(this.iv, 0, AEAD_NONCE_BYTES);
  }

  private nextNonce(): void {
    memory.copy(nonce, this.iv, AEAD_NONCE_BYTES);
    store<u64>(nonce, load<u64>(nonce, 4) ^ bswap<u64>(this.sequence++), 4);
  }
}
