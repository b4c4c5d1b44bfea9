// What the processes of a campaign do: one job is one story, explored or gone through in depth.

import type { Campaign } from "../stories/catalogue.ts";
import { type DeepReport, goDeep } from "./deep.ts";
import { Explorer, type StoryReport } from "./explore.ts";

export type Job =
  | {
      kind: "explore";
      story: string;
      seed: number;
      depth: 1 | 2;
      slice?: { index: number; count: number };
      stopAtFirst?: boolean;
    }
  | { kind: "deep"; story: string; seed: number; schedules: number };

export type JobReport = { kind: "explore"; report: StoryReport } | { kind: "deep"; report: DeepReport };

export interface JobProgress {
  scenarios: number;
}

/** `campaign` has the layout that the job wants. */
export function runJob(campaign: Campaign, job: Job, onProgress: (progress: JobProgress) => void): JobReport {
  const { tested, pages, stories } = campaign;
  const entry = stories.get(job.story);
  if (!entry) throw new RangeError(`there is no story ${job.story}: one of ${[...stories.keys()].join(", ")}`);
  const { story, start } = entry;
  const pagesBefore = pages.size;
  try {
    if (job.kind === "explore") {
      const { seed, depth, slice, stopAtFirst } = job;
      const explorer = new Explorer(tested, pages, {
        seed,
        depth,
        ...(slice ? { slice } : {}),
        ...(stopAtFirst ? { stopAtFirst } : {}),
        onProgress: (scenarios) => onProgress({ scenarios }),
      });
      return { kind: "explore", report: explorer.explore(story, start) };
    }
    const { operations } = tested.powerUp(story, start, "as-new", job.seed);
    return {
      kind: "deep",
      report: goDeep(tested, pages, story, start, operations, {
        seed: job.seed,
        schedules: job.schedules,
        onProgress: (scenarios) => onProgress({ scenarios }),
      }),
    };
  } finally {
    // A story leaves hundreds of thousands of pages that no other one has.
    tested.board.load(start.ids);
    pages.shrinkTo(pagesBefore);
    tested.checker.forget();
  }
}
