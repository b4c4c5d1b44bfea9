// The update's journal over many runs of the device, on flash that fails, fades and forgets, and the budget of
// beginnings that it keeps: after every step the device thinks what a model of docs/image-format.md ("Journal") and
// docs/protocol.md ("Put off") says, and has tried nothing else with flash: no erase too many, none of the sector that
// counts, records exactly as they are described.
//
// Input: u8 sectors of the zone, u8 their pages, u8 the first run's number; then steps of 4 bytes, see `Step`.

import { SlotState } from "@flipside/image-format";
import { agentGrants } from "@flipside/machine/grants";
import { Zone } from "@flipside/machine/abi";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { expectSame, type OpenTarget, Violation } from "../engine/target.ts";
import { DeviceHost } from "./device-host.ts";
import { layout } from "./device-images.ts";
import { FaultyZone } from "./faulty-zone.ts";
import {
  CHECKED_BYTES,
  encodeJournalRecord,
  type JournalRecord,
  readJournal,
  RECORD_BYTES,
  STRIDE_BYTES,
} from "./journal-records.ts";
import { bytesOf, sha256Of } from "./keys.ts";
import { changeStep, stepsIn, times } from "./steps.ts";

/** With three bytes each. */
const enum Step {
  /** Bits 0 and 1: of which image, 2: in which slot, 3: it lay there already; length of the deployment id. */
  Begin,
  /** What the journal is for; -; length of the deployment id. */
  Resume,
  Seal,
  /**
   * Bits 0 and 1: one of a new log, of a counter that is set back, that stands still, or one further on; by how much;
   * what of the zone can be read.
   */
  Restart,
  /** Unit, and how many. */
  Time,
  /** Which of the next sixteen operations are not done; what they leave. */
  FailNext,
  /** A sector can't be erased, or a page not programmed, until it comes again. */
  Worn,
  /**
   * A page, 255: that of the newest begin; what its byte is changed by; which, 128 and more: and the check is put
   * right.
   */
  Fade,
  /** Which image runs; its state. */
  Runs,
  SealMany,
  /** One of the last records reads as it did when it was written. */
  Return,
  Count,
}
const STEP_BYTES = 4;
const HEAD_BYTES = 3;
const STEPS_MAX = 60;
const IMAGES = 4;
const images = Array.from({ length: IMAGES }, (_, i) => bytesOf(`image ${i}`));
const HOUR_US = 3_600_000_000;
/** Pages that a seal is tried in. */
const SEAL_PAGES = 4;

/** What a run of the device knows, by the documents. */
class Model {
  newest: JournalRecord | undefined;
  /** Page of the newest begin. */
  page = 0;
  sealed = 0;
  sealedBefore = 0;
  /** RAM's, not bounded as a record's are. */
  abandoned = 0;
  stalled = 0;
  /** Where the next record of this run goes, in a sector that it has erased; undefined: none is. */
  next: number | undefined;
  /** The run began with a boot counter that a record of the zone may be ahead of. */
  isOutdated = false;
  lastUs = 0;
  /** Of the last begin that was tried, or read: its run and number. */
  #lastOf = { run: 0, number: 0 };
  #tried = 0;

  constructor(
    readonly zone: FaultyZone,
    readonly run: number,
  ) {}

  get pagesPerSector(): number {
    return this.zone.sectorBytes / STRIDE_BYTES;
  }
  get sectors(): number {
    return this.zone.bytes.length / this.zone.sectorBytes;
  }

  start(isLogNew: boolean, nowUs: number): void {
    const reading = readJournal(this.zone.bytes);
    this.newest = reading?.begin;
    this.page = reading?.page ?? 0;
    this.sealed = reading?.sealedCount ?? 0;
    this.sealedBefore = reading?.begin.sector ?? 0;
    this.abandoned = reading?.begin.abandoned ?? 0;
    this.stalled = reading?.begin.stalled ?? 0;
    this.isOutdated = isLogNew || (reading?.begin.run ?? 0) > this.run;
    this.lastUs = nowUs;
  }

  /** The device's next attempt has to be this one; whether it was done. */
  #tries(kind: "erase" | "program", at: number, bytes?: Uint8Array): boolean {
    const attempt = this.zone.attempts[this.#tried++];
    if (attempt?.kind !== kind || attempt.at !== at) {
      throw new Violation(
        `the journal tries ${attempt ? `to ${attempt.kind} at ${attempt.at}` : "nothing"}, not to ${kind} at ${at}`,
      );
    }
    if (bytes && Buffer.compare(attempt.bytes!, bytes) !== 0)
      throw new Violation("a record of the journal is not what the format says");
    return attempt.isDone;
  }
  #erases(sector: number): boolean {
    return this.#tries("erase", sector * this.zone.sectorBytes);
  }
  #programs(page: number, record: JournalRecord): boolean {
    return this.#tries("program", page * STRIDE_BYTES, encodeJournalRecord(record));
  }
  /** Nothing but what the model said was tried. */
  settle(): void {
    if (this.zone.attempts.length > this.#tried)
      throw new Violation(`the journal tries to ${this.zone.attempts[this.#tried]!.kind}, and has no reason to`);
    this.zone.attempts = [];
    this.#tried = 0;
  }

  isFor(image: number, slot: number): boolean {
    return (
      this.newest !== undefined && this.newest.slot === slot && Buffer.compare(this.newest.digest, images[image]!) === 0
    );
  }
  /** A sector of the payload was sealed since. */
  get hasAdvanced(): boolean {
    return this.sealed > this.sealedBefore && this.sealed > 1;
  }

  /** Beginnings in a row that came to nothing. */
  count(isSame: boolean, nowUs: number, running: { image: number; state: number }): number {
    if (!this.newest) return 0;
    const cameToSomething =
      !this.newest.isReuse &&
      running.state === SlotState.Confirmed &&
      Buffer.compare(this.newest.digest, images[running.image]!) === 0;
    if (cameToSomething) return 0;
    const all = isSame && this.hasAdvanced ? this.abandoned : this.abandoned + this.stalled + 1;
    return Math.max(0, all - Math.floor((nowUs - this.lastUs) / HOUR_US));
  }
  earliestUs(count: number): number {
    return this.lastUs + (count < 4 ? 0 : Math.min(HOUR_US, 4_000_000 * 2 ** (count - 4)));
  }
  spend(isSame: boolean, count: number, nowUs: number): void {
    this.abandoned = isSame ? Math.min(this.abandoned, count) : count;
    this.stalled = count - this.abandoned;
    this.lastUs = nowUs;
  }

  /** Whether it is begun, or taken up. */
  begin(record: Pick<JournalRecord, "digest" | "slot" | "id" | "attempt" | "isReuse">, sealed: number): boolean {
    const number = this.#lastOf.run === this.run ? this.#lastOf.number + 1 : 1;
    const begin: JournalRecord = {
      ...record,
      kind: "begin",
      sector: sealed,
      abandoned: this.abandoned,
      stalled: this.stalled,
      run: this.run,
      number,
    };
    // Where the last begin failed, none is known any more.
    const before = this.newest ? Math.floor(this.page / this.pagesPerSector) : this.sectors - 1;
    this.#lastOf = begin;
    this.sealed = this.sealedBefore = sealed;
    this.newest = undefined;
    const isDoneAt = (page: number): boolean => {
      this.next = page + 1;
      if (!this.#programs(page, begin)) return false;
      this.newest = begin;
      this.page = page;
      return true;
    };
    // Behind what the run has written.
    if (this.next !== undefined && this.next % this.pagesPerSector !== 0 && isDoneAt(this.next)) return true;
    if (this.isOutdated) for (let sector = 0; sector < this.sectors; sector++) this.#erases(sector);
    this.isOutdated = false;
    // The next sector round the zone that can be erased and written; not that of the newest begin, where there are
    // others.
    const others = Array.from({ length: Math.max(1, this.sectors - 1) }, (_, i) => (before + 1 + i) % this.sectors);
    for (const sector of others) {
      this.next = undefined;
      if (this.#erases(sector) && isDoneAt(sector * this.pagesPerSector)) return true;
    }
    return false;
  }
  recall(): void {
    this.#lastOf = this.newest ?? { run: 0, number: 0 };
  }

  seal(sector: number): boolean {
    const own = Math.floor(this.page / this.pagesPerSector);
    for (let page = 0; page < SEAL_PAGES; page++) {
      let at = this.next!;
      if (at % this.pagesPerSector === 0) {
        at %= this.sectors * this.pagesPerSector;
        const next = at / this.pagesPerSector;
        if (next === own || !this.#erases(next)) return false;
      }
      this.next = at + 1;
      if (
        !this.#programs(at, { ...this.newest!, kind: "seal", sector, abandoned: this.abandoned, stalled: this.stalled })
      )
        continue;
      this.sealed = Math.max(this.sealed, sector + 1);
      return true;
    }
    return false;
  }
}

const step = (what: Step, a = 0, b = 0, c = 0): number[] => [what, a, b, c];
const inputOf = (sectors: number, pages: number, ...steps: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from([sectors - 1, pages, 3, ...steps.flat()]);
/** Any steps, so that what lies far apart is reached at once. */
const drawn = (seed: number): Uint8Array => {
  const random = new SeededRandom(seed);
  const byte = (): number => random.below(256);
  const steps = Array.from({ length: STEPS_MAX }, () =>
    step(random.below(3) === 0 ? Step.Begin : random.below(Step.Count), byte(), byte(), byte()),
  );
  return inputOf(1 + random.below(4), random.below(3), ...steps);
};
const begun = step(Step.Begin, 0, 8);
const other = step(Step.Begin, 1, 9);
const taken = step(Step.Resume, 0, 8);
const restart = step(Step.Restart);

export const updateJournal: OpenTarget = async (patches = []) => {
  const fuzzed = await compileForFuzzing(assemblyEntry("update"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  const zone: FaultyZone = new FaultyZone(Zone.Journal, () => instance);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => zone.over(host.imports));
  const { exports: calls, memory } = instance;
  const [digestAt, idAt] = ["digest", "id"].map(
    (name) => (instance.exports[name] as unknown as WebAssembly.Global).value as number,
  ) as [number, number];
  const atStart = instance.save();
  const give = (image: number): void => memory.set(images[image]!, digestAt);
  const bytesAt = (ptr: number, length: number): Uint8Array => memory.subarray(ptr, ptr + length);

  return {
    name: "update-journal",
    instance,
    inputBytesMax: HEAD_BYTES + STEP_BYTES * STEPS_MAX,
    share: 0.01,
    dictionary: Array.from({ length: Step.Count }, (_, what) => Uint8Array.from([what])),
    seeds: [
      inputOf(
        4,
        2,
        begun,
        step(Step.SealMany, 3),
        restart,
        taken,
        step(Step.Seal),
        other,
        step(Step.SealMany, 20),
        restart,
        step(Step.Begin, 2, 48),
      ),
      inputOf(
        4,
        2,
        restart,
        begun,
        step(Step.SealMany, 3),
        taken,
        restart,
        step(Step.Restart),
        taken,
        step(Step.Seal),
        restart,
      ),
      // Nothing comes of beginnings: of one image and of two in turn; hours go by; the count passes 255.
      inputOf(
        4,
        2,
        ...times(12, begun, step(Step.Time, 0, 1), other),
        step(Step.Time, 2, 1),
        begun,
        step(Step.Time, 2, 40),
        begun,
        restart,
        begun,
      ),
      inputOf(
        4,
        2,
        ...times(7, other),
        ...times(4, taken),
        step(Step.Time, 2, 9),
        taken,
        restart,
        step(Step.Time, 2, 3),
        step(Step.Time, 2, 4),
        taken,
        begun,
        restart,
      ),
      inputOf(4, 1, begun, step(Step.Fade, 255, 255, 128 + 46), restart, other, restart, begun),
      inputOf(4, 1, begun, step(Step.Fade, 255, 255, 128 + 47), restart, taken, restart, begun),
      // What runs is the image that was fetched, or one that was there.
      inputOf(
        4,
        2,
        begun,
        begun,
        step(Step.Runs, 0, 2),
        begun,
        step(Step.Begin, 8, 8),
        step(Step.Runs, 0, 1),
        begun,
        step(Step.Runs, 1, 2),
        begun,
      ),
      // Nothing can be erased, once and then no more; nothing can be programmed.
      inputOf(
        4,
        2,
        begun,
        step(Step.SealMany, 2),
        step(Step.FailNext, 255, 255),
        other,
        other,
        restart,
        begun,
        step(Step.FailNext, 14),
        step(Step.SealMany, 4),
        restart,
      ),
      inputOf(
        4,
        2,
        begun,
        step(Step.FailNext, 15),
        step(Step.Seal),
        step(Step.FailNext, 7),
        step(Step.Seal),
        restart,
        step(Step.Worn, 1),
        step(Step.Worn, 2),
        begun,
        restart,
        other,
        restart,
      ),
      // Four pages in a row take no seal, the last of them in the next sector; three, and the fourth does.
      inputOf(4, 2, begun, step(Step.FailNext, 0b10111), step(Step.Seal), step(Step.Seal), restart),
      inputOf(4, 2, begun, step(Step.FailNext, 0b00111), step(Step.Seal), restart),
      inputOf(
        4,
        0,
        begun,
        step(Step.SealMany, 9),
        restart,
        step(Step.Worn, 0),
        step(Step.Worn, 1),
        step(Step.Worn, 2),
        step(Step.Worn, 3),
        begun,
        taken,
      ),
      inputOf(1, 2, begun, step(Step.SealMany, 9), begun, begun, restart, begun),
      inputOf(2, 0, begun, begun, other, other, restart, begun),
      // Counters begin anew, stand, or come back; the zone can't be used.
      inputOf(
        4,
        2,
        step(Step.Restart, 4, 9),
        begun,
        step(Step.SealMany, 1),
        step(Step.Restart, 1),
        taken,
        begun,
        begun,
        begun,
        restart,
        taken,
      ),
      inputOf(
        4,
        2,
        step(Step.Restart, 0, 9),
        begun,
        step(Step.Restart, 2),
        taken,
        other,
        other,
        other,
        step(Step.Restart, 3),
        other,
        begun,
        step(Step.Restart, 1),
        begun,
      ),
      inputOf(
        4,
        2,
        begun,
        step(Step.Restart, 0, 0, 1),
        begun,
        step(Step.Restart, 0, 0, 3),
        begun,
        step(Step.Restart, 0, 0, 40),
        begun,
        step(Step.Restart, 0, 0, 60),
      ),
      ...Array.from({ length: 24 }, (_, seed) => drawn(seed)),
    ],
    mutate: (draft, random) => changeStep(draft, HEAD_BYTES, STEP_BYTES, Step.Count, random),
    run(input) {
      const sectors = 1 + ((input[0] ?? 0) & 3);
      zone.format(STRIDE_BYTES << ((input[1] ?? 0) % 3), sectors);
      const pages = zone.bytes.length / STRIDE_BYTES;
      let nowUs = 5_000_000;
      let running = { image: 3, state: SlotState.Confirmed as number };
      let history: { page: number; bytes: Uint8Array }[] = [];
      let model!: Model;

      /** A run of the device begins; false when it can't use the zone. */
      const start = (
        run: number,
        isLogNew: boolean,
        readsLeft = Number.POSITIVE_INFINITY,
        hasGeometry = true,
      ): boolean => {
        instance.restore(atStart);
        give(running.image);
        calls.runs!(running.state);
        zone.readsLeft = readsLeft;
        zone.hasGeometry = hasGeometry;
        const isUsable = calls.start!(run, Number(isLogNew), nowUs) !== 0;
        zone.readsLeft = Number.POSITIVE_INFINITY;
        zone.hasGeometry = true;
        const reads = readJournal(zone.bytes) ? 2 * pages : pages;
        if (isUsable !== (hasGeometry && readsLeft >= reads))
          throw new Violation("the journal can be used, or not, against what reads");
        model = new Model(zone, run);
        model.start(isLogNew, nowUs);
        model.recall();
        return isUsable;
      };
      const compare = (): void => {
        model.settle();
        const { newest, sealed } = model;
        expectSame(calls.isBegun!(), Number(newest !== undefined), "an image is begun");
        for (let image = 0; image < IMAGES; image++) {
          give(image);
          for (const slot of [0, 1]) {
            const isSame = model.isFor(image, slot);
            expectSame(calls.isFor!(slot), Number(isSame), "the journal is for an image and a slot");
            expectSame(
              calls.earliestUs!(slot, nowUs),
              model.earliestUs(model.count(isSame, nowUs, running)),
              "an image may be begun from",
            );
          }
        }
        for (const sector of [0, 1, sealed - 1, sealed, 1023]) {
          if (sector >= 0) expectSame(calls.isSealed!(sector), Number(sector < sealed), `sector ${sector} is sealed`);
        }
        if (!newest) return;
        expectSame(calls.hasAdvanced!(), Number(model.hasAdvanced), "the download has advanced");
        expectSame(calls.begunAttempt!() >>> 0, newest.attempt, "attempt");
        expectSame(calls.begunIdBytes!(), newest.id.length, "length of the deployment id");
        if (Buffer.compare(bytesAt(calls.begunId!(), newest.id.length), newest.id) !== 0)
          throw new Violation("another deployment id");
        if (Buffer.compare(bytesAt(calls.begunDigest!(), 32), newest.digest) !== 0)
          throw new Violation("another image is begun");
      };
      /** One byte of a record; with its check put right it is another record. */
      const fade = (page: number, at: number, change: number, isWhole: boolean): void => {
        const record = zone.bytes.subarray(page * STRIDE_BYTES, page * STRIDE_BYTES + RECORD_BYTES);
        record[at]! ^= change;
        if (isWhole) record.set(sha256Of(record.subarray(0, CHECKED_BYTES)).subarray(0, 16), CHECKED_BYTES);
      };
      const begin = (image: number, slot: number, idBytes: number, isReuse: boolean, takesUp: boolean): void => {
        const id = bytesOf(`deployment ${idBytes}`);
        const longId = Uint8Array.from({ length: idBytes }, (_, i) => id[i % 32]!);
        const attempt = 1 + (idBytes % 3);
        const isSame = model.isFor(image, slot);
        model.spend(isSame, model.count(isSame, nowUs, running), nowUs);
        give(image);
        memory.set(longId, idAt);
        const isBegun = takesUp
          ? calls.resume!(slot, idBytes, attempt, nowUs)
          : calls.begin!(slot, idBytes, attempt, Number(isReuse), nowUs);
        const record = {
          digest: images[image]!,
          slot,
          id: longId,
          attempt,
          isReuse: takesUp ? model.newest!.isReuse : isReuse,
        };
        expectSame(isBegun, Number(model.begin(record, takesUp ? model.sealed : 0)), "a begin is in flash");
      };
      const seal = (): void => {
        const sector = model.sealed;
        if (!model.newest || model.next === undefined || sector > 0xffff_0000) return; // nothing may be written
        expectSame(calls.seal!(sector), Number(model.seal(sector)), "a seal is in flash");
      };

      start((input[2] ?? 0) + 1, false);
      for (const [what = 0, a = 0, b = 0, c = 0] of stepsIn(input, HEAD_BYTES, STEP_BYTES)) {
        switch (what % Step.Count) {
          case Step.Begin:
            begin(a & 3, (a >> 2) & 1, b % 49, ((a >> 3) & 1) === 1, false);
            break;
          case Step.Resume: {
            const image = images.findIndex(
              (digest) => model.newest !== undefined && Buffer.compare(digest, model.newest.digest) === 0,
            );
            if (image >= 0 && model.newest!.slot < 2) begin(image, model.newest!.slot, b % 49, false, true);
            break;
          }
          case Step.Seal:
            seal();
            break;
          case Step.SealMany:
            for (let i = 0; i < a % 24; i++) seal();
            break;
          case Step.Restart: {
            const isLogNew = (a & 3) === 1;
            const run = isLogNew || (a & 3) === 2 ? 1 + (b & 7) : model.run + ((a & 3) === 3 ? 0 : 1 + (a >> 2) * b);
            const readsLeft = c < 4 ? Number.POSITIVE_INFINITY : c - 4;
            if (!start(run, isLogNew, readsLeft, (c & 3) !== 1 || c >= 4)) start(run, isLogNew);
            break;
          }
          case Step.Time:
            nowUs += (b + 1) * [1_000_000, 60_000_000, HOUR_US, 17][a & 3]!;
            break;
          case Step.FailNext:
            zone.failNext(a | (b << 8), c & 3);
            break;
          case Step.Worn: {
            const [worn, place] = (a & 128) !== 0 ? [zone.wornPages, a % pages] : [zone.wornSectors, a % sectors];
            if (!worn.delete(place)) worn.add(place);
            break;
          }
          case Step.Fade:
            fade(a === 255 ? model.page : a % pages, c & 127, b, (c & 128) !== 0);
            break;
          case Step.Runs:
            running = { image: a & 3, state: b & 3 };
            give(running.image);
            calls.runs!(running.state);
            break;
          case Step.Return: {
            const old = history[a % Math.max(1, history.length)];
            if (old) zone.bytes.set(old.bytes, old.page * STRIDE_BYTES);
            break;
          }
        }
        for (const { kind, at: offset, bytes, isDone } of zone.attempts)
          if (kind === "program" && isDone) history.push({ page: offset / STRIDE_BYTES, bytes: bytes! });
        if (history.length > 64) history = history.slice(-64);
        compare();
      }
    },
  };
};
