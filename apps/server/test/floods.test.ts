// A device that floods the server takes no more of it than it may, and others are served in between. Counted, on a
// clock that stands still.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectPacket, publishPacket } from "@flipside/protocol/mqtt/write";
import { topicOf, topicPrefixOf } from "@flipside/protocol/topics";
import { createLogger } from "../src/logging.ts";
import type { DeviceLink, LinkHandlers, LinkMessage } from "../src/mqtt/device-link.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";
import { connectExternalBroker } from "../src/mqtt/external-broker.ts";

const log = createLogger("silent");
/** Messages that a device may send at once: tokens of a device by those of a message. */
const AT_ONCE = 400 / 5;
/** Read ahead before their cost is known. */
const AHEAD = 8;
const CONNECTIONS_AT_ONCE = 400 / 20;

let nowMs: number;
/** Devices, in the order in which their messages were dealt with. */
let heard: string[];
let refused: string[];
let link: DeviceLink;
let sockets: Socket[];

const countOf = (deviceId: string): number => heard.filter((each) => each === deviceId).length;

const handlers: LinkHandlers = {
  authenticate: async () => "accepted",
  channelKeys: async () => [],
  // It takes a turn of the event loop, as what asks a database does.
  message: async ({ deviceId }: LinkMessage) => {
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(deviceId);
    return true;
  },
  closed: () => {},
  refused: (deviceId, what) => void refused.push(`${deviceId} ${what}`),
};

beforeEach(() => {
  [nowMs, heard, refused, sockets] = [0, [], [], []];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await link.close();
});

function hello(deviceId: string): Socket {
  const socket = connect({ host: "127.0.0.1", port: link.port!, noDelay: true });
  sockets.push(socket);
  socket.on("error", () => {});
  const credentials = { clientId: deviceId, userName: deviceId, password: Buffer.from("secret"), will: undefined };
  socket.write(connectPacket({ ...credentials, isCleanSession: true, keepAliveS: 300 }));
  return socket;
}

async function connected(deviceId: string): Promise<Socket> {
  const socket = hello(deviceId);
  await once(socket, "data");
  return socket;
}

const telemetry = (deviceId: string, bytes = 40): Uint8Array =>
  publishPacket(`${topicPrefixOf(deviceId)}telemetry`, Buffer.alloc(bytes, "."));

const flood = (deviceId: string, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => telemetry(deviceId)));

describe("at the embedded broker", () => {
  beforeEach(async () => {
    link = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, log, nowMs: () => nowMs });
    await link.open(handlers);
  });

  it("others' messages are dealt with among the first few of a flood", async () => {
    const bad = await connected("bad");
    const good = await Promise.all(Array.from({ length: 20 }, (_, i) => connected(`good-${i}`)));
    bad.write(flood("bad", 1_000));
    for (const [i, socket] of good.entries()) socket.write(telemetry(`good-${i}`));
    await expect.poll(() => heard.filter((id) => id !== "bad").length, { timeout: 10_000 }).toBe(good.length);
    const before = heard.slice(
      0,
      heard.findLastIndex((id) => id !== "bad"),
    );
    expect(before.filter((id) => id === "bad").length).toBeLessThanOrEqual(4 * AHEAD);
  });

  it("a flood is read no further than the device may say, and goes on as time does", async () => {
    const bad = await connected("bad");
    const good = await connected("good");
    bad.write(flood("bad", 1_000));
    const begun = AT_ONCE - 20 / 5;
    for (let round = 0; round < 3; round++) {
      const least = begun + round * AT_ONCE;
      await expect.poll(() => countOf("bad"), { timeout: 10_000 }).toBeGreaterThanOrEqual(least - AHEAD);
      // Whatever else it might have taken it would have by the time that another one's has come and gone many times.
      for (let i = 0; i < 20; i++) {
        const count = countOf("good");
        good.write(telemetry("good"));
        await expect.poll(() => countOf("good"), { timeout: 10_000, interval: 1 }).toBeGreaterThan(count);
      }
      expect(countOf("bad")).toBeLessThanOrEqual(least + AHEAD);
      // Of both; the one that floods has no more than everybody however long it waits.
      nowMs += 20_000;
    }
    expect(refused.filter((what) => what.startsWith("bad sends more than it may"))).toHaveLength(1);
    expect(refused.filter((what) => what.startsWith("good"))).toEqual([]);
  });

  it("what is within the allowance arrives, also in pieces and with the connection's end behind it", async () => {
    const count = 60;
    const socket = await connected("dev-1");
    const bytes = Buffer.concat([flood("dev-1", count), telemetry("dev-1", 8_000), telemetry("dev-1")]);
    const cuts = [1, 50, 5_000, 5_001, bytes.length];
    for (const [i, to] of cuts.entries()) {
      socket.write(bytes.subarray(cuts[i - 1] ?? 0, to));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    await expect.poll(() => countOf("dev-1"), { timeout: 10_000 }).toBe(count + 2);
    expect(refused).toEqual([]);
  });

  it("what is said while the credentials are looked up waits, and is not lost", async () => {
    await link.close();
    link = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, log, nowMs: () => nowMs });
    let found = (): void => {};
    const isFound = new Promise<void>((resolve) => (found = resolve));
    const authenticate = async (deviceId: string) => {
      if (deviceId === "dev-1") await isFound;
      return "accepted" as const;
    };
    await link.open({ ...handlers, authenticate });
    const other = await connected("other");
    const socket = hello("dev-1");
    for (let i = 1; i <= 3; i++) {
      socket.write(telemetry("dev-1"));
      other.write(telemetry("other"));
      await expect.poll(() => countOf("other"), { timeout: 10_000, interval: 1 }).toBe(i);
    }
    found();
    await expect.poll(() => countOf("dev-1"), { timeout: 10_000 }).toBe(3);
  });

  it("who connects again and again is let in as often as it may be, and another one at once", async () => {
    let letIn = 0;
    for (let i = 0; i < 2 * CONNECTIONS_AT_ONCE; i++) {
      hello("bad").once("data", () => letIn++);
      if (i < CONNECTIONS_AT_ONCE - 1) await expect.poll(() => letIn, { timeout: 10_000, interval: 1 }).toBe(i + 1);
    }
    await connected("good");
    await connected("good");
    expect(letIn).toBeLessThanOrEqual(CONNECTIONS_AT_ONCE);
    nowMs += 20_000;
    await expect.poll(() => letIn, { timeout: 10_000 }).toBeGreaterThan(CONNECTIONS_AT_ONCE);
  });

  it("one that has not the device's secret does not use up what the device may say", async () => {
    await link.close();
    link = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, log, nowMs: () => nowMs });
    let verdict: "wrong" | "accepted" = "wrong";
    await link.open({ ...handlers, authenticate: async () => verdict });
    for (let i = 0; i < 3 * CONNECTIONS_AT_ONCE; i++) await once(hello("dev-1").resume(), "close");
    verdict = "accepted";
    await connected("dev-1");
  });
});

describe("behind a broker of the operator's", () => {
  it("what a device sends beyond what it may is dropped, and others' messages are not", async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
    link = await connectExternalBroker({ url, log, nowMs: () => nowMs });
    await link.open(handlers);
    const client = await connectAsync(url, { protocolVersion: 4 });
    for (let i = 0; i < 2 * AT_ONCE; i++) {
      const count = countOf("bad");
      await client.publishAsync(topicOf("bad", "telemetry"), ".", { qos: 1 });
      // One after the other, so that none is dropped for being too early.
      if (i < AT_ONCE) await expect.poll(() => countOf("bad"), { timeout: 10_000, interval: 1 }).toBe(count + 1);
    }
    await client.publishAsync(topicOf("good", "telemetry"), ".", { qos: 1 });
    await expect.poll(() => countOf("good"), { timeout: 10_000 }).toBe(1);
    expect(countOf("bad")).toBe(AT_ONCE);
    expect(refused.filter((what) => what.startsWith("bad sends more than it may"))).toHaveLength(1);
    await client.endAsync(true);
    await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())));
  });
});
