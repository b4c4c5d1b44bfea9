// What is in a packet. Each reader checks all that MQTT 3.1.1 says of its packet and throws MalformedPacket at what is
// not allowed there, so what it returns needs no second look. Payloads, passwords and wills are views of the packet's
// bytes.

import { MalformedPacket, type Packet, PacketType, type QoS } from "./packet.ts";

export interface Connect {
  clientId: string;
  isCleanSession: boolean;
  keepAliveS: number;
  will: { topic: string; payload: Uint8Array; qos: QoS; isRetained: boolean } | undefined;
  userName: string | undefined;
  password: Uint8Array | undefined;
}

export interface Publish {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  /** 0 where QoS is 0. */
  packetId: number;
  isRetained: boolean;
  isDuplicate: boolean;
}

export interface Subscribe {
  packetId: number;
  filters: { filter: string; qos: QoS }[];
}

export interface Suback {
  packetId: number;
  /** For each filter, in order: the granted QoS, or 0x80. */
  codes: number[];
}

/** Section 3.1. */
export function readConnect(packet: Packet): Connect {
  const fields = new Fields(packet, PacketType.Connect, 0);
  if (fields.text("protocol name") !== "MQTT") {
    throw new MalformedPacket("CONNECT names another protocol than MQTT [MQTT-3.1.2-1]");
  }
  const level = fields.u8("protocol level");
  if (level !== 4) throw new MalformedPacket(`CONNECT asks for protocol level ${level}, not 4 [MQTT-3.1.2-2]`);
  const flags = fields.u8("connect flags");
  const willQos = qosOf(flags >> 3);
  if (flags & 1) throw new MalformedPacket("CONNECT has its reserved flag set [MQTT-3.1.2-3]");
  if (!(flags & 4) && flags & 0x38) {
    throw new MalformedPacket("CONNECT says how its will is published, and has none [MQTT-3.1.2-11]");
  }
  if (flags & 0x40 && !(flags & 0x80)) {
    throw new MalformedPacket("CONNECT has a password without a user name [MQTT-3.1.2-22]");
  }
  const keepAliveS = fields.u16("keep-alive");
  const clientId = fields.text("client id");
  const isCleanSession = (flags & 2) !== 0;
  if (clientId === "" && !isCleanSession) {
    throw new MalformedPacket("CONNECT has no client id for the session that it keeps [MQTT-3.1.3-7]");
  }
  const will =
    flags & 4
      ? {
          topic: topicName(fields.text("will topic")),
          payload: fields.bytes("will"),
          qos: willQos,
          isRetained: (flags & 0x20) !== 0,
        }
      : undefined;
  const userName = flags & 0x80 ? fields.text("user name") : undefined;
  const password = flags & 0x40 ? fields.bytes("password") : undefined;
  fields.end();
  return { clientId, isCleanSession, keepAliveS, will, userName, password };
}

/** Section 3.3. */
export function readPublish(packet: Packet): Publish {
  const { flags } = packet;
  const fields = new Fields(packet, PacketType.Publish, flags);
  const qos = qosOf(flags >> 1);
  const isDuplicate = (flags & 8) !== 0;
  if (qos === 0 && isDuplicate) {
    throw new MalformedPacket("PUBLISH at QoS 0 says that it is a duplicate [MQTT-3.3.1-2]");
  }
  const topic = topicName(fields.text("topic"));
  const packetId = qos > 0 ? fields.packetId() : 0;
  return { topic, payload: fields.rest(), qos, packetId, isRetained: (flags & 1) !== 0, isDuplicate };
}

/** The packet id of an acknowledgement (sections 3.4 to 3.7 and 3.11): all that is in it. */
export function readAcknowledgement(packet: Packet): number {
  const { type } = packet;
  const isOne = (type >= PacketType.Puback && type <= PacketType.Pubcomp) || type === PacketType.Unsuback;
  if (!isOne) throw new MalformedPacket(`a packet of type ${type} is no acknowledgement with a packet id alone`);
  const fields = new Fields(packet, type, type === PacketType.Pubrel ? 2 : 0);
  const packetId = fields.packetId();
  fields.end();
  return packetId;
}

/** Section 3.8. */
export function readSubscribe(packet: Packet): Subscribe {
  const fields = new Fields(packet, PacketType.Subscribe, 2);
  const packetId = fields.packetId();
  const filters: Subscribe["filters"] = [];
  do {
    const filter = topicFilter(fields.text("topic filter"));
    const qos = fields.u8("requested QoS");
    if (qos > 2) throw new MalformedPacket(`SUBSCRIBE asks for QoS ${qos} [MQTT-3.8.3-4]`);
    filters.push({ filter, qos: qos as QoS });
  } while (!fields.isAtEnd);
  return { packetId, filters };
}

/** Section 3.9. */
export function readSuback(packet: Packet): Suback {
  const fields = new Fields(packet, PacketType.Suback, 0);
  const packetId = fields.packetId();
  const codes = [...fields.rest()];
  const wrong = codes.find((code) => code > 2 && code !== 0x80);
  if (codes.length === 0) throw new MalformedPacket("SUBACK grants nothing (section 3.9.3)");
  if (wrong !== undefined) throw new MalformedPacket(`SUBACK has the code ${wrong} [MQTT-3.9.3-2]`);
  return { packetId, codes };
}

function qosOf(bits: number): QoS {
  if ((bits & 3) === 3) throw new MalformedPacket("QoS 3 [MQTT-3.3.1-4], [MQTT-3.1.2-14]");
  return (bits & 3) as QoS;
}

/** Section 4.7: what is published has a topic without wildcards. */
function topicName(text: string): string {
  if (text === "") throw new MalformedPacket("a topic is empty [MQTT-4.7.3-1]");
  if (text.includes("+") || text.includes("#")) {
    throw new MalformedPacket(`the topic ${JSON.stringify(text)} has a wildcard [MQTT-3.3.2-2]`);
  }
  return text;
}

/** Section 4.7.1: a wildcard is a whole level, and `#` the last one. */
function topicFilter(text: string): string {
  if (text === "") throw new MalformedPacket("a topic filter is empty [MQTT-4.7.3-1]");
  const levels = text.split("/");
  const last = levels.length - 1;
  if (!levels.every((level, i) => !/[+#]/.test(level) || level === "+" || (level === "#" && i === last))) {
    throw new MalformedPacket(`the topic filter ${JSON.stringify(text)} has a misplaced wildcard [MQTT-4.7.1-2]`);
  }
  return text;
}

// A byte order mark is a character like others [MQTT-1.5.3-3].
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Section 1.5.3. */
function decoded(bytes: Uint8Array, what: string): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new MalformedPacket(`the ${what} is no UTF-8 [MQTT-1.5.3-1]`);
  }
  if (text.includes("\0")) throw new MalformedPacket(`the ${what} has U+0000 in it [MQTT-1.5.3-2]`);
  return text;
}

/** The fields of a packet's body, one after the other. */
class Fields {
  readonly #packet: Packet;
  #at: number;

  constructor(packet: Packet, type: PacketType, flags: number) {
    if (packet.type !== type) {
      throw new MalformedPacket(`a packet of type ${packet.type} where ${PacketType[type]} is read`);
    }
    if (packet.flags !== flags) {
      throw new MalformedPacket(`${PacketType[type]} has the flags ${packet.flags}, not ${flags} [MQTT-2.2.2-2]`);
    }
    this.#packet = packet;
    this.#at = packet.bodyAt;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#packet.end;
  }

  u8(what: string): number {
    return this.#packet.bytes[this.#skip(1, what)]!;
  }

  u16(what: string): number {
    const at = this.#skip(2, what);
    return (this.#packet.bytes[at]! << 8) | this.#packet.bytes[at + 1]!;
  }

  /** Section 2.3.1. */
  packetId(): number {
    const id = this.u16("packet id");
    if (id === 0) throw new MalformedPacket("a packet has the id 0 [MQTT-2.3.1-1]");
    return id;
  }

  /** Behind two bytes of length. */
  bytes(what: string): Uint8Array {
    const length = this.u16(what);
    const at = this.#skip(length, what);
    return this.#packet.bytes.subarray(at, at + length);
  }

  text(what: string): string {
    return decoded(this.bytes(what), what);
  }

  /** What is left. */
  rest(): Uint8Array {
    const at = this.#at;
    this.#at = this.#packet.end;
    return this.#packet.bytes.subarray(at, this.#at);
  }

  end(): void {
    if (!this.isAtEnd) {
      const left = this.#packet.end - this.#at;
      throw new MalformedPacket(`${left} bytes follow the last field of ${PacketType[this.#packet.type]}`);
    }
  }

  /** Where the next `length` bytes begin. */
  #skip(length: number, what: string): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#packet.end) {
      throw new MalformedPacket(`${PacketType[this.#packet.type]} ends in the middle of its ${what}`);
    }
    return at;
  }
}
