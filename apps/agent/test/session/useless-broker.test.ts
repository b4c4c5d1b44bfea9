// Brokers that answer as MQTT allows, and not with yes: the device says so, disconnects, and tries again with a back-off. It is
// never connected and does nothing for ever.

import { beforeAll, describe, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { type Meddler, MeddledDevice, messageOf, type MqttPacket, Packet, realAgent } from "./meddled-device.ts";

const MINUTE_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;
/** A session that was served at first and goes silent (three polls of a second, and 30 s), the time without one, and the pause. */
const ATTEMPT_MAX_MS = 33_000 + 45_000 + BACKOFF_MAX_MS;

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const topicOf = ({ body }: MqttPacket): string => body.toString("utf8", 4, 4 + body.readUInt16BE(2));
const dropped = (leaf: string): Meddler["fromDevice"] => (packet, answer) => {
  if (messageOf(packet)?.leaf !== leaf) return true;
  const id = 2 + packet.body.readUInt16BE(0);
  answer(Buffer.from([0x40, 2, packet.body[id]!, packet.body[id + 1]!]));
  return false;
};

/** Enrolled and in a session, before anybody meddles. */
async function served(): Promise<MeddledDevice> {
  const bench = await MeddledDevice.powerOn(workshop, image);
  bench.run(5_000);
  expect(bench.lines(/session proven/)).toHaveLength(1);
  return bench;
}

/** Lets the device connect anew under the meddler. */
function meddle(bench: MeddledDevice, meddler: Meddler): void {
  bench.meddler = meddler;
  bench.sent.length = 0;
  bench.server.hangUp();
}

/** Tries again and again, with a pause that has grown to the longest, and is served as soon as the broker is of use again. */
function expectBackOff(bench: MeddledDevice, line: RegExp): void {
  bench.run(20 * MINUTE_MS);
  const times = bench.connectsMs;
  expect(bench.lines(line).length, bench.device.console.slice(-12).join("\n")).toBeGreaterThan(3);
  expect(times.length, "attempts").toBeGreaterThanOrEqual(12);
  expect(times.length, "attempts in 20 minutes").toBeLessThan(90);
  times.push(bench.clock.nowUs() / 1000);
  for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!, `from attempt ${i} to the next`).toBeLessThan(ATTEMPT_MAX_MS + 2_000);
  bench.meddler = {};
  bench.received.length = 0;
  bench.run(3 * ATTEMPT_MAX_MS);
  expect(bench.received.filter(({ packet }) => messageOf(packet)?.leaf === "offer").length, bench.device.console.slice(-12).join("\n")).toBeGreaterThan(10);
}

describe("a subscription", () => {
  for (const leaf of ["challenge", "offer", "chunk", "trust", "command"]) {
    test(`to ${leaf} that is refused`, async () => {
      const bench = await served();
      const refused = new Set<number>();
      meddle(bench, {
        fromDevice(packet) {
          if (packet.type === Packet.Subscribe && topicOf(packet).endsWith(`/${leaf}`)) refused.add(packet.body.readUInt16BE(0));
          return true;
        },
        toDevice: ({ type, body, bytes }) => (type === Packet.Suback && refused.delete(body.readUInt16BE(0)) ? [Buffer.from([0x90, 3, body[0]!, body[1]!, 0x80])] : [bytes]),
      });
      expectBackOff(bench, /mqtt subscription refused, granted 128$/);
    });
  }

  const answers: [string, (id: Buffer) => Buffer[], RegExp][] = [
    ["that is granted at a lower QoS than was asked for", (id) => [Buffer.concat([Buffer.from([0x90, 3]), id, Buffer.from([0])])], /granted 0$/],
    ["that is answered for two", (id) => [Buffer.concat([Buffer.from([0x90, 4]), id, Buffer.from([1, 1])])], /mqtt disconnected, reason 8$/],
    ["that is answered with UNSUBACK", (id) => [Buffer.concat([Buffer.from([0xb0, 2]), id])], /mqtt disconnected, reason 8$/],
    ["that is not answered", () => [], /(mqtt disconnected, reason 7|the server does not answer)$/],
  ];
  for (const [what, answer, line] of answers) {
    test(what, async () => {
      const bench = await served();
      meddle(bench, { toDevice: ({ type, body, bytes }) => (type === Packet.Suback ? answer(body.subarray(0, 2)) : [bytes]) });
      expectBackOff(bench, line);
    });
  }
});

describe("CONNECT", () => {
  const words = ["", "protocol version", "client id", "server unavailable", "user name or password", "not authorized"];
  for (let code = 1; code <= 5; code++) {
    test(`that is refused with code ${code}`, async () => {
      const bench = await served();
      meddle(bench, { toDevice: ({ type, bytes }) => (type === Packet.Connack ? [Buffer.from([0x20, 2, 0, code])] : [bytes]) });
      expectBackOff(bench, new RegExp(`mqtt refused, code ${code}: ${words[code]}$`));
    });
  }

  const others: [string, Buffer, RegExp][] = [
    ["that is answered with a session, though it was to be clean", Buffer.from([0x20, 2, 1, 0]), /mqtt disconnected, reason 8$/],
    ["that is answered with DISCONNECT", Buffer.from([0xe0, 0]), /mqtt disconnected, reason 8$/],
  ];
  for (const [what, bytes, line] of others) {
    test(what, async () => {
      const bench = await served();
      meddle(bench, { toDevice: (packet) => (packet.type === Packet.Connack ? [bytes] : [packet.bytes]) });
      expectBackOff(bench, line);
    });
  }
});

describe("what is published", () => {
  for (const leaf of ["hello", "proof", "check-in"]) {
    test(`on ${leaf} is acknowledged and handed to nobody`, async () => {
      const bench = await served();
      meddle(bench, { fromDevice: dropped(leaf) });
      expectBackOff(bench, /the server does not answer$/);
    });
  }

  test("is never acknowledged", async () => {
    const bench = await served();
    meddle(bench, { toDevice: ({ type, bytes }) => (type === Packet.Puback ? [] : [bytes]) });
    expectBackOff(bench, /(mqtt disconnected, reason 7|the server does not answer)$/);
  });

  test("ends the connection", async () => {
    const bench = await served();
    meddle(bench, {
      fromDevice(packet) {
        if (packet.type !== Packet.Publish) return true;
        bench.server.hangUp();
        return false;
      },
    });
    expectBackOff(bench, /mqtt disconnected, reason 5$/);
  });

  test("by a device that enrols goes nowhere", async () => {
    const bench = await MeddledDevice.powerOn(workshop, image, { meddler: { fromDevice: dropped("enrol") } });
    expectBackOff(bench, /the server does not answer$/);
  });
});

test("a device whose secret is refused tries to enrol, and goes back to its secret when nobody answers that", async () => {
  const bench = await served();
  let refuses = true;
  meddle(bench, {
    toDevice: ({ type, bytes }) => (type === Packet.Connack && refuses ? [Buffer.from([0x20, 2, 0, 5])] : [bytes]),
    // Enrolment is let in, and goes nowhere.
    fromDevice(packet, answer) {
      if (packet.type === Packet.Connect) refuses = !packet.bytes.includes("enrol.");
      return dropped("enrol")!(packet, answer);
    },
  });
  expectBackOff(bench, /the server does not answer$/);
});

test("a server that goes silent in a session has to prove itself anew; the connection stays", async () => {
  const bench = await served();
  bench.run(10_000);
  const { connections } = bench;
  const hellos = bench.said("hello").length;
  bench.meddler = { fromDevice: dropped("check-in") };
  bench.run(45_000);
  bench.meddler = {};
  bench.run(5_000);
  expect(bench.said("hello").length).toBe(hellos + 1);
  expect(bench.lines(/session proven/)).toHaveLength(2);
  expect(bench.connections).toBe(connections);
});
