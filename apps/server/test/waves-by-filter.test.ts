// Waves whose devices a filter means: canaries above all.

import type { Deployment, Rollout } from "@flipside/api/types";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { smallFleet } from "./small-fleet.ts";

let fixture: Fixture;
let releaseId: string;
const ids = Array.from({ length: 12 }, (_, i) => `dev-${String(i).padStart(2, "0")}`);
const canaries = ["dev-03", "dev-07", "dev-11"];

beforeAll(async () => {
  fixture = await Fixture.start();
  ({ releaseId } = await smallFleet(fixture, ids));
  for (const id of canaries) await fixture.api.request("PUT", `/api/v1/devices/${id}/tags`, { tags: ["canary"] });
});
afterAll(() => fixture.stop());

const requestOf = (waves: object[], more: object = {}): object => ({
  name: "in waves",
  releaseId,
  target: { filter: "id like dev-*" },
  waves,
  ...more,
});
const make = async (waves: object[], more: object = {}) =>
  (await fixture.api.post("/api/v1/rollouts", requestOf(waves, more))).body;
const ask = async (waves: object[]) => (await fixture.api.post("/api/v1/rollouts/preflight", requestOf(waves))).body;

const waveOf = ({ deployments }: Rollout, wave: number): string[] =>
  deployments
    .filter((each: Deployment) => each.wave === wave)
    .map(({ deviceId }) => deviceId)
    .sort();

describe("a wave by a filter", () => {
  it("has the devices of the target that it means, and the other waves have the rest", async () => {
    const rollout = await make([{ filter: "tag = canary" }, { percent: 50 }]);
    expect(waveOf(rollout, 0)).toEqual(canaries);
    expect(rollout.waves.map(({ total }: { total: number }) => total)).toEqual([3, 3, 6]);
    expect(rollout.settings.waveFilters).toEqual(["tag = canary", null, null]);
    expect([...waveOf(rollout, 1), ...waveOf(rollout, 2)].some((id) => canaries.includes(id))).toBe(false);
  });

  it("has as many of them as its count says, whatever the rollout's order, and rules of its own", async () => {
    for (const order of ["online-first", "as-listed", "random"]) {
      const rollout = await make([{ count: 2, filter: "tag = canary", soakMs: 1_000 }], { order });
      expect(rollout.waves.map(({ total }: { total: number }) => total)).toEqual([2, 10]);
      expect(waveOf(rollout, 0).every((id) => canaries.includes(id))).toBe(true);
      expect(rollout.settings.rules.map(({ soakMs }: { soakMs: number }) => soakMs)).toEqual([1_000, 0]);
    }
  });

  it("is decided when the rollout is made", async () => {
    const rollout = await make([{ filter: "tag = canary" }]);
    await fixture.api.request("PUT", "/api/v1/devices/dev-00/tags", { tags: ["canary"] });
    const later = (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body;
    expect(waveOf(later, 0)).toEqual(canaries);
    await fixture.api.request("PUT", "/api/v1/devices/dev-00/tags", { tags: [] });
  });

  it("is shown by a pre-flight", async () => {
    expect((await ask([{ filter: "tag = canary" }, { count: 4 }])).waves).toMatchObject([
      { index: 0, total: 3, filter: "tag = canary" },
      { index: 1, total: 4, filter: null },
      { index: 2, total: 5, filter: null },
    ]);
  });

  it("is refused when it means nobody, or nobody who is left: all others would begin without canaries", async () => {
    expect(await make([{ filter: "tag = canaries" }])).toMatchObject({
      status: 422,
      code: "no-devices",
      detail:
        "The filter of wave 1 means no device of the target that the waves before have left. Put the filter right, put the wave before the others, or leave it out.",
      errors: [{ path: "waves.0.filter" }],
    });
    const taken = [{ percent: 100 }, { filter: "tag = canary" }];
    expect((await make(taken)).errors[0].path).toBe("waves.1.filter");
    expect((await ask(taken)).problems).toMatchObject([
      { kind: "refused", sentence: expect.stringContaining("The filter of wave 2 means no device") },
    ]);
  });

  it("is refused with the place of what is wrong in its filter, by a pre-flight too", async () => {
    const wrong = [{ count: 1 }, { filter: "tag = canary and health = helthy" }];
    const refusal = {
      status: 400,
      code: "filter-malformed",
      errors: [{ path: "waves.1.filter", position: { offset: 26, length: 6, line: 1, column: 27 } }],
    };
    expect(await make(wrong)).toMatchObject(refusal);
    expect(await ask(wrong)).toMatchObject(refusal);
    expect((await make([{ filter: "" }])).code).toBe("validation-failed");
    expect((await make([{ percent: 10, filter: "tag = canary" }])).code).toBe("validation-failed");
  });
});
