// One case again, told step by step: what was done to the flash, what power left of it, and what the boot loader made
// of it.

import { Exo } from "@flipside/machine/abi";
import { ways } from "@flipside/machine/faults/torn-operation";
import type { Board, Operation } from "../device/board.ts";
import type { DeviceState, PowerUpResult, BoardUnderTest, Trace } from "../device/board-under-test.ts";
import type { PageStore } from "../device/page-store.ts";
import type { Story } from "../stories/story.ts";
import { type CaseStep, rotPlaces, rotten } from "./case-id.ts";
import { TornPages, wayNamed } from "./cuts.ts";
import { allowedEnd } from "./judge.ts";

export interface Replay {
  results: PowerUpResult[];
  violations: string[];
  state: DeviceState;
}

/** Plays the cuts of `steps` and then a power-up without any. */
export function replay(
  tested: BoardUnderTest,
  pages: PageStore,
  story: Story,
  start: DeviceState,
  steps: readonly CaseStep[],
  seed: number,
  trace?: Trace,
): Replay {
  const torn = new TornPages(pages, seed);
  tested.trace = trace;
  const results: PowerUpResult[] = [];
  const violations: string[] = [];
  let state = start;
  try {
    steps.forEach((step, i) => {
      const reading = i === 0 ? "as-new" : steps[i - 1]!.reading;
      trace?.line(
        `power-up ${i + 1}${state.ids.some((id) => pages.isUnstable(id)) ? `, unstable bits read ${reading}` : ""}`,
      );
      const result = cutAt(tested, pages, torn, story, state, step, reading, seed);
      if (result.end !== "cut")
        throw new RangeError(
          `the power-up before cut ${i + 1} has ${result.operations} operations: there is no operation ${step.operation} to cut`,
        );
      results.push(result);
      violations.push(...result.violations);
      state = result.state;
      trace?.line(`power is cut: ${step.cut}`);
    });
    const reading = steps.at(-1)?.reading ?? "as-new";
    trace?.line(
      `power-up ${steps.length + 1}${state.ids.some((id) => pages.isUnstable(id)) ? `, unstable bits read ${reading}` : ""}`,
    );
    const result = tested.powerUp(story, state, reading, seed);
    results.push(result);
    violations.push(...result.violations, ...allowedEnd(story, tested, state, result));
    trace?.line(`end: ${result.end}, outcome ${tested.server.memory.outcome ?? "none"}`);
    return { results, violations, state: { ...tested.state(state.cuts) } };
  } finally {
    tested.trace = undefined;
  }
}

/** Powers up and cuts at one operation. */
export function cutAt(
  tested: BoardUnderTest,
  pages: PageStore,
  torn: TornPages,
  story: Story,
  state: DeviceState,
  step: CaseStep,
  reading: CaseStep["reading"],
  seed: number,
): PowerUpResult & { state: DeviceState } {
  let after: DeviceState = state;
  const result = tested.powerUp(story, state, reading, seed, (operation, index) => {
    if (index !== step.operation) return Exo.Ok;
    after = { ...tested.state(state.cuts + 1) };
    leave(tested.board, pages, torn, operation, step.cut, after);
    return "cut";
  });
  return { ...result, state: after };
}

/** Puts into `after` what the cut of that name leaves. */
function leave(
  board: Board,
  pages: PageStore,
  torn: TornPages,
  operation: Operation,
  name: string,
  after: DeviceState,
): void {
  if (name === "worn.0") {
    after.wornSector = Math.floor(operation.offset / board.layout.sectorBytes);
    return;
  }
  if (name.startsWith("rot.")) {
    const place = rotPlaces[Number(name.slice(4))];
    const page = place?.page(board);
    if (!place || page === undefined)
      throw new RangeError(`${name}: there is no such place, or the boot loader runs and no slot is idle`);
    after.ids[page] = pages.intern(rotten(pages.page(after.ids[page]!), place.isUnstable));
    after.isRotten = true;
    return;
  }
  const cut = wayNamed(operation.kind, name);
  if (!cut)
    throw new RangeError(
      `${name} is no way to cut a ${operation.kind}: one of ${ways[operation.kind].map((each) => each.name).join(", ")}`,
    );
  after.ids.set(torn.after(board, operation, cut), Math.floor(operation.offset / 4096));
}
