// `flipside power-cut` (docs/power-cut.md)

import { handingOn } from "../command-line/command.ts";

export const powerCut = handingOn({
  name: "power-cut",
  summary: "Cut power at every flash operation, of this source tree or of a release",
  about: "docs/power-cut.md says what must hold, and what each option does.",
  arguments: [{ name: "RELEASE", what: "a release file in place of this source tree", optional: true }],
  options: {
    exhaustive: { what: "every single cut, every nested cut, deep schedules, and all planted bugs" },
    single: { what: "every single cut, and no nested ones" },
    planted: { what: "only look for the planted bugs" },
    wear: { what: "how often sectors are erased" },
    qemu: { what: "cuts on the real image, under QEMU" },
    cuts: { value: "N", what: "with --qemu: so many" },
    story: { value: "NAME", what: "only this story" },
    case: { value: "ID", what: "replay one case, step by step" },
    deep: { value: "N", what: "schedules of many cuts for each story" },
    seed: { value: "N", what: "seed of everything that is drawn" },
    seeds: { value: "LIST", what: "campaigns with several seeds: 1-24,7731904" },
    budget: { value: "SECONDS", what: "hand out no more work after that" },
    processes: { value: "N", what: "how many at once" },
    json: { value: "FILE", what: "write the figures" },
  },
  examples: ["flipside power-cut my-app-2.0.0.release"],
  handsOn: async (argv) => (await import("../../../power-cut/src/main.ts")).powerCut(argv),
});
