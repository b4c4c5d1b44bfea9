// Devices by a filter, through the REST interface. What filters mean is tested in packages/device-filter; here, that
// the server asks them of what it knows.

import { filterCharactersMax } from "@flipside/api/limits";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const hourMs = 3_600_000;
let skewMs = 0;
let fixture: Fixture;
let updated: ProtocolDevice;
let away: ProtocolDevice;
beforeAll(async () => {
  // Who is online stays so for two polls, however long a test takes.
  fixture = await Fixture.start({ clock: passing(() => skewMs), pollMs: 600_000 });
  away = await fixture.readyDevice("away");
  await away.close();
  skewMs = 2 * hourMs;
  updated = await fixture.readyDevice("updated", (d) => (d.attributes = { floor: 3, site: "berlin" }));
  const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.1.0", releaseSequence: 2 }));
  await fixture.rollOut(release.id, [updated]);
  await updated.install(await updated.offered());
  updated.reboot(true, "1.1.0", 2);
  await updated.checkIn();
  const silent = await fixture.newDevice("silent");
  await silent.enrol();
  await fixture.api.request("PUT", "/api/v1/devices/silent/tags", { tags: ["site:kiel", "canary"] });
  await fixture.readyDevice("revoked", (d) => (d.hardware = "another"));
  await fixture.api.post("/api/v1/devices/revoked/revoke");
});
afterAll(() => fixture.stop());

const list = (filter: string, query = "") =>
  fixture.api.get(`/api/v1/devices?${new URLSearchParams({ filter, query }).toString()}`);
const found = async (filter: string, query = ""): Promise<string> => {
  const { status, body } = await list(filter, query);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.devices.map(({ id }: { id: string }) => id).join(" ");
};

describe("the list of devices", () => {
  it.each([
    ["", "away revoked silent updated"],
    ["id like ?????d", ""],
    ["id like *d", "revoked updated"],
    ["not has product", "silent"],
    ["hardware = another or revision = 7", "revoked"],
    ["version < 1.1.0 and not revoked", "away"],
    ['version ~ "^1.1"', "updated"],
    ["release = 1.1.0", "updated"],
    ["not has release and has version", "away revoked"],
    ["slotState = confirmed and health = healthy and bootReason = update", "updated"],
    ["online", "updated"],
    ["revoked", "revoked"],
    ["lastSeen < 1h and not revoked", "updated"],
    ["lastSeen > 1h", "away"],
    ["not has lastSeen", "silent"],
    ["tag = canary and tag like site:*", "silent"],
    ["attribute.floor >= 3 and attribute.site = berlin", "updated"],
  ])("has of %j those that it means", async (filter, ids) => {
    expect(await found(filter)).toBe(ids);
  });

  it("can be asked for words beside it", async () => {
    expect(await found("not revoked", "online")).toBe("updated");
  });

  it("knows the running image by its digest", async () => {
    const { digest } = (await list("online")).body.devices[0].running;
    expect(await found(`digest = ${digest.toUpperCase()}`)).toBe("updated");
  });

  it("is refused with the place of what is wrong", async () => {
    const { status, body } = await list("online and\n hardwar = x");
    expect(status).toBe(400);
    expect(body.code).toBe("filter-malformed");
    expect(body.detail).toMatch(/^Line 2, character 2: there is no field "hardwar".* Did you mean hardware\?$/);
    expect(body.errors).toEqual([
      { path: "filter", message: body.detail, position: { offset: 12, length: 7, line: 2, column: 2 } },
    ]);
    expect((await list(`tag = ${"a".repeat(filterCharactersMax)}`)).body.code).toBe("filter-malformed");
  });
});
