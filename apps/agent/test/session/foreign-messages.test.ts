// What is not of the present session changes nothing and delays nothing on the device: what a broker has retained, what
// comes twice, what belongs to another session. And the last will names the session that it ends.

import { beforeAll, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { PacketType } from "@flipside/protocol/mqtt/packet";
import { readConnect } from "@flipside/protocol/mqtt/read";
import { offer, type ServerMessage, sessionRefusal, trustChain } from "@flipside/protocol/server-messages";
import { topicPrefixOf } from "@flipside/protocol/topics";
import type { PublishOptions } from "@flipside/protocol/mqtt/write";
import { MeddledDevice, messageOf, publish, realAgent } from "./meddled-device.ts";

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const topic = (leaf: string): string => topicPrefixOf("meddled") + leaf;
const said = ({ leaf, payload }: ServerMessage, options: PublishOptions = {}): Uint8Array =>
  publish(topic(leaf), payload, options);

async function inSession(): Promise<MeddledDevice> {
  const bench = await MeddledDevice.powerOn(workshop, image);
  bench.run(10_000);
  expect(bench.lines(/session proven/)).toHaveLength(1);
  return bench;
}

/** What the device sends and says in the next ten seconds, but for times and numbers that count up. */
function next(bench: MeddledDevice): string[] {
  bench.sent.length = 0;
  const lines = bench.device.console.length;
  bench.run(10_000);
  const said = bench.sent.flatMap(({ packet }) =>
    packet.type === PacketType.Puback ? [] : [`${packet.type} ${messageOf(packet)?.leaf ?? ""}`],
  );
  return [...said, ...bench.device.console.slice(lines)];
}

test("the last will names the session that the hello of its connection begins, and each connection has another", async () => {
  const bench = await inSession();
  for (let i = 0; i < 3; i++) {
    bench.server.hangUp();
    bench.run(10_000);
  }
  const connects = bench.sent.filter(({ packet }) => packet.type === PacketType.Connect);
  const wills = connects.map(({ packet, connection }) => ({ connection, will: readConnect(packet).will }));
  const named = wills
    .filter(({ will }) => will?.topic === topic("gone"))
    .map(({ connection, will }) => ({ connection, text: Buffer.from(will!.payload).toString() }));
  expect(named).toHaveLength(4);
  for (const { connection, text } of named) {
    const [hello] = bench.said("hello").filter((message) => message.connection === connection);
    expect(JSON.parse(text), `connection ${connection}`).toEqual({ session: hello!.json["session"] });
    expect(hello!.json).not.toHaveProperty("connection");
  }
  expect(new Set(named.map(({ text }) => text)).size).toBe(4);
});

test("a later session of a connection says which one its last will names", async () => {
  const bench = await inSession();
  const [first] = bench.said("hello");
  bench.inject(said(sessionRefusal(first!.json["session"], "session-unknown")));
  bench.run(5_000);
  const [, second] = bench.said("hello");
  expect(second!.json["session"]).not.toBe(first!.json["session"]);
  expect(second!.json["connection"]).toBe(first!.json["session"]);
  expect(bench.lines(/session proven/)).toHaveLength(2);
});

test("messages of other sessions, retained ones and repeated ones change nothing and delay nothing", async () => {
  const bench = await inSession();
  const session = String(bench.said("hello").at(-1)!.json["session"]);
  const heard = bench.received.flatMap(({ packet }) => messageOf(packet) ?? []);
  const ofLeaf = (leaf: string): string[] => heard.filter((message) => message.leaf === leaf).map(({ text }) => text);
  const other = "AAAAAAAAAAAAAAAAAAAAAA";
  const expected = next(bench);
  const foreign: [string, Uint8Array][] = [
    ["a challenge that comes twice", publish(topic("challenge"), ofLeaf("challenge")[0]!, { isDuplicate: true })],
    [
      "the server's proof that comes twice",
      publish(topic("challenge"), ofLeaf("challenge")[1]!, { isDuplicate: true }),
    ],
    ["a late refusal of the proof", said(sessionRefusal(session, "expired"))],
    ["a refusal of another session", said(sessionRefusal(other, "session-unknown"))],
    ["a retained refusal", said(sessionRefusal(session, "session-unknown"), { isRetained: true })],
    ["an offer of another session", said(offer(other, 3_600_000))],
    ["a retained offer", said(offer(session, 3_600_000), { isRetained: true })],
    ["a retained trust record", said(trustChain(Buffer.alloc(100, 1)), { isRetained: true })],
    ["a trust record", publish(topic("offers"), Buffer.alloc(100, 1))],
    ["an answer to an enrolment that is over", publish(topic("enrolled"), ofLeaf("enrolled").at(-1)!)],
    [
      "a message on a topic of another device",
      publish(topic("challenge").replace("meddled", "another"), sessionRefusal(session, "session-unknown").payload),
    ],
  ];
  for (const [what, bytes] of foreign) {
    bench.inject(bytes);
    expect(next(bench), what).toEqual(expected);
  }
});
