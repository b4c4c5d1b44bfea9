// What each message of a device that is another server's costs, where several servers share a broker: all of them are
// handed everything (docs/scaling.md, "At a broker of your own"). A Mosquitto, and check-ins at QoS 1 from a process of
// their own; processor time is the receiver's alone.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import { topicOf } from "@flipside/protocol/topics";
import { createLogger } from "../../apps/server/src/logging.ts";
import { connectExternalBroker } from "../../apps/server/src/mqtt/external-broker.ts";
import { Mosquitto, mosquittoMissing } from "../brokers/mosquitto.ts";

const messages = 40_000;
/** Few, as a broker drops what waits for a receiver that is slower than all senders. */
const atATime = 20;
const devices = 500;
const payload = JSON.stringify({ session: "x".repeat(22), boot: 1, sequence: 1, filler: "y".repeat(600) });

async function send(url: string): Promise<void> {
  const client = await connectAsync(url, { protocolVersion: 4 }, false);
  let next = 0;
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      while (next < messages)
        await client.publishAsync(topicOf(`device-${next++ % devices}`, "check-in"), payload, { qos: 1 });
    }),
  );
  await client.endAsync();
}

async function receive(url: string, senderUrl: string, isServed: boolean): Promise<number> {
  let heard = 0;
  const link = await connectExternalBroker({
    url,
    log: createLogger("silent"),
    nowMs: () => performance.now(),
    serves() {
      if (!isServed) heard++;
      return isServed;
    },
  });
  await link.open({
    authenticate: async () => "unknown",
    channelKeys: async () => [],
    async message() {
      heard++;
      return true;
    },
    closed() {},
    refused() {},
  });
  const before = process.cpuUsage();
  const child = fork(fileURLToPath(import.meta.url), [senderUrl], { execArgv: ["--import", "tsx"] });
  await new Promise((resolve) => child.once("exit", resolve));
  const { user, system } = process.cpuUsage(before);
  await link.close();
  if (heard < messages / 2) throw new Error(`only ${heard} of ${messages} messages came`);
  return (user + system) / heard;
}

const [url] = process.argv.slice(2);
if (url !== undefined) await send(url);
else if (mosquittoMissing !== undefined) console.log(`skipped: ${mosquittoMissing}`);
else {
  const mosquitto = await Mosquitto.start();
  try {
    const [url, senderUrl] = [mosquitto.serverUrl, mosquitto.addServer("sender")];
    await receive(url, senderUrl, false);
    const dropped = await receive(url, senderUrl, false);
    const handed = await receive(url, senderUrl, true);
    console.log(`another server's: ${dropped.toFixed(1)} µs of processor time a message`);
    console.log(`its own, up to where it is dealt with: ${handed.toFixed(1)} µs`);
  } finally {
    await mosquitto.stop();
  }
}
