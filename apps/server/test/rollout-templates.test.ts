// Settings of rollouts that are kept under a name.

import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

const path = "/api/v1/rollout-templates";
const save = (name: string, settings: object) => fixture.api.post(path, { name, settings });
const names = async (query = ""): Promise<string[]> =>
  (await fixture.api.get(path + query)).body.templates.map(({ name }: { name: string }) => name);

it("are kept with every default, listed by name a page at a time, and replaced by the same name", async () => {
  const { status, body } = await save("Slowly", { failureThresholdPercent: 5, waves: [{ percent: 10 }] });
  expect(status).toBe(201);
  expect(body).toMatchObject({ name: "Slowly", savedBy: "admin", settings: { minimumSample: 5, urgent: false } });
  await save("At once", {});
  const again = await save("Slowly", { failureThresholdPercent: 1 });
  expect(again.body).toMatchObject({
    id: body.id,
    settings: { failureThresholdPercent: 1, waves: [{ percent: 100 }] },
  });
  expect(await names()).toEqual(["At once", "Slowly"]);
  const first = (await fixture.api.get(`${path}?limit=1`)).body;
  expect(first.templates.map(({ name }: { name: string }) => name)).toEqual(["At once"]);
  expect(await names(`?limit=1&after=${first.next}`)).toEqual(["Slowly"]);

  expect((await fixture.api.request("DELETE", `${path}/${body.id}`)).status).toBe(204);
  expect((await fixture.api.request("DELETE", `${path}/${body.id}`)).status).toBe(404);
  expect(await names()).toEqual(["At once"]);
});

it("are refused with what is of one rollout, and with what no rollout may ask for", async () => {
  for (const settings of [
    { releaseId: "r" },
    { target: { all: true } },
    { failureThresholdPercent: 101 },
    { startAt: null },
  ])
    expect((await save("No", settings)).body.code, JSON.stringify(settings)).toBe("validation-failed");
  expect((await save("", {})).status).toBe(422);
});
