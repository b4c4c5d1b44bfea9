// The exhaustive part: a story is cut at every operation in every way, and for each of those again at every operation
// of what follows. A run is never repeated up to a cut: while it goes on, each of its operations leaves what a cut
// there would have left, and what was not seen before is powered up later.

import { Exo } from "@flipside/machine/abi";
import { ways } from "@flipside/machine/faults/torn-operation";
import { FADING_READS, type Reading, readings, rotReadings } from "@flipside/machine/faults/unstable-reads";
import type { Board, Operation } from "../device/board.ts";
import { type DeviceState, type BoardUnderTest, stateKey } from "../device/board-under-test.ts";
import { type Hash, type PageStore, pageTerm } from "../device/page-store.ts";
import { newServerMemory } from "../server/story-memory.ts";
import type { Story } from "../stories/story.ts";
import { allowedEnd } from "./judge.ts";
import { TornPages } from "./cuts.ts";
import { type CaseStep, caseId, rotPlaces, rotten } from "./case-id.ts";

export interface Violation {
  /** Replays it: `--case ID`. */
  id: string;
  what: string[];
}

export interface StoryReport {
  story: string;
  /** Operations without any cut. */
  operations: number;
  /** Ways to be cut (once or twice), each with one way in which unstable bits read at each power-up. */
  scenarios: number;
  /** Different states (flash, unstable bits, server) that power was applied to. */
  distinctStates: number;
  /** Starts of the boot loader that were executed. */
  powerUps: number;
  /** Ends in which no image could be started. */
  bricks: number;
  violations: Violation[];
  seconds: number;
}

export interface ExploreOptions {
  seed: number;
  /** 1: single cuts; 2: nested ones too. */
  depth: 1 | 2;
  /** Of the states after a first cut, only those whose number divided by `count` leaves `index` are cut again. */
  slice?: { index: number; count: number };
  /** Stop at the first violation. */
  stopAtFirst?: boolean;
  onProgress?: (scenarios: number, powerUps: number) => void;
  /** Execute also what is known to go on as something before: the judge of the other way. */
  withoutShortcuts?: boolean;
  /** Told of each power-up that was judged: the case, or undefined for the one without cuts. */
  onPowerUp?: (id: string | undefined) => void;
}

interface Successor extends DeviceState {
  isUnstable: boolean;
  steps: CaseStep[];
  /** Ways that lead here. */
  ways: number;
}

/** Longer than the pause after the first change that could not be recorded. */
const REST_US = 150_000_000;

/** What is known of a run from a checkpoint on. */
interface Onward {
  /** With a collector: how many scenarios follow. */
  covered: number;
  /** At most so often are one page's unstable bits read. */
  unstableReads: number;
}

const readingsOf = ({ isRotten }: { isRotten: boolean }): readonly Reading[] => (isRotten ? rotReadings : readings);

/**
 * How else unstable bits may read, once a power-up is done in which they read as new, and those of no page more often
 * than `unstableReads` times: where nobody looked, all ways are one; what was looked at less often than it takes to
 * fade is new.
 */
const otherReadings = (state: Successor, unstableReads: number): readonly Reading[] =>
  !state.isUnstable || unstableReads === 0
    ? []
    : readingsOf(state).filter(
        (reading) => reading !== "as-new" && (reading !== "fading" || unstableReads > FADING_READS),
      );

export class Explorer {
  readonly #tested: BoardUnderTest;
  readonly #pages: PageStore;
  readonly #torn: TornPages;
  readonly #options: ExploreOptions;
  readonly #known = new Map<number, Onward>();
  readonly #knownWithCuts = new Map<number, Onward>();

  constructor(tested: BoardUnderTest, pages: PageStore, options: ExploreOptions) {
    this.#tested = tested;
    this.#pages = pages;
    this.#torn = new TornPages(pages, options.seed);
    this.#options = options;
  }

  explore(story: Story, start: DeviceState): StoryReport {
    const began = performance.now();
    const bootsBefore = this.#tested.boots;
    const report: StoryReport = {
      story: story.name,
      operations: 0,
      scenarios: 0,
      distinctStates: 1,
      powerUps: 0,
      bricks: 0,
      violations: [],
      seconds: 0,
    };
    const { depth, slice, stopAtFirst, onProgress } = this.#options;
    const done = (): boolean => stopAtFirst === true && report.violations.length > 0;

    const seen = new Map<number, Successor>();
    const first = new Collector(this.#tested.board, this.#torn, this.#pages, seen, [], "as-new", start);
    const { operations } = this.#power(story, start, "as-new", [], report, first);
    report.operations = operations;
    for (const state of this.#wornAndRotten(story, start, operations)) first.add(state);
    // At rest flash is quiet, also where it fails: nothing is tried again and again.
    this.#rest(story, start, [], report);
    for (const state of firstAndLastOfEachSector([...seen.values()])) this.#rest(story, state, state.steps, report);
    // States that differ in the first cut may become equal by the second; each is powered up once.
    const seenAgain = new Map<number, Successor>(seen);
    let number = 0;
    for (const state of [...seen.values()]) {
      if (done()) break;
      report.distinctStates++;
      number++;
      const isCutAgain = depth === 2 && (!slice || number % slice.count === slice.index);
      /**
       * How many scenarios cuts make of it. A merge with a state that is known counts as covered: its verdict is the
       * same.
       */
      const power = (reading: Reading): { unstableReads: number; covered: number } => {
        const second = isCutAgain
          ? new Collector(this.#tested.board, this.#torn, this.#pages, seenAgain, state.steps, reading, state)
          : undefined;
        const { unstableReads } = this.#power(story, state, reading, state.steps, report, second);
        for (const next of second?.fresh ?? []) {
          if (done()) break;
          report.distinctStates++;
          const first = this.#power(story, next, "as-new", next.steps, report, undefined);
          for (const nextReading of otherReadings(next, first.unstableReads))
            this.#power(story, next, nextReading, next.steps, report, undefined);
        }
        return { unstableReads, covered: second?.covered ?? 0 };
      };
      const asNew = power("as-new");
      const others = otherReadings(state, asNew.unstableReads);
      const covered = new Map(others.map((reading) => [reading, done() ? 0 : power(reading).covered]));
      for (const reading of state.isUnstable ? readingsOf(state) : ["as-new" as const])
        report.scenarios += state.ways * (1 + (covered.get(reading) ?? asNew.covered));
      onProgress?.(report.scenarios, this.#tested.boots - bootsBefore);
    }
    report.powerUps = this.#tested.boots - bootsBefore;
    report.seconds = (performance.now() - began) / 1000;
    return report;
  }

  /** Powers up, and goes on for minutes when all is over. */
  #rest(story: Story, state: DeviceState, steps: CaseStep[], report: StoryReport): void {
    const { violations } = this.#tested.powerUp(
      story,
      state,
      "as-new",
      this.#options.seed,
      undefined,
      undefined,
      REST_US,
    );
    report.scenarios++;
    if (violations.length > 0) report.violations.push({ id: caseId(story.name, steps, "as-new"), what: violations });
  }

  /** Powers up and judges. */
  #power(
    story: Story,
    state: DeviceState,
    reading: Reading,
    steps: CaseStep[],
    report: StoryReport,
    collector: Collector | undefined,
  ): { operations: number; unstableReads: number } {
    const { seed, withoutShortcuts = false } = this.#options;
    if (collector) collector.tested = this.#tested;
    const known = collector ? this.#knownWithCuts : this.#known;
    const passed: { key: number; covered: number }[] = [];
    let unstableReadsOnward = 0;
    const result = this.#tested.powerUp(
      story,
      state,
      reading,
      seed,
      collector?.atOperation,
      withoutShortcuts
        ? undefined
        : (key) => {
            const onward = known.get(key);
            if (!onward) {
              passed.push({ key, covered: collector?.covered ?? 0 });
              return false;
            }
            if (collector) collector.covered += onward.covered;
            unstableReadsOnward = onward.unstableReads;
            return true;
          },
    );
    const unstableReads = withoutShortcuts ? Infinity : this.#tested.board.unstableReadsMax + unstableReadsOnward;
    if (result.violations.length === 0)
      for (const { key, covered } of passed)
        known.set(key, { covered: (collector?.covered ?? 0) - covered, unstableReads });
    const what = [...result.violations, ...allowedEnd(story, this.#tested, state, result)];
    this.#options.onPowerUp?.(steps.length === 0 ? undefined : caseId(story.name, steps, reading));
    if (what.length > 0) {
      if (result.end === "recovery" || result.end === "late") report.bricks++;
      report.violations.push({ id: caseId(story.name, steps, reading), what });
    }
    return { operations: result.operations, unstableReads };
  }

  /**
   * What is wrong with flash besides power: at each operation, the sector may be worn out from there on, or the slot
   * that is idle at the end has lost a bit.
   */
  *#wornAndRotten(story: Story, start: DeviceState, operations: number): Generator<Successor> {
    const tested = this.#tested;
    const { board } = tested;
    for (let operation = 1; operation <= operations; operation++) {
      // Power goes right behind the operation that failed; the sector fails from then on.
      let worn: Successor | undefined;
      tested.powerUp(story, start, "as-new", this.#options.seed, (at, index) => {
        if (index !== operation) return Exo.Ok;
        worn = {
          ...tested.state(start.cuts + 1),
          wornSector: Math.floor(at.offset / board.layout.sectorBytes),
          isUnstable: false,
          steps: [{ operation, cut: "worn.0", reading: "as-new" }],
          ways: 1,
        };
        return "cut";
      });
      if (worn) yield worn;
      for (const [number, place] of rotPlaces.entries()) {
        let withRot: Successor | undefined;
        tested.powerUp(story, start, "as-new", this.#options.seed, (_, index) => {
          if (index !== operation) return Exo.Ok;
          const page = place.page(board);
          if (page === undefined) return "cut";
          const state = tested.state(start.cuts + 1);
          state.ids[page] = this.#pages.intern(rotten(this.#pages.page(state.ids[page]!), place.isUnstable));
          withRot = {
            ...state,
            isRotten: true,
            isUnstable: place.isUnstable,
            steps: [{ operation, cut: `rot.${number}`, reading: "as-new" }],
            ways: 1,
          };
          return "cut";
        });
        if (withRot) yield withRot;
      }
    }
  }
}

/** Of the states with a sector that is worn out: where it has failed since its first operation, and since its last. */
function firstAndLastOfEachSector(states: Successor[]): Set<Successor> {
  const first = new Map<number, Successor>();
  const last = new Map<number, Successor>();
  for (const state of states) {
    if (state.wornSector < 0) continue;
    if (!first.has(state.wornSector)) first.set(state.wornSector, state);
    last.set(state.wornSector, state);
  }
  return new Set([...first.values(), ...last.values()]);
}

/** Takes, at each operation of a run, what a cut there would leave. */
class Collector {
  readonly fresh: Successor[] = [];
  /** Scenarios that this run's cuts make, each with every way in which unstable bits may read. */
  covered = 0;
  tested!: BoardUnderTest;
  readonly #board: Board;
  readonly #torn: TornPages;
  readonly #pages: PageStore;
  readonly #seen: Map<number, Successor>;
  readonly #steps: CaseStep[];
  readonly #reading: Reading;
  readonly #from: DeviceState;

  constructor(
    board: Board,
    torn: TornPages,
    pages: PageStore,
    seen: Map<number, Successor>,
    steps: CaseStep[],
    reading: Reading,
    from: DeviceState,
  ) {
    this.#board = board;
    this.#torn = torn;
    this.#pages = pages;
    this.#seen = seen;
    this.#steps = steps;
    this.#reading = reading;
    this.#from = from;
  }

  readonly atOperation = (operation: Operation, index: number): number => {
    const board = this.#board;
    const first = operation.offset >>> 12;
    const { tested } = this;
    for (const cut of ways[operation.kind]) {
      const pages = this.#torn.after(board, operation, cut);
      const hash: Hash = { a: board.hash.a, b: board.hash.b };
      let unstable = board.unstablePages;
      for (let i = 0; i < pages.length; i++) {
        const before = board.ids[first + i]!;
        const after = pages[i]!;
        if (before === after) continue;
        pageTerm(first + i, before, hash, -1);
        pageTerm(first + i, after, hash, 1);
        unstable += (this.#pages.isUnstable(after) ? 1 : 0) - (this.#pages.isUnstable(before) ? 1 : 0);
      }
      const ways = unstable > 0 ? readingsOf(this.#from).length : 1;
      this.covered += ways;
      const key = stateKey(
        hash,
        tested,
        { cuts: this.#from.cuts + 1, wornSector: this.#from.wornSector, isRotten: this.#from.isRotten },
        0,
      );
      const known = this.#seen.get(key);
      if (known) {
        if (this.#steps.length === 0) known.ways++;
        continue;
      }
      const state = this.tested.state(this.#from.cuts + 1);
      state.ids.set(pages, first);
      const successor: Successor = {
        ...state,
        wornSector: this.#from.wornSector,
        isRotten: this.#from.isRotten,
        isUnstable: unstable > 0,
        steps: [
          ...this.#steps.slice(0, -1),
          ...(this.#steps.length > 0 ? [{ ...this.#steps.at(-1)!, reading: this.#reading }] : []),
          { operation: index, cut: cut.name, reading: "as-new" as Reading },
        ],
        ways: 1,
      };
      this.#seen.set(key, this.#steps.length === 0 ? successor : placeholder);
      this.fresh.push(successor);
    }
    return Exo.Ok;
  };

  add(state: Successor): void {
    const hash: Hash = { a: 0, b: 0 };
    state.ids.forEach((id, page) => pageTerm(page, id, hash, 1));
    const key = stateKey(hash, { server: { memory: state.server }, floor: state.floor }, state, 0);
    if (!this.#seen.has(key)) this.#seen.set(key, state);
  }
}

/** Stands for a state that was powered up after two cuts: only that it is known matters. */
const placeholder: Successor = {
  ids: new Int32Array(0),
  server: newServerMemory(),
  floor: 0,
  cuts: 0,
  wornSector: -1,
  isRotten: false,
  isUnstable: false,
  steps: [],
  ways: 0,
};
