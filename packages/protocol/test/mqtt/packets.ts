// Well-formed MQTT 3.1.1 packets of every kind that this package reads, drawn at random, as the library mqtt-packet describes
// and writes them.

import { generate, type Packet as Described } from "mqtt-packet";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";

const LENGTHS = [0, 1, 5, 40, 118, 119, 120, 121, 127, 128, 129, 300, 16_380, 16_384, 20_000];
/** Plain, of two to four bytes, a byte order mark. */
const LETTERS = ["a", "Z", "7", "-", "$", "é", "€", "😀", "\ufeff", "/"];

const bytes = (random: SeededRandom, length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
const flag = (random: SeededRandom): boolean => random.below(2) === 0;
const text = (random: SeededRandom, atLeast = 1): string => Array.from({ length: atLeast + random.below(random.pick([4, 30, 300])) }, () => random.pick(LETTERS)).join("");
const id = (random: SeededRandom): number => random.pick([1, 2, 0xff, 0x100, 0xffff, 1 + random.below(0xffff)]);
const qos = (random: SeededRandom): 0 | 1 | 2 => random.below(3) as 0 | 1 | 2;
const filter = (random: SeededRandom): string => random.pick(["#", "+", "a/+/b", "+/#", `${text(random)}/#`, text(random)]);

const kinds: ((random: SeededRandom) => Described)[] = [
  (random) => ({
    cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: text(random), clean: flag(random), keepalive: random.below(0x10000),
    ...(flag(random) && { will: { topic: text(random), payload: bytes(random, random.below(200)), qos: qos(random), retain: flag(random) } }),
    ...random.pick([{}, { username: text(random) }, { username: text(random), password: bytes(random, random.below(80)) }]),
  }),
  (random) => {
    const level = qos(random);
    const dup = level > 0 && flag(random);
    return { cmd: "publish", topic: text(random), payload: bytes(random, random.pick(LENGTHS)), qos: level, dup, retain: flag(random), ...(level > 0 && { messageId: id(random) }) };
  },
  (random) => ({ cmd: "connack", sessionPresent: flag(random), returnCode: random.below(6) }),
  (random) => ({ cmd: random.pick(["puback", "pubrec", "pubrel", "pubcomp", "unsuback"] as const), messageId: id(random) }) as Described,
  (random) => ({ cmd: "subscribe", messageId: id(random), subscriptions: Array.from({ length: 1 + random.below(4) }, () => ({ topic: filter(random), qos: qos(random) })) }),
  (random) => ({ cmd: "suback", messageId: id(random), granted: Array.from({ length: 1 + random.below(random.pick([4, 200])) }, () => random.pick([0, 1, 2, 0x80])) }),
  (random) => ({ cmd: random.pick(["pingreq", "pingresp", "disconnect"] as const) }),
];

export interface Drawn {
  described: Described;
  bytes: Buffer;
}

export function drawnPacket(random: SeededRandom): Drawn {
  const described = random.pick(kinds)(random);
  return { described, bytes: generate(described, { protocolVersion: 4 }) };
}
