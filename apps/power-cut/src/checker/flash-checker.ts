// A second reader of flash, kept apart on purpose: a judge that shared code with the device would share its mistakes.
// What a device's flash says, read from its bytes alone. Written from docs/image-format.md and docs/boot-control.md: it
// shares no parser, no hash and no signature check with the boot loader or the agent.

import { type Verifier, verifierOf } from "#ed25519";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { base64url, sha256 as hash } from "@flipside/protocol/primitives";
import type { PageStore } from "../device/page-store.ts";
import { TrustChecker } from "./trust-checker.ts";

const PAGE_BYTES = 4096;

export type SlotStateName = "empty" | "candidate" | "confirmed" | "failed";
const stateNames: readonly SlotStateName[] = ["empty", "candidate", "confirmed", "failed"];

export interface SlotRecord {
  state: SlotStateName;
  tries: number;
  reason: number;
  digest: string;
}

/** One record of boot control ("Boot-control record"). */
export interface BootRecord {
  epoch: number;
  page: number;
  bootCounter: number;
  uncleanBoots: number;
  floor: number;
  active: 0 | 1;
  flags: number;
  slots: [SlotRecord, SlotRecord];
}

export interface StoredImage {
  digest: string;
  releaseSequence: number;
  securityCounter: number;
}

export interface CheckerOptions {
  layout: FlashLayout;
  pages: PageStore;
  product: string;
  hardware: { name: string; revision: number };
  /** Raw Ed25519 keys that may have signed an image, at any time of a story. */
  releaseKeys: readonly Uint8Array[];
  rootKeys: readonly Uint8Array[];
}

/** RFC 7797: the protected header of an image's signature and a dot, before the header's bytes. */
const imagePrefix = Buffer.from(
  `${base64url(Buffer.from('{"alg":"Ed25519","b64":false,"crit":["b64"],"typ":"flipside-image+jws"}'))}.`,
);

const sha256 = (bytes: Uint8Array): Buffer => Buffer.from(hash(bytes));

const keyOf = (raw: Uint8Array): { id: string; verifies: Verifier } => ({
  id: sha256(raw).subarray(0, 8).toString("hex"),
  verifies: verifierOf(raw),
});

export class FlashChecker {
  readonly trust: TrustChecker;
  readonly #options: CheckerOptions;
  readonly #keys: { id: string; verifies: Verifier }[];
  readonly #records = new Map<number, BootRecord | null>();
  readonly #images = new Map<string, StoredImage | null>();
  readonly #firstPages: PerZone<"bootControl" | "slotA" | "slotB", number>;
  readonly #slotPages: number;
  readonly #logPages: number;
  readonly #pagesPerSector: number;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.trust = new TrustChecker(options.layout, options.pages, options.rootKeys);
    const { zones, sectorBytes } = options.layout;
    this.#keys = options.releaseKeys.map(keyOf);
    this.#firstPages = {
      bootControl: zones.bootControl.offsetBytes / PAGE_BYTES,
      slotA: zones.slotA.offsetBytes / PAGE_BYTES,
      slotB: zones.slotB.offsetBytes / PAGE_BYTES,
    };
    this.#slotPages = zones.slotA.sizeBytes / PAGE_BYTES;
    this.#logPages = zones.bootControl.sizeBytes / PAGE_BYTES;
    this.#pagesPerSector = sectorBytes / PAGE_BYTES;
  }

  /** Another one that may have signed an image. */
  learnReleaseKey(raw: Uint8Array): void {
    const key = keyOf(raw);
    if (this.#keys.some(({ id }) => id === key.id)) return;
    this.#keys.push(key);
    this.#images.clear();
  }

  /** Forgets what was read: page numbers will get other meanings. */
  forget(): void {
    this.#records.clear();
    this.#images.clear();
    this.trust.forget();
  }

  /** The newest record by place, or undefined. Bits that are unstable count as they read when they read as new. */
  newestRecord(ids: Int32Array): BootRecord | undefined {
    let newest: BootRecord | undefined;
    for (let page = 0; page < this.#logPages; page++) {
      const record = this.#recordIn(ids[this.#firstPages.bootControl + page]!);
      if (!record || record.page !== page % this.#pagesPerSector) continue;
      if (
        !newest ||
        isAfter(record.epoch, newest.epoch) ||
        (record.epoch === newest.epoch && record.page > newest.page)
      )
        newest = record;
    }
    return newest;
  }

  /** Whether no page of boot control holds unstable bits. */
  logIsStable(ids: Int32Array): boolean {
    for (let page = 0; page < this.#logPages; page++)
      if (this.#options.pages.isUnstable(ids[this.#firstPages.bootControl + page]!)) return false;
    return true;
  }

  #recordIn(id: number): BootRecord | undefined {
    let record = this.#records.get(id);
    if (record === undefined) this.#records.set(id, (record = readRecord(this.#options.pages.bytes(id)) ?? null));
    return record ?? undefined;
  }

  /** The image that a slot holds, whole, signed, and for this device; undefined when it holds none. */
  imageIn(ids: Int32Array, slot: number): StoredImage | undefined {
    const first = slot === 0 ? this.#firstPages.slotA : this.#firstPages.slotB;
    const pages = ids.subarray(first, first + this.#slotPages);
    const key = pages.join();
    let image = this.#images.get(key);
    if (image === undefined) this.#images.set(key, (image = this.#readImage(pages) ?? null));
    return image ?? undefined;
  }

  /** Slots of which one has to boot: confirmed, at or above the floor, and read back whole. */
  bootableSlots(ids: Int32Array, record: BootRecord): number[] {
    return [0, 1].filter((slot) => {
      if (record.slots[slot]!.state !== "confirmed") return false;
      const image = this.imageIn(ids, slot);
      return (
        image !== undefined && image.securityCounter >= record.floor && image.digest === record.slots[slot]!.digest
      );
    });
  }

  #readImage(pages: Int32Array): StoredImage | undefined {
    const { layout, product, hardware } = this.#options;
    if (pages.some((id) => this.#options.pages.isUnstable(id))) return undefined;
    const slot = Buffer.concat([...pages].map((id) => this.#options.pages.bytes(id)));
    if (slot.toString("latin1", 0, 4) !== "FSIM" || slot.readUInt16LE(4) !== 1) return undefined;
    const headerBytes = slot.readUInt16LE(6);
    if (headerBytes < 8 || headerBytes > 2048) return undefined;
    const fields = new Map<number, Buffer>();
    for (let at = 8; at < headerBytes; ) {
      const length = slot.readUInt16LE(at + 2);
      fields.set(slot.readUInt16LE(at) & 0x7fff, slot.subarray(at + 4, at + 4 + length));
      at += 4 + ((length + 3) & ~3);
    }
    const [productField, hardwareField, sequenceField, counterField, payloadField] = [2, 3, 6, 7, 9].map((number) =>
      fields.get(number),
    );
    if (!productField || !hardwareField || !sequenceField || !counterField || !payloadField) return undefined;
    if (productField.toString() !== product || hardwareField.toString("utf8", 4) !== hardware.name) return undefined;
    if (hardware.revision < hardwareField.readUInt16LE(0) || hardware.revision > hardwareField.readUInt16LE(2))
      return undefined;

    // Signature block: 12 bytes, then entries of a key id and a signature.
    const header = slot.subarray(0, headerBytes);
    const signatures = slot.readUInt16LE(headerBytes + 8);
    const signed = Buffer.concat([imagePrefix, header]);
    let isSigned = false;
    for (let i = 0; i < signatures && i < 8; i++) {
      const entry = slot.subarray(headerBytes + 12 + 72 * i, headerBytes + 12 + 72 * (i + 1));
      const known = this.#keys.find(({ id }) => id === entry.toString("hex", 0, 8));
      if (known?.verifies(signed, entry.subarray(8))) isSigned = true;
    }
    if (!isSigned) return undefined;

    const [payloadBytes, chunkBytes, chunkCount] = [0, 4, 8].map((at) => payloadField.readUInt32LE(at)) as [
      number,
      number,
      number,
    ];
    const table = slot.subarray(PAGE_BYTES, PAGE_BYTES + 32 * chunkCount);
    if (!sha256(table).equals(payloadField.subarray(12, 44))) return undefined;
    const payloadOffset = Math.ceil((PAGE_BYTES + 32 * chunkCount) / layout.sectorBytes) * layout.sectorBytes;
    for (let i = 0; i < chunkCount; i++) {
      const end = Math.min(payloadBytes, (i + 1) * chunkBytes);
      if (
        !sha256(slot.subarray(payloadOffset + i * chunkBytes, payloadOffset + end)).equals(
          table.subarray(32 * i, 32 * i + 32),
        )
      )
        return undefined;
    }
    return {
      digest: sha256(header).toString("hex"),
      releaseSequence: sequenceField.readUInt32LE(0),
      securityCounter: counterField.readUInt32LE(0),
    };
  }
}

type PerZone<K extends string, V> = { [key in K]: V };

/** Epochs count up and wrap at 2^32 (RFC 1982). */
export const isAfter = (a: number, b: number): boolean => ((a - b) | 0) > 0;

function readRecord(page: Uint8Array): BootRecord | undefined {
  const bytes = Buffer.from(page.buffer, page.byteOffset, PAGE_BYTES);
  if (bytes.toString("latin1", 0, 4) !== "FSBC" || bytes.readUInt16LE(4) !== 1 || bytes.readUInt16LE(6) !== 160)
    return undefined;
  const check = sha256(bytes.subarray(0, 144));
  if (!bytes.subarray(144, 160).equals(check.subarray(0, 16))) return undefined;
  if (bytes.toString("latin1", 256, 260) !== "SEAL" || !bytes.subarray(260, 272).equals(check.subarray(0, 12)))
    return undefined;
  const slot = (at: number): SlotRecord => ({
    state: stateNames[bytes[at]!] ?? "empty",
    tries: bytes[at + 1]!,
    reason: bytes.readUInt16LE(at + 2),
    digest: bytes.toString("hex", at + 8, at + 40),
  });
  if (bytes[28]! > 1 || bytes[32]! > 3 || bytes[72]! > 3) return undefined;
  return {
    epoch: bytes.readUInt32LE(8),
    page: bytes.readUInt32LE(12),
    bootCounter: bytes.readUInt32LE(16),
    uncleanBoots: bytes.readUInt32LE(20),
    floor: bytes.readUInt32LE(24),
    active: bytes[28] as 0 | 1,
    flags: bytes[29]!,
    slots: [slot(32), slot(72)],
  };
}
