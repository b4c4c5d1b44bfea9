import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Follower } from "../src/changes/feed.ts";
import { createEventHub, type EventSink } from "../src/features/events/event-hub.ts";
import { createLogger } from "../src/logging.ts";
import type { Queries } from "../src/storage/storage.ts";
import { ApiClient, Fixture, passing, password } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

const untilTrue = async (condition: () => boolean): Promise<void> => {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it never became so");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe("events", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it("tell of devices, releases, rollouts and deployments as the interface shows them", async () => {
    expect((await fetch(`${fixture.server.url}/api/v1/events`)).status).toBe(401);
    const stop = new AbortController();
    const response = await fetch(`${fixture.server.url}/api/v1/events`, {
      headers: { cookie: fixture.api.cookie },
      signal: stop.signal,
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    let text = "";
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>)
        text += decoder.decode(bytes, { stream: true });
    })().catch(() => {});
    const events = (kind: string) =>
      text
        .split("\n\n")
        .filter((block) => block.startsWith(`event: ${kind}\n`))
        .map((block) => JSON.parse(block.split("\ndata: ")[1]!));

    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const rollout = await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    device.reboot(true);
    await device.checkIn();
    await untilTrue(() => events("rollout").some((event) => event.state === "completed"));
    await untilTrue(() => events("device").some((event) => event.running?.version === "1.1.0"));
    await untilTrue(() => events("deployment").some((event) => event.state === "confirmed"));
    expect(events("release")).toEqual([release]);
    const {
      settings: _s,
      deployments: _d,
      decisions: _x,
      health: _h,
      ...summary
    } = (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body;
    expect(events("rollout").at(-1)).toEqual(summary);
    expect(events("deployment").at(-1)).toMatchObject({ id: rollout.deployments[0].id, state: "confirmed" });
    const { deployments: _e, log: _l, ...shown } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
    expect({ ...events("device").at(-1), lastSeenAt: shown.lastSeenAt }).toEqual(shown);
    stop.abort();
  });
});

describe("an event stream", () => {
  let fixture: Fixture;
  let passedMs = 0;
  beforeAll(async () => {
    fixture = await Fixture.start({ clock: passing(() => passedMs) });
  });
  afterAll(() => fixture.stop());

  /** A stream of this session; `ended` resolves when the server closes it. */
  async function open(api: ApiClient): Promise<{ isOpen: () => boolean; ended: Promise<void> }> {
    const response = await fetch(`${fixture.server.url}/api/v1/events`, { headers: { cookie: api.cookie } });
    expect(response.status).toBe(200);
    let isOpen = true;
    const ended = (async () => {
      for await (const _bytes of response.body as unknown as AsyncIterable<Uint8Array>) void _bytes;
      isOpen = false;
    })();
    return { isOpen: () => isOpen, ended };
  }
  async function session(): Promise<ApiClient> {
    const api = new ApiClient(fixture.server.url);
    expect((await api.post("/api/v1/session", { userName: "admin", password })).status).toBe(200);
    return api;
  }

  it("ends with its session: at sign-out, and no other session's", async () => {
    const [one, other] = [await session(), await session()];
    const [ofOne, ofOther] = [await open(one), await open(other)];
    await one.request("DELETE", "/api/v1/session");
    await ofOne.ended;
    expect(ofOther.isOpen()).toBe(true);
    await other.request("DELETE", "/api/v1/session");
    await ofOther.ended;
  });

  it("ends when the password is changed, in all sessions but the one that changed it", async () => {
    const other = await open(await session());
    const own = await open(fixture.api);
    await fixture.api.post("/api/v1/session/password", { currentPassword: password, newPassword: "another password" });
    // Its cookie was replaced as well: what was opened with the old one is over.
    await Promise.all([other.ended, own.ended]);
    const anew = await open(fixture.api);
    await fixture.api.post("/api/v1/session/password", { currentPassword: "another password", newPassword: password });
    await anew.ended;
  });

  it("ends when its session expires", async () => {
    const stream = await open(await session());
    await fixture.server.internals.tick();
    expect(stream.isOpen()).toBe(true);
    passedMs += 12 * 3_600_000;
    await fixture.server.internals.tick();
    await stream.ended;
  });
});

describe("the event hub", () => {
  const log = createLogger("silent");
  const load = (id: string) => Promise.resolve({ id });
  const followers: Follower[] = [];
  const feed = { follow: (follower: Follower) => void followers.push(follower) };
  const cursors = { settled: async () => 7, at: (at: number) => `0123abcd-${at}`, read: async () => undefined };
  const beside = { db: undefined as unknown as Queries, cursors, feed, log };
  const loaders = { device: load, release: load, rollout: load, deployment: load };
  const changed = (id: string): void => followers.forEach((follower) => follower({ kind: "device", id }, undefined));

  it("holds a bounded number of events for a reader that is too slow, then tells it to load everything anew", async () => {
    const hub = createEventHub({ ...beside, loaders });
    let loaded = 0;
    const counting = createEventHub({ ...beside, loaders: { ...loaders, device: (id) => (loaded++, load(id)) } });
    const written: string[] = [];
    let open = true;
    let drain = (): void => {};
    const slow: EventSink = {
      write: (text) => (written.push(text), open),
      onDrain: (listener) => (drain = listener),
      end: () => {},
    };
    counting.join(slow, { scope: null });
    await untilTrue(() => written.length === 2);
    expect(written).toEqual([": connected\n\n", ": ping\nid: 0123abcd-7\n\n"]);
    open = false;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 400; i++) changed(`${round}-${i}`);
      const before = loaded;
      await untilTrue(() => loaded === before + 400 || loaded === (round + 1) * 400);
    }
    expect(written.length, "after the first refusal nothing is written").toBe(3);
    open = true;
    drain();
    expect(written.length).toBe(4);
    expect(written.at(-1)).toContain("event: resync");
    hub.close();
    counting.close();
  });

  it("never tells what a thing was before behind what it is now, however long it took to load", async () => {
    const slowly: ((state: string) => void)[] = [];
    const loading = (): Promise<unknown> => new Promise((resolve) => slowly.push((state) => resolve({ state })));
    const hub = createEventHub({ ...beside, loaders: { ...loaders, device: loading } });
    const written: string[] = [];
    hub.join({ write: (text) => (written.push(text), true), onDrain: () => {}, end: () => {} }, { scope: null });
    changed("one");
    await untilTrue(() => slowly.length === 1);
    changed("one");
    // Were it loaded a second time meanwhile, as on a connection of its own, that answer would come first.
    await new Promise((resolve) => setTimeout(resolve, 200));
    slowly[1]?.("new");
    await new Promise((resolve) => setTimeout(resolve, 20));
    slowly[0]!("old");
    await untilTrue(() => slowly.length === 2);
    slowly[1]!("new");
    await untilTrue(() => written.length > 3);
    expect(written.slice(2)).toEqual([
      'event: device\nid: 0123abcd-7\ndata: {"state":"old"}\n\n',
      'event: device\nid: 0123abcd-7\ndata: {"state":"new"}\n\n',
    ]);
    hub.close();
  });

  it("sends a burst of changes to one thing once", async () => {
    const hub = createEventHub({ ...beside, loaders });
    const written: string[] = [];
    hub.join({ write: (text) => (written.push(text), true), onDrain: () => {}, end: () => {} }, { scope: null });
    for (let i = 0; i < 1_000; i++) changed("one");
    await untilTrue(() => written.length > 2);
    expect(written.slice(2)).toEqual(['event: device\nid: 0123abcd-7\ndata: {"id":"one"}\n\n']);
    hub.close();
  });
});
