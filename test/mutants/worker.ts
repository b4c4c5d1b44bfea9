// A process of its own for one core: measures what the tests ask for, or tests one mutant after the other.

import { FuzzBench, type FuzzReach, measureTarget } from "./fuzz-bench.ts";
import { mutantsOf } from "./sources.ts";
import { type Finding, StoryBench, type StoryReach } from "./story-bench.ts";

export interface Setting {
  files: string[];
  seed: number;
}

export interface Reach {
  stories: StoryReach[];
  targets: FuzzReach[];
}

export type ToWorker =
  | { kind: "measure"; setting: Setting; what: string }
  | { kind: "open"; setting: Setting; reach: Reach; learns: boolean }
  | { kind: "hunt"; mutant: number; isThorough: boolean };

export type FromWorker =
  | { kind: "measured"; stories?: StoryReach[]; target?: FuzzReach }
  | { kind: "opened" }
  | { kind: "hunted"; mutant: number; finding: Finding | undefined; seconds: number }
  | { kind: "failed"; message: string };

const tell = (message: FromWorker): void => void process.send!(message);
let stories: StoryBench;
let fuzz: FuzzBench;

async function work(message: ToWorker): Promise<void> {
  if (message.kind === "measure") {
    const {
      setting: { files, seed },
      what,
    } = message;
    const set = mutantsOf(files);
    if (what === "stories")
      tell({ kind: "measured", stories: (await StoryBench.open(set, seed, "measure")).measure() });
    else tell({ kind: "measured", target: await measureTarget(what, set, seed) });
  } else if (message.kind === "open") {
    const {
      setting: { files, seed },
      reach,
      learns,
    } = message;
    const set = mutantsOf(files);
    stories = await StoryBench.open(set, seed, reach.stories, learns);
    fuzz = await FuzzBench.open(set, reach.targets, seed, learns);
    tell({ kind: "opened" });
  } else {
    const { mutant, isThorough } = message;
    const began = performance.now();
    let finding =
      stories.huntStories(mutant) ??
      fuzz.hunt(mutant) ??
      fuzz.huntByTranscripts(mutant) ??
      stories.huntByTranscripts(mutant) ??
      stories.huntTroubles(mutant) ??
      stories.huntBehindCuts(mutant);
    if (isThorough) finding ??= stories.huntWithCuts(mutant) ?? fuzz.huntOn(mutant);
    tell({ kind: "hunted", mutant, finding, seconds: (performance.now() - began) / 1000 });
  }
}

process.on(
  "message",
  (message: ToWorker) =>
    void work(message).catch((error: unknown) =>
      tell({ kind: "failed", message: (error as Error).stack ?? String(error) }),
    ),
);
process.on("disconnect", () => process.exit(0));
