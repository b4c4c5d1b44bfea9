// Which release is the newest, as a release key has signed it: taken, handed on to devices, and what they say of it.

import {
  buildReleaseState,
  generateSigningKey,
  type ReleaseState,
  signerOf,
  type SigningKey,
} from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeProject, product, type Project } from "./keys.ts";
import { newPerson } from "./people.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
let project: Project;
let issuedS: number;
const path = "/api/v1/release-states";

beforeAll(async () => {
  project = await makeProject();
  fixture = await Fixture.start({}, project);
  issuedS = Math.floor(Date.now() / 1000);
});
afterAll(() => fixture?.stop());

const made = (changes: Partial<ReleaseState> = {}, key: SigningKey = project.release): Promise<Uint8Array> =>
  buildReleaseState(
    {
      ...{ product, version: "1.0.0", releaseSequence: 1, issuedS, validUntilS: issuedS + 30 * 86_400 },
      ...changes,
    },
    [signerOf(key)],
  );
const attention = async (api = fixture.api): Promise<any[]> => (await api.get("/api/v1/attention")).body.items;
const stateIn = (offer: Record<string, unknown>): unknown => offer["state"];
const text = (state: Uint8Array): string => Buffer.from(state).toString("base64url");

it("what no release key has signed, or is no release state, is refused by what it is", async () => {
  const stranger = await generateSigningKey();
  for (const [file, detail] of [
    [await made({}, stranger), "no signature by a release key of this project holds"],
    [await made({}, project.operations), "no signature by a release key of this project holds"],
    [(await made()).subarray(0, 100), "the file is no release state"],
    [new TextEncoder().encode("a text"), "the file is no release state"],
  ] as const) {
    const { status, body } = await fixture.api.post(path, file);
    expect([status, body.detail]).toEqual([422, expect.stringContaining(detail)]);
  }
  expect((await fixture.api.get(path)).body).toEqual({ states: [] });
});

it("the newest of a product is kept, and none that was issued earlier or names less takes its place", async () => {
  expect(await fixture.api.post(path, await made())).toMatchObject({
    status: 201,
    body: { product, version: "1.0.0", releaseSequence: 1, issuedAt: new Date(1000 * issuedS).toISOString() },
  });
  for (const changes of [{}, { issuedS: issuedS - 1 }, { issuedS: issuedS - 1, releaseSequence: 9 }])
    expect((await fixture.api.post(path, await made(changes))).status).toBe(422);
  const later = { issuedS: issuedS + 10, releaseSequence: 2, version: "1.1.0" };
  expect((await fixture.api.post(path, await made(later))).status).toBe(201);
  const less = await fixture.api.post(path, await made({ issuedS: issuedS + 20 }));
  expect([less.status, less.body.detail]).toEqual([422, expect.stringContaining("names a higher release sequence")]);
  expect((await fixture.api.post(path, await made({ product: "other" }))).status).toBe(201);
  expect((await fixture.api.get(path)).body.states).toMatchObject([
    { product, version: "1.1.0", releaseSequence: 2 },
    { product: "other", version: "1.0.0", releaseSequence: 1 },
  ]);
});

it("only who may bring releases brings one", async () => {
  const operator = await newPerson(fixture.api, "operator");
  expect((await operator.post(path, await made({ issuedS: issuedS + 30 }))).status).toBe(403);
  const manager = await newPerson(fixture.api, "release-manager");
  const state = await made({ issuedS: issuedS + 30, releaseSequence: 2 });
  expect((await manager.post(path, state)).status).toBe(201);
});

it("devices are handed it in the first offer of each session, and again when it has changed", async () => {
  const device = await fixture.readyDevice("told", (each) => (each.product = product));
  const first = (await fixture.api.get(path)).body.states[0];
  expect(first.releaseSequence).toBe(2);
  // readyDevice has checked in, and heard it.
  expect(stateIn(await device.checkIn())).toBeUndefined();
  const newer = await made({ issuedS: issuedS + 60, releaseSequence: 3, version: "1.2.0" });
  await fixture.api.post(path, newer);
  expect(stateIn(await device.checkIn())).toBe(text(newer));
  expect(stateIn(await device.checkIn())).toBeUndefined();
  await device.close();
  await device.connect();
  await device.prove();
  expect(stateIn(await device.checkIn())).toBe(text(newer));
  await device.close();
  const foreign = await fixture.readyDevice("foreign", (each) => (each.product = "no-states"));
  expect(stateIn(await foreign.checkIn())).toBeUndefined();
  await foreign.close();
});

it("what a device says of it is shown, and is a person's matter while something is wrong", async () => {
  const says = async (device: ProtocolDevice, more: object): Promise<any> => {
    device.releaseState = { issued: issuedS, until: issuedS + 100, sequence: 3, ...more };
    await device.checkIn();
    return (await fixture.api.get(`/api/v1/devices/${device.id}`)).body.releaseState;
  };
  const device = await fixture.readyDevice("kept");
  expect((await fixture.api.get("/api/v1/devices/kept")).body.releaseState).toBeNull();
  expect(await says(device, {})).toEqual({
    issuedAt: new Date(1000 * issuedS).toISOString(),
    validUntil: new Date(1000 * (issuedS + 100)).toISOString(),
    releaseSequence: 3,
    warning: null,
  });
  expect((await attention()).map(({ kind }) => kind)).not.toContain("kept-from-updates");
  expect((await says(device, { warning: "older" })).warning).toBe("older");
  expect(await says(device, { issued: 0, until: 0, sequence: 0, warning: "invalid" })).toEqual({
    ...{ issuedAt: null, validUntil: null, releaseSequence: null, warning: "invalid" },
  });
  expect((await attention()).find(({ kind }) => kind === "kept-from-updates")).toMatchObject({
    devices: { count: 1, examples: ["kept"] },
    why: { sentence: "kept was given a release state that no release key has signed." },
  });
  const partner = await newPerson(fixture.api, "viewer", "partner", ["hall-3"]);
  expect(await attention(partner)).toEqual([]);
  // What cannot be read is no reason to ignore the rest.
  expect(await says(device, { warning: "bewildered" })).toBeNull();
  expect((await attention()).map(({ kind }) => kind)).not.toContain("kept-from-updates");
  await device.close();
});

it("one that ends soon, or has ended, is a person's matter", async () => {
  const ends = async (): Promise<string[]> =>
    (await attention()).filter(({ kind }) => kind === "release-state-ends").map(({ why }) => why.sentence);
  expect(await ends()).toEqual([]);
  await fixture.api.post(path, await made({ product: "soon", validUntilS: issuedS + 3 * 86_400 }));
  const past = { issuedS: issuedS - 200, validUntilS: issuedS - 100 };
  await fixture.api.post(path, await made({ product: "ended", ...past }));
  expect(await ends()).toEqual([
    "The release state of ended has ended: its devices can't tell any more that they are kept from updates.",
    "The release state of soon ends within 3 days.",
  ]);
});
