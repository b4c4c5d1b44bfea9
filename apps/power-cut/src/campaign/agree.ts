// Whether two campaigns agree, case by case: the fast one (small flash, remembered crypto) and one with the shipped
// modules unchanged, at the device's own geometry. If they do, what the fast one proves holds for what ships.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ways } from "@flipside/machine/faults/torn-operation";
import { type Reading, readings } from "@flipside/machine/faults/unstable-reads";
import type { BootRecord } from "../checker/flash-checker.ts";
import type { Campaign } from "../stories/catalogue.ts";
import { type CaseStep, caseId } from "./case-id.ts";
import { replay } from "./replay.ts";

/** A story without cuts, as it is written down in test/courses.json: whatever it does otherwise is to be looked at. */
export interface WholeCourse {
  /**
   * Boots and starts, and behind each what was done to the flash: "erase slotB+0x4000", "program bootControl+0x100 16".
   */
  steps: string[];
  outcome: string;
  /** The newest record in the end. */
  record: Omit<BootRecord, "slots"> & { slots: string[] };
  /** What the device said last. */
  checkIn: object;
}

export function wholeCourseOf(
  { tested, pages, stories }: Campaign,
  story: string,
  seed: number,
): WholeCourse | undefined {
  const { story: played, start } = stories.get(story)!;
  const steps: string[] = [];
  replay(tested, pages, played, start, [], seed, {
    line: (text) => {
      const operation = /^\s+\d+ (erase|program) (\w+\+0x[0-9a-f]+) (\d+) bytes$/.exec(text);
      if (operation)
        steps.push(operation[1] === "erase" ? `erase ${operation[2]}` : `program ${operation[2]} ${operation[3]}`);
      else if (/^(start|boot)/.test(text)) steps.push(text);
    },
  });
  const record = tested.checker.newestRecord(tested.board.ids);
  if (!record || !tested.server.lastCheckIn) return undefined;
  const { boot, floor, trust, bootControl, running, other, deployment, trustRefused, connection } =
    tested.server.lastCheckIn;
  return {
    steps,
    outcome: tested.server.memory.outcome ?? "checked-in",
    record: {
      ...record,
      slots: record.slots.map(
        ({ state, tries, reason, digest }) => `${state}, ${tries} tries, reason ${reason}, ${tested.imageName(digest)}`,
      ),
    },
    checkIn: {
      boot,
      floor,
      trust,
      bootControl,
      running: { ...running, digest: tested.imageName(running.digest) },
      other: other.digest === undefined ? other : { ...other, digest: tested.imageName(other.digest) },
      deployment,
      trustRefused,
      connection,
    },
  };
}

/** What was done and decided, without addresses. */
export interface Course {
  /** "erase slotB", "program bootControl 160". */
  operations: string[];
  /** Boots and starts, in order. */
  decisions: string[];
  outcome: string | undefined;
  violations: string[];
  /** What the newest record says in the end. */
  record: string;
}

export function courseOf(
  { tested, pages, stories }: Campaign,
  story: string,
  steps: readonly CaseStep[],
  seed: number,
): Course {
  const { story: played, start } = stories.get(story)!;
  const operations: string[] = [];
  const decisions: string[] = [];
  const { violations, state } = replay(tested, pages, played, start, steps, seed, {
    line: (text) => {
      const operation = /^\s+\d+ (erase|program) (\w+)\+0x[0-9a-f]+ (\d+) bytes$/.exec(text);
      if (operation)
        operations.push(operation[1] === "erase" ? `erase ${operation[2]}` : `program ${operation[2]} ${operation[3]}`);
      else if (/^(start|boot|end)/.test(text)) decisions.push(text);
    },
  });
  const record = tested.checker.newestRecord(state.ids);
  return {
    operations,
    decisions,
    violations,
    outcome: tested.server.memory.outcome,
    record: record
      ? JSON.stringify({
          active: record.active,
          floor: record.floor,
          slots: record.slots.map(({ state: slotState, tries, reason }) => ({ slotState, tries, reason })),
        })
      : "none",
  };
}

/** Cases drawn from a seed: one or two cuts each, at operations that the story has without any. */
export function sampleCases(
  campaign: Campaign,
  count: number,
  seed: number,
): { story: string; steps: CaseStep[]; id: string }[] {
  const random = new SeededRandom(seed);
  const names = [...campaign.stories.keys()];
  const kinds = new Map(
    names.map((name) => [
      name,
      courseOf(campaign, name, [], seed).operations.map((operation) => operation.startsWith("erase")),
    ]),
  );
  return Array.from({ length: count }, (_, i) => {
    const story = names[i % names.length]!;
    const erases = kinds.get(story)!;
    const operation = 1 + random.below(erases.length);
    const step = (isErase: boolean, at: number): CaseStep => ({
      operation: at,
      cut: random.pick(ways[isErase ? "erase" : "program"]).name,
      reading: random.pick(readings) as Reading,
    });
    const steps = [step(erases[operation - 1]!, operation)];
    return { story, steps, id: caseId(story, steps, steps.at(-1)!.reading) };
  });
}
