// A chip that says done and has not done it: at each operation of a story, in each way in which a power cut could have
// left it, once or from then on for good. Power stays. What the read-back sees is a failure like any other; what it
// does not see, since it reads well for a while, comes to light when somebody looks again, in this run or after the
// next power-up.

import { FlashFault } from "@flipside/machine/faults/flash-fault";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { Exo } from "@flipside/machine/abi";
import { type Way, ways } from "@flipside/machine/faults/torn-operation";
import { FADING_READS, type Reading, readings } from "@flipside/machine/faults/unstable-reads";
import { type Operation, SAYS_DONE } from "../device/board.ts";
import type { DeviceState, PowerUpResult } from "../device/board-under-test.ts";
import type { Campaign } from "../stories/catalogue.ts";
import { TornPages, wayNamed } from "./cuts.ts";
import { allowedEnd } from "./judge.ts";

interface Lie {
  /** Counted from 1 from the power-up. */
  operation: number;
  /** What it leaves: the class and representative of a cut. */
  cut: string;
  /** How unstable bits read. */
  reading: Reading;
  /** When they fade: after so many reads. */
  fadingReads: number;
  /** Whatever is done to that sector afterwards is a lie as well. */
  isForGood: boolean;
  /** Power goes behind this operation; undefined: it stays. */
  cutAt: number | undefined;
}

export interface LieReport {
  story: string;
  lies: number;
  violations: { id: string; what: string[] }[];
}

export interface LieOptions {
  seed: number;
  /** One in so many lies is told; 1: all. */
  oneIn: number;
  /** Only of this zone, and only in ways whose name begins so. */
  zone?: number;
  way?: string;
  stopAtFirst?: boolean;
}

/** Longer than the pause after the first change that could not be recorded. */
const REST_US = 150_000_000;
/** Ways to lie for good, or with a power cut behind the lie. The others end in no other way. */
const lasting = ["not-begun.0", "subset.0", "unstable.0", "cleared.0", "blank-unstable.0"];
/** Of so many operations from the lie on, power fails behind each. */
const CUTS_BEHIND = 8;
/** One that comes between two looks at the same content is worst: a record is read back, looked for, and read. */
const fadings = [4, 5, 6, 7, 8, 9, 10];
const LIES_KEPT = 200;
const readsWellAtFirst = /^(unstable|marginal|blank-unstable)\./;

const waysToLie = (kind: Operation["kind"]): Way[] => ways[kind].filter(({ fault }) => fault !== FlashFault.Complete);

const lieId = (story: string, { operation, cut, reading, fadingReads, isForGood, cutAt }: Lie): string =>
  `${story}/${operation}.${isForGood ? "always-" : ""}${cut}~${reading}${reading === "fading" ? ` after ${fadingReads} reads` : ""}${cutAt === undefined ? "" : `, power fails behind ${cutAt}`}`;

export class LyingChip {
  readonly #campaign: Campaign;
  readonly #options: LieOptions;
  #torn: TornPages;

  constructor(campaign: Campaign, options: LieOptions) {
    this.#campaign = campaign;
    this.#options = options;
    this.#torn = new TornPages(campaign.pages, options.seed);
  }

  /** All lies about a story, or those that the seed chooses. */
  explore(name: string): LieReport {
    const { seed, oneIn, stopAtFirst, zone, way = "" } = this.#options;
    // Of each story other ones.
    const random = new SeededRandom(
      [...name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, seed),
    );
    const report: LieReport = { story: name, lies: 0, violations: [] };
    const operations = this.#operationsOf(name);
    const pagesBefore = this.#campaign.pages.size;
    for (const lie of liesAbout(operations)) {
      if (
        (zone ?? operations[lie.operation - 1]!.zone) !== operations[lie.operation - 1]!.zone ||
        !lie.cut.startsWith(way)
      )
        continue;
      if (random.below(oneIn) > 0) continue;
      report.lies++;
      const what = this.#play(name, lie, operations[lie.operation - 1]!.sector);
      if (what.length > 0) report.violations.push({ id: lieId(name, lie), what });
      if (stopAtFirst && what.length > 0) break;
      if (report.lies % LIES_KEPT === 0) this.#forget(name, pagesBefore);
    }
    this.#forget(name, pagesBefore);
    return report;
  }

  /** A story leaves many pages that no other one has. */
  #forget(name: string, pagesBefore: number): void {
    const { tested, pages, stories } = this.#campaign;
    tested.board.load(stories.get(name)!.start.ids);
    pages.shrinkTo(pagesBefore);
    tested.checker.forget();
    this.#torn = new TornPages(pages, this.#options.seed);
  }

  #operationsOf(name: string): { kind: Operation["kind"]; zone: number; sector: number }[] {
    const { tested, stories } = this.#campaign;
    const { story, start } = stories.get(name)!;
    const operations: { kind: Operation["kind"]; zone: number; sector: number }[] = [];
    tested.powerUp(story, start, "as-new", this.#options.seed, (operation) => {
      const { kind, zone } = operation;
      operations.push({ kind, zone, sector: this.#sectorOf(operation) });
      return Exo.Ok;
    });
    return operations;
  }

  #sectorOf({ offset }: Operation): number {
    return Math.floor(offset / this.#campaign.tested.layout.sectorBytes);
  }

  /** What does not hold. */
  #play(name: string, lie: Lie, sector: number): string[] {
    const { tested, stories } = this.#campaign;
    const { seed } = this.#options;
    const { story, start } = stories.get(name)!;
    const { operation, cut, reading, isForGood, cutAt } = lie;
    const fades = readsWellAtFirst.test(cut);
    const liar = { sector, isForGood, fades };
    const began: DeviceState = { ...start, liar };
    const what: string[] = [];
    tested.board.unstableReads.fadingReads = lie.fadingReads;
    const judged = (state: DeviceState, result: PowerUpResult): string[] => [
      ...result.violations,
      ...(result.end === "cut" ? [] : allowedEnd(story, tested, state, result)),
    ];

    const lies = (wanted: Operation): number => this.#tell(wanted, cut);
    const isRested = isForGood && cutAt === undefined;
    let result = tested.powerUp(
      story,
      began,
      reading,
      seed,
      (wanted, index) => {
        if (cutAt !== undefined && index > cutAt) return "cut";
        return index === operation || (isForGood && index > operation && this.#sectorOf(wanted) === sector)
          ? lies(wanted)
          : Exo.Ok;
      },
      undefined,
      isRested ? REST_US : 0,
    );
    what.push(...judged(began, result));
    // What power comes back to, with every reading of what may read otherwise.
    const after: DeviceState = { ...tested.state(start.cuts + (result.end === "cut" ? 1 : 0)), liar };
    for (const next of fades ? readings : (["as-new"] as const)) {
      result = tested.powerUp(
        story,
        after,
        next,
        seed + 1,
        isForGood ? (wanted) => (this.#sectorOf(wanted) === sector ? lies(wanted) : Exo.Ok) : undefined,
      );
      what.push(...judged(after, result).map((each) => `powered up again, unstable bits ${next}: ${each}`));
    }
    tested.board.unstableReads.fadingReads = FADING_READS;
    return what;
  }

  /** The chip leaves this of an operation, and says done. */
  #tell(wanted: Operation, cut: string): number {
    const { board } = this.#campaign.tested;
    board.replace(
      Math.floor(wanted.offset / PAGE_BYTES),
      this.#torn.after(board, wanted, wayNamed(wanted.kind, cut) ?? ways[wanted.kind][0]!),
    );
    return SAYS_DONE;
  }
}

function* liesAbout(operations: readonly { kind: Operation["kind"] }[]): Generator<Lie> {
  for (const [i, { kind }] of operations.entries()) {
    const operation = i + 1;
    for (const { name: cut } of waysToLie(kind)) {
      for (const isForGood of lasting.includes(cut) ? [false, true] : [false]) {
        for (const reading of readsWellAtFirst.test(cut) ? readings : (["as-new"] as const)) {
          for (const fadingReads of reading === "fading" ? fadings : [FADING_READS]) {
            yield { operation, cut, reading, fadingReads, isForGood, cutAt: undefined };
            if (!lasting.includes(cut)) continue;
            for (let n = 0; n < CUTS_BEHIND; n++)
              yield { operation, cut, reading, fadingReads, isForGood, cutAt: operation + n };
          }
        }
      }
    }
  }
}
