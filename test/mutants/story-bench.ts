// The power-cut campaign against one mutant after the other: each story that asks for it, from what the device as it
// should be left of the stories before; first without cuts, then cut at every operation.

import { variants } from "../../apps/agent/build/variants.ts";
import { wholeCourseOf } from "../../apps/power-cut/src/campaign/agree.ts";
import { parseCaseId } from "../../apps/power-cut/src/campaign/case-id.ts";
import { TornPages } from "../../apps/power-cut/src/campaign/cuts.ts";
import { allowedEnd } from "../../apps/power-cut/src/campaign/judge.ts";
import type { Trouble } from "../../apps/power-cut/src/campaign/trouble.ts";
import { cutAt } from "../../apps/power-cut/src/campaign/replay.ts";
import { TROUBLE_PREFIX, transcriptFrom, transcriptOf } from "../../apps/power-cut/src/campaign/transcripts.ts";
import { troubles } from "../../apps/power-cut/src/campaign/troubles.ts";
import { uncleanBoots } from "../../apps/power-cut/src/campaign/unclean-boots.ts";
import type { Reading } from "@flipside/machine/faults/unstable-reads";
import { Explorer } from "../../apps/power-cut/src/campaign/explore.ts";
import { compileChanged, readSubject, subjectOfSources } from "../../apps/power-cut/src/campaign/subject.ts";
import type { LoadedModules } from "../../apps/power-cut/src/device/loaded-modules.ts";
import { loadModules } from "../../apps/power-cut/src/device/modules.ts";
import type { DeviceState } from "../../apps/power-cut/src/device/board-under-test.ts";
import { type Campaign, openCampaign } from "../../apps/power-cut/src/stories/catalogue.ts";
import type { Story } from "../../apps/power-cut/src/stories/story.ts";
import { writtenTranscripts } from "../../apps/power-cut/test/written-transcripts.ts";
import { questions } from "./questions.ts";
import type { MutantSet } from "./sources.ts";

export interface Finding {
  by: string;
  what: string;
  /** A transcript that is not written down yet, and would tell the mutant. */
  learnt?: { id: string; digest: string };
}

/** What was measured once, for all processes. */
export interface StoryReach {
  story: string;
  /** Mutants that are asked for without any cut, and with one. */
  plain: number[];
  cut: number[];
  /** Of all single cuts. */
  seconds: number;
  /** Cuts that lead to a run like no other one's: by which mutants were asked for. Ids of cases. */
  cases: { id: string; asked: number[] }[];
}

interface CutState {
  id: string;
  /** Of its transcript, where one is written down or learnt. */
  digest: string | undefined;
  state: DeviceState;
  reading: Reading;
  asked: Set<number>;
}

const namesOf = (asked: Uint8Array): number[] => [...asked.keys()].filter((mutant) => asked[mutant] !== 0);

/** Every story and trouble for each mutant, and those cuts behind which a transcript is written down. */
function allAsked({ stories }: Campaign, set: MutantSet): StoryReach[] {
  const all = set.mutants.map(({ number }) => number);
  const written = Object.keys(writtenTranscripts()).filter((id) => !id.startsWith(TROUBLE_PREFIX) && id.includes("/"));
  return [...stories.keys(), ...troubles.map(({ name }) => name)].map((story) => ({
    story,
    plain: all,
    cut: [],
    seconds: 0,
    cases: written.filter((id) => id.startsWith(`${story}/`)).map((id) => ({ id, asked: all })),
  }));
}

/** Those with a whole rule of their own to be compared with. */
const isCounted = new Set(uncleanBoots.map(({ name }) => name));

export class StoryBench {
  readonly #campaign: Campaign;
  readonly #modules: LoadedModules;
  readonly #pages: number;
  readonly #count: number;
  readonly #seed: number;
  readonly #troubles: { trouble: Trouble; asked: ReadonlySet<number>; digest: string | undefined }[];
  readonly #reach: {
    story: string;
    plain: Set<number>;
    cut: Set<number>;
    seconds: number;
    finds: number;
    course: string;
    states: CutState[];
  }[];
  readonly #written = writtenTranscripts();

  private constructor(
    campaign: Campaign,
    modules: LoadedModules,
    count: number,
    seed: number,
    reach: StoryReach[],
    learns: boolean,
  ) {
    this.#campaign = campaign;
    this.#modules = modules;
    this.#count = count;
    this.#seed = seed;
    const digestOf = (id: string): string | undefined =>
      this.#written[id] ?? (learns ? transcriptOf(campaign, id, seed).digest : undefined);
    const isTrouble = new Set(troubles.map(({ name }) => name));
    this.#troubles = reach
      .filter(({ story }) => isTrouble.has(story))
      .map(({ story, plain }) => ({
        trouble: troubles.find(({ name }) => name === story)!,
        asked: new Set(plain),
        digest: isCounted.has(story) ? undefined : digestOf(TROUBLE_PREFIX + story),
      }));
    this.#reach = reach
      .filter(({ story }) => !isTrouble.has(story))
      .map(({ story, plain, cut, seconds, cases }) => ({
        story,
        plain: new Set(plain),
        cut: new Set(cut),
        seconds,
        finds: 0,
        course: this.#course(story),
        states: this.#distinct(
          [{ id: story, asked: plain }, ...cases].map(({ id, asked }) => ({
            ...this.#stateOf(id),
            id,
            digest: digestOf(id),
            asked: new Set(asked),
          })),
        ),
      }));
    // What is kept so far is never forgotten.
    this.#pages = campaign.pages.size;
  }

  /**
   * `reach`: what was measured; or "measure", to do so; or "without cuts", to play all stories for each mutant.
   * `learns`: where no written transcript tells a mutant, others are looked for that would.
   */
  static async open(
    set: MutantSet,
    seed: number,
    reach: StoryReach[] | "measure" | "without cuts",
    learns = false,
  ): Promise<StoryBench> {
    const { boot, agent } = readSubject(await subjectOfSources());
    const plain = loadModules(boot, agent, { unchanged: false });
    const campaign = await openCampaign({ modules: plain });
    const mutated = await compileChanged({ texts: set.texts(reach === "measure" ? "coverage" : "mutants") });
    // What is remembered of cryptography was computed by the modules as they are: it has no mutants.
    const modules = loadModules(mutated.boot, mutated.agent, {
      unchanged: false,
      crypto: plain.crypto,
      others: questions.imports,
    });
    return new StoryBench(
      campaign,
      modules,
      set.mutants.length,
      seed,
      reach === "measure" ? [] : reach !== "without cuts" ? reach : allAsked(campaign, set),
      learns,
    );
  }

  /** Of cases in which the device as it should be does the same, one: that which is written down, or else the first. */
  #distinct(states: CutState[]): CutState[] {
    const byDigest = new Map<string, CutState>();
    const kept: CutState[] = [];
    for (const state of [...states].sort(
      (a, b) => Number(this.#written[b.id] !== undefined) - Number(this.#written[a.id] !== undefined),
    )) {
      const same = state.digest === undefined ? undefined : byDigest.get(state.digest);
      if (same) for (const mutant of state.asked) same.asked.add(mutant);
      else {
        kept.push(state);
        if (state.digest !== undefined) byDigest.set(state.digest, state);
      }
    }
    return kept;
  }

  #course(story: string): string {
    return JSON.stringify(wholeCourseOf(this.#campaign, story, this.#seed));
  }

  /** What a case's cut leaves, by the modules as they are. */
  #stateOf(id: string): { state: DeviceState; reading: Reading } {
    const { tested, pages, stories } = this.#campaign;
    const {
      story,
      steps: [step],
    } = parseCaseId(id);
    const { story: played, start } = stories.get(story)!;
    if (!step) return { state: start, reading: "as-new" };
    return {
      state: cutAt(tested, pages, new TornPages(pages, this.#seed), played, start, step, "as-new", this.#seed).state,
      reading: step.reading,
    };
  }

  /** Which mutants each story asks for. */
  measure(): StoryReach[] {
    const { tested, stories } = this.#campaign;
    // What a module asks before it is started is asked once for all.
    const atStart = namesOf(questions.askedDuring(this.#count, () => tested.useModules(this.#modules)));
    const ofTroubles = troubles.map(({ name, play }): StoryReach => {
      const asked = [
        ...new Set([
          ...atStart,
          ...namesOf(questions.askedDuring(this.#count, () => void play(this.#campaign, this.#seed))),
        ]),
      ];
      return { story: name, plain: asked, cut: [], seconds: 0, cases: [] };
    });
    return [
      ...ofTroubles,
      ...[...stories].map(([name, { story, start }]) => {
        const began = performance.now();
        const plain = namesOf(
          questions.askedDuring(this.#count, () => void tested.powerUp(story, start, "as-new", this.#seed)),
        );
        const cut = new Set([...atStart, ...plain]);
        const cases: StoryReach["cases"] = [];
        const known = new Set<string>();
        this.#explore(story, start, (id) => {
          const asked = namesOf(questions.noted());
          questions.startNoting(this.#count);
          for (const each of asked) cut.add(each);
          const key = asked.join();
          if (id === undefined || known.has(key)) return;
          known.add(key);
          cases.push({ id, asked });
        });
        const seconds = (performance.now() - began) / 1000;
        this.#forget(start);
        return { story: name, plain: [...new Set([...atStart, ...plain])], cut: [...cut], seconds, cases };
      }),
    ];
  }

  #explore(story: Story, start: DeviceState, onPowerUp?: (id: string | undefined) => void): Finding | undefined {
    const { tested, pages } = this.#campaign;
    const report = new Explorer(tested, pages, {
      seed: this.#seed,
      depth: 1,
      stopAtFirst: true,
      ...(onPowerUp ? { onPowerUp } : {}),
    }).explore(story, start);
    const [violation] = report.violations;
    return violation && { by: `story ${violation.id}`, what: violation.what.join("; ") };
  }

  #forget(start: DeviceState): void {
    const { tested, pages } = this.#campaign;
    tested.board.load(start.ids);
    pages.shrinkTo(this.#pages);
    tested.checker.forget();
  }

  #withoutCuts(name: string, course: string): Finding | undefined {
    const { tested, stories } = this.#campaign;
    const { story, start } = stories.get(name)!;
    const result = tested.powerUp(story, start, "as-new", this.#seed);
    const outcome = tested.server.memory.outcome ?? "checked-in";
    if (result.end !== "settled" || outcome !== story.outcome || result.violations.length > 0)
      return {
        by: `story ${name}`,
        what: `${result.end}, ${outcome} (expected ${story.outcome}); ${result.violations.join("; ")}`,
      };
    return this.#course(name) === course
      ? undefined
      : { by: `course of ${name}`, what: "it does otherwise than is written down" };
  }

  #use(mutant: number): void {
    variants.running = mutant;
    this.#campaign.tested.useModules(this.#modules);
  }

  /** The first finding of `probes` with a mutant. Each has to find nothing without it: else the test is at fault. */
  #first(mutant: number, probes: Iterable<() => Finding | undefined>): Finding | undefined {
    try {
      this.#use(mutant);
      for (const probe of probes) {
        const finding = probe();
        if (!finding) continue;
        this.#use(0);
        const without = probe();
        if (without) throw new Error(`${without.by} finds something where there is no mutant: ${without.what}`);
        return finding;
      }
      return undefined;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError)
        return { by: "the module's start", what: error.message };
      throw error;
    } finally {
      variants.running = 0;
    }
  }

  /** What the stories find of a mutant without cuts. */
  huntStories(mutant: number): Finding | undefined {
    return this.#first(
      mutant,
      this.#reach
        .filter(({ plain }) => plain.has(mutant))
        .map(
          ({ story, course }) =>
            () =>
              this.#withoutCuts(story, course),
        ),
    );
  }

  /**
   * What is found of it by flash that fails for a while, and in odd surroundings. Where their transcripts were
   * compared, there is nothing left to find.
   */
  huntTroubles(mutant: number): Finding | undefined {
    return this.#first(
      mutant,
      this.#troubles
        .filter(({ asked, digest }) => asked.has(mutant) && digest === undefined)
        .map(({ trouble: { name, play } }) => (): Finding | undefined => {
          const [what] = play(this.#campaign, this.#seed);
          return what === undefined ? undefined : { by: `trouble "${name}"`, what };
        }),
    );
  }

  /** What they find of it behind those cuts that lead to runs which are like no others. */
  huntBehindCuts(mutant: number): Finding | undefined {
    const { tested, stories } = this.#campaign;
    const probes = this.#reach.flatMap(({ story: name, states }) =>
      states
        .filter(({ asked, digest }) => asked.has(mutant) && digest === undefined)
        .map(({ id, state, reading }) => (): Finding | undefined => {
          const { story } = stories.get(name)!;
          const result = tested.powerUp(story, state, reading, this.#seed);
          const what = [...result.violations, ...allowedEnd(story, tested, state, result)];
          return what.length > 0 ? { by: `story ${id}`, what: what.join("; ") } : undefined;
        }),
    );
    return this.#first(mutant, probes);
  }

  /** What tells it from the device as it should be: transcripts that are written down, and then any other. */
  huntByTranscripts(mutant: number): Finding | undefined {
    const { tested, stories } = this.#campaign;
    const probes = [
      ...this.#reach.flatMap(({ story, states }) =>
        states.flatMap(({ id, digest, state, reading, asked }) =>
          digest === undefined || !asked.has(mutant)
            ? []
            : [
                {
                  id,
                  digest,
                  now: () => transcriptFrom(tested, stories.get(story)!.story, state, reading, this.#seed),
                },
              ],
        ),
      ),
      ...this.#troubles.flatMap(({ trouble: { name }, asked, digest }) =>
        digest === undefined || !asked.has(mutant)
          ? []
          : [
              {
                id: TROUBLE_PREFIX + name,
                digest,
                now: () => transcriptOf(this.#campaign, TROUBLE_PREFIX + name, this.#seed),
              },
            ],
      ),
    ];
    const isWritten = ({ id }: { id: string }): boolean => this.#written[id] !== undefined;
    const finding = this.#first(
      mutant,
      [...probes.filter(isWritten), ...probes.filter((probe) => !isWritten(probe))].map(
        ({ id, digest, now }) =>
          (): Finding | undefined =>
            now().digest === digest
              ? undefined
              : {
                  by: `transcript of ${id}`,
                  what: "it does otherwise than is written down",
                  ...(this.#written[id] === undefined ? { learnt: { id, digest } } : {}),
                },
      ),
    );
    // It may tell others, too.
    if (finding?.learnt) this.#written[finding.learnt.id] = finding.learnt.digest;
    return finding;
  }

  /** What they find with one cut, wherever and however. Stories that found most in their time come first. */
  huntWithCuts(mutant: number): Finding | undefined {
    const ordered = this.#reach
      .filter(({ cut }) => cut.has(mutant))
      .sort((a, b) => (b.finds + 1) / b.seconds - (a.finds + 1) / a.seconds);
    return this.#first(
      mutant,
      ordered.map((each) => () => {
        const { story, start } = this.#campaign.stories.get(each.story)!;
        const finding = this.#explore(story, start);
        this.#forget(start);
        if (finding && variants.running === mutant) each.finds++;
        return finding;
      }),
    );
  }
}
