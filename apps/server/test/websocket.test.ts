// The port for MQTT over WebSocket: what is refused there, and why (MQTT 3.1.1, section 6). What is served is in
// links.test.ts.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ConfigurationError, readConfiguration } from "../src/configuration.ts";
import { createLogger } from "../src/logging.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";
import { createWebSocketListener } from "../src/mqtt/websocket.ts";
import { startServer } from "../src/server.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject } from "./keys.ts";

describe("the port for MQTT over WebSocket", () => {
  let fixture: Fixture;
  let at: string;
  beforeAll(async () => {
    fixture = await Fixture.start({ mqttWebSocketPort: 0 });
    at = `127.0.0.1:${fixture.server.mqttWebSocketPort}`;
  });
  afterAll(() => fixture.stop());

  it("says what it is for to whoever comes without one", async () => {
    const response = await fetch(`http://${at}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toMatch(/devices: MQTT over WebSocket, at \/mqtt/);
  });

  it.each([
    ["another path", "/", ["mqtt"], 404],
    ["another subprotocol", "/mqtt", ["mqttv3"], 400],
    ["no subprotocol", "/mqtt", [], 400],
  ])("refuses %s with %s", async (_what, path, subprotocols, status) => {
    const socket = new WebSocket(`ws://${at}${path}`, subprotocols);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(status);
    socket.on("error", () => {}).terminate();
  });

  it("closes what sends text, or a frame that is too large", async () => {
    for (const data of ["text", Buffer.alloc(65_537)]) {
      const socket = new WebSocket(`ws://${at}/mqtt`, "mqtt");
      socket.on("error", () => {});
      await once(socket, "open");
      socket.send(data);
      await once(socket, "close");
    }
  });

  it("agrees on mqtt where a client offers more", async () => {
    const socket = new WebSocket(`ws://${at}/mqtt`, ["mqttv3.1", "mqtt"]);
    await once(socket, "open");
    expect(socket.protocol).toBe("mqtt");
    socket.terminate();
  });
});

it("is closed though a client there has said nothing yet", { timeout: 8_000 }, async () => {
  const log = createLogger("silent");
  const link = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, webSocketPort: 0, log, nowMs: () => 0 });
  await link.open({
    authenticate: async () => "accepted",
    channelKeys: async () => [],
    message: async () => true,
    closed: () => {},
    refused: () => {},
  });
  const silent = connect(link.webSocketPort!, "127.0.0.1");
  await once(silent, "connect");
  const ended = once(silent, "close");
  await link.close();
  await ended;
});

it("ends the stream of a client that is gone without a word", async () => {
  const streams: Duplex[] = [];
  const server = createWebSocketListener((stream) => void streams.push(stream.resume())).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, "mqtt");
  await once(socket, "open");
  socket.on("error", () => {}).terminate();
  await expect.poll(() => streams.map(({ closed }) => closed)).toEqual([true]);
  server.close();
});

it("takes nothing of a text frame", async () => {
  const took: Buffer[] = [];
  const isTaken: Promise<void>[] = [];
  const server = createWebSocketListener((stream) => {
    stream.on("data", (data: Buffer) => void took.push(data));
    isTaken.push(new Promise((resolve) => stream.once("close", () => resolve())));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, "mqtt");
  socket.on("error", () => {});
  await once(socket, "open");
  socket.send(Buffer.from("bytes"));
  socket.send("text");
  await once(socket, "close");
  await Promise.all(isTaken);
  expect(Buffer.concat(took).toString()).toBe("bytes");
  server.close();
});

it("is not had where it is in use, and the word for it names the option", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const started = startServer({
    ...{ dataDir: await temporaryDirectory(), trustChain: (await makeProject()).trustChain, logLevel: "silent" },
    ...{ port: 0, mqttPort: 0, mqttWebSocketPort: port },
  });
  await expect(started).rejects.toThrow(
    new RegExp(`Port ${port} for MQTT over WebSocket is in use .* --mqtt-websocket-port`),
  );
  other.close();
});

it("is not had beside a broker that is elsewhere", () => {
  const given = ["--trust-chain", "chain.bin", "--mqtt-url", "mqtt://broker", "--mqtt-websocket-port", "9001"];
  expect(() => readConfiguration(given, {})).toThrow(ConfigurationError);
  expect(() => readConfiguration(given, {})).toThrow(/mqtt-websocket-port.*embedded broker/s);
});
