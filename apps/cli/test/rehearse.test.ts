// `flipside rollout rehearse` at a real server, which plays it in a process of its own.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@flipside/api/routes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { smallFleet } from "../../server/test/small-fleet.ts";
import { type AtServer, atServer } from "./at-a-server.ts";

const playMsMax = 600_000;
let at: AtServer;
let releaseId: string;
beforeAll(async () => {
  at = await atServer();
  ({ releaseId } = await smallFleet(at.fixture, ["a", "b", "c"]));
  for (const id of ["a", "b", "c"]) at.fixture.server.internals.lastSeen.note(id);
});
afterAll(() => at?.stop());

it("says how long it takes and what a bad image costs, the same as JSON", { timeout: playMsMax }, async () => {
  const file = join(at.folder, "rollout.json");
  writeFileSync(file, JSON.stringify({ name: "by file", releaseId, target: { all: true }, minimumSample: 1 }));
  const line = ["rollout", "rehearse", "--file", file, "--wave", "1", "--wave", "100%", "--soak", "10m"];
  const worlds = ["--bad-percent", "100%", "--bad-code", "crashed", "--late-percent", "0%"];
  const asText = await at.flipside(...line, ...worlds, "--seed", "7");
  expect(asText.code, asText.complained).toBe(0);
  expect(asText.said).toContain("If the image is good: it is done in ");
  expect(asText.said).toContain("If on 100 % of devices the image fails its trial (crashed): wave 1 pauses it after ");
  expect(asText.said).toMatch(/\n {2}paused automatically: /);
  expect(asText.said).toMatch(/Supposed:\n {2}No update has been confirmed yet/);
  expect(asText.said).toMatch(/\nSeed 7, model [0-9a-f]{64}\n$/);
  const { code, said } = await at.flipside(
    "rollout",
    "rehearse",
    "--file",
    file,
    "--bad-percent",
    "0%",
    "--late-percent",
    "0%",
    "--json",
  );
  expect(code).toBe(0);
  const rehearsal = routes.getRehearsal.answer.schema.parse(JSON.parse(said));
  expect(rehearsal).toMatchObject({ state: "done", name: "by file" });
  expect(rehearsal.answer!.worlds.map(({ kind }) => kind)).toEqual(["good"]);
});

it("gives up waiting when it is told to, and says which rehearsal it was", async () => {
  const { code, complained } = await at.flipside(
    ...["rollout", "rehearse", "--file", join(at.folder, "rollout.json"), "--timeout", "0s"],
  );
  expect(code).toBe(6);
  const [, id] = /rehearsal (\w+) has no answer after 0/.exec(complained)!;
  expect((await at.fixture.api.post(`/api/v1/rehearsals/${id}/cancel`)).status).toBe(200);
});

it("refuses what can't be meant, and says what the server refuses", async () => {
  for (const [options, code, text] of [
    [["--all", "--release", "1.1.0", "--seed", "many"], 2, "--seed"],
    [
      ["--file", join(at.folder, "rollout.json"), "--bad-percent", "0%", "--bad-code", "crashed"],
      2,
      "--bad-percent 0%",
    ],
    [
      ["--file", join(at.folder, "rollout.json"), "--late-percent", "0", "--late-crash-every", "1h"],
      2,
      "--late-percent",
    ],
    [["--file", join(at.folder, "rollout.json"), "--target", "id = nobody"], 3, "no-devices"],
    [["--file", join(at.folder, "rollout.json"), "--late-crash-every", "1s"], 3, "validation-failed"],
  ] as const) {
    const ended = await at.flipside("rollout", "rehearse", ...options);
    expect(ended.complained, options.join(" ")).toContain(text);
    expect(ended.code, options.join(" ")).toBe(code);
  }
});
