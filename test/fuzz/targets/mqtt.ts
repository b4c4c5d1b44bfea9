// A hostile MQTT server's byte stream: whatever it is cut into, the client tells the same.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { fixedHeaderEnd, remainingLength } from "@flipside/protocol/mqtt/fixed-header";
import { MalformedPacket } from "@flipside/protocol/mqtt/packet";
import { connackPacket, ConnectReturn, publishPacket } from "@flipside/protocol/mqtt/write";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, Violation } from "../engine/target.ts";

const connack = [...connackPacket(ConnectReturn.Accepted)];
const publish = (topic: string, payload: Uint8Array, qos = 0, packetId = 1, isDuplicate = false): number[] => [
  ...publishPacket(topic, payload, { qos, packetId, isDuplicate }),
];
const bytes = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i);
const packets = [
  connack,
  [0x20, 2, 1, 0],
  [0x20, 2, 0, 5],
  [0x40, 2, 0, 1],
  [0x40, 2, 0, 2],
  [0x90, 3, 0, 1, 1],
  [0x90, 3, 0, 1, 0x80],
  [0xd0, 0],
  publish("a/b", bytes(3)),
  publish("a/b", bytes(3), 1, 7),
  publish("t", bytes(500)),
  publish("t", bytes(600)),
  publish("t", bytes(600), 1, 9),
  publish("x".repeat(300), bytes(300), 1, 3, true),
  [0x30, 0xff, 0xff, 0xff, 0x7f],
  [0x30, 0x80, 0x80, 0x80, 0x80, 1],
].map((packet) => Uint8Array.from(packet));

/** -1: none is to be seen. */
function headerEnd(draft: Draft, at: number): number {
  try {
    return fixedHeaderEnd(draft.bytes, at, draft.length);
  } catch (error) {
    if (error instanceof MalformedPacket) return -1;
    throw error;
  }
}

/** Where packets begin, as far as they can be followed. */
function packetsIn(draft: Draft): number[] {
  const places: number[] = [];
  for (let at = 0; at + 2 <= draft.length; ) {
    places.push(at);
    const bodyAt = headerEnd(draft, at);
    if (bodyAt < 0) break;
    at = bodyAt + remainingLength(draft.bytes, at, bodyAt);
  }
  return places;
}

export const mqtt: OpenTarget = async (patches = []) => {
  const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("mqtt"), 2, patches));
  const start = instance.save();
  const told = (input: Uint8Array, piece: number, random: number): number => {
    instance.restore(start);
    const hash = instance.exports.run!(instance.put(input), input.length, piece, random);
    return hash;
  };
  return {
    name: "mqtt",
    instance,
    inputBytesMax: 4096,
    seeds: [
      connack,
      [0x20, 2, 0, 5],
      [...connack, 0x90, 3, 0, 1, 1, 0x40, 2, 0, 1, 0xd0, 0],
      ...packets.slice(8).map((packet) => [...connack, ...packet, 0xd0, 0]),
      [...connack, ...publish("a", bytes(600), 1, 5), ...publish("b", bytes(10), 1, 6), 0x40, 2, 0, 2],
    ].map((seed) => Uint8Array.from(seed)),
    dictionary: packets,
    share: 0.05,
    mutate(draft: Draft, random: SeededRandom) {
      const places = packetsIn(draft);
      const at = places.length > 0 ? random.pick(places) : 0;
      if (random.below(2) === 0) insert(draft, at, random.pick(packets));
      else if (random.below(2) === 0)
        draft.bytes[at] = random.pick([
          0x20,
          0x30,
          0x31,
          0x32,
          0x33,
          0x34,
          0x3a,
          0x3b,
          0x36,
          0x40,
          0x82,
          0x90,
          0xc0,
          0xd0,
          0xe0,
          random.below(256),
        ]);
      else if (at + 4 <= draft.length)
        write(draft.bytes, at + 1 + random.below(3), 1, random.pick([0, 1, 2, 3, 4, 127, 128, 129, 255]), true);
    },
    repair(draft, random) {
      // else hardly anything comes of it
      if (random.below(2) === 0) draft.bytes.set(connack.slice(0, Math.min(4, draft.length)));
    },
    run(input) {
      const whole = told(input, 4096, 0);
      if (told(input, 1, 0) !== whole)
        throw new Violation("byte by byte, the client tells something else than when the input comes whole");
      // Of the input itself, so that it replays.
      const random = input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7);
      if (told(input, 0, random) !== whole)
        throw new Violation("in random pieces, the client tells something else than when the input comes whole");
    },
  };
};
