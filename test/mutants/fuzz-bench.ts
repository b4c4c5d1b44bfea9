// The fuzz targets against one mutant after the other: first those of their inputs that ask for it, then changes of
// these. The target is opened once, with no mutant: what an input begins from is what the device as it should be has
// left.

import { variants } from "../../apps/agent/build/variants.ts";
import { Campaign } from "../fuzz/engine/campaign.ts";
import type { Patch } from "../fuzz/engine/compile.ts";
import { keptCases } from "../fuzz/engine/corpus.ts";
import type { Target } from "../fuzz/engine/target.ts";
import { writtenTranscripts } from "../fuzz/engine/transcripts.ts";
import { targetsAbout } from "../fuzz/targets/about.ts";
import { targets } from "../fuzz/targets/index.ts";
import { type Purpose, questions } from "./questions.ts";
import type { MutantSet } from "./sources.ts";
import type { Finding } from "./story-bench.ts";

/** Targets, and how many inputs are tried to find some that tell mutants apart. */
const tried: Record<string, number> = {
  "boot-control": 3000,
  slots: 600,
  "trust-zone": 300,
  recovery: 6000,
  "agent-messages": 5000,
  update: 800,
  "offer-check": 1500,
  "permit-holds": 1500,
  settings: 4000,
  factory: 3000,
  journal: 6000,
  "trust-updates": 200,
  trial: 400,
  "update-journal": 1500,
  "chunk-fetch": 3000,
  "chunk-table": 300,
  deployment: 1000,
};
/**
 * Of the inputs that ask for a mutant, so many are tried first; of those of a target whose seeds are a course each,
 * all.
 */
const INPUTS_FOR_EACH = 40;
const isCourseEach = new Set([
  "recovery",
  "update",
  "offer-check",
  "trial",
  "trust-updates",
  "update-journal",
  "chunk-fetch",
]);
const inputsForEach = (name: string): number => (isCourseEach.has(name) ? 200 : INPUTS_FOR_EACH);

/** What was measured once, for all processes. */
export interface FuzzReach {
  target: string;
  inputs: string[];
  /** Of each mutant that is asked for, the numbers of inputs that do. */
  asking: Record<number, number[]>;
  /** Mutants that are asked for while the target is opened or by any input. */
  asked: number[];
}

const patchesOf = (set: MutantSet, purpose: Purpose): Patch[] =>
  [...set.texts(purpose)].map(([file, replace]) => ({ file, find: "", replace }));

/** Finds inputs that ask for mutants. */
export async function measureTarget(name: string, set: MutantSet, seed: number): Promise<FuzzReach> {
  const count = set.mutants.length;
  const asked = new Uint8Array(count + 1);
  const note = (some: Uint8Array): void =>
    some.forEach((is, i) => {
      if (is) asked[i] = 1;
    });
  questions.startNoting(count);
  const target: Target = await targets[name]!(patchesOf(set, "coverage"));
  note(questions.noted());
  const campaign = new Campaign(
    target,
    seed,
    keptCases(name).map(({ input }) => input),
  );
  campaign.run(tried[name]!);
  const asking: Record<number, number[]> = {};
  // Those whose transcripts are written down tell mutants, wherever chance leads.
  const inputs = [
    ...campaign.corpus,
    ...Object.keys(writtenTranscripts()[name] ?? {}).map((input) => new Uint8Array(Buffer.from(input, "base64"))),
  ];
  inputs.forEach((input, number) => {
    questions.startNoting(count);
    campaign.faultOf(input);
    const now = questions.noted();
    note(now);
    for (let mutant = 1; mutant <= count; mutant++) if (now[mutant]) (asking[mutant] ??= []).push(number);
  });
  // The first and the last ones: plain inputs, and those that it took longest to come to.
  for (const list of Object.values(asking))
    if (list.length > inputsForEach(name)) list.splice(inputsForEach(name) / 2, list.length - inputsForEach(name));
  const used = [...new Set(Object.values(asking).flat())];
  const numberOf = new Map(used.map((old, i) => [old, i]));
  return {
    target: name,
    inputs: used.map((old) => Buffer.from(inputs[old]!).toString("base64")),
    asking: Object.fromEntries(
      Object.entries(asking).map(([mutant, list]) => [mutant, list.map((old) => numberOf.get(old)!)]),
    ),
    asked: [...asked.keys()].filter((mutant) => asked[mutant] !== 0),
  };
}

/** Those that are about any of these sources. */
export const fuzzTargetsFor = (files: readonly string[]): string[] =>
  targetsAbout(files).filter((name) => name in tried);

interface OpenTarget {
  name: string;
  target: Target;
  reach: FuzzReach;
  inputs: Uint8Array[];
  /** Of each input's transcript, where one is written down or learnt. */
  digests: (string | undefined)[];
  campaign: Campaign;
}

export class FuzzBench {
  readonly #open: OpenTarget[];
  readonly #seed: number;
  /** Those written down; what is learnt comes to them, since it may tell others, too. */
  readonly #written = writtenTranscripts();

  private constructor(open: OpenTarget[], seed: number) {
    this.#open = open;
    this.#seed = seed;
  }

  static async open(set: MutantSet, reaches: FuzzReach[], seed: number, learns = false): Promise<FuzzBench> {
    const open: OpenTarget[] = [];
    const written = writtenTranscripts();
    for (const reach of reaches) {
      const target = await targets[reach.target]!(patchesOf(set, "mutants"));
      const campaign = new Campaign(target, seed);
      const inputs = reach.inputs.map((input) => new Uint8Array(Buffer.from(input, "base64")));
      const digests = reach.inputs.map(
        (input, i) =>
          written[reach.target]?.[input] ??
          (learns && target.host ? campaign.transcriptOf(inputs[i]!).digest : undefined),
      );
      open.push({ name: reach.target, target, reach, inputs, digests, campaign });
    }
    return new FuzzBench(open, seed);
  }

  /** The inputs that ask for a mutant. */
  hunt(mutant: number): Finding | undefined {
    variants.running = mutant;
    try {
      for (const { name, reach, inputs, digests, campaign } of this.#open) {
        for (const number of reach.asking[mutant] ?? []) {
          // Its transcript says what is at fault, too.
          if (digests[number] !== undefined) continue;
          const what = campaign.faultOf(inputs[number]!);
          if (what === undefined) continue;
          variants.running = 0;
          const without = campaign.faultOf(inputs[number]!);
          if (without !== undefined) throw new Error(`${name} finds something where there is no mutant: ${without}`);
          return { by: `fuzz ${name}`, what };
        }
      }
      return undefined;
    } finally {
      variants.running = 0;
    }
  }

  /** What tells it from the device as it should be: transcripts of inputs that are written down, and then any other. */
  huntByTranscripts(mutant: number): Finding | undefined {
    const written = this.#written;
    const probes = this.#open.flatMap(({ name, reach, inputs, digests, campaign }) =>
      (reach.asking[mutant] ?? []).flatMap((number) => {
        const digest = digests[number];
        const input = reach.inputs[number]!;
        return digest === undefined
          ? []
          : [
              {
                name,
                input,
                isWritten: written[name]?.[input] !== undefined,
                digest,
                now: () => campaign.transcriptOf(inputs[number]!).digest,
              },
            ];
      }),
    );
    for (const { name, input, isWritten, digest, now } of [...probes].sort(
      (a, b) => Number(b.isWritten) - Number(a.isWritten) || a.input.length - b.input.length,
    )) {
      variants.running = mutant;
      let differs: boolean;
      try {
        differs = now() !== digest;
      } finally {
        variants.running = 0;
      }
      if (!differs) continue;
      if (now() !== digest)
        throw new Error(`${name}: a transcript differs from what is written down, where there is no mutant`);
      (written[name] ??= {})[input] = digest;
      return {
        by: `transcript of fuzz ${name}`,
        what: "it does otherwise than is written down",
        ...(isWritten ? {} : { learnt: { id: `${name} ${input}`, digest } }),
      };
    }
    return undefined;
  }

  /** New inputs, made from those that ask for it. */
  huntOn(mutant: number): Finding | undefined {
    for (const { name, target, reach, inputs } of this.#open) {
      const asking = reach.asking[mutant];
      if (!asking) continue;
      variants.running = mutant;
      try {
        const campaign = new Campaign({ ...target, seeds: asking.map((number) => inputs[number]!) }, this.#seed, []);
        const most = tried[name]! / 4;
        while (campaign.findings.length === 0 && campaign.inputs < most) campaign.run(campaign.inputs + 25);
        const [finding] = campaign.findings;
        if (finding) return { by: `fuzz ${name}`, what: finding.what };
      } finally {
        variants.running = 0;
      }
    }
    return undefined;
  }
}
