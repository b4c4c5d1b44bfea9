// Records of the update's journal, and which of them count, by a plain reading of docs/image-format.md, "Journal".

import { madeRecord } from "./made-record.ts";
import { sha256Of } from "./keys.ts";

export const RECORD_BYTES = 128;
export const CHECKED_BYTES = 112;
export const STRIDE_BYTES = 4096;
export const ID_BYTES_MAX = 48;

export interface JournalRecord {
  kind: "begin" | "seal";
  /** Seal: which sector of the slot. Begin: how many of the first ones are sealed. */
  sector: number;
  digest: Uint8Array;
  attempt: number;
  slot: number;
  /** Beginnings in a row that came to nothing before this image was begun, and of this image. */
  abandoned: number;
  stalled: number;
  id: Uint8Array;
  run: number;
  number: number;
  isReuse: boolean;
}

export const encodeJournalRecord = (record: JournalRecord): Uint8Array =>
  madeRecord(RECORD_BYTES, CHECKED_BYTES, record.kind === "begin" ? "FSJ2" : "FSJS", (view, bytes) => {
    view.setUint32(4, record.sector, true);
    bytes.set(record.digest, 8);
    view.setUint32(40, record.attempt, true);
    bytes.set([record.slot, record.id.length, Math.min(record.abandoned, 255), Math.min(record.stalled, 255)], 44);
    bytes.set(record.id, 48);
    view.setUint32(96, record.run, true);
    view.setUint32(100, record.number, true);
    bytes[104] = record.isReuse ? 1 : 0;
  });

/** What 128 bytes say; undefined when they are no record. */
export function decodeJournalRecord(bytes: Uint8Array): JournalRecord | undefined {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  const check = sha256Of(bytes.subarray(0, CHECKED_BYTES)).subarray(0, 16);
  if (
    (magic !== "FSJ2" && magic !== "FSJS") ||
    bytes[45]! > ID_BYTES_MAX ||
    Buffer.compare(check, bytes.subarray(CHECKED_BYTES, RECORD_BYTES)) !== 0
  )
    return undefined;
  const word = (at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  return {
    kind: magic === "FSJ2" ? "begin" : "seal",
    sector: word(4),
    digest: bytes.slice(8, 40),
    attempt: word(40),
    slot: bytes[44]!,
    abandoned: bytes[46]!,
    stalled: bytes[47]!,
    id: bytes.slice(48, 48 + bytes[45]!),
    run: word(96),
    number: word(100),
    isReuse: bytes[104] === 1,
  };
}

export interface JournalReading {
  /**
   * The newest, and the page that it lies in. Of two with one number, which no device writes, the one that lies first.
   */
  begin: JournalRecord;
  page: number;
  sealedCount: number;
}

/** What a whole zone says; undefined: nothing was begun. */
export function readJournal(zone: Uint8Array): JournalReading | undefined {
  const records = Array.from({ length: zone.length / STRIDE_BYTES }, (_, page) =>
    decodeJournalRecord(zone.subarray(page * STRIDE_BYTES, page * STRIDE_BYTES + RECORD_BYTES)),
  );
  let page = -1;
  records.forEach((record, at) => {
    if (record?.kind !== "begin") return;
    const newest = records[page];
    if (!newest || record.run > newest.run || (record.run === newest.run && record.number > newest.number)) page = at;
  });
  const begin = records[page];
  if (!begin) return undefined;
  const seals = records.filter(
    (record) =>
      record?.kind === "seal" &&
      record.run === begin.run &&
      record.number === begin.number &&
      Buffer.compare(record.digest, begin.digest) === 0,
  );
  return {
    begin,
    page,
    sealedCount: seals.reduce((most, seal) => Math.max(most, (seal!.sector + 1) >>> 0), begin.sector),
  };
}
