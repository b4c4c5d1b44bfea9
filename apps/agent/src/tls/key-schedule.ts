// The key schedule of RFC 8446 §7.1, for SHA-256:
//
//   0 or PSK ─► early secret ─ "derived" ─► X25519 ─► handshake secret ─ "derived" ─► 0 ─► main secret
//
// A secret is 32 bytes. Tested by the traces of RFC 8448.

import { HMAC_SHA256_CONTEXT_BYTES, hkdfExpandLabel, hkdfExtract, hmacSha256, SHA256_BYTES, sha256 } from "../crypto";
import { asciiBytes } from "../text/constant";

/** A label as the RFC writes it, without "tls13 ". */
export class Label {
  readonly ptr: usize;
  readonly length: u32;

  constructor(text: string) {
    this.ptr = asciiBytes(text);
    this.length = text.length;
  }
}

const derived = new Label("derived");
const externalBinder = new Label("ext binder");
const finished = new Label("finished");
const exporter = new Label("exporter");

const zeros: usize = memory.data(32);
const emptyHash: usize = memory.data(32);
const work: usize = memory.data(64);
const context: usize = heap.alloc(HMAC_SHA256_CONTEXT_BYTES);

export class KeySchedule {
  /** The secret that was reached: early, handshake, main. */
  readonly secret: usize = heap.alloc(SHA256_BYTES);

  /** The early secret of a key of 32 bytes, or of none (0). */
  begin(preSharedKey: usize): void {
    sha256(0, 0, emptyHash);
    hkdfExtract(zeros, SHA256_BYTES, preSharedKey == 0 ? zeros : preSharedKey, SHA256_BYTES, this.secret);
  }

  /** On to the next secret, with what both sides share (32 bytes), or with nothing (0). */
  next(shared: usize): void {
    this.derive(derived, emptyHash, work);
    hkdfExtract(work, SHA256_BYTES, shared == 0 ? zeros : shared, SHA256_BYTES, this.secret);
    memory.fill(work, 0, SHA256_BYTES);
  }

  /** Derive-Secret: writes the secret of this label over a transcript's hash. */
  derive(label: Label, transcriptHash: usize, out: usize): void {
    expand(this.secret, label, transcriptHash, SHA256_BYTES, out, SHA256_BYTES);
  }

  /** The binder (§4.2.11.2) over the hash of a ClientHello up to its binders, from the early secret. */
  binder(helloHash: usize, out: usize): void {
    this.derive(externalBinder, emptyHash, work + SHA256_BYTES);
    finishedMac(work + SHA256_BYTES, helloHash, out);
    memory.fill(work + SHA256_BYTES, 0, SHA256_BYTES);
  }

  wipe(): void {
    memory.fill(this.secret, 0, SHA256_BYTES);
  }
}

/** verify_data of Finished (§4.4.4) by a side's traffic secret. */
export function finishedMac(secret: usize, transcriptHash: usize, out: usize): void {
  expand(secret, finished, 0, 0, work, SHA256_BYTES);
  hmacSha256(context, work, SHA256_BYTES, transcriptHash, SHA256_BYTES, out);
  memory.fill(work, 0, SHA256_BYTES);
}

/** TLS-Exporter (§7.5) of 32 bytes, without a context, from the exporter's main secret. */
export function exportKey(exporterSecret: usize, label: Label, out: usize): void {
  expand(exporterSecret, label, emptyHash, SHA256_BYTES, work, SHA256_BYTES);
  expand(work, exporter, emptyHash, SHA256_BYTES, out, SHA256_BYTES);
  memory.fill(work, 0, SHA256_BYTES);
}

/** HKDF-Expand-Label */
export function expand(secret: usize, label: Label, ptr: usize, length: usize, out: usize, outBytes: usize): void {
  hkdfExpandLabel(secret, label.ptr, label.length, ptr, length, out, outBytes);
}
