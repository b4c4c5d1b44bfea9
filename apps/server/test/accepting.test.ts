// A fleet comes back at once while the server has much to do: how many of its connections are taken in a turn of the
// event loop.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connectPacket } from "@flipside/protocol/mqtt/write";
import { pino } from "pino";
import { afterEach, expect, it } from "vitest";
import { createWebSocketStream, WebSocket } from "ws";
import { createLogger } from "../src/logging.ts";
import { Accepting } from "../src/mqtt/accepting.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";

const CONNECTIONS = 200;
const DEADLINE_MS = 20_000;
const clients: Socket[] = [];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function connectTo(port: number): Socket {
  const client = connect({ host: "127.0.0.1", port });
  client.on("error", () => {});
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

it("many are taken in one turn of the event loop, and none any more once it is closed", async () => {
  const taken: Socket[] = [];
  const onConnection = (socket: Socket): void => void taken.push(socket.on("error", () => {}));
  const server = createServer(onConnection).listen({ port: 0, host: "127.0.0.1", backlog: CONNECTIONS });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepting = new Accepting(server, onConnection, createLogger("silent"));
  accepting.widen();
  let inOneTurn = 0;
  for (const endMs = Date.now() + DEADLINE_MS; inOneTurn < 8 && Date.now() < endMs; ) {
    const before = taken.length;
    for (let i = 0; i < CONNECTIONS; i++) connectTo(port);
    while (taken.length < before + CONNECTIONS && Date.now() < endMs) {
      const soFar = taken.length;
      await turn();
      inOneTurn = Math.max(inOneTurn, taken.length - soFar);
    }
    expect(taken.length - before).toBe(CONNECTIONS);
  }
  expect(inOneTurn).toBeGreaterThanOrEqual(8);

  const closed = accepting.close();
  for (const socket of taken) socket.destroy();
  await closed;
  const [error] = (await once(connect({ host: "127.0.0.1", port }), "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
}, 60_000);

it("one handle goes on, and a line says so, where there can't be more", async () => {
  const taken: Socket[] = [];
  const onConnection = (socket: Socket): void => void taken.push(socket.on("error", () => {}));
  const server = createServer(onConnection);
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line) => void lines.push(line) });
  const accepting = new Accepting(server, onConnection, log);
  // It is too early: nobody listens yet.
  accepting.widen();
  server.listen({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const client = connectTo((server.address() as AddressInfo).port);
  await once(server, "connection");
  expect(lines.join()).toMatch(/taken by one handle.*let in slowly/);
  client.destroy();
  for (const socket of taken) socket.destroy();
  await accepting.close();
});

it.each(["TCP", "WebSocket"])(
  "devices are served by %s whichever handle has taken their connection",
  async (by) => {
    const admitted = new Set<string>();
    const link = await createEmbeddedBroker({
      ...{ host: "127.0.0.1", port: 0, log: createLogger("silent"), nowMs: () => performance.now() },
      ...{ webSocketPort: 0, manyConnections: 1 },
    });
    await link.open({
      authenticate: async (deviceId) => (admitted.add(deviceId), "accepted"),
      channelKeys: async () => [],
      message: async () => true,
      closed: () => {},
      refused: () => {},
    });
    // The first ones come before there are more handles, the last ones after.
    for (let wave = 0; wave < 5; wave++) {
      const answers = Array.from({ length: 40 }, async (_, i) => {
        const id = `dev-${wave}-${i}`;
        const socket =
          by === "TCP"
            ? connectTo(link.port!)
            : createWebSocketStream(new WebSocket(`ws://127.0.0.1:${link.webSocketPort}/mqtt`, "mqtt"));
        const will = { topic: "x", payload: Buffer.from("{}"), qos: 1 as const, isRetained: false };
        const credentials = { clientId: id, userName: id, password: Buffer.from("secret"), will };
        socket.write(connectPacket({ ...credentials, isCleanSession: true, keepAliveS: 300 }));
        const [answer] = (await once(socket, "data")) as [Buffer];
        return answer.subarray(0, 4).toString("hex");
      });
      // CONNACK, accepted (MQTT 3.1.1, section 3.2).
      expect(new Set(await Promise.all(answers))).toEqual(new Set(["20020000"]));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(admitted.size).toBe(200);
    const port = by === "TCP" ? link.port : link.webSocketPort;
    await link.close();
    const [error] = (await once(connect({ host: "127.0.0.1", port: port! }), "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  },
  60_000,
);
