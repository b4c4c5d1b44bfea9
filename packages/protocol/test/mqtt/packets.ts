// Well-formed MQTT 3.1.1 packets of every kind that this package reads or writes, drawn at random, as the library
// mqtt-packet describes and writes them.

import { generate, type Packet as Described } from "mqtt-packet";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";

const LENGTHS = [0, 1, 5, 40, 118, 119, 120, 121, 127, 128, 129, 300, 16_380, 16_384, 20_000];
/** Plain, of two to four bytes, a byte order mark. */
const LETTERS = ["a", "Z", "7", "-", "$", "é", "€", "😀", "\ufeff", "/"];

const bytes = (random: SeededRandom, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.below(256)));
const flag = (random: SeededRandom): boolean => random.below(2) === 0;
function text(random: SeededRandom): string {
  const length = 1 + random.below(random.pick([4, 30, 300]));
  return Array.from({ length }, () => random.pick(LETTERS)).join("");
}
const id = (random: SeededRandom): number => random.pick([1, 2, 0xff, 0x100, 0xffff, 1 + random.below(0xffff)]);
const qos = (random: SeededRandom): 0 | 1 | 2 => random.below(3) as 0 | 1 | 2;
const filter = (random: SeededRandom): string =>
  random.pick(["#", "+", "a/+/b", "+/#", `${text(random)}/#`, text(random)]);

type Acknowledgement = "puback" | "pubrec" | "pubrel" | "pubcomp" | "unsuback";
const acknowledgements: readonly Acknowledgement[] = ["puback", "pubrec", "pubrel", "pubcomp", "unsuback"];

const will = (random: SeededRandom) => ({
  topic: text(random),
  payload: bytes(random, random.below(200)),
  qos: qos(random),
  retain: flag(random),
});

const kinds: ((random: SeededRandom) => Described)[] = [
  (random) => ({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId: text(random),
    clean: flag(random),
    keepalive: random.below(0x10000),
    ...(flag(random) && { will: will(random) }),
    ...(flag(random) && { username: text(random), ...(flag(random) && { password: bytes(random, random.below(80)) }) }),
  }),
  (random) => {
    const level = qos(random);
    const dup = level > 0 && flag(random);
    const content = { topic: text(random), payload: bytes(random, random.pick(LENGTHS)), retain: flag(random) };
    return { cmd: "publish", ...content, qos: level, dup, ...(level > 0 && { messageId: id(random) }) };
  },
  (random) => ({ cmd: "connack", sessionPresent: flag(random), returnCode: random.below(6) }),
  (random) => ({ cmd: random.pick(acknowledgements), messageId: id(random) }) as Described,
  (random) => {
    const subscription = () => ({ topic: filter(random), qos: qos(random) });
    const subscriptions = Array.from({ length: 1 + random.below(4) }, subscription);
    return { cmd: "subscribe", messageId: id(random), subscriptions };
  },
  (random) => {
    const length = 1 + random.below(random.pick([4, 200]));
    const granted = Array.from({ length }, () => random.pick([0, 1, 2, 0x80]));
    return { cmd: "suback", messageId: id(random), granted };
  },
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
