// Which trust records devices have, as the page of keys shows it.

import { createHash } from "node:crypto";
import type { TrustSpread } from "@flipside/api/types";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ApiClient, Fixture } from "./fixture.ts";
import { newPerson } from "./people.ts";

let fixture: Fixture;
const forked = "ab".repeat(32);
beforeAll(async () => {
  fixture = await Fixture.start();
  for (const id of ["a", "b", "c", "d", "e", "older-agent", "revoked"]) await fixture.readyDevice(id);
  await fixture.api.request("PUT", "/api/v1/devices/d/tags", { tags: ["hall-3"] });
  const { db } = fixture.server.internals.storage;
  const set = (ids: string[], columns: object): Promise<unknown> =>
    db.updateTable("devices").set(columns).where("id", "in", ids).execute();
  await set(["c", "d"], { trustVersion: 1, trustDigest: forked });
  await set(["e", "revoked"], { trustVersion: 9, trustDigest: "cd".repeat(32) });
  // The others are as an older agent is, which does not say it.
  await set(["a", "b"], { trustDigest: createHash("sha256").update(fixture.project.trustChain).digest("hex") });
  await set(["b"], { trustRefusedVersion: 2, trustRefusedCode: 52 });
  await fixture.api.post("/api/v1/devices/revoked/revoke");
});
afterAll(() => fixture.stop());

const spread = async (by: ApiClient = fixture.api): Promise<TrustSpread> => (await by.get("/api/v1/trust/spread")).body;

it("is told record by record, the newest first, with how each stands to the server's and who has it", async () => {
  const { records, isMore } = await spread();
  expect(records.map(({ version, relation, devices, examples }) => [version, relation, devices, examples])).toEqual([
    [9, "ahead", 1, ["e"]],
    [1, "same", 2, ["a", "b"]],
    [1, "same", 1, ["older-agent"]],
    [1, "forked", 2, ["c", "d"]],
  ]);
  expect(records.map(({ digest }) => digest === null)).toEqual([false, false, true, false]);
  expect(isMore).toBe(false);
});

it("names who refused one, and why", async () => {
  const { refused } = await spread();
  const trustRefused = { version: 2, code: 52, codeName: "trust-would-refuse-image" };
  expect(refused).toEqual({ devices: [{ id: "b", trustRefused }], isMore: false });
});

it("is of what one sees", async () => {
  const partner = await newPerson(fixture.api, "viewer", "partner", ["hall-3"]);
  const { records, refused } = await spread(partner);
  expect(records.map(({ digest, devices, examples }) => [digest, devices, examples])).toEqual([[forked, 1, ["d"]]]);
  expect(refused.devices).toEqual([]);
});

it("ends, however many records devices say that they have", async () => {
  const { db } = fixture.server.internals.storage;
  const { id: _, ...device } = await db
    .selectFrom("devices")
    .select(["id", "publicKey", "enrolledAt", "health"])
    .where("id", "=", "a")
    .executeTakeFirstOrThrow();
  const many = Array.from({ length: 150 }, (_, at) => ({
    ...{ ...device, id: `many-${at}`, trustVersion: 3 },
    trustDigest: at.toString(16).padStart(64, "0"),
  }));
  await db.insertInto("devices").values(many).execute();
  const { records, isMore } = await spread();
  expect(records).toHaveLength(100);
  expect(isMore).toBe(true);
});
