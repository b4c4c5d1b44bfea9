// The deep part: schedules of many cuts in a row, drawn from a seed, thousands for each story.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ways } from "@flipside/machine/faults/torn-operation";
import { readings } from "@flipside/machine/faults/unstable-reads";
import type { DeviceState, BoardUnderTest } from "../device/board-under-test.ts";
import type { PageStore } from "../device/page-store.ts";
import type { Story } from "../stories/story.ts";
import { type CaseStep, caseId, DEEP_PREFIX } from "./case-id.ts";
import { TornPages } from "./cuts.ts";
import type { Violation } from "./explore.ts";
import { allowedEnd } from "./judge.ts";

/** Most schedules are short; some go on for long. */
const CUTS_MAX = 24;

export interface DeepReport {
  story: string;
  scenarios: number;
  powerUps: number;
  bricks: number;
  violations: Violation[];
  seconds: number;
}

export function goDeep(
  tested: BoardUnderTest,
  pages: PageStore,
  story: Story,
  start: DeviceState,
  operations: number,
  options: { seed: number; schedules: number; onProgress?: (scenarios: number) => void },
): DeepReport {
  const began = performance.now();
  const bootsBefore = tested.boots;
  const torn = new TornPages(pages, options.seed);
  const random = new SeededRandom(
    options.seed ^ [...story.name].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), 7),
  );
  const report: DeepReport = { story: story.name, scenarios: 0, powerUps: 0, bricks: 0, violations: [], seconds: 0 };
  for (let schedule = 0; schedule < options.schedules; schedule++) {
    report.scenarios++;
    const cuts = 1 + random.below(random.below(4) === 0 ? CUTS_MAX : 4);
    const steps: CaseStep[] = [];
    let state = start;
    let violations: string[] = [];
    let end = "cut";
    for (let n = 0; n <= cuts && end === "cut" && violations.length === 0; n++) {
      const reading = n === 0 ? "as-new" : random.pick(readings);
      if (n > 0) steps[n - 1]!.reading = reading;
      // Recovery begins with boot control, so half of the later cuts come early.
      const target = n < cuts ? 1 + random.below(n > 0 && random.below(2) === 0 ? 6 : operations + 4) : Infinity;
      const result = tested.powerUp(story, state, reading, options.seed, (operation, index) => {
        if (index !== target) return 0;
        const cut = random.pick(ways[operation.kind]);
        const after = tested.state(state.cuts + 1);
        after.ids.set(torn.after(tested.board, operation, cut), Math.floor(operation.offset / 4096));
        steps.push({ operation: index, cut: cut.name, reading: "as-new" });
        state = after;
        return "cut";
      });
      end = result.end;
      violations = [...result.violations, ...(end === "cut" ? [] : allowedEnd(story, tested, state, result))];
      if (violations.length > 0 && (end === "recovery" || end === "late")) report.bricks++;
    }
    if (violations.length > 0)
      report.violations.push({
        id: DEEP_PREFIX + caseId(story.name, steps, steps.at(-1)?.reading ?? "as-new"),
        what: violations,
      });
    if (schedule % 64 === 63) options.onProgress?.(report.scenarios);
  }
  report.powerUps = tested.boots - bootsBefore;
  report.seconds = (performance.now() - began) / 1000;
  return report;
}
