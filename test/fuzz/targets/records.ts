// Records of the agent in flash, with arbitrary bytes in their zones: what is taken is what a plain reading of
// docs/image-format.md takes, and the agent can go on from there.
//
// Input: records of `stride` bytes one after the other; the checks are put right by `repair`, most of the time.

import { encodeFactoryRecord } from "@flipside/image-format";
import { agentGrants } from "../../../apps/agent/hosts/node/grants.ts";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { layout } from "./device-images.ts";
import { DeviceHost } from "./device-host.ts";
import { fuzzedIdentity } from "./formats.ts";
import { bytesOf, sha256Of } from "./keys.ts";

interface Records {
  name: string;
  zone: "factory" | "journal";
  recordBytes: number;
  checkedBytes: number;
  /** From one record's place in the zone to the next. */
  strideBytes: number;
  recordsMax: number;
  seeds(): Promise<Uint8Array[]>;
  dictionary: Uint8Array[];
  /** Runs the reader; `records` are those whose check holds, by place. */
  check(calls: FuzzInstance["exports"], instance: FuzzInstance, host: DeviceHost, records: Map<number, Uint8Array>): void;
}

function openRecords(format: Records): OpenTarget {
  return async (patches: Patch[] = []): Promise<Target> => {
    const fuzzed = await compileForFuzzing(assemblyEntry("records"), 1, patches);
    const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
    const instance: FuzzInstance = new FuzzInstance(fuzzed, () => host.imports);
    const start = instance.save();
    const zone = host.zone(format.zone);
    const { recordBytes, checkedBytes } = format;
    return {
      name: format.name,
      instance,
      inputBytesMax: recordBytes * format.recordsMax,
      seeds: await format.seeds(),
      dictionary: format.dictionary,
      share: 0.005,
      repair(draft) {
        for (let at = 0; at + recordBytes <= draft.length; at += recordBytes) {
          draft.bytes.set(sha256Of(draft.bytes.subarray(at, at + checkedBytes)).subarray(0, 16), at + checkedBytes);
        }
      },
      run(input) {
        zone.fill(0xff);
        host.zone("bootControl").fill(0xff);
        const records = new Map<number, Uint8Array>();
        for (let at = 0; at < input.length; at += recordBytes) {
          const place = at / recordBytes;
          const bytes = new Uint8Array(recordBytes).fill(0xff);
          bytes.set(input.subarray(at, at + recordBytes));
          zone.set(bytes, place * format.strideBytes);
          if (Buffer.compare(sha256Of(bytes.subarray(0, checkedBytes)).subarray(0, 16), bytes.subarray(checkedBytes, checkedBytes + 16)) === 0) records.set(place, bytes);
        }
        instance.restore(start);
        format.check(instance.exports, instance, host, records);
      },
    };
  };
}

const word = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
const magicIs = (bytes: Uint8Array, magic: string): boolean => Buffer.from(bytes.subarray(0, 4)).toString("latin1") === magic;

export function madeRecord(recordBytes: number, checkedBytes: number, magic: string, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = new Uint8Array(recordBytes);
  bytes.set(Buffer.from(magic));
  fill(new DataView(bytes.buffer), bytes);
  bytes.set(sha256Of(bytes.subarray(0, checkedBytes)).subarray(0, 16), checkedBytes);
  return bytes;
}
const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

export const factoryRecord = openRecords({
  name: "factory",
  zone: "factory", recordBytes: 256, checkedBytes: 240, strideBytes: 256, recordsMax: 1,
  seeds: async () => [await encodeFactoryRecord(fuzzedIdentity), new Uint8Array(256)],
  dictionary: text("FSFA"),
  check(calls, _instance, _host, records) {
    const record = records.get(0);
    const taken = calls.factory!() === 1;
    if (taken && (!record || !magicIs(record, "FSFA") || record[74]! < 1 || record[74]! > 48 || record[75]! > 32 || record[76]! > 32 || record[77]! > 48)) throw new Violation("a factory record is taken that the format does not allow");
  },
});

const journalRecord = (magic: "FSJB" | "FSJS", sector: number, name: string): Uint8Array =>
  madeRecord(128, 112, magic, (view, bytes) => {
    view.setUint32(4, sector, true);
    bytes.set(bytesOf(name), 8);
    view.setUint32(40, 1, true);
    bytes[44] = 1;
    bytes[45] = 8;
    bytes.set(Buffer.from("deploy-1"), 48);
  });

export const journal = openRecords({
  name: "journal",
  zone: "journal", recordBytes: 128, checkedBytes: 112, strideBytes: 4096, recordsMax: layout.zones.journal.sizeBytes / 4096,
  seeds: async () => [
    journalRecord("FSJB", 0, "a"), joined(journalRecord("FSJB", 0, "a"), journalRecord("FSJS", 0, "a"), journalRecord("FSJS", 1, "a")),
    joined(journalRecord("FSJB", 0, "a"), journalRecord("FSJS", 1, "a"), journalRecord("FSJB", 0, "b"), journalRecord("FSJS", 2, "b")),
    joined(journalRecord("FSJS", 1, "a"), journalRecord("FSJB", 0, "a"), journalRecord("FSJS", 1023, "a"), journalRecord("FSJS", 1024, "a")),
  ],
  dictionary: text("FSJB", "FSJS"),
  check(calls, instance, _host, records) {
    let digest: Uint8Array | undefined;
    let sealedCount = 0;
    let idBytes = 0;
    for (const place of [...records.keys()].sort((a, b) => a - b)) {
      const r = records.get(place)!;
      const image = r.subarray(8, 40);
      const same = digest !== undefined && Buffer.compare(digest, image) === 0;
      if (magicIs(r, "FSJB") && r[45]! <= 48) {
        sealedCount = word(r, 4);
        digest = image;
        idBytes = r[45]!;
      } else if (magicIs(r, "FSJS") && same) sealedCount = Math.max(sealedCount, (word(r, 4) + 1) >>> 0);
    }
    const begun = calls.loadJournal!();
    if (begun !== (digest ? 1 : 0)) throw new Violation("a journal is taken, or not, against the format");
    if (digest) {
      const at = calls.journalDigest!();
      if (Buffer.compare(instance.memory.subarray(at, at + 32), digest) !== 0 || calls.journalIdBytes!() !== idBytes) throw new Violation("the journal is of another image or deployment");
    }
    for (const sector of [0, 1, 2, 3, 1023, 1024, sealedCount - 1, sealedCount]) if (sector >= 0 && (calls.isSealed!(sector) !== 0) !== (sector < sealedCount)) throw new Violation(`sector ${sector} is sealed, or not, against the journal`);
    calls.goOn!();
    if (calls.loadJournal!() < 0) throw new Violation("the zone can't be used any more");
  },
});
