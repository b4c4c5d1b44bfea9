// Rollouts whose devices a filter means.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

let fixture: Fixture;
let releaseId: string;
beforeAll(async () => {
  fixture = await Fixture.start();
  for (const id of ["a", "b", "c"]) await fixture.readyDevice(id);
  await fixture.readyDevice("odd-board", (d) => (d.hardware = "another-board"));
  await fixture.readyDevice("odd-product", (d) => (d.product = "something-else"));
  await fixture.readyDevice("newer", (d) => (d.running = { ...d.running, version: "9.0.0", releaseSequence: 900 }));
  await (await fixture.newDevice("silent")).enrol();
  await fixture.readyDevice("revoked");
  await fixture.api.post("/api/v1/devices/revoked/revoke");
  for (const id of ["a", "b", "odd-board", "odd-product", "silent", "revoked"])
    await fixture.api.request("PUT", `/api/v1/devices/${id}/tags`, { tags: ["canary"] });
  const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.1.0", releaseSequence: 2 }));
  releaseId = release.id;
});
afterAll(() => fixture.stop());

const make = async (filter: string) =>
  (await fixture.api.post("/api/v1/rollouts", { name: "by filter", releaseId, target: { filter } })).body;

describe("a rollout by a filter", () => {
  it("is for those that it means and the release fits, and counts the others in its first decision", async () => {
    const filter = "tag = canary";
    const rollout = await make(filter);
    expect(rollout).toMatchObject({ state: "running", targetFilter: filter, total: 2 });
    expect(rollout.deployments.map(({ deviceId }: { deviceId: string }) => deviceId).sort()).toEqual(["a", "b"]);
    expect(rollout.decisions[0].text).toBe(
      "started: 2 devices in 1 wave; left out: 1 revoked, 1 never checked in, 1 of another product, 1 of hardware that the release has no image for",
    );
    const { rollouts } = (await fixture.api.get("/api/v1/rollouts")).body;
    expect(rollouts[0].targetFilter).toBe(filter);
  });

  it("is for those that it meant when it was made", async () => {
    const rollout = await make("tag = canary and id in (a, b)");
    await fixture.api.request("PUT", "/api/v1/devices/a/tags", { tags: [] });
    await fixture.api.request("PUT", "/api/v1/devices/c/tags", { tags: ["canary"] });
    const { deployments } = (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body;
    expect(deployments.map(({ deviceId }: { deviceId: string }) => deviceId).sort()).toEqual(["a", "b"]);
  });

  it("is refused when it means nobody, or nobody whom the release fits", async () => {
    expect(await make("tag = nobody")).toMatchObject({
      status: 422,
      code: "no-devices",
      detail: "The filter means no device at this time. Look at the list of devices with the same filter.",
    });
    expect((await make("id like odd-*")).detail).toBe(
      "Of 2 devices that the filter means none can be updated: 1 of another product, 1 of hardware that the release has no image for. Look at the list of devices with the same filter.",
    );
  });

  it("is refused when one of them runs something newer, whom nobody leaves out unasked", async () => {
    expect(await make("id in (c, newer)")).toMatchObject({ status: 422, code: "release-older" });
    expect(await make('id in (c, newer) and version < "2"')).toMatchObject({ state: "running", total: 1 });
  });

  it("is refused with the place of what is wrong in the filter", async () => {
    expect(await make("tag == canary")).toMatchObject({
      status: 400,
      code: "filter-malformed",
      errors: [{ path: "target.filter", position: { offset: 4, length: 2, line: 1, column: 5 } }],
    });
    expect((await make("")).code).toBe("validation-failed");
  });
});
