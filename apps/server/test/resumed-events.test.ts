// Who follows the events goes on where it was: over its own loss of connection and a restart of the server; and is told
// when that is not possible.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changesKept, pruneChanges } from "../src/storage/outbox.ts";
import { EventReader } from "./event-reader.ts";
import { Fixture, password } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
let device: ProtocolDevice;
beforeAll(async () => {
  fixture = await Fixture.start();
  device = await fixture.readyDevice();
});
afterAll(() => fixture?.stop());

const read = (query = "", headers: Record<string, string> = {}): Promise<EventReader> =>
  EventReader.open(`${fixture.server.url}/api/v1/events${query}`, fixture.api.cookie, headers);
const tag = (tags: string[]) => fixture.api.request("PUT", `/api/v1/devices/${device.id}/tags`, { tags });
const poll = async (query: string) => {
  const answer = await fixture.api.get(`/api/v1/events/poll${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};

describe("an event stream", () => {
  it("says with each event from where to go on, and tells what came since, also after a restart", async () => {
    const first = await read();
    await first.until(({ lastEventId }) => lastEventId !== "");
    await tag(["one"]);
    await first.until(({ of }) => of("device").some(({ tags }) => tags.includes("one")));
    expect(first.heard.every(({ id }) => /^[0-9a-f]{8}-\d+$/.test(id))).toBe(true);
    await first.stop();
    await tag(["two"]);
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.1.0" }));
    await fixture.restart();
    await tag(["two", "three"]);

    for (const [query, headers] of [
      [`?after=${first.lastEventId}`, {}],
      ["", { "last-event-id": first.lastEventId }],
      // What a browser has come to counts, and not the address that it began with.
      ["?after=00000000-1", { "last-event-id": first.lastEventId }],
    ] as const) {
      const again = await read(query, headers);
      await again.until(({ of }) => of("release").length > 0 && of("device").length > 0);
      expect(again.of("release")).toEqual([release]);
      expect(again.of("device").at(-1).tags.toSorted()).toEqual(["three", "two"]);
      expect(again.of("resync")).toEqual([]);
      // And goes on with what comes.
      await tag(["two", "three", "four"]);
      await again.until(({ of }) => of("device").at(-1).tags.includes("four"));
      await again.stop();
      await tag(["two", "three"]);
    }
  });

  it("tells all of a rollout that was made and carried out meanwhile", async () => {
    await device.connect();
    await device.prove();
    await device.checkIn();
    const before = await read();
    await before.until(({ lastEventId }) => lastEventId !== "");
    await before.stop();
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.2.0" }));
    const rollout = await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    device.reboot(true);
    await device.checkIn();
    await fixture.api.until(`/api/v1/rollouts/${rollout.id}`, ({ state }) => state === "completed");
    const after = await read(`?after=${before.lastEventId}`);
    await after.until(({ of }) => of("rollout").length > 0 && of("deployment").length > 0 && of("device").length > 0);
    expect(after.of("rollout")[0]).toMatchObject({ id: rollout.id, state: "completed" });
    expect(after.of("deployment")[0]).toMatchObject({ id: rollout.deployments[0].id, state: "confirmed" });
    expect(after.of("device")[0]).toMatchObject({ id: device.id, activeDeployment: null });
    await after.stop();
  });

  it("tells of the kinds that were asked for alone, and refuses those that there are not", async () => {
    const rollouts = await read("?kinds=rollout,release");
    const devices = await read("?kinds=device");
    await tag(["of", "devices"]);
    await devices.until(({ of }) => of("device").some(({ tags }) => tags.includes("devices")));
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.3.0" }));
    await rollouts.until(({ of }) => of("release").length > 0);
    expect(rollouts.heard.map(({ kind }) => kind)).toEqual(["release"]);
    expect(rollouts.of("release")).toEqual([release]);
    await rollouts.stop();
    await devices.stop();
    expect(await fixture.api.get("/api/v1/events?kinds=devices")).toMatchObject({
      status: 422,
      body: { code: "validation-failed" },
    });
  });

  it("says that all is to be read anew where what came since is not known", async () => {
    const { cursor } = await poll("");
    const [run, position] = cursor.split("-");
    for (const unknown of [
      "nonsense",
      // Of a server that has another database.
      `00000000-${position}`,
      // From the future: of a database that was put back since.
      `${run}-${Number(position) + 1}`,
    ]) {
      const reader = await read(`?after=${encodeURIComponent(unknown)}`);
      await reader.until(({ of }) => of("resync").length === 1);
      expect(reader.heard[0]!.kind).toBe("resync");
      // From there on nothing is missed.
      await reader.stop();
      const answer = await poll(`?after=${encodeURIComponent(unknown)}&timeoutMs=0`);
      expect(answer.events).toEqual([{ kind: "resync", data: {} }]);
      expect((await poll(`?after=${answer.cursor}&timeoutMs=0`)).events).toEqual([]);
    }
  });

  it("says so, too, when what came since is not kept any more", async () => {
    const { cursor } = await poll("");
    await tag(["long", "ago"]);
    const later = (await poll("")).cursor;
    await tag(["just", "now"]);
    const { db } = fixture.server.internals.storage;
    // As many changes later; the rows themselves are left out.
    const { kind, id, detail, member, position } = await db
      .selectFrom("changes")
      .selectAll()
      .orderBy("position", "desc")
      .limit(1)
      .executeTakeFirstOrThrow();
    const newest = Number(later.split("-")[1]) + changesKept;
    await db.insertInto("changes").values({ kind, id, detail, member, position: newest }).execute();
    await pruneChanges(db, newest);
    expect(position).toBeLessThan(newest);
    const reader = await read(`?after=${cursor}`);
    await reader.until(({ of }) => of("resync").length === 1);
    await reader.stop();
    // Nothing is missing behind this one.
    const kept = await poll(`?after=${later}&timeoutMs=0`);
    expect(kept.events.map(({ kind }: { kind: string }) => kind)).toEqual(["device"]);
  });

  it("knows a cursor of before its database was put back", async () => {
    await tag(["in", "the", "backup"]);
    const { db } = fixture.server.internals.storage;
    const newest = Number((await poll("")).cursor.split("-")[1]);
    await tag(["after", "it"]);
    const lost = (await poll("")).cursor;
    const known = `${lost.split("-")[0]}-${newest}`;
    await db.deleteFrom("changes").where("position", ">", newest).execute();
    await fixture.restart();
    await tag(["another", "history"]);
    await tag(["yet", "another"]);
    expect((await poll(`?after=${lost}&timeoutMs=0`)).events).toEqual([{ kind: "resync", data: {} }]);
    expect((await poll(`?after=${known}&timeoutMs=0`)).events).toMatchObject([{ kind: "device" }]);
  });
});

describe("a long poll", () => {
  it("answers as soon as there is something of what was asked for, each change once", async () => {
    const { cursor, events } = await poll("");
    expect(events).toEqual([]);
    const waiting = poll(`?after=${cursor}&kinds=device&timeoutMs=20000`);
    await tag(["waited", "for"]);
    const answer = await waiting;
    expect(answer.events).toMatchObject([{ kind: "device", data: { id: device.id } }]);
    expect((await poll(`?after=${answer.cursor}&timeoutMs=0`)).events).toEqual([]);
  });

  it("goes past what was not asked for, and answers nothing when its time is over", async () => {
    const { cursor } = await poll("");
    await tag(["passed", "over"]);
    const answer = await poll(`?after=${cursor}&kinds=rollout&timeoutMs=100`);
    expect(answer.events).toEqual([]);
    expect(answer.cursor).not.toBe(cursor);
    expect((await poll(`?after=${answer.cursor}&kinds=device&timeoutMs=0`)).events).toEqual([]);
  });

  it("ends with its sign-in, and with the server", async () => {
    const { cursor } = await poll("");
    const waiting = fixture.api.get(`/api/v1/events/poll?after=${cursor}&timeoutMs=50000`);
    await fixture.api.request("DELETE", "/api/v1/session");
    expect(await waiting).toMatchObject({ status: 401, body: { code: "not-signed-in" } });
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
    const last = fixture.api.get(`/api/v1/events/poll?after=${cursor}&kinds=rollout&timeoutMs=50000`);
    // Asked after it, so it is there when this is answered.
    await tag(["it", "waits"]);
    const [answer] = await Promise.all([last, fixture.restart()]);
    expect(answer).toMatchObject({ status: 200, body: { events: [] } });
  });

  it("refuses a time that is none", async () => {
    for (const timeoutMs of ["", "-1", "1e3", "50001", "soon"])
      expect((await fixture.api.get(`/api/v1/events/poll?timeoutMs=${timeoutMs}`)).status).toBe(422);
  });
});
