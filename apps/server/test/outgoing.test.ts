// What leaves on one connection of the embedded broker: whole packets in their order, by one write, at the pace of the
// reader.

import { Duplex } from "node:stream";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { chunk, sessionChallenge } from "@flipside/protocol/server-messages";
import { describe, expect, it } from "vitest";
import { Outgoing } from "../src/mqtt/outgoing.ts";

const PREFIX = "flipside/v1/00/dev-1/";

/** A connection that takes what is written when `take` says so. */
function connection() {
  const writes: Buffer[] = [];
  let taken: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    writev(parts, done) {
      writes.push(Buffer.concat(parts.map(({ chunk }) => chunk as Buffer)));
      taken = done;
    },
  });
  const packets = () => {
    const found: { leaf: string; qos: number; packetId: number; payload: Buffer }[] = [];
    new PacketCutter().take(Buffer.concat(writes), (packet) => {
      const { topic, qos, packetId, payload } = readPublish(packet);
      expect(topic.startsWith(PREFIX)).toBe(true);
      found.push({ leaf: topic.slice(PREFIX.length), qos, packetId, payload: Buffer.from(payload) });
    });
    return found;
  };
  return { stream, writes, packets, take: () => taken!(), outgoing: new Outgoing(stream, PREFIX) };
}

describe("what is sent together", () => {
  it("leaves by one write, whole and in order, at the QoS that was granted", async () => {
    const { outgoing, writes, packets } = connection();
    outgoing.subscribed("chunk", 1);
    outgoing.subscribed("challenge", 1);
    const chunks = [Buffer.alloc(300, 1), Buffer.alloc(300, 2), Buffer.alloc(7, 3)];
    const challenge = sessionChallenge("s", "n");
    expect(await outgoing.send([challenge, ...chunks.map(chunk), challenge])).toBe(true);
    expect(writes).toHaveLength(1);
    const text = Buffer.from(challenge.payload);
    expect(packets()).toEqual([
      { leaf: "challenge", qos: 1, packetId: 1, payload: text },
      ...chunks.map((payload) => ({ leaf: "chunk", qos: 0, packetId: 0, payload })),
      { leaf: "challenge", qos: 1, packetId: 2, payload: text },
    ]);
  });

  it("is no more than the client has subscribed to, and at no better QoS", async () => {
    const { outgoing, packets } = connection();
    expect(await outgoing.send([sessionChallenge("s", "n")])).toBe(false);
    outgoing.subscribed("challenge", 0);
    expect(await outgoing.send([sessionChallenge("s", "n"), chunk(Buffer.alloc(5))])).toBe(true);
    expect(packets().map(({ leaf, qos }) => [leaf, qos])).toEqual([["challenge", 0]]);
    outgoing.unsubscribed("challenge");
    expect(await outgoing.send([sessionChallenge("s", "n")])).toBe(false);
  });

  it("makes its sender wait for a slow reader, and for nobody who is gone", async () => {
    const { outgoing, stream, writes, take } = connection();
    outgoing.subscribed("chunk", 0);
    const large = chunk(Buffer.alloc(100_000));
    const ended: string[] = [];
    const first = outgoing.send([large]).then((sent) => ended.push(`first ${sent}`));
    await Promise.resolve();
    const second = outgoing.send([large]).then((sent) => ended.push(`second ${sent}`));
    await new Promise((resolve) => setImmediate(resolve));
    expect([ended, writes.length]).toEqual([[], 1]);
    take();
    await new Promise((resolve) => setImmediate(resolve));
    expect([ended, writes.length]).toEqual([[], 2]);
    take();
    await Promise.all([first, second]);
    expect(ended.sort()).toEqual(["first true", "second true"]);
    const third = outgoing.send([large]);
    stream.destroy();
    expect(await third).toBe(false);
    expect(await outgoing.send([large])).toBe(false);
  });
});
