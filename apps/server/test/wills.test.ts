// A last will comes when its connection is gone, once, and never before: it ends the session that it names.

import { connect } from "node:net";
import { connectPacket } from "@flipside/protocol/mqtt/write";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { afterEach, expect, it, vi } from "vitest";
import { createLogger } from "../src/logging.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";

const hourMs = 3_600_000;

afterEach(() => void vi.useRealTimers());

it("a last will comes once, when its connection is gone, however long that was there", async () => {
  // Of the broker: after some minutes it looks for wills of others like it that are gone.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const link = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, log: createLogger("silent"), nowMs: () => 0 });
  const heard: string[] = [];
  let closed = (): void => {};
  const isClosed = new Promise<void>((resolve) => (closed = resolve));
  await link.open({
    authenticate: async () => "accepted",
    channelKeys: async () => [],
    message: async ({ leaf }) => {
      heard.push(leaf);
      return true;
    },
    closed: () => closed(),
    refused: (_, what) => void heard.push(what),
  });
  const socket = connect({ host: "127.0.0.1", port: link.port! });
  const will = {
    topic: `${topicPrefixOf("dev-1")}gone`,
    payload: Buffer.from("{}"),
    qos: 1 as const,
    isRetained: false,
  };
  const credentials = { clientId: "dev-1", userName: "dev-1", password: Buffer.from("secret"), will };
  socket.write(connectPacket({ ...credentials, isCleanSession: true, keepAliveS: 300 }));
  await new Promise((resolve) => socket.once("data", resolve));
  await vi.advanceTimersByTimeAsync(hourMs);
  heard.push("the connection ends");
  socket.destroy();
  await isClosed;
  expect(heard).toEqual(["the connection ends", "gone"]);
  await link.close();
});
