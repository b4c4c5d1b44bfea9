// exokernel.h at its edges: the same calls, with the grants of boot loader, agent and app, put to every backend that
// implements the header. The C exokernel is what ships, so its answers are the measure.

import { beforeAll, describe, expect, test } from "vitest";
import { Exo } from "@flipside/machine/abi";
import { type Answers, backends, type ModuleName } from "./edge-backends.ts";
import { buildContract } from "./hosts.ts";

type Name = "node" | "powerCut" | "fuzzers";
const names: Name[] = ["node", "powerCut", "fuzzers"];
const modules: ModuleName[] = ["boot", "agent", "app"];

/** Calls of devices that not every backend has. Where it differs from the C exokernel, this is meant. */
const intended: { calls: RegExp; backends: Name[]; of: ModuleName[]; because: string }[] = [
  {
    calls: /^stream_/,
    backends: names,
    of: ["agent", "app"],
    because: "these have streams; the unikernel has none, and says EXO_E_ABSENT without a look at grants",
  },
  { calls: /^nic_/, backends: names, of: ["agent"], because: "these have streams and no network card" },
  {
    calls: /^serial_read: of (nothing|1024 bytes)$/,
    backends: ["powerCut"],
    of: ["boot"],
    because: "a campaign ends where recovery begins, so its board has no serial line",
  },
];

let all: ReturnType<typeof backends>;
beforeAll(async () => {
  all = backends(await buildContract(1, "edges/"));
});

describe.each(names)("%s", (backend) => {
  test.each(modules)("with the grants of %s, each edge call is answered as the C code answers it", async (module) => {
    const [wanted, got] = [await all.c.answers(module), await all[backend].answers(module)];
    const isMeant = (call: string): boolean =>
      intended.some(({ calls, backends, of }) => of.includes(module) && backends.includes(backend) && calls.test(call));
    const judged = [...wanted].filter(([call]) => !isMeant(call));
    expect(judged.length).toBeGreaterThan(600);
    const answers = (of: Answers): string[] => judged.map(([call]) => `${call}: ${of.get(call)}`);
    expect(answers(got)).toEqual(answers(wanted));
    expect([...got.keys()]).toEqual([...wanted.keys()]);
  });
});

test.each(["agent", "app"] as const)(
  "of streams, which the unikernel lacks, all others tell %s alike",
  async (module) => {
    const onNode = await all.node.answers(module);
    const calls = [...onNode].filter(([call]) => /^(stream|nic)_/.test(call));
    expect(calls.length).toBeGreaterThan(25);
    for (const backend of ["powerCut", "fuzzers"] as const) {
      const got = await all[backend].answers(module);
      expect(calls.map(([call]) => [call, got.get(call)])).toEqual(calls);
    }
  },
);

test("what is meant to differ does: a line of the table that says nothing any more is taken out", async () => {
  for (const { calls, backends, of, because } of intended) {
    for (const backend of backends) {
      for (const module of of) {
        const [inC, got] = [await all.c.answers(module), await all[backend].answers(module)];
        const differs = [...inC].some(([call, answer]) => calls.test(call) && got.get(call) !== answer);
        expect(differs, `${backend}, ${module}: ${because}`).toBe(true);
      }
    }
  }
});

test("the unikernel's card refuses what it can't do before it was granted a window, and has no streams", async () => {
  const answers = await all.c.answers("agent");
  const of = (pattern: RegExp): number[] =>
    [...answers].filter(([call]) => pattern.test(call)).map(([, answer]) => answer);
  expect(of(/^stream_/).every((answer) => answer === Exo.Absent)).toBe(true);
  expect(of(/^nic_(info|grant)/)).toEqual([Exo.Argument, Exo.Argument]);
  expect(of(/^nic_(receive|release|acquire|transmit)/)).toEqual([Exo.Closed, Exo.Closed, Exo.Closed, Exo.Closed]);
});
