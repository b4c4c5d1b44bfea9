// A stream of MQTT packets is cut into the same packets, in whatever pieces it comes.

import { seedOfRun, SeededRandom } from "@flipside/machine/faults/seeded-random";
import {
  fixedHeaderBytes,
  fixedHeaderEnd,
  putFixedHeader,
  REMAINING_LENGTH_MAX,
  remainingLength,
} from "@flipside/protocol/mqtt/fixed-header";
import { MalformedPacket } from "@flipside/protocol/mqtt/packet";
import { PacketCutter, packetsIn } from "@flipside/protocol/mqtt/packet-cutter";
import { describe, expect, it } from "vitest";
import { drawnPacket } from "./packets.ts";

const seed = seedOfRun();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What a cutter gives of these pieces; each piece is overwritten once it was taken, as its giver may do. */
function cut(pieces: Uint8Array[]): string[] {
  const cutter = new PacketCutter();
  const packets: string[] = [];
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    cutter.take(lent, ({ whole, type, flags, bytes, bodyAt, end }) => {
      packets.push(`${hex(whole)}: ${type} ${flags} ${hex(bytes.subarray(bodyAt, end))}`);
    });
    lent.fill(0xff);
  }
  return packets;
}

/** The same of packets that lie apart. */
function expectedOf(packets: Uint8Array[]): string[] {
  const bodyOf = (packet: Uint8Array): Uint8Array => packet.subarray(fixedHeaderEnd(packet, 0));
  return packets.map((packet) => `${hex(packet)}: ${packet[0]! >> 4} ${packet[0]! & 15} ${hex(bodyOf(packet))}`);
}

describe(`a packet cutter (FLIPSIDE_SEED=${seed})`, () => {
  it("gives the same packets at every cut of the stream in two, and byte by byte", () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 4; round++) {
      const drawn = Array.from({ length: 5 }, () => drawnPacket(random).bytes);
      const packets = drawn.filter(({ length }) => length < 400);
      const stream = Buffer.concat(packets);
      const expected = expectedOf(packets);
      expect(cut([stream])).toEqual(expected);
      expect(cut([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
      for (let at = 0; at <= stream.length; at++) {
        expect(cut([stream.subarray(0, at), stream.subarray(at)]), `cut at ${at}`).toEqual(expected);
      }
    }
  });

  it("gives the same packets in random pieces, long packets among them", () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 30; round++) {
      const packets = Array.from({ length: 1 + random.below(12) }, () => drawnPacket(random).bytes);
      const stream = Buffer.concat(packets);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += pieces.at(-1)!.length) {
        pieces.push(stream.subarray(at, at + 1 + random.below(random.pick([3, 100, 5000]))));
      }
      expect(cut(pieces)).toEqual(expectedOf(packets));
    }
  });

  it("has views of the bytes that it was given where a packet came in one piece, and copies nothing", () => {
    const bytes = Uint8Array.of(0xc0, 0, 0x40, 2, 0, 1);
    new PacketCutter().take(bytes, (packet) => expect(packet.bytes).toBe(bytes));
  });

  it("tells no more of a stream that has ended, and begins the next one anew", () => {
    const cutter = new PacketCutter();
    const types: number[] = [];
    cutter.take(Uint8Array.of(0xc0, 0, 0xd0, 0, 0x40, 2, 0), ({ type }) => {
      types.push(type);
      cutter.clear();
    });
    cutter.take(Uint8Array.of(0xe0, 0), ({ type }) => types.push(type));
    expect(types).toEqual([12, 14]);
    cutter.take(Uint8Array.of(0x40, 2), () => expect.unreachable());
    cutter.clear();
    cutter.take(Uint8Array.of(0xe0, 0), ({ type }) => types.push(type));
    expect(types).toEqual([12, 14, 14]);
  });
});

describe("a remaining length", () => {
  // The bounds of table 2.4.
  const bounds: [number, number[]][] = [
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 0x01]],
    [REMAINING_LENGTH_MAX, [0xff, 0xff, 0xff, 0x7f]],
  ];
  for (const [length, bytes] of bounds) {
    it(`of ${length} is written and read as the standard's table has it`, () => {
      const header = new Uint8Array(1 + bytes.length);
      expect(putFixedHeader(header, 0, 0x30, length)).toBe(header.length);
      expect([...header]).toEqual([0x30, ...bytes]);
      expect(fixedHeaderBytes(length)).toBe(header.length);
      expect(fixedHeaderEnd(header, 0)).toBe(header.length);
      expect(remainingLength(header, 0, header.length)).toBe(length);
      for (let end = 0; end < header.length; end++) expect(fixedHeaderEnd(header, 0, end)).toBe(-1);
    });
  }

  it("that goes on after four bytes is malformed, however it comes; so is one that nobody can write", () => {
    const malformed = Uint8Array.of(0xd0, 0, 0x30, 0x80, 0x80, 0x80, 0x80, 0);
    for (let at = 0; at <= malformed.length; at++) {
      const pieces = [malformed.subarray(0, at), malformed.subarray(at)];
      expect(() => cut(pieces), `cut at ${at}`).toThrow(MalformedPacket);
    }
    expect(() => cut([malformed])).toThrow("remaining length goes on after four bytes");
    expect(() => putFixedHeader(new Uint8Array(8), 0, 0x30, REMAINING_LENGTH_MAX + 1)).toThrow(RangeError);
  });

  it("in more bytes than it needs is read: MQTT 3.1.1 allows that", () => {
    expect(packetsIn(Uint8Array.of(0xc0, 0x80, 0x80, 0x00))).toHaveLength(1);
  });

  it("that is longer than what is there is no packet", () => {
    expect(() => packetsIn(Uint8Array.of(0x40, 2, 0))).toThrow("cut off: 3 bytes");
    expect(() => packetsIn(Uint8Array.of(0x40))).toThrow("cut off: 1 bytes");
  });
});
