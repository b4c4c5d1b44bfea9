// What devices are found by beside what they run: operators' tags, and what devices say of themselves.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

const shown = async (id: string) => (await fixture.api.get(`/api/v1/devices/${id}`)).body;
const tag = (id: string, tags: unknown) => fixture.api.request("PUT", `/api/v1/devices/${id}/tags`, { tags });

describe("tags", () => {
  it("are what an operator said last, in the order of the alphabet, each once", async () => {
    const { id } = await fixture.readyDevice();
    const other = await fixture.readyDevice();
    expect((await shown(id)).tags).toEqual([]);
    expect(await tag(id, ["site:berlin", "canary", "canary"])).toMatchObject({
      status: 200,
      body: { id, tags: ["canary", "site:berlin"] },
    });
    await tag(other.id, ["canary"]);
    await tag(id, ["site:kiel"]);
    const { devices } = (await fixture.api.get("/api/v1/devices")).body;
    const listed = Object.fromEntries(
      devices.map((device: { id: string; tags: string[] }) => [device.id, device.tags]),
    );
    expect(listed).toMatchObject({ [id]: ["site:kiel"], [other.id]: ["canary"] });
    expect((await shown(id)).log.find((entry: { kind: string }) => entry.kind === "tags").detail).toBe(
      "site:kiel, set by admin",
    );
    expect((await tag(id, [])).body.tags).toEqual([]);
  });

  it("are refused when they are no tags, too many, or of no device", async () => {
    const { id } = await fixture.readyDevice();
    await tag(id, ["canary"]);
    for (const wrong of ["", "Canary", "-x", "a b", "ü", "a".repeat(49), 3])
      expect(await tag(id, [wrong]), String(wrong)).toMatchObject({ status: 422, body: { code: "validation-failed" } });
    expect(
      (
        await tag(
          id,
          Array.from({ length: 33 }, (_, i) => `t${i}`),
        )
      ).status,
    ).toBe(422);
    expect((await tag("nobody", ["canary"])).status).toBe(404);
    expect((await shown(id)).tags).toEqual(["canary"]);
    expect(
      (
        await tag(
          id,
          Array.from({ length: 32 }, (_, i) => `t${i}`),
        )
      ).body.tags,
    ).toHaveLength(32);
  });
});

describe("attributes", () => {
  it("are what the device's last check-in said, and nothing when it said none", async () => {
    const device = await fixture.readyDevice(
      undefined,
      (d) => (d.attributes = { site: "berlin", floor: 3, out: false }),
    );
    expect((await shown(device.id)).attributes).toEqual({ site: "berlin", floor: 3, out: false });
    device.attributes = { floor: 4.5 };
    await device.checkIn();
    expect((await shown(device.id)).attributes).toEqual({ floor: 4.5 });
    device.attributes = undefined;
    await device.checkIn();
    expect((await shown(device.id)).attributes).toEqual({});
  });

  it("that break a rule are ignored, and the check-in is taken all the same", async () => {
    const device = await fixture.readyDevice();
    const wrong: Record<string, unknown>[] = [
      { Site: "upper-case first" },
      { "a b": 1 },
      { deep: { er: 1 } },
      { none: null },
      { long: "x".repeat(65) },
      { unseen: "a\u202eb" },
      Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`n${i}`, i])),
    ];
    for (const [revision, attributes] of wrong.entries()) {
      Object.assign(device, { attributes, revision });
      await device.checkIn();
      expect(await shown(device.id), JSON.stringify(attributes)).toMatchObject({ attributes: {}, revision });
    }
    device.attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`n${i}`, i]));
    await device.checkIn();
    expect((await shown(device.id)).attributes).toEqual(device.attributes);
  });
});
