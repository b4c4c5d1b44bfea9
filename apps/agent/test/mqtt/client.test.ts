// The client against a scripted peer and a clock that only the test moves.
import { PacketType } from "@flipside/protocol/mqtt/packet";
import {
  connackPacket,
  ConnectReturn,
  emptyPacket,
  pubackPacket,
  publishPacket as writePublish,
  subackPacket,
} from "@flipside/protocol/mqtt/write";
import { beforeAll, expect, test } from "vitest";
import { compileModule } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";
import { AGAIN, ARGUMENT, CLOSED, Device, type Event, NEVER, type Options } from "./device.ts";
import { ScriptedStreams } from "./host-streams.ts";

let module: WebAssembly.Module;
let random: Random;
beforeAll(() => {
  module = compileModule("mqtt", "client");
  random = new Random("mqtt client");
});

const S = 1_000_000n;
const CONNACK = Buffer.from(connackPacket(ConnectReturn.Accepted));
const PINGREQ = Buffer.from(emptyPacket(PacketType.Pingreq));
const PINGRESP = Buffer.from(emptyPacket(PacketType.Pingresp));
const DISCONNECT = Buffer.from(emptyPacket(PacketType.Disconnect));
const puback = (id: number): Buffer => Buffer.from(pubackPacket(id));
const suback = (id: number, code: number): Buffer => Buffer.from(subackPacket(id, [code]));

/** `flags`: those of the fixed header (section 3.3.1), also where they are not allowed. */
function publishPacket(
  topic: string | Uint8Array,
  payload: string | Uint8Array,
  packetId = 0,
  flags = packetId ? 2 : 0,
): Buffer {
  return Buffer.from(
    writePublish(topic, payload, {
      qos: (flags >> 1) & 3,
      packetId,
      isRetained: (flags & 1) !== 0,
      isDuplicate: (flags & 8) !== 0,
    }),
  );
}

class Peer {
  readonly streams = new ScriptedStreams();
  readonly device: Device;
  now = 0n;

  constructor(options: Options = {}) {
    this.device = new Device(module, this.streams, options);
  }

  get call() {
    return this.device.guest.call;
  }

  /** Everything that happens at the present moment; a client that never comes to rest fails. */
  settle(): Event[] {
    const events: Event[] = [];
    for (let i = 0; i < 10_000; i++) {
      const event = this.device.poll(this.now);
      if (event.kind !== "none") events.push(event);
      else if (this.device.nextWakeUs(this.now) > this.now) return events;
    }
    throw new Error("the client doesn't come to rest");
  }

  /** Starts and brings the connection up. */
  connect(connack = CONNACK): Event[] {
    this.call.start(this.now);
    return this.greet(connack);
  }

  greet(connack = CONNACK): Event[] {
    this.settle();
    this.streams.accept();
    this.settle();
    this.streams.take();
    return this.receive(connack);
  }

  receive(...chunks: Uint8Array[]): Event[] {
    this.streams.incoming.push(...chunks.map((chunk) => Buffer.from(chunk)));
    return this.settle();
  }

  /** Sleeps as the client asks for, up to `until`, with nothing coming in. */
  sleep(until: bigint): Event[] {
    const events: Event[] = [];
    while (events.length === 0) {
      const wake = this.device.nextWakeUs(this.now);
      if (wake > until) break;
      if (wake > this.now) this.now = wake;
      events.push(...this.settle());
    }
    if (events.length === 0) this.now = until;
    return events;
  }
}

function online(options: Options = {}): Peer {
  const peer = new Peer(options);
  expect(peer.connect()).toEqual([{ kind: "connected", sessionPresent: false }]);
  return peer;
}

// ---- CONNECT and CONNACK -------------------------------------------------------------------------------------------

test("CONNECT is byte for byte what MQTT 3.1.1 §3.1 lays out, with and without the optional fields", () => {
  const bare = new Peer({ clientId: "d", keepAliveS: 300 });
  bare.call.start(0n);
  bare.settle();
  bare.streams.accept();
  bare.settle();
  expect(bare.streams.take()).toEqual(Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 1, 44, 0, 1, 100]));

  const will = { topic: "w", payload: "gone", qos: 1, retain: true };
  const full = new Peer({
    clientId: "d",
    keepAliveS: 60,
    userName: "u",
    password: Uint8Array.of(0, 255),
    will,
    cleanSession: false,
  });
  full.call.start(0n);
  full.settle();
  full.streams.accept();
  full.settle();
  // biome-ignore format: a table, row by row
  expect(full.streams.take()).toEqual(Buffer.from([
    0x10, 29, 0, 4, 77, 81, 84, 84, 4, 0b1110_1100, 0, 60, 0, 1, 100,
    0, 1, 119, 0, 4, 103, 111, 110, 101, 0, 1, 117, 0, 2, 0, 255,
  ]));
});

test("settings that make no valid CONNECT stop the client before it opens a stream", () => {
  const cases: Options[] = [
    { password: "without user" },
    { clientId: "", cleanSession: false },
    { clientId: "a\u0000b" },
    { clientId: "x".repeat(5000) },
    { keepAliveS: 65_536 },
    { will: { topic: "a/#", payload: "", qos: 0, retain: false } },
    { will: { topic: "a", payload: "", qos: 2, retain: false } },
  ];
  for (const options of cases) {
    const peer = new Peer(options);
    peer.call.start(0n);
    expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "settings" }]);
    expect(peer.streams.opened).toBe(0);
    expect(peer.device.nextWakeUs(0n)).toBe(NEVER);
  }
});

test("every CONNACK code but 0 is told as a refusal with its code", () => {
  for (let code = 1; code <= 5; code++) {
    const peer = new Peer();
    expect(peer.connect(Buffer.from([0x20, 2, 0, code]))).toEqual([{ kind: "refused", returnCode: code }]);
    expect(peer.call.connected()).toBe(0);
  }
});

test("a refusal is still read when the server closed right behind it", () => {
  const peer = new Peer();
  peer.call.start(0n);
  peer.settle();
  peer.streams.accept();
  peer.settle();
  peer.streams.shut();
  expect(peer.receive(Buffer.from([0x20, 2, 0, 5]))).toEqual([{ kind: "refused", returnCode: 5 }]);
});

test("a session is present only where one was asked for", () => {
  expect(new Peer({ cleanSession: false }).connect(Buffer.from([0x20, 2, 1, 0]))).toEqual([
    { kind: "connected", sessionPresent: true },
  ]);
  expect(new Peer().connect(Buffer.from([0x20, 2, 1, 0]))).toEqual([{ kind: "disconnected", reason: "protocol" }]);
});

test("a first packet that isn't a proper CONNACK ends the connection", () => {
  // biome-ignore format: a table, row by row
  const cases = [
    [0x20, 2, 2, 0], [0x20, 2, 0, 6], [0x20, 2, 1, 5], [0x21, 2, 0, 0], [0x20, 3, 0, 0, 0], [0x20, 1, 0], [0xd0, 0],
    [...publishPacket("a", "b")], [...puback(1)], [0x20, 0x82, 0x80, 0x80, 0x80, 0],
  ];
  for (const bytes of cases) {
    expect(new Peer().connect(Buffer.from(bytes)), String(bytes)).toEqual([
      { kind: "disconnected", reason: "protocol" },
    ]);
  }
});

test("a stream that doesn't open, or a server that doesn't answer, costs one deadline and an attempt", () => {
  const peer = new Peer({ connectTimeoutMs: 7000 });
  peer.call.start(0n);
  expect(peer.sleep(10n * S)).toEqual([{ kind: "disconnected", reason: "connect timeout" }]);
  expect(peer.now).toBe(7n * S);
  peer.sleep(peer.device.nextWakeUs(peer.now));
  const begun = peer.now;
  peer.streams.accept();
  expect(peer.sleep(begun + 10n * S)).toEqual([{ kind: "disconnected", reason: "connect timeout" }]);
  expect(peer.now).toBe(begun + 7n * S);
  expect(peer.streams.opened).toBe(2);
});

test("a refused or failing stream is unreachable, and is tried again", () => {
  const peer = new Peer();
  peer.streams.openError = ARGUMENT;
  peer.call.start(0n);
  expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "unreachable" }]);
  peer.streams.openError = 0;
  peer.sleep(peer.device.nextWakeUs(peer.now));
  expect(peer.streams.opened).toBe(1);
  peer.streams.shut();
  expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "unreachable" }]);
});

// ---- back-off ------------------------------------------------------------------------------------------------------

test("the back-off doubles from its minimum to its maximum, half of it at random, and differs by seed", () => {
  const delays = (seed: number) => {
    const peer = new Peer({ backoffMinMs: 1000, backoffMaxMs: 60_000, seed });
    peer.streams.openError = ARGUMENT;
    peer.call.start(0n);
    return Array.from({ length: 12 }, () => {
      const lost = peer.now;
      expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "unreachable" }]);
      peer.now = peer.device.nextWakeUs(peer.now);
      return Number(peer.now - lost);
    });
  };
  const seen = new Set<number>();
  for (let i = 0; i < 40; i++) {
    delays(random.u32()).forEach((delay, attempt) => {
      const limit = Math.min(1_000_000 * 2 ** attempt, 60_000_000);
      expect(delay).toBeGreaterThanOrEqual(limit / 2);
      expect(delay).toBeLessThanOrEqual(limit);
      if (attempt === 11) seen.add(delay);
    });
  }
  expect(seen.size).toBeGreaterThan(30);
});

test("a stable connection starts the back-off over, a short one doesn't", () => {
  for (const [lasted, longest] of [
    [29n * S, 64_000_000],
    [30n * S, 1_000_000],
  ] as const) {
    const peer = new Peer({ backoffMinMs: 1000, backoffMaxMs: 64_000, stableMs: 30_000, keepAliveS: 0 });
    peer.streams.openError = ARGUMENT;
    peer.call.start(0n);
    for (let i = 0; i < 8; i++) {
      peer.settle();
      peer.now = peer.device.nextWakeUs(peer.now);
    }
    peer.streams.openError = 0;
    expect(peer.greet()).toHaveLength(1);
    peer.now += lasted;
    peer.streams.shut();
    expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "closed" }]);
    const delay = Number(peer.device.nextWakeUs(peer.now) - peer.now);
    expect(delay).toBeLessThanOrEqual(longest);
    expect(delay).toBeGreaterThanOrEqual(longest / 2);
  }
});

// ---- keep-alive ----------------------------------------------------------------------------------------------------

test("an idle connection is pinged within the keep-alive time, and lost when no answer comes", () => {
  const peer = online({ keepAliveS: 60, pingTimeoutMs: 10_000 });
  for (let round = 0; round < 5; round++) {
    const before = peer.now;
    while (peer.streams.written.length === 0) expect(peer.sleep(peer.device.nextWakeUs(peer.now))).toEqual([]);
    expect(peer.streams.take()).toEqual(PINGREQ);
    expect(peer.now - before).toBeLessThanOrEqual(60n * S);
    expect(peer.receive(PINGRESP)).toEqual([]);
  }
  const events = peer.sleep(peer.now + 200n * S);
  expect(events).toEqual([{ kind: "disconnected", reason: "ping timeout" }]);
  expect(peer.streams.take()).toEqual(PINGREQ);
});

test("a connection that sends all the time but hears nothing is pinged and lost", () => {
  const peer = online({ keepAliveS: 20, pingTimeoutMs: 10_000 });
  const events: Event[] = [];
  for (let second = 0; second < 60 && events.length === 0; second++) {
    expect(peer.device.publish("t", "x")).toBe(0);
    events.push(...peer.sleep(peer.now + S));
  }
  expect(events).toEqual([{ kind: "disconnected", reason: "ping timeout" }]);
});

test("bytes are life: a PINGRESP may take its time behind a long message", () => {
  const peer = online({ keepAliveS: 20, pingTimeoutMs: 5_000 });
  while (peer.streams.written.length === 0) peer.sleep(peer.device.nextWakeUs(peer.now));
  expect(peer.streams.take()).toEqual(PINGREQ);
  const message = publishPacket("t", "x".repeat(60));
  for (const byte of message.subarray(0, -1)) {
    expect(peer.receive(Uint8Array.of(byte))).toEqual([]);
    expect(peer.sleep(peer.now + 2n * S)).toEqual([]);
  }
  expect(peer.receive(message.subarray(-1))).toHaveLength(1);
  expect(peer.sleep(peer.now + 6n * S)).toEqual([{ kind: "disconnected", reason: "ping timeout" }]);
});

test("an answer that is already there after a long sleep counts, though its deadline passed", () => {
  const peer = online({ keepAliveS: 20, pingTimeoutMs: 1000 });
  while (peer.streams.written.length === 0) peer.sleep(peer.device.nextWakeUs(peer.now));
  peer.now += 100n * S;
  expect(peer.receive(PINGRESP)).toEqual([]);
  expect(peer.call.connected()).toBe(1);
});

test("keep-alive 0 sends no pings", () => {
  const peer = online({ keepAliveS: 0 });
  expect(peer.device.nextWakeUs(peer.now)).toBe(NEVER);
});

// ---- publishing ----------------------------------------------------------------------------------------------------

test("PUBLISH is laid out as §3.3 says, for every size of the length field and both ways to write the payload", () => {
  for (const size of [
    0, 1, 100, 123, 124, 125, 126, 127, 128, 129, 500, 16_376, 16_377, 16_378, 16_379, 16_380, 16_381, 16_382, 16_383,
    16_384, 20_000,
  ]) {
    const peer = online({ outgoingBytes: 30_000, slotBytes: 30_000 });
    const payload = "p".repeat(size);
    expect(peer.device.publish("a/é", payload)).toBe(0);
    expect(peer.device.publish("a/é", payload, 1, true)).toBe(1);
    for (const room of [size, size + 1, Math.min(size + 200, 21_000)]) {
      peer.settle();
      expect(peer.device.publishInPlace("a/é", payload, room)).toBe(0);
      expect(peer.device.publishInPlace("a/é", payload, room, 1)).toBeGreaterThan(1);
      peer.settle();
      peer.call.forgetUnacknowledged();
    }
    const expected = [publishPacket("a/é", payload), publishPacket("a/é", payload, 1, 3)];
    for (let id = 2; id <= 4; id++) expected.push(publishPacket("a/é", payload), publishPacket("a/é", payload, id));
    expect(peer.streams.take().equals(Buffer.concat(expected)), String(size)).toBe(true);
  }
});

test("a bad topic, QoS 2 and what never fits are refused; QoS 0 needs a connection and QoS 1 doesn't", () => {
  const peer = online({ outgoingBytes: 1024, slotBytes: 512 });
  for (const topic of ["", "a/#", "+", "a\u0000"]) expect(peer.device.publish(topic, "x")).toBe(ARGUMENT);
  expect(peer.device.publish("t", "x", 2)).toBe(ARGUMENT);
  expect(peer.device.publish("t", "x".repeat(1021))).toBe(ARGUMENT);
  expect(peer.device.publish("t", "x".repeat(1018))).toBe(0);
  expect(peer.device.publish("t", "x".repeat(505), 1)).toBe(ARGUMENT);
  expect(peer.device.publish("t", "x".repeat(504), 1)).toBeGreaterThan(0);
  expect(peer.call.beginPublish(peer.device.guest.put("t"), 1, 0xffff_ffff, 0, 0)).toBe(ARGUMENT);
  const stopped = new Peer();
  expect(stopped.device.publish("t", "x")).toBe(CLOSED);
  expect(stopped.device.publish("t", "x", 1)).toBeGreaterThan(0);
});

test("a full queue answers Again and takes more once there is room", () => {
  const peer = online({ slotCount: 2, outgoingBytes: 100, slotBytes: 50 });
  expect(peer.device.publish("t", "1", 1)).toBe(1);
  expect(peer.device.publish("t", "2", 1)).toBe(2);
  expect(peer.device.publish("t", "3", 1)).toBe(AGAIN);
  peer.settle();
  expect(peer.device.publish("t", "3", 1)).toBe(AGAIN);
  // Out of order: the oldest still holds the queue's head.
  expect(peer.receive(puback(2))).toEqual([{ kind: "published", packetId: 2 }]);
  expect(peer.receive(puback(1))).toEqual([{ kind: "published", packetId: 1 }]);
  expect(peer.device.publish("t", "3", 1)).toBe(3);
  peer.settle();
  peer.streams.take();

  peer.streams.writeMax = 0;
  while (peer.device.publish("t", "0123456789") === 0);
  expect(peer.device.publish("t", "0123456789")).toBe(AGAIN);
  peer.streams.writeMax = 3;
  peer.settle();
  expect(peer.device.publish("t", "0123456789")).toBe(0);
});

test("a draft that was not committed before the next poll leaves no trace", () => {
  const peer = online();
  const topic = peer.device.guest.put("t");
  for (const qos of [0, 1]) {
    expect(peer.call.beginPublish(topic, 1, 10, qos, 0)).toBeGreaterThan(0);
    peer.settle();
    expect(peer.call.commitPublish(5)).toBe(ARGUMENT);
    expect(peer.call.beginPublish(topic, 1, 10, qos, 0)).toBeGreaterThan(0);
    expect(peer.call.commitPublish(11)).toBe(ARGUMENT);
  }
  peer.settle();
  expect(peer.streams.take()).toHaveLength(0);
});

test("unacknowledged messages go out again after a reconnection, in order, with DUP and the same id, until acknowledged", () => {
  const peer = online();
  for (const payload of ["one", "two", "three"]) expect(peer.device.publish("t", payload, 1)).toBeGreaterThan(0);
  peer.settle();
  expect(peer.streams.take()).toEqual(
    Buffer.concat([publishPacket("t", "one", 1), publishPacket("t", "two", 2), publishPacket("t", "three", 3)]),
  );
  peer.receive(puback(2));
  for (let round = 0; round < 3; round++) {
    peer.streams.shut();
    expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "closed" }]);
    if (round === 0) expect(peer.device.publish("t", "four", 1)).toBe(4);
    peer.now = peer.device.nextWakeUs(peer.now);
    expect(peer.greet()).toEqual([{ kind: "connected", sessionPresent: false }]);
    const fourFlags = round === 0 ? 2 : 10;
    expect(peer.streams.take()).toEqual(
      Buffer.concat([
        publishPacket("t", "one", 1, 10),
        publishPacket("t", "three", 3, 10),
        publishPacket("t", "four", 4, fourFlags),
      ]),
    );
  }
  expect(peer.receive(puback(1), puback(3), puback(4))).toHaveLength(3);
  expect(peer.call.unacknowledged()).toBe(0);
});

test("a message that isn't acknowledged in time costs the connection, not the message", () => {
  const peer = online({ ackTimeoutMs: 5000, keepAliveS: 0 });
  peer.device.publish("t", "x", 1);
  expect(peer.sleep(20n * S)).toEqual([{ kind: "disconnected", reason: "ack timeout" }]);
  expect(peer.now).toBe(5n * S);
  expect(peer.call.unacknowledged()).toBe(1);
});

test("an acknowledgement may take its time while other bytes come, but not for ever", () => {
  const peer = online({ ackTimeoutMs: 5000, keepAliveS: 0 });
  peer.device.publish("t", "x", 1);
  const events: Event[] = [];
  for (let second = 0; second < 60 && events.length === 0; second++) {
    if (second < 50) events.push(...peer.receive(suback(999, 0)));
    events.push(...peer.sleep(peer.now + S));
  }
  expect(events).toEqual([{ kind: "disconnected", reason: "ack timeout" }]);
  expect(peer.now).toBe(20n * S);
});

test("acknowledgements for nothing that waits are counted and change nothing", () => {
  const peer = online();
  expect(peer.receive(puback(7), suback(9, 0), puback(0), suback(0, 1))).toEqual([]);
  expect(peer.call.strayAcks()).toBe(4);
  expect(peer.call.connected()).toBe(1);
});

test("packet ids wrap around without 0 and without one that is in use", () => {
  const peer = online();
  const held = peer.device.subscribe("never/answered", 1, peer.now);
  const seen = new Set<number>();
  for (let i = 0; i < 65_534; i++) {
    const id = peer.device.publish("t", "x", 1);
    peer.settle();
    peer.streams.take();
    peer.streams.incoming.push(puback(id));
    if (peer.device.poll(peer.now).kind !== "published") throw new Error(`id ${id} was not acknowledged`);
    seen.add(id);
  }
  expect(seen.size).toBe(65_534);
  expect(seen.has(0) || seen.has(held) || seen.has(65_536)).toBe(false);
  const again = peer.device.publish("t", "x", 1);
  expect(again).toBe(held === 1 ? 2 : 1);
});

// ---- subscribing and receiving --------------------------------------------------------------------------------------

test("SUBSCRIBE is laid out as §3.8 says, and SUBACK tells what was granted", () => {
  const peer = online();
  expect(peer.device.subscribe("a/+", 1, peer.now)).toBe(1);
  expect(peer.device.subscribe("b", 0, peer.now)).toBe(2);
  peer.settle();
  expect(peer.streams.take()).toEqual(Buffer.from([0x82, 8, 0, 1, 0, 3, 97, 47, 43, 1, 0x82, 6, 0, 2, 0, 1, 98, 0]));
  expect(peer.receive(suback(2, 0x80), suback(1, 1))).toEqual([
    { kind: "subscribed", packetId: 2, returnCode: 0x80 },
    { kind: "subscribed", packetId: 1, returnCode: 1 },
  ]);
});

test("subscribing needs a connection, a filter and QoS 0 or 1, and only so many wait for SUBACK at a time", () => {
  const peer = new Peer();
  expect(peer.device.subscribe("a", 1, 0n)).toBe(CLOSED);
  peer.connect();
  expect(peer.device.subscribe("", 1, 0n)).toBe(ARGUMENT);
  expect(peer.device.subscribe("a\u0000", 1, 0n)).toBe(ARGUMENT);
  expect(peer.device.subscribe("a", 2, 0n)).toBe(ARGUMENT);
  for (let id = 1; id <= 8; id++) expect(peer.device.subscribe("a", 1, 0n)).toBe(id);
  expect(peer.device.subscribe("a", 1, 0n)).toBe(AGAIN);
  peer.settle();
  expect(peer.receive(suback(3, 1))).toHaveLength(1);
  expect(peer.device.subscribe("a", 1, 0n)).toBe(9);
});

test("a SUBACK that doesn't come in time costs the connection", () => {
  const peer = online({ ackTimeoutMs: 5000, keepAliveS: 0 });
  peer.device.subscribe("a", 1, peer.now);
  expect(peer.sleep(20n * S)).toEqual([{ kind: "disconnected", reason: "ack timeout" }]);
});

test("a message arrives whole however its bytes are cut, and QoS 1 is acknowledged by the poll after it", () => {
  for (let round = 0; round < 200; round++) {
    const peer = online();
    const messages = Array.from({ length: 5 }, (_, i) => ({
      topic: "t/" + "é".repeat(random.below(30)),
      payload: random.bytes(random.below(3000)),
      id: random.chance(0.5) ? i + 1 : 0,
    }));
    const stream = Buffer.concat(messages.map(({ topic, payload, id }) => publishPacket(topic, payload, id)));
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random.below(random.pick([2, 50, 5000]));
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    const events = peer.receive(...chunks);
    expect(events).toEqual(
      messages.map(({ topic, payload, id }) => ({
        kind: "message",
        topic,
        payload,
        qos: id ? 1 : 0,
        retain: false,
        duplicate: false,
      })),
    );
    expect(peer.streams.take()).toEqual(Buffer.concat(messages.filter(({ id }) => id).map(({ id }) => puback(id))));
  }
});

test("QoS 1 is not acknowledged before its receiver is done with the message", () => {
  const peer = online();
  peer.streams.incoming.push(publishPacket("t", "x", 77));
  expect(peer.device.poll(peer.now).kind).toBe("message");
  expect(peer.streams.take()).toHaveLength(0);
  expect(peer.device.poll(peer.now).kind).toBe("none");
  expect(peer.streams.take()).toEqual(puback(77));
});

test("retain and DUP are told as they came", () => {
  const peer = online();
  expect(peer.receive(publishPacket("t", "x", 5, 0x0b))).toMatchObject([{ retain: true, duplicate: true, qos: 1 }]);
  expect(peer.receive(publishPacket("t", "x", 0, 1))).toMatchObject([{ retain: true, duplicate: false, qos: 0 }]);
});

test("the longest message that fits arrives, and one byte more is skipped, counted and acknowledged", () => {
  const peer = online({ incomingBytesMax: 100 });
  const fits = publishPacket("t", "x".repeat(99), 3);
  expect(peer.receive(fits)).toMatchObject([{ kind: "message", qos: 1 }]);
  expect(peer.streams.take()).toEqual(puback(3));
  expect(peer.receive(publishPacket("t", "x".repeat(100), 4), fits)).toMatchObject([{ kind: "message" }]);
  expect(peer.streams.take()).toEqual(Buffer.concat([puback(4), puback(3)]));
  expect(peer.call.skippedMessages()).toBe(1);
});

test("skipping finds the packet id wherever the bytes are cut, behind a topic of any length", () => {
  for (let round = 0; round < 300; round++) {
    const peer = online({ incomingBytesMax: 16 });
    const id = 1 + random.below(65_535);
    const packet = publishPacket("t".repeat(1 + random.below(random.pick([3, 300, 65_535]))), random.bytes(30), id);
    const stream = Buffer.concat([packet, publishPacket("n", "next")]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = at < 400 ? 1 + random.below(4) : 1 + random.below(3000);
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    expect(peer.receive(...chunks)).toMatchObject([{ kind: "message", topic: "n" }]);
    expect(peer.streams.take()).toEqual(puback(id));
  }
});

test("what a server must not send ends the connection as a protocol error", () => {
  const cases: Record<string, Uint8Array> = {
    "QoS 3": publishPacket("t", "x", 1, 6),
    "QoS 2, never asked for": publishPacket("t", "x", 1, 4),
    "DUP at QoS 0": publishPacket("t", "x", 0, 8),
    "packet id 0": publishPacket("t", "x", 0, 2),
    "empty topic": publishPacket("", "xyz"),
    "wildcard topic": publishPacket("a/#", "x"),
    "topic with U+0000": publishPacket("a\u0000", "x"),
    "topic not UTF-8": publishPacket(Uint8Array.of(0xc0, 0x80), "x"),
    "topic longer than the packet": Uint8Array.of(0x30, 4, 0, 9, 97, 98),
    "topic that leaves no room for the id": Uint8Array.of(0x32, 5, 0, 2, 97, 98, 1),
    "long topic longer than the packet": Buffer.concat([
      Uint8Array.of(0x30, 0xa0, 0x9c, 0x01, 0xff, 0xff),
      Buffer.alloc(19_998, 97),
    ]),
    "long packet with id 0": publishPacket("t", "x".repeat(20_000), 0, 2),
    "long packet with empty topic": publishPacket("", "x".repeat(20_000)),
    "second CONNACK": CONNACK,
    "length of five bytes": Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 1),
    "PUBACK with flags": Uint8Array.of(0x41, 2, 0, 1),
    "PUBACK too long": Uint8Array.of(0x40, 3, 0, 1, 0),
    "PINGRESP with a body": Uint8Array.of(0xd0, 1, 0),
    "SUBACK code 3": suback(1, 3),
    "SUBACK code 2": suback(1, 2),
    "SUBACK for two filters": Uint8Array.of(0x90, 4, 0, 1, 0, 0),
    PUBREC: Uint8Array.of(0x50, 2, 0, 1),
    PUBREL: Uint8Array.of(0x62, 2, 0, 1),
    UNSUBACK: Uint8Array.of(0xb0, 2, 0, 1),
    CONNECT: Uint8Array.of(0x10, 2, 0, 1),
    DISCONNECT,
    "type 0": Uint8Array.of(0x00, 0),
    "type 15": Uint8Array.of(0xf0, 0),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const peer = online();
    peer.device.subscribe("a", 1, peer.now);
    peer.settle();
    expect(peer.receive(bytes), what).toEqual([{ kind: "disconnected", reason: "protocol" }]);
    expect(peer.device.nextWakeUs(peer.now)).toBeGreaterThan(peer.now);
  }
});

// ---- stopping ------------------------------------------------------------------------------------------------------

test("stop sends what waits, then DISCONNECT, then closes; start connects again", () => {
  const peer = online();
  peer.streams.writeMax = 5;
  peer.device.publish("t", "last words");
  peer.call.stop(peer.now);
  expect(peer.settle()).toEqual([{ kind: "disconnected", reason: "stopped" }]);
  expect(peer.streams.take()).toEqual(Buffer.concat([publishPacket("t", "last words"), DISCONNECT]));
  expect(peer.device.nextWakeUs(peer.now)).toBe(NEVER);
  expect(peer.connect()).toEqual([{ kind: "connected", sessionPresent: false }]);
});

test("stop ends within a bound when the stream takes nothing, and at once when it isn't connected", () => {
  const stuck = online({ pingTimeoutMs: 3000 });
  stuck.streams.writeMax = 0;
  stuck.call.stop(stuck.now);
  expect(stuck.sleep(10n * S)).toEqual([{ kind: "disconnected", reason: "stopped" }]);
  expect(stuck.now).toBe(3n * S);
  const waiting = new Peer();
  waiting.call.start(5n * S);
  waiting.call.stop(0n);
  expect(waiting.settle()).toEqual([{ kind: "disconnected", reason: "stopped" }]);
  expect(waiting.streams.opened).toBe(0);
});

// ---- hostile peers -------------------------------------------------------------------------------------------------

test("random and mutated bytes from the server never trap and never keep the client busy", () => {
  /** Packet ids that may be waiting for an answer. */
  const published = [0];
  const subscribed = [0];
  const wellFormed = () =>
    random.pick([
      random.chance(0.1) ? CONNACK : PINGRESP,
      puback(random.pick(published.slice(-2))),
      suback(random.pick(subscribed.slice(-8)), random.chance(0.1) ? 2 : random.pick([0, 1, 0x80])),
      publishPacket("t/" + random.below(100), random.bytes(random.below(300)), random.below(3)),
      publishPacket("t", random.bytes(random.below(2000)), random.below(3)),
    ]);
  const kinds = new Map<string, number>();
  const settle = () => peer.settle().forEach(({ kind }) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
  const peer = new Peer({ incomingBytesMax: 512, backoffMinMs: 1, backoffMaxMs: 2, slotCount: 2, keepAliveS: 5 });
  peer.call.start(0n);
  const before = peer.call.allocated();
  for (let round = 0; round < 30_000; round++) {
    settle();
    if (peer.streams.state === 0) {
      peer.streams.accept();
      if (random.chance(0.95)) peer.streams.incoming.push(CONNACK);
    }
    peer.streams.writeMax = random.pick([0, 1, 10, Infinity]);
    const publication = random.chance(0.2)
      ? peer.device.publish("up", random.bytes(random.below(100)), random.below(2))
      : 0;
    if (publication > 0) published.push(publication);
    const subscription = random.chance(0.2) ? peer.device.subscribe("x/#", 1, peer.now) : 0;
    if (subscription > 0) subscribed.push(subscription);
    let bytes: Buffer = Buffer.concat(Array.from({ length: random.below(4) }, wellFormed));
    if (random.chance(0.2) && bytes.length > 0) {
      const mutated = Buffer.from(bytes);
      mutated[random.below(mutated.length)]! ^= 1 << random.below(8);
      bytes = mutated;
    }
    if (random.chance(0.05)) bytes = random.bytes(random.below(60));
    if (random.chance(0.02)) peer.streams.shut();
    const cut = random.below(bytes.length + 1);
    for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)])
      if (chunk.length > 0) peer.streams.incoming.push(chunk);
    settle();
    peer.now += BigInt(random.below(300_000));
  }
  for (const kind of ["connected", "disconnected", "message", "subscribed", "published"])
    expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(20);
  expect(peer.call.skippedMessages()).toBeGreaterThan(20);
  expect(peer.call.allocated()).toBe(before);
});

test("one poll does a bounded amount of work, however much the server sends, and asks to be called again", () => {
  const peer = online();
  const flood = Buffer.concat(Array.from({ length: 100_000 }, () => PINGRESP));
  peer.streams.incoming.push(flood);
  expect(peer.device.poll(peer.now).kind).toBe("none");
  expect(peer.streams.incoming.length).toBe(1);
  expect(peer.device.nextWakeUs(peer.now)).toBe(peer.now);
  for (let i = 0; i < 10_000 && peer.streams.incoming.length > 0; i++) peer.device.poll(peer.now);
  expect(peer.streams.incoming).toHaveLength(0);
});

test("a server that sends but never reads is lost by the ping deadline", () => {
  const peer = online({ keepAliveS: 10, pingTimeoutMs: 5000 });
  peer.streams.writeMax = 0;
  const events: Event[] = [];
  for (let i = 0; i < 2000 && !events.some((event) => event.kind === "disconnected"); i++) {
    peer.streams.incoming.push(publishPacket("t", "x", 1));
    peer.now += 50_000n;
    events.push(...peer.settle());
  }
  expect(events.at(-1)).toEqual({ kind: "disconnected", reason: "ping timeout" });
});

test("thousands of messages in both directions, and reconnections, allocate nothing", () => {
  const peer = online({ backoffMinMs: 1, backoffMaxMs: 1 });
  const before = peer.call.allocated();
  for (let i = 0; i < 5000; i++) {
    peer.device.publish("up/" + i, "payload", i % 2);
    peer.device.subscribe("down/#", 1, peer.now);
    const events = peer.receive(publishPacket("down/" + i, random.bytes(50), i % 2 ? (i & 0xff) + 1 : 0));
    expect(events.at(-1)!.kind).toBe("message");
    for (let id = 1; id < 6; id++) peer.receive(puback((i + id) & 0xffff));
    if (i % 100 === 99) {
      peer.streams.shut();
      peer.settle();
      peer.now = peer.device.nextWakeUs(peer.now);
      expect(peer.greet()).toHaveLength(1);
      peer.streams.take();
    }
  }
  expect(peer.call.allocated()).toBe(before);
});
