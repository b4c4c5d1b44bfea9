// Failed updates, told together where they failed for one reason, on one hardware, coming from one version.

import type { FailureCluster, NewRollout } from "@flipside/api/types";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiClient, Fixture } from "./fixture.ts";
import { newToken } from "./people.ts";
import { failTrial, type Made, newRelease, update } from "./rollout-steps.ts";

let fixture: Fixture;
let release: Made;
let rolloutId: string;
beforeAll(async () => {
  fixture = await Fixture.start();
  const first = await newRelease(fixture, 2);
  release = await newRelease(fixture, 3);
  const devices = [];
  for (const id of ["a", "b", "c", "d", "e"]) devices.push(await fixture.readyDevice(id));
  const roll = async (request: Partial<NewRollout>): Promise<string> =>
    (
      await fixture.api.post("/api/v1/rollouts", {
        name: "to the new one",
        releaseId: release.id,
        target: { filter: "has id" },
        failureThresholdPercent: 100,
        ...request,
      })
    ).body.id;
  // One of them comes from another version than the rest.
  const before = await roll({ name: "before", releaseId: first.id, target: { deviceIds: ["e"] } });
  await update(devices[4]!, first);
  await fixture.api.until(`/api/v1/rollouts/${before}`, ({ state }) => state === "completed");
  await fixture.api.request("PUT", "/api/v1/devices/b/tags", { tags: ["acme"] });
  rolloutId = await roll({});
  for (const at of [0, 1, 2, 4]) await failTrial(devices[at]!);
  await update(devices[3]!, release);
});
afterAll(() => fixture.stop());

const failuresAt = async (path: string): Promise<{ failures: FailureCluster[]; next: string | null }> => {
  const answer = await fixture.api.get(path);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};

describe("failures of a rollout", () => {
  it("are clustered, the largest cluster first, with the devices that failed last as examples", async () => {
    const { failures, next } = await failuresAt(`/api/v1/rollouts/${rolloutId}/failures`);
    expect(next).toBeNull();
    expect(failures).toMatchObject([
      { state: "rolled-back", hardware: "virtual", previousVersion: "1.0.0", count: 3, examples: ["c", "b", "a"] },
      { state: "rolled-back", hardware: "virtual", previousVersion: "1.2.0", count: 1, examples: ["e"] },
    ]);
    for (const { code, codeName, firstAt, lastAt } of failures) {
      expect(code).toBeGreaterThan(0);
      expect(codeName).not.toBeNull();
      expect(Date.parse(firstAt)).toBeLessThanOrEqual(Date.parse(lastAt));
    }
  });

  it("come a page at a time, each cluster once", async () => {
    const first = await failuresAt(`/api/v1/rollouts/${rolloutId}/failures?limit=1`);
    expect(first.failures.map(({ count }) => count)).toEqual([3]);
    const second = await failuresAt(`/api/v1/rollouts/${rolloutId}/failures?limit=1&after=${first.next}`);
    expect(second).toMatchObject({ failures: [{ count: 1 }], next: null });
    expect((await fixture.api.get(`/api/v1/rollouts/${rolloutId}/failures?after=x`)).status).toBe(422);
  });

  it("are told of a release by all of its rollouts, and of one that is not there as what it is", async () => {
    const { failures } = await failuresAt(`/api/v1/releases/${release.id}/failures`);
    expect(failures.map(({ count }) => count)).toEqual([3, 1]);
    for (const of of ["releases", "rollouts"])
      expect((await fixture.api.get(`/api/v1/${of}/none/failures`)).status, of).toBe(404);
  });

  it("are told of devices within the scope of who asks", async () => {
    const { headers } = await newToken(fixture.api, ["fleet:read"], { scope: ["acme"] });
    const partner = (path: string) => new ApiClient(fixture.server.url).request("GET", path, undefined, headers);
    const { body } = await partner(`/api/v1/releases/${release.id}/failures`);
    expect(body.failures).toMatchObject([{ count: 1, examples: ["b"] }]);
    expect((await partner(`/api/v1/rollouts/${rolloutId}/failures`)).status, "not theirs").toBe(404);
  });

  it("go when they are tried again", async () => {
    await fixture.api.post(`/api/v1/rollouts/${rolloutId}/retry`, { deviceIds: ["e"] });
    const { failures } = await failuresAt(`/api/v1/rollouts/${rolloutId}/failures`);
    expect(failures.map(({ count }) => count)).toEqual([3]);
  });
});

describe("the course of a rollout", () => {
  it("counts what ended, and how, by spans of time", async () => {
    const { body } = await fixture.api.get(`/api/v1/rollouts/${rolloutId}/course`);
    const sum = (pick: "succeeded" | "failed"): number =>
      body.steps.reduce((total: number, step: Record<"succeeded" | "failed", number>) => total + step[pick], 0);
    expect([sum("succeeded"), sum("failed")]).toEqual([1, 3]);
    for (const { at, wave } of body.steps) {
      expect(Date.parse(at) % body.spanMs).toBe(0);
      expect(Date.parse(at)).toBeLessThanOrEqual(Date.parse(body.until));
      expect(wave).toBe(0);
    }
    expect((await fixture.api.get("/api/v1/rollouts/none/course")).status).toBe(404);
  });

  it("gives an estimate of its end, and says what it follows from, or why there is none", async () => {
    const estimate = async () => (await fixture.api.get(`/api/v1/rollouts/${rolloutId}/estimate`)).body;
    const running = await estimate();
    expect(running.sentence).toMatch(/^As wave 1 went \(4 devices in .*\): 1 device .*left\.$/);
    expect(Date.parse(running.endsAt)).toBeGreaterThan(0);
    await fixture.api.post(`/api/v1/rollouts/${rolloutId}/pause`);
    expect(await estimate()).toEqual({
      endsAt: null,
      sentence: "It is paused, and ends when somebody resumes it and it has gone on.",
    });
    await fixture.api.post(`/api/v1/rollouts/${rolloutId}/cancel`);
    expect(await estimate()).toEqual({ endsAt: null, sentence: "It is over." });
  });
});
