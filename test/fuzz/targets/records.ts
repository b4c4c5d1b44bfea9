// Records of the agent in flash, with arbitrary bytes in their zones: what is taken is what a plain reading of
// docs/image-format.md takes, and the agent can go on from there.
//
// Input: records of `stride` bytes one after the other; the checks are put right by `repair`, most of the time.

import { encodeFactoryRecord } from "@flipside/image-format";
import { agentGrants } from "@flipside/machine/grants";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { layout } from "./device-images.ts";
import { DeviceHost } from "./device-host.ts";
import { fuzzedIdentity } from "./formats.ts";
import { encodeJournalRecord, type JournalRecord, readJournal } from "./journal-records.ts";
import { bytesOf, sha256Of } from "./keys.ts";
import { madeRecord } from "./made-record.ts";

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
  check(
    calls: FuzzInstance["exports"],
    instance: FuzzInstance,
    host: DeviceHost,
    records: Map<number, Uint8Array>,
  ): void;
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
          if (
            Buffer.compare(
              sha256Of(bytes.subarray(0, checkedBytes)).subarray(0, 16),
              bytes.subarray(checkedBytes, checkedBytes + 16),
            ) === 0
          )
            records.set(place, bytes);
        }
        instance.restore(start);
        format.check(instance.exports, instance, host, records);
      },
    };
  };
}

const magicIs = (bytes: Uint8Array, magic: string): boolean =>
  Buffer.from(bytes.subarray(0, 4)).toString("latin1") === magic;

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

export const factoryRecord = openRecords({
  name: "factory",
  zone: "factory",
  recordBytes: 256,
  checkedBytes: 240,
  strideBytes: 256,
  recordsMax: 1,
  seeds: async () => {
    const good = await encodeFactoryRecord(fuzzedIdentity);
    // Of another form, and the check holds: magic, version, lengths.
    const changed = [
      [0, 0x47],
      [4, 2],
      [74, 0],
      [74, 49],
      [75, 33],
      [76, 33],
      [77, 49],
    ].map(([at, value]) => madeRecord(256, 240, "", (_, bytes) => bytes.set(good.with(at!, value!))));
    return [good, ...changed, new Uint8Array(256)];
  },
  dictionary: text("FSFA"),
  check(calls, _instance, _host, records) {
    const record = records.get(0);
    const taken = calls.factory!() === 1;
    if (
      taken &&
      (!record ||
        !magicIs(record, "FSFA") ||
        record[74]! < 1 ||
        record[74]! > 48 ||
        record[75]! > 32 ||
        record[76]! > 32 ||
        record[77]! > 48)
    )
      throw new Violation("a factory record is taken that the format does not allow");
  },
});

/** A check that does not hold. */
const spoilt = (record: Uint8Array): Uint8Array => record.map((byte, i) => (i === 127 ? byte ^ 1 : byte));

/** As in assembly/records.ts. */
const RUN = 9;

const journalRecord = (
  kind: JournalRecord["kind"],
  sector: number,
  name: string,
  run: number,
  number: number,
  idBytes = 8,
): Uint8Array =>
  encodeJournalRecord({
    kind,
    sector,
    digest: bytesOf(name),
    attempt: 1,
    slot: 1,
    abandoned: 0,
    stalled: 0,
    id: new Uint8Array(idBytes).fill(0x61),
    run,
    number,
    isReuse: false,
  });

export const journal = openRecords({
  name: "journal",
  zone: "journal",
  recordBytes: 128,
  checkedBytes: 112,
  strideBytes: 4096,
  recordsMax: layout.zones.journal.sizeBytes / 4096,
  seeds: async () => [
    journalRecord("begin", 0, "a", 3, 1),
    joined(
      journalRecord("begin", 0, "a", 3, 1),
      journalRecord("seal", 0, "a", 3, 1),
      journalRecord("seal", 1, "a", 3, 1),
    ),
    // Taken up again: what the older begin's seals say is void, wherever they lie.
    joined(
      journalRecord("begin", 1, "a", 4, 1),
      journalRecord("seal", 2, "a", 3, 1),
      journalRecord("begin", 0, "a", 3, 1),
      journalRecord("seal", 1, "a", 4, 1),
    ),
    joined(
      journalRecord("begin", 0, "a", 3, 1),
      journalRecord("seal", 1, "a", 3, 1),
      journalRecord("begin", 0, "b", 3, 2),
      journalRecord("seal", 2, "b", 3, 2),
    ),
    joined(
      journalRecord("seal", 1, "a", 3, 1),
      journalRecord("begin", 0, "a", 3, 1),
      journalRecord("seal", 1023, "a", 3, 1),
      journalRecord("seal", 1024, "a", 3, 1),
    ),
    // What may be mistaken for a seal of the newest begin: another number, another run, another image; a check that
    // does not hold.
    joined(journalRecord("seal", 5, "a", 3, 1), journalRecord("begin", 0, "a", 3, 1)),
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("seal", 2, "a", 3, 1)),
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("seal", 2, "a", 2, 2)),
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("seal", 2, "b", 3, 2)),
    joined(journalRecord("begin", 1, "a", 3, 2), spoilt(journalRecord("seal", 2, "a", 3, 2))),
    joined(journalRecord("begin", 1, "a", 3, 2), spoilt(journalRecord("begin", 2, "b", 3, 3))),
    // What may be mistaken for the newest begin; an id that is too long by one.
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("begin", 2, "b", 3, 1)),
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("begin", 2, "b", 3, 2)),
    joined(journalRecord("begin", 1, "a", 3, 2), journalRecord("begin", 2, "b", 2, 3)),
    joined(journalRecord("begin", 1, "a", 3, 1), journalRecord("begin", 2, "b", 3, 2, 49)),
    journalRecord("begin", 1, "a", 0, 0),
    joined(journalRecord("begin", 1, "a", 3, 1), journalRecord("seal", 2, "a", 3, 1, 49)),
    // Of a run that is still to come: boot control was lost.
    joined(journalRecord("begin", 3, "a", 12, 1), journalRecord("begin", 0, "b", 8, 1)),
  ],
  dictionary: text("FSJ2", "FSJS"),
  check(calls, instance, host) {
    const reading = readJournal(host.zone("journal"));
    const begin = reading?.begin;
    const sealedCount = reading?.sealedCount ?? 0;
    const begun = calls.loadJournal!();
    if (begun !== (begin ? 1 : 0)) throw new Violation("a journal is taken, or not, against the format");
    if (begin) {
      const at = calls.journalDigest!();
      if (
        Buffer.compare(instance.memory.subarray(at, at + 32), begin.digest) !== 0 ||
        calls.journalIdBytes!() !== begin.id.length
      )
        throw new Violation("the journal is of another image or deployment");
    }
    for (const sector of [0, 1, 2, 3, 1023, 1024, sealedCount - 1, sealedCount])
      if (sector >= 0 && (calls.isSealed!(sector) !== 0) !== sector < sealedCount)
        throw new Violation(`sector ${sector} is sealed, or not, against the journal`);
    const wentOn = calls.goOn!();
    // Two begins of one run have different numbers; a number that no device reaches may wrap.
    if (begin?.run === RUN && begin.number > 0xffff_0000) return;
    if (calls.loadJournal!() !== 1) throw new Violation("the zone can't be used any more");
    if (wentOn === 1 && !calls.isSealed!(1)) throw new Violation("what was sealed is not sealed when it is read again");
    if (wentOn === 2 && !calls.isSealed!(2)) throw new Violation("what was sealed is not sealed when it is read again");
  },
});
