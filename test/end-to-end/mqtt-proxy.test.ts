import { connect, createServer, type Server } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { MqttProxy } from "./mqtt-proxy.ts";

let broker: Server;
let proxy: MqttProxy;
afterEach(async () => {
  vi.restoreAllMocks();
  await proxy.close();
  broker.close();
});

test("a slow line delivers every packet in order, and asks for no negative time-out while its clock goes on", async () => {
  const packets = Array.from({ length: 40 }, (_, i) => Buffer.from([0xd0, 1, i]));
  broker = createServer((socket) => void socket.write(Buffer.concat(packets))).listen(0, "127.0.0.1");
  await new Promise((resolve) => broker.once("listening", resolve));
  proxy = new MqttProxy(() => (broker.address() as { port: number }).port);
  proxy.faults.bytesPerSecond = 30_000;
  await proxy.listen();

  // A packet takes 0.1 ms, and every look at a clock 1 ms: what is due is past when it is looked at again.
  let steps = 0;
  const [wall, monotonic] = [Date.now.bind(Date), performance.now.bind(performance)];
  vi.spyOn(Date, "now").mockImplementation(() => wall() + ++steps);
  vi.spyOn(performance, "now").mockImplementation(() => monotonic() + ++steps);

  const received: Buffer[] = [];
  const device = connect(proxy.port, "127.0.0.1");
  device.on("data", (bytes) => {
    received.push(bytes);
    if (Buffer.concat(received).length === 3 * packets.length) device.destroy();
  });
  await new Promise((resolve) => device.once("close", resolve));
  expect(Buffer.concat(received)).toEqual(Buffer.concat(packets));
});
