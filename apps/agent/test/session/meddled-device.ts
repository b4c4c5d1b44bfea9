// The real agent on the Node host and a clock that the test moves, connected to a scripted server through somebody who
// may change, drop, add and repeat MQTT packets either way.

import type { Duplex } from "node:stream";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ManualClock } from "@flipside/machine/clock";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { packetsIn } from "@flipside/protocol/mqtt/packet-cutter";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { publishPacket, type PublishOptions } from "@flipside/protocol/mqtt/write";
import { manufactureInMemory } from "@flipside/machine/node/manufacture";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { ScriptedServer } from "../../../../test/power-cut/scripted-server.ts";
import { deviceWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";

export interface Message {
  leaf: string;
  text: string;
  json: Record<string, unknown>;
}

/** What a PUBLISH carries; undefined for other packets. */
export function messageOf(packet: Packet): Message | undefined {
  if (packet.type !== PacketType.Publish) return undefined;
  const { topic, payload } = readPublish(packet);
  const text = Buffer.from(payload).toString();
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // binary
  }
  return { leaf: topic.slice(topic.lastIndexOf("/") + 1), text, json };
}

export function publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Uint8Array {
  return publishPacket(topic, payload, { qos: 1, packetId: 4711, ...options });
}

export interface Meddler {
  /** What the device gets in place of a packet of the broker's. */
  toDevice?: (packet: Packet) => Uint8Array[];
  /** Whether the broker gets a packet of the device's. `answer` is sent to the device whatever comes of it. */
  fromDevice?: (packet: Packet, answer: (bytes: Uint8Array) => void) => boolean;
}

export class MeddledDevice {
  readonly clock: ManualClock;
  readonly device: VirtualDevice;
  readonly server: ScriptedServer;
  meddler: Meddler = {};
  /** Packets that the device has sent, with the time in milliseconds and the number of their connection. */
  readonly sent: { atMs: number; connection: number; packet: Packet }[] = [];
  /** Packets that the device got. */
  readonly received: { connection: number; packet: Packet }[] = [];
  connections = 0;
  /** Sends bytes to the device on its newest connection. */
  inject: (bytes: Uint8Array) => void = () => {};

  private constructor(clock: ManualClock, device: VirtualDevice, server: ScriptedServer) {
    this.clock = clock;
    this.device = device;
    this.server = server;
  }

  static async powerOn(
    workshop: Workshop,
    image: Uint8Array,
    options: {
      deviceId?: string;
      entropy?: (target: Uint8Array) => number | void;
      meddler?: Meddler;
      flash?: Uint8Array;
    } = {},
  ): Promise<MeddledDevice> {
    const deviceId = options.deviceId ?? "meddled";
    const made = await manufactureInMemory({
      deviceId,
      server: { host: "server", port: 1883 },
      trustChain: workshop.keys.trustChain,
      image,
    });
    const clock = new ManualClock();
    const random = new SeededRandom(7);
    const server = new ScriptedServer(clock, random, {
      id: deviceId,
      claimSecret: new Uint8Array(Buffer.from(made.device.claimSecret, "base64url")),
    });
    let bench: MeddledDevice;
    const device = deviceWith(
      workshop,
      deviceId,
      { bytes: options.flash ?? made.flash },
      {
        isolation: "in-process",
        surroundings: {
          clock,
          wallClockS: () => 1_800_000_000,
          entropy: options.entropy ?? ((target) => target.forEach((_, i) => (target[i] = random.below(256)))),
          connect: (host, port) => bench.#meddle(server.connect(host, port) as Duplex),
        },
      },
    );
    bench = new MeddledDevice(clock, device, server);
    bench.meddler = options.meddler ?? {};
    device.powerOn();
    return bench;
  }

  #meddle(wire: Duplex): Duplex {
    const connection = ++this.connections;
    const write = wire.write.bind(wire) as (bytes: Uint8Array) => boolean;
    const emit = wire.emit.bind(wire) as (event: string, ...values: unknown[]) => boolean;
    const deliver = (bytes: Uint8Array): void => {
      for (const packet of packetsIn(bytes)) this.received.push({ connection, packet });
      emit("data", Buffer.from(bytes));
    };
    this.inject = (bytes) => void this.clock.after(1_000, () => deliver(bytes));
    Object.assign(wire, {
      write: (bytes: Uint8Array): boolean => {
        for (const packet of packetsIn(new Uint8Array(bytes))) {
          this.sent.push({ atMs: this.clock.nowUs() / 1000, connection, packet });
          if (
            this.meddler.fromDevice?.(packet, (answer) => void this.clock.after(2_000, () => deliver(answer))) ??
            true
          )
            write(packet.whole);
        }
        return true;
      },
      emit: (event: string, ...values: unknown[]): boolean => {
        if (event !== "data") return emit(event, ...values);
        for (const packet of packetsIn(values[0] as Buffer))
          for (const bytes of this.meddler.toDevice?.(packet) ?? [packet.whole]) deliver(bytes);
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
    return this.sent.filter(({ packet }) => packet.type === PacketType.Connect).map(({ atMs }) => atMs);
  }

  lines(pattern: RegExp): string[] {
    return this.device.console.filter((line) => pattern.test(line));
  }
}

export async function realAgent(): Promise<{ workshop: Workshop; image: Uint8Array }> {
  const workshop = await openWorkshop();
  return { workshop, image: await imageOf(workshop, { agent: "../../../src/agent/main" }) };
}
