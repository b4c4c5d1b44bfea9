// Brokers that answer as MQTT allows, and not with yes: the device says so, disconnects, and tries again with a
// back-off. It is never connected and does nothing for ever.

import { beforeAll, describe, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { PacketType } from "@flipside/protocol/mqtt/packet";
import { readConnect, readPublish, readSuback, readSubscribe } from "@flipside/protocol/mqtt/read";
import {
  acknowledgementPacket,
  connackPacket,
  ConnectReturn,
  emptyPacket,
  pubackPacket,
  subackPacket,
} from "@flipside/protocol/mqtt/write";
import { type Meddler, MeddledDevice, messageOf, realAgent } from "./meddled-device.ts";

const MINUTE_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;
/**
 * A session that was served at first and goes silent (three polls of a second, and 30 s), the time without one, and the
 * pause.
 */
const ATTEMPT_MAX_MS = 33_000 + 45_000 + BACKOFF_MAX_MS;

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const dropped =
  (leaf: string): Meddler["fromDevice"] =>
  (packet, answer) => {
    if (messageOf(packet)?.leaf !== leaf) return true;
    answer(pubackPacket(readPublish(packet).packetId));
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

/**
 * Tries again and again, with a pause that has grown to the longest, and is served as soon as the broker is of use
 * again.
 */
function expectBackOff(bench: MeddledDevice, line: RegExp): void {
  bench.run(20 * MINUTE_MS);
  const times = bench.connectsMs;
  expect(bench.lines(line).length, bench.device.console.slice(-12).join("\n")).toBeGreaterThan(3);
  expect(times.length, "attempts").toBeGreaterThanOrEqual(12);
  expect(times.length, "attempts in 20 minutes").toBeLessThan(90);
  times.push(bench.clock.nowUs() / 1000);
  for (let i = 1; i < times.length; i++)
    expect(times[i]! - times[i - 1]!, `from attempt ${i} to the next`).toBeLessThan(ATTEMPT_MAX_MS + 2_000);
  bench.meddler = {};
  bench.received.length = 0;
  bench.run(3 * ATTEMPT_MAX_MS);
  expect(
    bench.received.filter(({ packet }) => messageOf(packet)?.leaf === "offer").length,
    bench.device.console.slice(-12).join("\n"),
  ).toBeGreaterThan(10);
}

describe("a subscription", () => {
  for (const leaf of ["challenge", "offer", "chunk", "trust", "command"]) {
    test(`to ${leaf} that is refused`, async () => {
      const bench = await served();
      const refused = new Set<number>();
      meddle(bench, {
        fromDevice(packet) {
          if (packet.type !== PacketType.Subscribe) return true;
          const { packetId, filters } = readSubscribe(packet);
          if (filters[0]!.filter.endsWith(`/${leaf}`)) refused.add(packetId);
          return true;
        },
        toDevice(packet) {
          const packetId = packet.type === PacketType.Suback ? readSuback(packet).packetId : 0;
          return [refused.delete(packetId) ? subackPacket(packetId, [0x80]) : packet.whole];
        },
      });
      expectBackOff(bench, /mqtt subscription refused, granted 128$/);
    });
  }

  const answers: [string, (id: number) => Uint8Array[], RegExp][] = [
    ["that is granted at a lower QoS than was asked for", (id) => [subackPacket(id, [0])], /granted 0$/],
    ["that is answered for two", (id) => [subackPacket(id, [1, 1])], /mqtt disconnected, reason 8$/],
    [
      "that is answered with UNSUBACK",
      (id) => [acknowledgementPacket(PacketType.Unsuback, id)],
      /mqtt disconnected, reason 8$/,
    ],
    ["that is not answered", () => [], /(mqtt disconnected, reason 7|the server does not answer)$/],
  ];
  for (const [what, answer, line] of answers) {
    test(what, async () => {
      const bench = await served();
      meddle(bench, {
        toDevice: (packet) =>
          packet.type === PacketType.Suback ? answer(readSuback(packet).packetId) : [packet.whole],
      });
      expectBackOff(bench, line);
    });
  }
});

describe("CONNECT", () => {
  const words = ["", "protocol version", "client id", "server unavailable", "user name or password", "not authorized"];
  for (let code = 1; code <= 5; code++) {
    test(`that is refused with code ${code}`, async () => {
      const bench = await served();
      meddle(bench, { toDevice: ({ type, whole }) => [type === PacketType.Connack ? connackPacket(code) : whole] });
      expectBackOff(bench, new RegExp(`mqtt refused, code ${code}: ${words[code]}$`));
    });
  }

  const others: [string, Uint8Array, RegExp][] = [
    [
      "that is answered with a session, though it was to be clean",
      connackPacket(ConnectReturn.Accepted, true),
      /mqtt disconnected, reason 8$/,
    ],
    ["that is answered with DISCONNECT", emptyPacket(PacketType.Disconnect), /mqtt disconnected, reason 8$/],
  ];
  for (const [what, answer, line] of others) {
    test(what, async () => {
      const bench = await served();
      meddle(bench, { toDevice: ({ type, whole }) => [type === PacketType.Connack ? answer : whole] });
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
    meddle(bench, { toDevice: ({ type, whole }) => (type === PacketType.Puback ? [] : [whole]) });
    expectBackOff(bench, /(mqtt disconnected, reason 7|the server does not answer)$/);
  });

  test("ends the connection", async () => {
    const bench = await served();
    meddle(bench, {
      fromDevice(packet) {
        if (packet.type !== PacketType.Publish) return true;
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
    toDevice: ({ type, whole }) => [
      type === PacketType.Connack && refuses ? connackPacket(ConnectReturn.NotAuthorized) : whole,
    ],
    // Enrolment is let in, and goes nowhere.
    fromDevice(packet, answer) {
      if (packet.type === PacketType.Connect) refuses = !readConnect(packet).userName!.startsWith("enrol.");
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
