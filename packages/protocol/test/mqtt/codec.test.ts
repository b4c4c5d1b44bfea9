// The MQTT codec against the library mqtt-packet, which is the judge: what it writes is read as it was described, what
// is written here is the same byte for byte, and what is accepted here of changed bytes is what the library reads in
// them.

import { type Packet as Described, parser } from "mqtt-packet";
import { seedOfRun, SeededRandom } from "@flipside/machine/faults/seeded-random";
import { MalformedPacket, type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { packetsIn } from "@flipside/protocol/mqtt/packet-cutter";
import { readAcknowledgement, readConnect, readPublish, readSuback, readSubscribe } from "@flipside/protocol/mqtt/read";
import {
  acknowledgementPacket,
  connackPacket,
  connectPacket,
  emptyPacket,
  publishPacket,
  subackPacket,
  subscribePacket,
} from "@flipside/protocol/mqtt/write";
import { describe, expect, it } from "vitest";
import { drawnPacket } from "./packets.ts";

const seed = seedOfRun();
const ROUNDS = 300;

/** What this package reads in a packet, in the library's words; undefined: it has no reader of such a packet. */
function readHere(packet: Packet): Record<string, unknown> | undefined {
  switch (packet.type) {
    case PacketType.Connect: {
      const { clientId, isCleanSession, keepAliveS, will, userName, password } = readConnect(packet);
      return {
        cmd: "connect",
        clientId,
        clean: isCleanSession,
        keepalive: keepAliveS,
        will: will && { topic: will.topic, payload: hex(will.payload), qos: will.qos, retain: will.isRetained },
        username: userName,
        password: password && hex(password),
      };
    }
    case PacketType.Publish: {
      const { topic, payload, qos, packetId, isRetained, isDuplicate } = readPublish(packet);
      const messageId = packetId || undefined;
      return { cmd: "publish", topic, payload: hex(payload), qos, messageId, retain: isRetained, dup: isDuplicate };
    }
    case PacketType.Subscribe: {
      const { packetId, filters } = readSubscribe(packet);
      const subscriptions = filters.map(({ filter, qos }) => ({ topic: filter, qos }));
      return { cmd: "subscribe", messageId: packetId, subscriptions };
    }
    case PacketType.Suback: {
      const { packetId, codes } = readSuback(packet);
      return { cmd: "suback", messageId: packetId, granted: codes };
    }
    case PacketType.Puback:
    case PacketType.Pubrec:
    case PacketType.Pubrel:
    case PacketType.Pubcomp:
    case PacketType.Unsuback:
      return { cmd: PacketType[packet.type].toLowerCase(), messageId: readAcknowledgement(packet) };
    default:
      return undefined;
  }
}

const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes as Uint8Array).toString("hex");

/** The same of what the library describes. */
function inWords(described: Described): Record<string, unknown> {
  switch (described.cmd) {
    case "connect": {
      const { clientId, clean, keepalive, will, username, password } = described;
      return {
        cmd: "connect",
        clientId,
        clean,
        keepalive,
        will: will && { topic: will.topic, payload: hex(will.payload), qos: will.qos, retain: will.retain },
        username,
        password: password && hex(password),
      };
    }
    case "publish": {
      const { topic, payload, qos, messageId, retain, dup } = described;
      return { cmd: "publish", topic, payload: hex(payload), qos, messageId, retain, dup };
    }
    case "subscribe": {
      const subscriptions = described.subscriptions.map(({ topic, qos }) => ({ topic, qos }));
      return { cmd: "subscribe", messageId: described.messageId, subscriptions };
    }
    case "suback":
      return { cmd: "suback", messageId: described.messageId, granted: [...(described.granted as number[])] };
    default:
      return { cmd: described.cmd, messageId: described.messageId };
  }
}

/** Written here; undefined: nobody of ours sends such a packet. */
function writtenHere(described: Described): Uint8Array | undefined {
  switch (described.cmd) {
    case "publish": {
      const { topic, payload, qos, messageId: packetId, retain: isRetained, dup: isDuplicate } = described;
      return publishPacket(topic, payload, { qos, packetId, isRetained, isDuplicate });
    }
    case "connect": {
      const { clientId, clean, keepalive, will, username: userName, password } = described;
      return connectPacket({
        clientId,
        isCleanSession: clean!,
        keepAliveS: keepalive!,
        will: will && {
          topic: will.topic,
          payload: will.payload as Buffer,
          qos: will.qos!,
          isRetained: will.retain!,
        },
        userName,
        password: password as Buffer | undefined,
      });
    }
    case "subscribe": {
      const filters = described.subscriptions.map(({ topic, qos }) => ({ filter: topic, qos }));
      return subscribePacket({ packetId: described.messageId!, filters });
    }
    case "connack":
      return connackPacket(described.returnCode!, described.sessionPresent);
    case "suback":
      return subackPacket(described.messageId!, described.granted as number[]);
    case "puback":
      return acknowledgementPacket(PacketType.Puback, described.messageId!);
    case "pubrec":
      return acknowledgementPacket(PacketType.Pubrec, described.messageId!);
    case "pubrel":
      return acknowledgementPacket(PacketType.Pubrel, described.messageId!);
    case "pubcomp":
      return acknowledgementPacket(PacketType.Pubcomp, described.messageId!);
    case "unsuback":
      return acknowledgementPacket(PacketType.Unsuback, described.messageId!);
    case "pingreq":
      return emptyPacket(PacketType.Pingreq);
    case "pingresp":
      return emptyPacket(PacketType.Pingresp);
    case "disconnect":
      return emptyPacket(PacketType.Disconnect);
    default:
      return undefined;
  }
}

/** What the library reads in the bytes of one packet, or why it does not. */
function readByLibrary(bytes: Uint8Array): Described | Error {
  const results: (Described | Error)[] = [];
  const reader = parser({ protocolVersion: 4 });
  reader.on("packet", (packet) => results.push(packet));
  reader.on("error", (error: Error) => results.push(error));
  try {
    reader.parse(Buffer.from(bytes));
  } catch (error) {
    results.push(error as Error);
  }
  return results[0] ?? new Error("no packet came of it");
}

describe(`MQTT packets (FLIPSIDE_SEED=${seed})`, () => {
  it("are read as the library has described and written them", () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const { described, bytes } = drawnPacket(random);
      const [packet, ...more] = packetsIn(bytes);
      expect(more).toEqual([]);
      const read = readHere(packet!);
      if (read) expect(read).toEqual(inWords(described));
      else expect(["connack", "pingreq", "pingresp", "disconnect"]).toContain(described.cmd);
    }
  });

  it("are written byte for byte as the library writes them", () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const { described, bytes } = drawnPacket(random);
      const written = writtenHere(described);
      if (written) expect(Buffer.compare(written, bytes), described.cmd).toBe(0);
      else expect(["connect", "subscribe"]).toContain(described.cmd);
    }
  });

  it("that were changed at random are refused by name, or are what the library reads in them", () => {
    const random = new SeededRandom(seed);
    const seen = { refused: 0, read: 0 };
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const bytes = Buffer.from(drawnPacket(random).bytes);
      for (let changes = 1 + random.below(3); changes > 0; changes--) {
        bytes[random.below(Math.min(bytes.length, 40))]! ^= 1 << random.below(8);
      }
      let read: Record<string, unknown> | undefined;
      try {
        read = readHere(packetsIn(bytes)[0]!);
      } catch (error) {
        if (!(error instanceof MalformedPacket)) throw error;
        seen.refused++;
        continue;
      }
      if (!read) continue;
      seen.read++;
      const judged = readByLibrary(bytes);
      const judgement = judged instanceof Error ? judged.message : inWords(judged);
      expect(judgement, bytes.subarray(0, 60).toString("hex")).toEqual(read);
    }
    expect(Math.min(seen.refused, seen.read)).toBeGreaterThan(ROUNDS / 4);
  });
});

describe("what MQTT 3.1.1 does not allow is refused by name", () => {
  // CONNECT's protocol name and level; flags, keep-alive and the rest follow.
  const mqtt4 = [0, 4, 77, 81, 84, 84, 4];
  const bodies: [string, () => unknown, RegExp][] = [
    ["QoS 3", () => readPublish(only(publishPacket("a", "", { qos: 3, packetId: 1 }))), /QoS 3/],
    ["a duplicate at QoS 0", () => readPublish(only(publishPacket("a", "", { isDuplicate: true }))), /MQTT-3.3.1-2/],
    ["packet id 0", () => readPublish(only(publishPacket("a", "", { qos: 1 }))), /MQTT-2.3.1-1/],
    ["an empty topic", () => readPublish(only(publishPacket("", ""))), /MQTT-4.7.3-1/],
    ["a wildcard where something is published", () => readPublish(only(publishPacket("a/#", ""))), /MQTT-3.3.2-2/],
    ["U+0000", () => readPublish(only(publishPacket("a\0", ""))), /MQTT-1.5.3-2/],
    ["what is no UTF-8", () => readPublish(only(publishPacket(Uint8Array.of(0xc0, 0x80), ""))), /MQTT-1.5.3-1/],
    ["a topic longer than its packet", () => readPublish(only([0x30, 4, 0, 9, 97, 98])), /in the middle of its topic/],
    ["no room for the packet id", () => readPublish(only([0x32, 5, 0, 2, 97, 98, 1])), /middle of its packet id/],
    ["another protocol", () => readConnect(only([0x10, 13, 0, 4, 77, 81, 84, 83, 4, 2, 0, 0, 0, 1, 97])), /2-1\]/],
    ["MQTT 5", () => readConnect(only([0x10, 13, 0, 4, 77, 81, 84, 84, 5, 2, 0, 0, 0, 1, 97])), /MQTT-3.1.2-2/],
    ["CONNECT's reserved flag", () => readConnect(only([0x10, 13, ...mqtt4, 3, 0, 0, 0, 1, 97])), /MQTT-3.1.2-3/],
    ["QoS of a will that is none", () => readConnect(only([0x10, 13, ...mqtt4, 10, 0, 0, 0, 1, 97])), /MQTT-3.1.2-11/],
    ["a password alone", () => readConnect(only([0x10, 16, ...mqtt4, 66, 0, 0, 0, 1, 97, 0, 1, 97])), /MQTT-3.1.2-22/],
    ["a session to keep for nobody", () => readConnect(only([0x10, 12, ...mqtt4, 0, 0, 0, 0, 0])), /MQTT-3.1.3-7/],
    [
      "a byte behind the last field",
      () => readConnect(only([0x10, 14, ...mqtt4, 2, 0, 0, 0, 1, 97, 0])),
      /1 bytes fol/,
    ],
    ["SUBSCRIBE for nothing", () => readSubscribe(only([0x82, 2, 0, 1])), /in the middle of its topic filter/],
    ["SUBSCRIBE with other flags", () => readSubscribe(only([0x80, 6, 0, 1, 0, 1, 97, 1])), /MQTT-2.2.2-2/],
    ["a wildcard in a word", () => readSubscribe(only([0x82, 7, 0, 1, 0, 2, 97, 35, 1])), /MQTT-4.7.1-2/],
    ["a QoS above 2", () => readSubscribe(only([0x82, 6, 0, 1, 0, 1, 97, 3])), /MQTT-3.8.3-4/],
    ["SUBACK with an unknown code", () => readSuback(only([0x90, 3, 0, 1, 3])), /MQTT-3.9.3-2/],
    ["SUBACK without one", () => readSuback(only([0x90, 2, 0, 1])), /grants nothing/],
    ["PUBACK with flags", () => readAcknowledgement(only([0x41, 2, 0, 1])), /MQTT-2.2.2-2/],
    ["PUBACK with more than an id", () => readAcknowledgement(only([0x40, 3, 0, 1, 0])), /1 bytes follow/],
    ["another packet than is read", () => readPublish(only([0xc0, 0])), /type 12 where Publish is read/],
  ];
  for (const [what, read, words] of bodies) {
    it(what, () => {
      expect(read).toThrow(MalformedPacket);
      expect(read).toThrow(words);
    });
  }
});

function only(bytes: Uint8Array | number[]): Packet {
  const packets = packetsIn(Uint8Array.from(bytes));
  expect(packets).toHaveLength(1);
  return packets[0]!;
}
