// A process of its own for one core: fuzzes one target after the other, as main.ts says.

import { Campaign, type Figures } from "./engine/campaign.ts";
import { keptCases } from "./engine/corpus.ts";
import { targets } from "./targets/index.ts";

export interface Job {
  target: string;
  seed: number;
  inputs: number;
  /** No more time than this, whatever is left. */
  seconds: number;
}

export type Told =
  | { kind: "progress"; target: string; inputs: number }
  | { kind: "done"; figures: Figures; blocks: number[]; findings: { what: string; inputBase64: string }[] };

const SLICE_MS = 2000;

process.on("message", (job: Job) => {
  void (async () => {
    const campaign = new Campaign(
      await targets[job.target]!(),
      job.seed,
      keptCases(job.target).map(({ input }) => input),
    );
    const until = performance.now() + job.seconds * 1000;
    while (campaign.inputs < job.inputs && performance.now() < until) {
      const before = campaign.inputs;
      campaign.run(job.inputs, Math.min(until, performance.now() + SLICE_MS));
      process.send!({ kind: "progress", target: job.target, inputs: campaign.inputs } satisfies Told);
      if (campaign.inputs === before) break; // it has found too much to go on
    }
    process.send!({
      kind: "done",
      figures: campaign.figures(),
      blocks: campaign.target.instance.blocks(),
      findings: campaign.findings.map(({ what, input }) => ({
        what,
        inputBase64: Buffer.from(input).toString("base64"),
      })),
    } satisfies Told);
  })().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
