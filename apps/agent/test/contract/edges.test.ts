// exokernel.h at its edges: the same calls, with the grants of boot loader, agent and app, put to every backend that
// implements the header. The C exokernel is what ships, so its answers are the measure.

import { beforeAll, describe, expect, test } from "vitest";
import { type Answers, backends, type ModuleName } from "./edge-backends.ts";
import { buildContract } from "./hosts.ts";

let all: ReturnType<typeof backends>;
beforeAll(async () => {
  all = backends(await buildContract(1, "edges/"));
});

const modules: ModuleName[] = ["boot", "agent", "app"];

describe.each(["node", "powerCut", "fuzzers"] as const)("%s", (backend) => {
  test.each(modules)("with the grants of %s, every edge call is answered as the C exokernel answers it", async (module) => {
    const wanted: Answers = await all.c.answers(module);
    const got = await all[backend].answers(module);
    const differences = [...wanted].filter(([name, answer]) => got.get(name) !== answer).map(([name, answer]) => `${name}: ${got.get(name)}, C ${answer}`);
    console.log(`${backend} ${module}: ${differences.length} of ${wanted.size} differ`);
    expect(differences).toEqual([]);
    expect([...got.keys()]).toEqual([...wanted.keys()]);
  });
});
