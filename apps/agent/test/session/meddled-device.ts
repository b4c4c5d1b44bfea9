// The real agent on the Node host and a clock that the test moves, connected to a scripted server through somebody who may
// change, drop, add and repeat MQTT packets either way.

import type { Duplex } from "node:stream";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ManualClock } from "@flipside/machine/clock";
import { manufactureInMemory } from "@flipside/machine/node/manufacture";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { ScriptedServer } from "../../../../test/power-cut/scripted-server.ts";
import { deviceWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";

export const enum Packet { Connect = 1, Connack = 2, Publish = 3, Puback = 4, Subscribe = 8, Suback = 9, Unsuback = 11, Pingreq = 12, Pingresp = 13, Disconnect = 14 }

export interface MqttPacket {
  type: Packet;
  flags: number;
  body: Buffer;
  bytes: Buffer;
}

export interface Message {
  leaf: string;
  text: string;
  json: Record<string, unknown>;
}

/** Whole packets of MQTT 3.1.1; all lie whole in `bytes`. */
export function packetsOf(bytes: Buffer): MqttPacket[] {
  const packets: MqttPacket[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    let head = 1;
    for (let shift = 0; ; shift += 7, head++) {
      const byte = bytes[at + head]!;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const body = bytes.subarray(at + head + 1, at + head + 1 + length);
    packets.push({ type: bytes[at]! >> 4, flags: bytes[at]! & 15, body, bytes: bytes.subarray(at, at + head + 1 + length) });
    at += head + 1 + length;
  }
  return packets;
}

/** What a PUBLISH carries; undefined for other packets. */
export function messageOf({ type, flags, body }: MqttPacket): Message | undefined {
  if (type !== Packet.Publish) return undefined;
  const topicBytes = body.readUInt16BE(0);
  const topic = body.toString("utf8", 2, 2 + topicBytes);
  const text = body.toString("utf8", 2 + topicBytes + (flags & 6 ? 2 : 0));
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // binary
  }
  return { leaf: topic.slice(topic.lastIndexOf("/") + 1), text, json };
}

export function publish(topic: string, payload: string | Buffer, options: { qos?: 0 | 1; retain?: boolean; duplicate?: boolean; id?: number } = {}): Buffer {
  const { qos = 1, retain = false, duplicate = false, id = 4711 } = options;
  const name = Buffer.from(topic);
  const body = Buffer.concat([Buffer.from([name.length >> 8, name.length & 255]), name, Buffer.from(qos ? [id >> 8, id & 255] : []), Buffer.from(payload as string)]);
  const length: number[] = [];
  for (let left = body.length; ; left >>= 7) {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x30 | (qos << 1) | (retain ? 1 : 0) | (duplicate ? 8 : 0), ...length]), body]);
}

export interface Meddler {
  /** What the device gets in place of a packet of the broker's. */
  toDevice?: (packet: MqttPacket) => Buffer[];
  /** Whether the broker gets a packet of the device's. `answer` is sent to the device whatever comes of it. */
  fromDevice?: (packet: MqttPacket, answer: (bytes: Buffer) => void) => boolean;
}

export class MeddledDevice {
  readonly clock: ManualClock;
  readonly device: VirtualDevice;
  readonly server: ScriptedServer;
  meddler: Meddler = {};
  /** Packets that the device has sent, with the time in milliseconds and the number of their connection. */
  readonly sent: { atMs: number; connection: number; packet: MqttPacket }[] = [];
  /** Packets that the device got. */
  readonly received: { connection: number; packet: MqttPacket }[] = [];
  connections = 0;
  /** Sends bytes to the device on its newest connection. */
  inject: (bytes: Buffer) => void = () => {};

  private constructor(clock: ManualClock, device: VirtualDevice, server: ScriptedServer) {
    this.clock = clock;
    this.device = device;
    this.server = server;
  }

  static async powerOn(workshop: Workshop, image: Uint8Array, options: { deviceId?: string; entropy?: (target: Uint8Array) => number | void; meddler?: Meddler; flash?: Uint8Array } = {}): Promise<MeddledDevice> {
    const deviceId = options.deviceId ?? "meddled";
    const made = await manufactureInMemory({ deviceId, server: { host: "server", port: 1883 }, trustChain: workshop.keys.trustChain, image });
    const clock = new ManualClock();
    const random = new SeededRandom(7);
    const server = new ScriptedServer(clock, random, { id: deviceId, claimSecret: new Uint8Array(Buffer.from(made.device.claimSecret, "base64url")) });
    let bench: MeddledDevice;
    const device = deviceWith(workshop, deviceId, { bytes: options.flash ?? made.flash }, {
      isolation: "in-process",
      surroundings: {
        clock,
        wallClockS: () => 1_800_000_000,
        entropy: options.entropy ?? ((target) => target.forEach((_, i) => (target[i] = random.below(256)))),
        connect: (host, port) => bench.#meddle(server.connect(host, port) as Duplex),
      },
    });
    bench = new MeddledDevice(clock, device, server);
    bench.meddler = options.meddler ?? {};
    device.powerOn();
    return bench;
  }

  #meddle(wire: Duplex): Duplex {
    const connection = ++this.connections;
    const write = wire.write.bind(wire) as (bytes: Uint8Array) => boolean;
    const emit = wire.emit.bind(wire) as (event: string, ...values: unknown[]) => boolean;
    const deliver = (bytes: Buffer): void => {
      for (const packet of packetsOf(bytes)) this.received.push({ connection, packet });
      emit("data", bytes);
    };
    this.inject = (bytes) => void this.clock.after(1_000, () => deliver(bytes));
    Object.assign(wire, {
      write: (bytes: Uint8Array): boolean => {
        for (const packet of packetsOf(Buffer.from(bytes))) {
          this.sent.push({ atMs: this.clock.nowUs() / 1000, connection, packet });
          if (this.meddler.fromDevice?.(packet, (answer) => void this.clock.after(2_000, () => deliver(answer))) ?? true) write(packet.bytes);
        }
        return true;
      },
      emit: (event: string, ...values: unknown[]): boolean => {
        if (event !== "data") return emit(event, ...values);
        for (const packet of packetsOf(values[0] as Buffer)) for (const bytes of this.meddler.toDevice?.(packet) ?? [packet.bytes]) deliver(bytes);
        return true;
      },
    });
    return wire;
  }

  run(ms: number): void {
    this.clock.advance(ms * 1000);
  }

  /** Messages that the device has sent on a leaf. */
  said(leaf: string): (Message & { connection: number; atMs: number })[] {
    return this.sent.flatMap(({ packet, connection, atMs }) => {
      const message = messageOf(packet);
      return message?.leaf === leaf ? [{ ...message, connection, atMs }] : [];
    });
  }

  /** When the device sent its CONNECTs, in milliseconds. */
  get connectsMs(): number[] {
    return this.sent.filter(({ packet }) => packet.type === Packet.Connect).map(({ atMs }) => atMs);
  }

  lines(pattern: RegExp): string[] {
    return this.device.console.filter((line) => pattern.test(line));
  }
}

/** Fields of a CONNECT with a last will: client id, will topic, will payload, user name, password. */
export function connectFields({ body }: MqttPacket): string[] {
  const fields: string[] = [];
  for (let at = 10; at < body.length; at += 2 + body.readUInt16BE(at)) fields.push(body.toString("latin1", at + 2, at + 2 + body.readUInt16BE(at)));
  return fields;
}

export async function realAgent(): Promise<{ workshop: Workshop; image: Uint8Array }> {
  const workshop = await openWorkshop();
  return { workshop, image: await imageOf(workshop, { agent: "../../../src/agent/main" }) };
}
