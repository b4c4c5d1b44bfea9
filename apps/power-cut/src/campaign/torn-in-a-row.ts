// Power fails at each start, while the log is written to: a board whose supply breaks down under flash's programming
// current does that for as long as its battery lasts. The record that counts was torn itself and reads well today, all
// behind it is torn until the sector is full, and then power fails while the log turns over. No number of cuts may lose
// what the log says; the exhaustive campaign nests two.

import { Exo } from "@flipside/machine/abi";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { type Way, ways } from "@flipside/machine/faults/torn-operation";
import { type Reading, readings } from "@flipside/machine/faults/unstable-reads";
import type { DeviceState } from "../device/board-under-test.ts";
import type { Campaign } from "../stories/catalogue.ts";
import { TornPages, wayNamed } from "./cuts.ts";
import { allowedEnd } from "./judge.ts";
import type { Trouble } from "./trouble.ts";

/** Its first start turns the log over, and the sector that it goes on in has 4 pages. */
const STORY = "log-turns-over";
/** Erase, record, seal. */
const SEAL_OF_TURNOVER = 3;
const SEAL_OF_HEARTBEAT = 2;
const HEARTBEATS_TORN = [1, 2, 3, 4];
/** At each of them power fails when the sector is full: a record more in it, and the turnover. */
const OPERATIONS_WHEN_FULL = 6;
const FLAG_MADE_ANEW = 1;

interface TornRow {
  seal: Way;
  heartbeat: Way;
  /** How many heartbeats are torn, and how unstable bits read meanwhile. */
  count: number;
  reading: Reading;
  /** Where power fails then, and how unstable bits read from there on. */
  last: number;
  lastReading: Reading;
}

function* rows(seal: Way, heartbeat: Way): Generator<TornRow> {
  for (const reading of readings)
    for (const count of HEARTBEATS_TORN)
      for (const lastReading of readings)
        for (let last = 1; last <= OPERATIONS_WHEN_FULL; last++)
          yield { seal, heartbeat, count, reading, last, lastReading };
}

class TornLog {
  readonly wrong: string[] = [];
  readonly #campaign: Campaign;
  readonly #seed: number;
  readonly #torn: TornPages;

  constructor(campaign: Campaign, seed: number) {
    this.#campaign = campaign;
    this.#seed = seed;
    this.#torn = new TornPages(campaign.pages, seed);
  }

  play({ seal, heartbeat, count, reading, last, lastReading }: TornRow): void {
    let state = this.#cutAt(this.#campaign.stories.get(STORY)!.start, "as-new", SEAL_OF_TURNOVER, seal);
    for (let n = 0; n < count; n++) state = this.#cutAt(state, reading, SEAL_OF_HEARTBEAT, heartbeat);
    state = this.#cutAt(state, reading, last, wayNamed("program", "subset.1")!);
    const what = this.#end(state, lastReading);
    if (what.length > 0)
      this.wrong.push(`${reading}, ${count} heartbeats torn, cut ${last}, ${lastReading}: ${what.join("; ")}`);
  }

  /** The state that a cut at an operation leaves; where there are not so many, that of a start without a cut. */
  #cutAt(state: DeviceState, reading: Reading, at: number, program: Way): DeviceState {
    const { tested, stories } = this.#campaign;
    let left: DeviceState | undefined;
    const { violations } = tested.powerUp(stories.get(STORY)!.story, state, reading, this.#seed, (operation, index) => {
      if (index !== at) return Exo.Ok;
      left = tested.state(state.cuts + 1);
      const way = operation.kind === "program" ? program : wayNamed("erase", "partial.1")!;
      left.ids.set(this.#torn.after(tested.board, operation, way), Math.floor(operation.offset / PAGE_BYTES));
      return "cut";
    });
    if (violations.length > 0) this.wrong.push(`on the way: ${violations.join("; ")}`);
    return left ?? tested.state(state.cuts);
  }

  #end(state: DeviceState, reading: Reading): string[] {
    const { tested, stories } = this.#campaign;
    const { story } = stories.get(STORY)!;
    const result = tested.powerUp(story, state, reading, this.#seed);
    const record = tested.checker.newestRecord(tested.board.ids);
    const isLost = !record || (record.flags & FLAG_MADE_ANEW) !== 0;
    return [
      ...result.violations,
      ...allowedEnd(story, tested, state, result),
      ...(isLost ? ["invariant 2: what the log said is lost"] : []),
    ];
  }
}

const seals = ways.program.filter(({ name }) => /^(unstable|marginal)\./.test(name));
/**
 * The page stays blank, or holds some of the bits. Where every page of a sector is hurt besides (collateral), no record
 * can be made sure of: docs/boot-control.md, "Turnover".
 */
const heartbeats = ["not-begun.0", "prefix.1", "subset.1"].map((name) => wayNamed("program", name)!);

export const tornInARow: readonly Trouble[] = seals.flatMap((seal) =>
  heartbeats.map((heartbeat) => ({
    name: `a seal left ${seal.name}, and those behind it ${heartbeat.name} until the sector is full`,
    play: (campaign, seed) => {
      const log = new TornLog(campaign, seed);
      for (const row of rows(seal, heartbeat)) log.play(row);
      return log.wrong;
    },
  })),
);
