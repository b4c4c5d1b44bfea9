// A second reader of trust records, kept apart from the device's on purpose, as flash-checker.ts is.
// Which trust records a flash holds, read from its bytes alone, as docs/image-format.md ("Trust chain") and
// docs/boot-control.md ("Two copies") have it.

import { verifierOf } from "#ed25519";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { base64url, sha256 } from "@flipside/protocol/primitives";
import type { PageStore } from "../device/page-store.ts";

const PAGE_BYTES = 4096;
const CHAIN_BYTES_MAX = 8192;
const FLUX_FLAG_OF_A = 8;

/** RFC 7797: what precedes a link's body in the signing input. */
const prefix = Buffer.from(
  `${base64url(Buffer.from('{"alg":"Ed25519","b64":false,"crit":["b64"],"typ":"flipside-trust+jws"}'))}.`,
);
const keyId = (key: Uint8Array): string => Buffer.from(sha256(key)).toString("hex", 0, 8);

export class TrustChecker {
  readonly #layout: FlashLayout;
  readonly #pages: PageStore;
  readonly #roots: readonly Uint8Array[];
  readonly #versions = new Map<string, number>();

  constructor(layout: FlashLayout, pages: PageStore, roots: readonly Uint8Array[]) {
    this.#layout = layout;
    this.#pages = pages;
    this.#roots = roots;
  }

  /** Version of the newest copy that holds, reads the same each time, and is not in flux; 0: there is none. */
  goodVersion(ids: Int32Array, flags: number): number {
    return Math.max(...[0, 1].map((copy) => (flags & (FLUX_FLAG_OF_A << copy) ? 0 : this.#versionOf(ids, copy))));
  }

  forget(): void {
    this.#versions.clear();
  }

  /** Both copies hold the same version. */
  areEqual(ids: Int32Array): boolean {
    return this.#versionOf(ids, 0) === this.#versionOf(ids, 1);
  }

  #versionOf(ids: Int32Array, copy: number): number {
    const { offsetBytes } = this.#layout.zones.trust;
    const first = (offsetBytes + copy * this.#layout.sectorBytes) / PAGE_BYTES;
    const pages = ids.subarray(first, first + CHAIN_BYTES_MAX / PAGE_BYTES);
    const key = pages.join();
    let version = this.#versions.get(key);
    if (version === undefined) {
      const isStable = !pages.some((id) => this.#pages.isUnstable(id));
      version = isStable ? readVersion(Buffer.concat([...pages].map((id) => this.#pages.bytes(id))), this.#roots) : 0;
      this.#versions.set(key, version);
    }
    return version;
  }
}

/** The version of a chain whose every link is signed as it must be; 0 for anything else. */
function readVersion(bytes: Buffer, roots: readonly Uint8Array[]): number {
  if (bytes.toString("latin1", 0, 4) !== "FSTC") return 0;
  const end = bytes.readUInt32LE(4);
  if (end > bytes.length) return 0;
  let signers = roots.map((key) => key);
  let threshold = Math.floor(roots.length / 2) + 1;
  let at = 12;
  let version = 0;
  for (let link = 0; link < bytes.readUInt16LE(8); link++) {
    if (at + 16 > end || bytes.toString("latin1", at, at + 4) !== "FSTR") return 0;
    const body = bytes.subarray(at, at + bytes.readUInt16LE(at + 6));
    version = body.readUInt32LE(8);
    if (version !== link + 1) return 0;
    const block = bytes.subarray(at + body.length);
    const count = block.readUInt16LE(8);
    const signed = new Set<string>();
    for (let i = 0; i < count; i++) {
      const entry = block.subarray(12 + 72 * i, 12 + 72 * (i + 1));
      const signer = signers.find((key) => keyId(key) === entry.toString("hex", 0, 8));
      if (signer && verifierOf(signer)(Buffer.concat([prefix, body]), entry.subarray(8))) signed.add(keyId(signer));
    }
    if (signed.size < threshold) return 0;
    threshold = body[12]!;
    signers = Array.from({ length: body[13]! }, (_, i) => body.subarray(16 + 32 * i, 48 + 32 * i));
    at += body.length + 12 + 72 * count;
  }
  return at === end ? version : 0;
}
