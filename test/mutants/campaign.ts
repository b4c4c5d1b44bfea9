// A mutation campaign: what the tests ask for is measured once, then each mutant is tested by processes of their own,
// one a core. A mutant that brings its process to a stand counts as found: the process is ended and another one goes
// on.

import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, filesBelow, hashOf, hashOfFiles } from "../../apps/agent/build/cache.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { fuzzTargetsFor } from "./fuzz-bench.ts";
import { keyOf, type Mutant } from "./operators.ts";
import { mutantsOf } from "./sources.ts";
import type { Finding } from "./story-bench.ts";
import type { FromWorker, Reach, Setting, ToWorker } from "./worker.ts";

/** Longer than any hunt takes: a mutant that is not done by then hangs. */
const HANG_MS = 120_000;

export interface Verdict {
  mutant: Mutant;
  finding: Finding | undefined;
  /** No story and no input of a fuzzer asks for it. */
  isReached: boolean;
  seconds: number;
}

export interface Plan {
  setting: Setting;
  /** Tests those for which this holds. */
  only?: (mutant: Mutant) => boolean;
  processes: number;
  /** Those that survive a choice of cuts and inputs are tried with all single cuts, and with new inputs. */
  isThorough: boolean;
  /** Where no transcript that is written down tells a mutant, one is looked for that would: finding.learnt. */
  learns: boolean;
  budgetS: number | undefined;
  onVerdict?: (verdict: Verdict, done: number, of: number) => void;
}

class Worker {
  #child!: ChildProcess;
  #settle: { resolve(message: FromWorker): void; reject(error: Error): void } | undefined;

  constructor() {
    this.#start();
  }

  #start(): void {
    const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), {
      execArgv: ["--import", "tsx", "--max-old-space-size=3000"],
      serialization: "advanced",
    });
    this.#child = child;
    child.on("message", (message: FromWorker) => {
      if (message.kind === "failed") this.#settle?.reject(new Error(message.message));
      else this.#settle?.resolve(message);
    });
    child.on("exit", (code, signal) => {
      if (child === this.#child)
        this.#settle?.reject(new Error(`a process of the campaign ended with ${signal ?? code}`));
    });
  }

  /**
   * Rejects when the process ends, or says that it failed. Resolves with undefined when it takes too long: it is ended,
   * and another one started.
   */
  ask(message: ToWorker, timeoutMs?: number): Promise<FromWorker | undefined> {
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              const late = this.#child;
              this.#settle = undefined;
              this.#start();
              late.kill("SIGKILL");
              resolve(undefined);
            }, timeoutMs);
      const end = (): void => {
        clearTimeout(timer);
        this.#settle = undefined;
      };
      this.#settle = { resolve: (answer) => (end(), resolve(answer)), reject: (error) => (end(), reject(error)) };
      this.#child.send(message);
    });
  }

  stop(): void {
    const child = this.#child;
    this.#settle = undefined;
    if (child.connected) child.disconnect();
  }
}

async function inParallel<T>(
  processes: number,
  items: T[],
  work: (worker: Worker, item: T) => Promise<void>,
  open?: (worker: Worker) => Promise<void>,
  isLate = () => false,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: Math.min(processes, items.length) }, async () => {
      const worker = new Worker();
      try {
        await open?.(worker);
        for (let item = queue.shift(); item !== undefined && !isLate(); item = queue.shift()) await work(worker, item);
      } finally {
        worker.stop();
      }
    }),
  );
}

/** Which tests ask for which mutants: kept as long as sources and tests stay the same. */
async function reachOf(setting: Setting, processes: number): Promise<Reach> {
  const set = mutantsOf(setting.files);
  const tests = ["apps/power-cut/src", "test/fuzz", "test/mutants", "packages/image-format/src"].flatMap((folder) =>
    filesBelow(join(repositoryRoot, folder), [".ts"]),
  );
  const hash = hashOf([
    ...[...set.texts("coverage")].flat(),
    String(setting.seed),
    hashOfFiles([...tests, ...filesBelow(join(repositoryRoot, "apps/agent/src"), [".ts"])], repositoryRoot),
  ]);
  const fuzzTargets = fuzzTargetsFor(setting.files);
  const folder = await cached("mutants", hash, async (target) => {
    const reach: Reach = { stories: [], targets: [] };
    await inParallel(processes, ["stories", ...fuzzTargets], async (worker, what) => {
      const answer = await worker.ask({ kind: "measure", setting, what });
      if (answer?.kind !== "measured") throw new Error("nothing was measured");
      if (answer.stories) reach.stories = answer.stories;
      if (answer.target) reach.targets.push(answer.target);
    });
    reach.targets.sort((a, b) => fuzzTargets.indexOf(a.target) - fuzzTargets.indexOf(b.target));
    writeFileSync(join(target, "reach.json"), JSON.stringify(reach));
  });
  return JSON.parse(readFileSync(join(folder, "reach.json"), "utf8")) as Reach;
}

/** Tests mutants; the verdicts, in their order, and how many were left when the budget was used up. */
export async function runMutants(plan: Plan): Promise<{ verdicts: Verdict[]; left: number }> {
  const began = performance.now();
  const { setting, processes, isThorough, learns, budgetS, only = () => true, onVerdict } = plan;
  const { mutants } = mutantsOf(setting.files);
  const chosen = mutants.filter(only);
  if (chosen.length === 0) return { verdicts: [], left: 0 };
  const reach = await reachOf(setting, processes);
  const reached = new Set([
    ...reach.stories.flatMap(({ plain, cut }) => [...plain, ...cut]),
    ...reach.targets.flatMap(({ asked }) => asked),
  ]);
  const verdicts: Verdict[] = [];
  const tell = (verdict: Verdict): void => {
    verdicts.push(verdict);
    onVerdict?.(verdict, verdicts.length, chosen.length);
  };
  for (const mutant of chosen)
    if (!reached.has(mutant.number)) tell({ mutant, finding: undefined, isReached: false, seconds: 0 });
  await inParallel(
    processes,
    chosen.filter(({ number }) => reached.has(number)),
    async (worker, mutant) => {
      const answer = await worker.ask({ kind: "hunt", mutant: mutant.number, isThorough }, HANG_MS);
      if (answer?.kind === "hunted")
        tell({ mutant, finding: answer.finding, isReached: true, seconds: answer.seconds });
      else {
        tell({
          mutant,
          finding: { by: "time", what: "it does not come to an end" },
          isReached: true,
          seconds: HANG_MS / 1000,
        });
        await worker.ask({ kind: "open", setting, reach, learns });
      }
    },
    async (worker) => void (await worker.ask({ kind: "open", setting, reach, learns })),
    () => budgetS !== undefined && performance.now() - began > budgetS * 1000,
  );
  verdicts.sort((a, b) => a.mutant.number - b.mutant.number);
  return { verdicts, left: chosen.length - verdicts.length };
}

// ---- explained survivors
// -----------------------------------------------------------------------------------------------

export interface Explained {
  kind: "equivalent" | "second line";
  /** In words of the code, why no test can see it, or what else stands in its way. */
  why: string;
}

const explainedFile = join(repositoryRoot, "test/mutants/explained.json");

/** By key: mutants that survive, and why they may. */
export function explainedMutants(): Map<string, Explained> {
  if (!existsSync(explainedFile)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(explainedFile, "utf8")) as Record<string, Explained>));
}

export interface Sum {
  mutants: number;
  found: number;
  equivalent: number;
  secondLine: number;
  survivors: Verdict[];
  /**
   * Explained ones that were found all the same, or are no mutants of these sources any more: their entries must go.
   */
  stale: string[];
}

export function sumUp(verdicts: readonly Verdict[], explained: ReadonlyMap<string, Explained>): Sum {
  const sum: Sum = { mutants: verdicts.length, found: 0, equivalent: 0, secondLine: 0, survivors: [], stale: [] };
  for (const verdict of verdicts) {
    const key = keyOf(verdict.mutant);
    const why = explained.get(key);
    if (verdict.finding) {
      sum.found++;
      if (why) sum.stale.push(key);
    } else if (why?.kind === "equivalent") sum.equivalent++;
    else if (why?.kind === "second line") sum.secondLine++;
    else sum.survivors.push(verdict);
  }
  return sum;
}
