// One id from the click to the log: each request has one, and what comes of it can be found by it.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../src/logging.ts";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

type Line = Record<string, unknown> & { msg: string };

let fixture: Fixture;
const lines: Line[] = [];
beforeAll(async () => {
  const logger = createLogger("info", { write: (line) => void lines.push(JSON.parse(line)) });
  fixture = await Fixture.start({ logger, trustProxy: ["127.0.0.1"] });
});
afterAll(() => fixture?.stop());

const idOf = ({ headers }: { headers: Headers }): string => headers.get("x-request-id") ?? "";

describe("a request", () => {
  it("has an id of its own in its answer, and in its refusal", async () => {
    const [one, other] = [await fixture.api.get("/api/v1/devices"), await fixture.api.get("/api/v1/devices")];
    expect(idOf(one)).toMatch(/^[0-9a-f]{32}$/);
    expect(idOf(other)).not.toBe(idOf(one));
    const refused = await fixture.api.get("/api/v1/devices/nobody");
    expect(refused.body.instance).toBe(`urn:flipside:request:${idOf(refused)}`);
    const noRelease = await fixture.api.post("/api/v1/releases", new Uint8Array(100));
    expect(noRelease).toMatchObject({ status: 422, body: { instance: `urn:flipside:request:${idOf(noRelease)}` } });
    expect(idOf(await fixture.api.get("/healthz"))).not.toBe("");
  });

  it("has the id that a trusted proxy gives it, and nobody else's", async () => {
    const given = "f3b1c2d4-1111-4222-8333-444455556666";
    const asked = (id: string) => fixture.api.request("GET", "/api/v1/devices", undefined, { "x-request-id": id });
    expect(idOf(await asked(given))).toBe(given);
    for (const odd of ["short", "with spaces in it", `${"x".repeat(129)}`, "quotes-\"and'more"])
      expect(idOf(await asked(odd))).toMatch(/^[0-9a-f]{32}$/);
    const untrusting = await Fixture.start();
    const { headers } = await untrusting.api.request("GET", "/api/v1/devices", undefined, { "x-request-id": given });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    await untrusting.stop();
  });

  it("is found in the record of who did what, and in the log as long as it is dealt with", async () => {
    const stopped = await fixture.api.post("/api/v1/emergency-stop", { reason: "a test" });
    await fixture.api.post("/api/v1/emergency-stop/end");
    const { body } = await fixture.api.get("/api/v1/audit?what=setEmergencyStop");
    expect(body.lines.map(({ said }: any) => [said.stage, said.request])).toEqual([
      ["done", idOf(stopped)],
      ["asked", idOf(stopped)],
    ]);
  });
});

describe("a rollout", () => {
  it("carries the id of the request that began it in all of its decisions, and the other's that said something of it", async () => {
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const made = await fixture.api.request(
      "POST",
      "/api/v1/rollouts",
      { name: "by click", releaseId: release.id, target: { deviceIds: [device.id] }, waves: [{ percent: 100 }] },
      { "x-request-id": "the-click-of-ann" },
    );
    expect(made.status).toBe(201);
    const paused = await fixture.api.post(`/api/v1/rollouts/${made.body.id}/pause`);
    const resumed = await fixture.api.post(`/api/v1/rollouts/${made.body.id}/resume`);
    await device.install(await device.offered());
    device.reboot(true);
    await device.checkIn();
    await fixture.api.until(`/api/v1/rollouts/${made.body.id}`, ({ state }) => state === "completed");
    const decisions = lines.filter(({ rollout }) => rollout === made.body.id);
    expect(decisions.length).toBeGreaterThan(3);
    expect(new Set(decisions.map(({ begunBy }) => begunBy))).toEqual(new Set(["the-click-of-ann"]));
    const saidBy = (text: string) => decisions.find(({ msg }) => msg.includes(text))?.["request"];
    expect(saidBy("started")).toBe("the-click-of-ann");
    expect(saidBy("paused by")).toBe(idOf(paused));
    expect(saidBy("resumed by")).toBe(idOf(resumed));
    // By a device, and not by a request.
    expect(saidBy("completed")).toBeUndefined();

    // And one deployment by its id, from the offer that the device was made to its end.
    const { id } = made.body.deployments[0];
    await fixture.api.until(`/api/v1/devices/${device.id}`, ({ log }) =>
      log.some(({ detail }: any) => detail.includes("confirmed")),
    );
    const told = lines.filter(({ deployment }) => deployment === id);
    expect(told[0]!.msg).toContain("offered");
    expect(told.at(-1)!.msg).toContain("confirmed");
    expect(told.every((line) => line["device"] === device.id && line["request"] === undefined)).toBe(true);
  });
});
