// The console's list of devices: as many as somebody wants to see, found by the server, kept by events.

import type { Device, LiveEvent } from "@flipside/api/types";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type DevicesAsked, DeviceListing } from "../src/live/device-listing.ts";
import { device } from "./fixtures.ts";

const idOf = (n: number): string => `dev-${String(n).padStart(4, "0")}`;
let fleet: Device[];
let asked: string[];

beforeEach(() => {
  fleet = Array.from({ length: 250 }, (_, n) => device(idOf(n)));
  asked = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const query = new URL(address, "http://console").searchParams;
    const behind = fleet.filter(({ id }) => id > (query.get("after") ?? "") && id.includes(query.get("query") ?? ""));
    // Short pages: it looks at some at a time.
    const devices = behind.slice(0, Math.min(70, Number(query.get("limit"))));
    return Response.json({ devices, next: behind.length > devices.length ? devices.at(-1)!.id : null });
  });
});
afterEach(() => vi.unstubAllGlobals());

async function listed(what: DevicesAsked = { query: "", filter: "", sort: "id" }): Promise<DeviceListing> {
  const listing = new DeviceListing(what, () => []);
  await listing.resource.reload();
  return listing;
}

const ids = (listing: DeviceListing): string[] => listing.resource.getSnapshot().value!.devices.map(({ id }) => id);

const send = async (listing: DeviceListing, ...events: LiveEvent[]): Promise<void> => {
  for (const event of events) listing.resource.receive(event);
  await new Promise((resolve) => setTimeout(resolve, 60));
};

it("shows the first that come, however few the server's pages have, and more when somebody wants them", async () => {
  const listing = await listed();
  expect(ids(listing)).toEqual(fleet.slice(0, 70).map(({ id }) => id));
  expect(listing.resource.getSnapshot().value!.isMore).toBe(true);
  expect(asked).toHaveLength(1);
  await Promise.all([listing.more(), listing.more()]);
  expect(listing.resource.getSnapshot().value).toMatchObject({ isMore: false });
  expect(ids(listing)).toEqual(fleet.map(({ id }) => id));
  expect(asked, "what is loaded already is not asked for again").toHaveLength(4);
  await listing.more();
  expect(asked, "there is no more").toHaveLength(4);
  await listing.resource.reload();
  expect(ids(listing), "as many as were shown").toHaveLength(250);
});

it("knows in what is added what happened while it was on its way", async () => {
  const listing = await listed();
  const adding = listing.more();
  listing.resource.receive({ kind: "device", data: device(idOf(150), { health: "unhealthy" }) });
  await adding;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(listing.resource.getSnapshot().value!.devices[150]).toMatchObject({ id: idOf(150), health: "unhealthy" });
});

it("stays in the order asked for, and leaves rows where they are in one that changes all the time", async () => {
  const versioned = (id: string, version: string) => device(id, { running: { ...device(id).running!, version } });
  fleet = [versioned("a", "2.0.0"), versioned("b", "1.10.0"), versioned("c", "1.9.0")];
  const byVersion = await listed({ query: "", filter: "", sort: "-version" });
  await send(
    byVersion,
    { kind: "device", data: versioned("c", "3.0.0") },
    { kind: "device", data: versioned("d", "1.10.0") },
  );
  expect(ids(byVersion)).toEqual(["c", "a", "d", "b"]);
  const byTime = await listed({ query: "", filter: "", sort: "lastSeenAt" });
  await send(
    byTime,
    { kind: "device", data: device("c", { lastSeenAt: new Date(0).toISOString() }) },
    { kind: "device", data: device("e") },
  );
  expect(ids(byTime)).toEqual(["a", "b", "c"]);
});

it("is changed by events where it is loaded, and nowhere else", async () => {
  const listing = await listed();
  await send(
    listing,
    { kind: "device", data: device(idOf(5), { health: "unhealthy" }) },
    { kind: "device", data: device("dev-0005a") },
    { kind: "device", data: device(idOf(240)) },
  );
  const { devices } = listing.resource.getSnapshot().value!;
  expect(devices[5]).toMatchObject({ id: idOf(5), health: "unhealthy" });
  expect(ids(listing)).toEqual([...fleet.slice(0, 6).map(({ id }) => id), "dev-0005a", ...ids(listing).slice(7)]);
  expect(ids(listing)).toHaveLength(71);
});

it("has whom search and filter mean after each event, too", async () => {
  const listing = await listed({ query: "dev-000", filter: "online", sort: "id" });
  expect(asked[0]).toContain("filter=online");
  expect(ids(listing)).toHaveLength(10);
  await send(listing, { kind: "device", data: device(idOf(3), { online: false }) });
  expect(ids(listing)).not.toContain(idOf(3));
  await send(listing, { kind: "device", data: device(idOf(3)) }, { kind: "device", data: device(idOf(77)) });
  expect(ids(listing)).toHaveLength(10);
});
