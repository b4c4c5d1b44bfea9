// Who is online: a device that was heard within two polls. Through a broker of somebody else's, since nothing but what
// comes through it is known there: last wills are lost while it, or the connection to it, is down.

import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";

const POLL_MS = 3_000;
let broker: Aedes;
let listener: Server;
let fixture: Fixture;
let skewMs = 0;
let wallSkewMs = 0;
beforeAll(async () => {
  broker = await Aedes.createBroker();
  listener = createServer(broker.handle);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  fixture = await Fixture.start({
    mqttUrl: `mqtt://127.0.0.1:${(listener.address() as { port: number }).port}`,
    pollMs: POLL_MS,
    clock: { monotonicMs: () => performance.now() + skewMs, wallMs: () => Date.now() + wallSkewMs },
  });
});
afterAll(async () => {
  await fixture?.stop();
  await new Promise<void>((resolve) => broker.close(() => listener.close(() => resolve())));
});

const isOnline = async (id: string): Promise<boolean> => (await fixture.api.get(`/api/v1/devices/${id}`)).body.online;

it("a device that lost power while its last will could not be heard goes offline, and says so to who watches", async () => {
  const device = await fixture.readyDevice();
  // As a broker that is down, or was restarted, does with the will.
  broker.publish = new Proxy(broker.publish, {
    apply: (target, broker, [packet, ...more]) =>
      packet.topic.endsWith("/gone") ? more.at(-1)?.() : Reflect.apply(target, broker, [packet, ...more]),
  });
  device.cut();
  expect(await isOnline(device.id)).toBe(true);
  const seen: boolean[] = [];
  fixture.server.internals.feed.follow((change) => {
    if (change.kind === "device" && change.id === device.id)
      void isOnline(device.id).then((online) => seen.push(online));
  });
  skewMs += 2 * POLL_MS + 11_000;
  expect(await isOnline(device.id)).toBe(false);
  await expect.poll(() => seen, { timeout: 5_000 }).toContain(false);
});

it("one that is heard stays online, and one that was silent is online again with its next message, in the same session", async () => {
  const device = await fixture.readyDevice();
  for (let i = 0; i < 5; i++) {
    skewMs += POLL_MS;
    expect((await device.checkIn()).session).toBe(device.session);
    skewMs += POLL_MS;
    expect(await isOnline(device.id)).toBe(true);
  }
  skewMs += 3_600_000;
  expect(await isOnline(device.id)).toBe(false);
  expect((await device.checkIn()).session).toBe(device.session);
  expect(await isOnline(device.id)).toBe(true);
});

it("the wall clock has no say in it", async () => {
  const device = await fixture.readyDevice();
  for (wallSkewMs of [26 * 3_600_000, -26 * 3_600_000, 0]) expect(await isOnline(device.id)).toBe(true);
});
