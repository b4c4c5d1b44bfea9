// The portable code has two builds, tsc's and AssemblyScript's: both must say the same of the same bytes, right or
// wrong.

import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeFactoryRecord } from "../../src/factory-file.ts";
import { errorName } from "../../src/format-error.ts";
import { encodeHeaderFields } from "../../src/image-file.ts";
import * as B from "../../src/portable/boot-control-record.ts";
import { DeploymentState as State } from "../../src/portable/deployment-state.ts";
import { ErrorCode } from "../../src/portable/error-codes.ts";
import { fitsSlot } from "../../src/portable/slot-layout.ts";
import { encodeSignatureBlock } from "../../src/signing.ts";
import { encodeTrustBody } from "../../src/trust-file.ts";
import { type Random, replayableRandom } from "../crypto/random.ts";
import { BothBuilds } from "./both-builds.ts";
import { fieldList, headerCases, u32s } from "./header-cases.ts";
import * as O from "./operations.ts";

let builds: BothBuilds;
beforeAll(async () => {
  builds = await BothBuilds.load();
});

const minus = (code: ErrorCode): number => -code >>> 0;
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Values that parsers get wrong. */
const edges = [
  0, 1, 2, 3, 4, 7, 8, 9, 12, 13, 16, 31, 32, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0x800e, 0xfffc, 0xffff,
];

/** One to three changes: a bit, a byte, a 16-bit or 32-bit edge value, a cut, bytes taken out, doubled or added. */
function mutated(random: Random, source: Uint8Array): Uint8Array {
  let bytes = Buffer.from(source);
  for (let changes = 1 + random.below(3); changes > 0 && bytes.length > 4; changes--) {
    const at = random.below(bytes.length);
    switch (random.below(8)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.below(256);
        break;
      case 2:
      case 3:
        if (at + 2 <= bytes.length) bytes.writeUInt16LE(edges[random.below(edges.length)]!, at & ~1);
        break;
      case 4:
        if ((at & ~3) + 4 <= bytes.length)
          bytes.writeUInt32LE((edges[random.below(edges.length)]! * (random.below(2) ? 1 : 0x10001)) >>> 0, at & ~3);
        break;
      case 5:
        bytes = bytes.subarray(0, at);
        break;
      case 6:
        bytes = Buffer.concat([bytes.subarray(0, at & ~3), bytes.subarray((at & ~3) + 4)]);
        break;
      case 7:
        bytes = Buffer.concat([
          bytes.subarray(0, at & ~3),
          bytes.subarray(at & ~3, (at & ~3) + 4 * (1 + random.below(4))),
          bytes.subarray(at & ~3),
        ]);
        break;
    }
  }
  return new Uint8Array(bytes);
}

/** A header whose length field is right after mutation, so that changes reach the fields. */
function mutatedHeader(random: Random, source: Uint8Array): Uint8Array {
  const bytes = mutated(random, source);
  if (bytes.length >= 8 && random.below(4) > 0) new DataView(bytes.buffer).setUint16(6, bytes.length & 0xfffc, true);
  return bytes;
}

describe("image header", () => {
  test.each(headerCases())("$name: $code", ({ name, bytes, code }) => {
    const [said] = builds.both(O.OPERATION_HEADER, bytes, name);
    expect(errorName(said!)).toBe(errorName(code));
  });

  test("the same bytes at another offset give the same fields", () => {
    for (const { name, bytes } of headerCases()) {
      const shifted = concat(new Uint8Array(13).fill(0xee), bytes);
      expect(builds.both(O.OPERATION_HEADER, shifted, name, bytes.length, 13)).toEqual(
        builds.both(O.OPERATION_HEADER, bytes, name),
      );
    }
  });

  test("2000 mutated headers get one verdict and one set of fields from both builds", () => {
    const random = replayableRandom("headers");
    const sources = headerCases()
      .filter((c) => c.code === ErrorCode.None)
      .map((c) => c.bytes);
    const seen = new Map<number, number>();
    for (let i = 0; i < 2000; i++) {
      const bytes = mutatedHeader(random, sources[random.below(sources.length)]!);
      const [code] = builds.both(O.OPERATION_HEADER, bytes, `header ${i}, seed ${random.seed}`);
      seen.set(code!, (seen.get(code!) ?? 0) + 1);
    }
    // The mutations reach both sides of the parser.
    expect(seen.get(ErrorCode.None)).toBeGreaterThan(20);
    expect(seen.get(ErrorCode.HeaderMalformed)).toBeGreaterThan(20);
    expect(seen.size).toBeGreaterThanOrEqual(5);
  });

  test("a header with fields left out, doubled and swapped gets one verdict from both builds", () => {
    const random = replayableRandom("field lists");
    for (let i = 0; i < 500; i++) {
      const list = fieldList(random.below(2) ? { description: "text" } : {});
      for (let changes = random.below(3); changes > 0; changes--) {
        const [a, b] = [random.below(list.length), random.below(list.length)];
        if (random.below(3) === 0) list.splice(a, 1);
        else if (random.below(2) === 0) list.splice(a, 0, list[b]!);
        else [list[a], list[b]] = [list[b]!, list[a]!];
      }
      builds.both(O.OPERATION_HEADER, encodeHeaderFields(list), `list ${i}, seed ${random.seed}`);
    }
  });

  test("the published vectors are what the cases above say", async () => {
    const vectors = headerCases().map(({ name, bytes, code }) => {
      const [said, ...fields] = builds.both(O.OPERATION_HEADER, bytes, name);
      return {
        name,
        code,
        error: errorName(said!),
        bytes: Buffer.from(bytes).toString("hex"),
        ...(said === 0 ? { fields } : {}),
      };
    });
    await expect(`${JSON.stringify(vectors, null, 1)}\n`).toMatchFileSnapshot("vectors/image-headers.json");
  });
});

function signatureBlock(count: number): Uint8Array {
  return encodeSignatureBlock(
    Array.from({ length: count }, (_, i) => ({
      keyId: new Uint8Array(8).fill(i + 1),
      signature: new Uint8Array(64).fill(0x80 + i),
    })),
  );
}

/** What encodeSignatureBlock refuses to make. */
function nineSignatures(): Uint8Array {
  const block = concat(signatureBlock(8), new Uint8Array(72));
  const view = new DataView(block.buffer);
  view.setUint16(6, block.length, true);
  view.setUint16(8, 9, true);
  return block;
}

describe("signature block", () => {
  test.each([1, 2, 8])("%i signatures are found where they were put", (count) => {
    const block = signatureBlock(count);
    const [length, said, ...offsets] = builds.both(O.OPERATION_SIGNATURE_BLOCK, block, "");
    expect([length, said]).toEqual([block.length, count]);
    for (let i = 0; i < count; i++) {
      expect(block.subarray(offsets[2 * i], offsets[2 * i]! + 8)).toEqual(new Uint8Array(8).fill(i + 1));
      expect(block.subarray(offsets[2 * i + 1], offsets[2 * i + 1]! + 64)).toEqual(new Uint8Array(64).fill(0x80 + i));
    }
  });

  const patched = (offset: number, value: number): Uint8Array => {
    const block = signatureBlock(2);
    new DataView(block.buffer).setUint16(offset, value, true);
    return block;
  };
  test.each<[string, Uint8Array, ErrorCode]>([
    ["nothing", new Uint8Array(0), ErrorCode.ImageTruncated],
    ["eleven bytes", signatureBlock(1).slice(0, 11), ErrorCode.ImageTruncated],
    ["a block cut by its last byte", signatureBlock(2).slice(0, -1), ErrorCode.ImageTruncated],
    ["another magic", patched(0, 0), ErrorCode.SignatureBlockMalformed],
    ["format version 2", patched(4, 2), ErrorCode.SignatureBlockMalformed],
    ["a length that doesn't fit the count", patched(6, 12 + 72), ErrorCode.SignatureBlockMalformed],
    ["no signature", patched(8, 0), ErrorCode.SignatureBlockMalformed],
    ["nine signatures, with the length of nine", nineSignatures(), ErrorCode.SignatureBlockMalformed],
    ["a count of nine with the length of two", patched(8, 9), ErrorCode.SignatureBlockMalformed],
    ["a count of 65535", patched(8, 0xffff), ErrorCode.SignatureBlockMalformed],
    ["a reserved field in use", patched(10, 1), ErrorCode.SignatureBlockMalformed],
  ])("refused: %s", (name, bytes, code) => {
    expect(builds.both(O.OPERATION_SIGNATURE_BLOCK, bytes, name)).toEqual([minus(code)]);
  });

  test("500 mutated blocks get one verdict from both builds", () => {
    const random = replayableRandom("signature blocks");
    for (let i = 0; i < 500; i++)
      builds.both(
        O.OPERATION_SIGNATURE_BLOCK,
        mutated(random, signatureBlock(1 + random.below(8))),
        `block ${i}, seed ${random.seed}`,
      );
  });
});

function trustLink(trustVersion: number, roots = 2, release = 1, operations = 1, threshold = 1): Uint8Array {
  const keys = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(16 * trustVersion + i));
  return encodeTrustBody({
    trustVersion,
    rootThreshold: threshold,
    rootKeys: keys(roots),
    releaseKeys: keys(release),
    operationsKeys: keys(operations),
  });
}

function trustChain(...links: Uint8Array[]): Uint8Array {
  const length = 12 + links.reduce((sum, link) => sum + link.length, 0);
  const prefix = new Uint8Array(12);
  const view = new DataView(prefix.buffer);
  prefix.set(Buffer.from("FSTC"));
  view.setUint32(4, length, true);
  view.setUint16(8, links.length, true);
  return concat(prefix, ...links);
}

describe("trust chain", () => {
  const link = (version: number, ...counts: number[]): Uint8Array =>
    concat(trustLink(version, ...counts), signatureBlock(1));

  test("every link's parts lie where they were put, up to the chain's end and not beyond", () => {
    const chain = trustChain(link(1), link(2, 3, 2, 0, 2), link(3, 8, 8, 8, 8));
    const padded = concat(chain, new Uint8Array(500).fill(0xff));
    const said = builds.both(O.OPERATION_TRUST_CHAIN, padded, "");
    expect(said.slice(0, 2)).toEqual([3, chain.length]);
    expect(said).toHaveLength(2 + 3 * 14);
    const second = said.slice(2 + 14, 2 + 28);
    expect(second[0]).toBe(ErrorCode.None);
    expect(second.slice(5, 10)).toEqual([2, 2, 3, 2, 0]);
    expect(said.at(2 + 2 * 14 + 4)).toBe(chain.length); // nextOffset of the last
    expect(said.slice(2 + 28 + 5, 2 + 28 + 10)).toEqual([3, 8, 8, 8, 8]);
  });

  const invalid = minus(ErrorCode.TrustRecordInvalid);
  const patched = (change: (view: DataView) => void): Uint8Array => {
    const chain = trustChain(link(1));
    change(new DataView(chain.buffer));
    return chain;
  };
  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["another magic", patched((v) => v.setUint8(0, 0))],
    ["a length beyond what is there", patched((v) => v.setUint32(4, trustChain(link(1)).length + 1, true))],
    ["a length of 2^32 − 1", patched((v) => v.setUint32(4, 0xffffffff, true))],
    ["no link", patched((v) => v.setUint16(8, 0, true))],
    ["17 links", patched((v) => v.setUint16(8, 17, true))],
    ["a reserved field in use", patched((v) => v.setUint16(10, 1, true))],
    [
      "a chain of more than 8 KiB",
      concat(
        patched((v) => v.setUint32(4, 8193, true)),
        new Uint8Array(9000),
      ),
    ],
  ])("a chain is refused: %s", (name, bytes) => {
    expect(builds.both(O.OPERATION_TRUST_CHAIN, bytes, name)).toEqual([invalid]);
  });

  test.each<[string, (view: DataView) => void]>([
    ["another magic", (v) => v.setUint8(12, 0)],
    ["body version 2", (v) => v.setUint16(16, 2, true)],
    ["a body length that doesn't fit its keys", (v) => v.setUint16(18, 16 + 3 * 32, true)],
    ["threshold 0", (v) => v.setUint8(24, 0)],
    ["a threshold above the roots", (v) => v.setUint8(24, 3)],
    ["no root", (v) => v.setUint8(25, 0)],
    ["nine roots", (v) => v.setUint8(25, 9)],
    ["no release key", (v) => v.setUint8(26, 0)],
    ["255 operations keys", (v) => v.setUint8(27, 255)],
    ["a signature block that is none", (v) => v.setUint8(12 + 16 + 4 * 32, 0)],
    ["a chain that ends inside the link", (v) => v.setUint32(4, v.byteLength - 1, true)],
    ["a chain that ends before the link", (v) => v.setUint32(4, 12, true)],
    ["a chain length below its own prefix", (v) => v.setUint32(4, 0, true)],
  ])("a link is refused: %s", (name, change) => {
    expect(builds.both(O.OPERATION_TRUST_CHAIN, patched(change), name)[2]).toBe(ErrorCode.TrustRecordInvalid);
  });

  test("a link is refused that names a root twice, wherever: it would count twice toward the threshold", () => {
    const chain = trustChain(link(1, 8, 1, 0, 2));
    expect(builds.both(O.OPERATION_TRUST_CHAIN, chain, "")[2]).toBe(ErrorCode.None);
    for (let a = 0; a < 8; a++) {
      for (let b = 0; b < a; b++) {
        const repeated = chain.slice();
        repeated.copyWithin(28 + 32 * a, 28 + 32 * b, 28 + 32 * b + 32);
        expect(builds.both(O.OPERATION_TRUST_CHAIN, repeated, `${a} is ${b}`)[2]).toBe(ErrorCode.TrustRecordInvalid);
        repeated[28 + 32 * a + 31]! ^= 1;
        expect(builds.both(O.OPERATION_TRUST_CHAIN, repeated, `${a} is not quite ${b}`)[2]).toBe(ErrorCode.None);
      }
    }
  });

  test("a chain goes on from another when it begins with all of its bytes and has more links", () => {
    const extend = (older: Uint8Array, newer: Uint8Array, name: string): number =>
      builds.both(O.OPERATION_TRUST_EXTENDS, concat(older, newer), name)[0]!;
    const [one, two, three] = [
      trustChain(link(1)),
      trustChain(link(1), link(2)),
      trustChain(link(1), link(2), link(3)),
    ];
    expect([extend(one, two, "1, 2"), extend(one, three, "1, 3"), extend(two, three, "2, 3")]).toEqual([1, 1, 1]);
    expect([extend(one, one, "1, 1"), extend(two, one, "2, 1"), extend(three, three, "3, 3")]).toEqual([0, 0, 0]);
    for (let at = 12; at < two.length; at++) {
      const other = three.slice();
      other[at]! ^= 0x80;
      expect(extend(two, other, `byte ${at}`)).toBe(0);
    }
    const longerAlone = one.slice();
    new DataView(longerAlone.buffer).setUint32(4, one.length + 4, true);
    expect(extend(one, concat(longerAlone, new Uint8Array(4)), "no more links")).toBe(0);
  });

  test("500 mutated chains get one verdict from both builds", () => {
    const random = replayableRandom("trust chains");
    const chain = trustChain(link(1), link(2, 3, 2, 0, 2));
    for (let i = 0; i < 500; i++)
      builds.both(O.OPERATION_TRUST_CHAIN, mutated(random, chain), `chain ${i}, seed ${random.seed}`);
  });
});

describe("permit", () => {
  const body = concat(Buffer.from("FSPM"), Uint8Array.of(1, 0, 72, 0), new Uint8Array(32).fill(7), new Uint8Array(32));

  test("it is recognised by magic, version and length, and is for any device when it names none", () => {
    expect(builds.both(O.OPERATION_PERMIT, body, "")).toEqual([1, 1]);
    for (const at of [40, 55, 71]) {
      const named = body.slice();
      named[at] = 1;
      expect(builds.both(O.OPERATION_PERMIT, named, `byte ${at}`)).toEqual([1, 0]);
    }
    for (const at of [0, 3, 4, 5, 6, 7]) {
      const other = body.slice();
      other[at]! ^= 1;
      expect(builds.both(O.OPERATION_PERMIT, other, `byte ${at}`)).toEqual([0]);
    }
    expect(builds.both(O.OPERATION_PERMIT, body, "short", 71)).toEqual([0]);
  });
});

describe("command", () => {
  // Bound to what operations.ts says that device and session are.
  const command = (
    kind: number,
    number: number,
    port = 0,
    host = "",
    more: { device?: number; nonce?: number } = {},
  ): Uint8Array => {
    const body = Buffer.alloc(132);
    body.write("FSCM", "latin1");
    body.writeUInt16LE(1, 4);
    body.writeUInt16LE(132, 6);
    body.fill(more.device ?? 0x11, 8, 40);
    body.fill(more.nonce ?? 0x22, 40, 56);
    body.fill(0x33, 56, 72);
    body.writeUInt32LE(number, 72);
    body.writeUInt16LE(kind, 76);
    body.writeUInt16LE(port, 78);
    body[80] = host.length;
    body.write(host, 84, "latin1");
    return new Uint8Array(body);
  };
  const changed = (source: Uint8Array, at: number, value: number): Uint8Array => {
    const bytes = source.slice();
    bytes[at] = value;
    return bytes;
  };
  const says = (body: Uint8Array, note = ""): number[] => builds.both(O.OPERATION_COMMAND, body, note);

  test("it is recognised by magic, version and length", () => {
    const body = command(1, 8);
    expect(says(body)).toEqual([1, ErrorCode.None, ErrorCode.None]);
    for (const at of [0, 3, 4, 5, 6, 7]) expect(says(changed(body, at, body[at]! ^ 1), `byte ${at}`)).toEqual([0]);
    expect(builds.both(O.OPERATION_COMMAND, body, "short", 131)).toEqual([0]);
  });

  test("it is refused on another device, in another session, and a second time", () => {
    expect(says(command(1, 8, 0, "", { device: 0x12 }))[1]).toBe(ErrorCode.CommandForAnotherDevice);
    for (const at of [8, 39])
      expect(says(changed(command(1, 8), at, 0), `byte ${at}`)[1]).toBe(ErrorCode.CommandForAnotherDevice);
    for (const at of [40, 55])
      expect(says(changed(command(1, 8), at, 0), `byte ${at}`)[1]).toBe(ErrorCode.CommandForAnotherSession);
    for (const number of [0, 1, 7])
      expect(says(command(1, number), `number ${number}`)[1]).toBe(ErrorCode.CommandRepeated);
    for (const number of [8, 100, 0x8000_0000, 0xffff_ffff])
      expect(says(command(1, number), `number ${number}`)[1]).toBe(ErrorCode.None);
  });

  test("a reboot has no arguments, set-connection a port and a host, and nothing else is known", () => {
    expect(says(command(1, 8, 1883))[2]).toBe(ErrorCode.CommandMalformed);
    for (const at of [78, 80, 83, 84, 131])
      expect(says(changed(command(1, 8), at, 1), `byte ${at}`)[2]).toBe(ErrorCode.CommandMalformed);
    for (const [port, host] of [
      [1883, "10.0.2.2"],
      [1, "a"],
      [65535, "x".repeat(48)],
      [1883, "broker.example!~"],
    ] as const) {
      expect(says(command(2, 8, port, host), host)[2]).toBe(ErrorCode.None);
    }
    for (const [port, host] of [
      [0, "a"],
      [1883, ""],
      [1883, "a b"],
      [1883, "a\u0000"],
      [1883, "a\u007f"],
      [1883, "\u00e4"],
    ] as const) {
      expect(says(command(2, 8, port, host), JSON.stringify(host))[2]).toBe(ErrorCode.CommandMalformed);
    }
    for (const at of [81, 82, 83, 85, 131])
      expect(says(changed(command(2, 8, 1883, "a"), at, 0x61), `byte ${at}`)[2]).toBe(ErrorCode.CommandMalformed);
    for (const length of [49, 255])
      expect(says(changed(command(2, 8, 1883, "x".repeat(48)), 80, length), `length ${length}`)[2]).toBe(
        ErrorCode.CommandMalformed,
      );
    for (const kind of [0, 7, 0xffff]) expect(says(command(kind, 8), `kind ${kind}`)[2]).toBe(ErrorCode.CommandUnknown);
  });

  test("going back and collecting logs have no arguments, identifying a time", () => {
    for (const kind of [4, 6]) {
      expect(says(command(kind, 8))[2]).toBe(ErrorCode.None);
      for (const at of [78, 79, 80, 84, 131])
        expect(says(changed(command(kind, 8), at, 1), `kind ${kind}, byte ${at}`)[2]).toBe(ErrorCode.CommandMalformed);
    }
    for (const seconds of [1, 255, 256, 600])
      expect(says(command(3, 8, seconds), `${seconds} s`)[2]).toBe(ErrorCode.None);
    for (const seconds of [0, 601, 0xffff])
      expect(says(command(3, 8, seconds), `${seconds} s`)[2]).toBe(ErrorCode.CommandMalformed);
    for (const at of [80, 81, 84, 131])
      expect(says(changed(command(3, 8, 5), at, 1), `byte ${at}`)[2]).toBe(ErrorCode.CommandMalformed);
  });

  test("setting a configuration says how long it is, which one, and its hash", () => {
    const setting = (bytes: number, number: number): Uint8Array => {
      const body = Buffer.from(command(5, 8, bytes));
      body.writeUInt32LE(number, 80);
      body.fill(0xd5, 84, 116);
      return new Uint8Array(body);
    };
    for (const bytes of [2, 1024]) expect(says(setting(bytes, 1), `${bytes} bytes`)[2]).toBe(ErrorCode.None);
    for (const bytes of [0, 1, 1025, 0xffff])
      expect(says(setting(bytes, 1), `${bytes} bytes`)[2]).toBe(ErrorCode.CommandMalformed);
    for (const number of [1, 256, 0x8000_0000, 0xffff_ffff])
      expect(says(setting(2, number), `number ${number}`)[2]).toBe(ErrorCode.None);
    expect(says(setting(2, 0))[2]).toBe(ErrorCode.CommandMalformed);
    for (const at of [116, 117, 131])
      expect(says(changed(setting(2, 1), at, 1), `byte ${at}`)[2]).toBe(ErrorCode.CommandMalformed);
  });

  test("500 mutated commands get one verdict from both builds", () => {
    const random = replayableRandom("commands");
    for (let i = 0; i < 500; i++)
      says(mutated(random, command(1 + random.below(6), 8, 1883, "10.0.2.2")), `command ${i}, seed ${random.seed}`);
  });
});

function randomRecord(random: Random): B.BootRecord {
  const u32 = (): number => Buffer.from(random.bytes(4)).readUInt32LE(0);
  const record = new B.BootRecord();
  Object.assign(record, {
    epoch: u32(),
    page: u32(),
    bootCounter: u32(),
    uncleanBoots: u32(),
    securityFloor: u32(),
    activeSlot: random.below(2),
    flags: random.below(256),
    stateA: random.below(4),
    triesA: random.below(256),
    reasonA: random.below(65536),
    stateB: random.below(4),
    triesB: random.below(256),
    reasonB: random.below(65536),
    digestA: random.bytes(32),
    digestB: random.bytes(32),
  });
  return record;
}

describe("boot-control record", () => {
  test("what is written is read back, field by field, in both builds", () => {
    const random = replayableRandom("boot records");
    for (let i = 0; i < 200; i++) {
      const record = randomRecord(random);
      const bytes = new Uint8Array(B.BOOT_RECORD_BYTES);
      B.writeBootRecord(record, bytes, 0);
      const again = new B.BootRecord();
      expect(B.readBootRecord(bytes, 0, again)).toBe(true);
      expect(again, `record ${i}, seed ${random.seed}`).toEqual(record);
      const [valid, ...words] = builds.both(O.OPERATION_BOOT_RECORD, bytes, `record ${i}, seed ${random.seed}`);
      expect(valid).toBe(1);
      expect(u32s(...words)).toEqual(bytes);
    }
  });

  test.each([[0], [4], [5], [6], [7]])("another magic, version or length is refused (byte %i)", (at) => {
    const bytes = new Uint8Array(B.BOOT_RECORD_BYTES);
    B.writeBootRecord(new B.BootRecord(), bytes, 0);
    bytes[at]! ^= 1;
    expect(builds.both(O.OPERATION_BOOT_RECORD, bytes, "")[0]).toBe(0);
  });

  test.each([
    [28, 2],
    [28, 255],
    [32, 4],
    [32, 255],
    [72, 4],
    [72, 255],
  ])("a slot or state that doesn't exist is refused (byte %i = %i)", (at, value) => {
    const bytes = new Uint8Array(B.BOOT_RECORD_BYTES);
    B.writeBootRecord(new B.BootRecord(), bytes, 0);
    bytes[at] = value;
    expect(builds.both(O.OPERATION_BOOT_RECORD, bytes, "")[0]).toBe(0);
  });

  test("erased flash and any mutated record get one verdict from both builds", () => {
    expect(builds.both(O.OPERATION_BOOT_RECORD, new Uint8Array(160).fill(0xff), "erased")[0]).toBe(0);
    const random = replayableRandom("mutated boot records");
    for (let i = 0; i < 300; i++) {
      const bytes = new Uint8Array(B.BOOT_RECORD_BYTES);
      B.writeBootRecord(randomRecord(random), bytes, 0);
      for (let changes = 1 + random.below(3); changes > 0; changes--) bytes[random.below(160)] = random.below(256);
      builds.both(O.OPERATION_BOOT_RECORD, bytes, `record ${i}, seed ${random.seed}`);
    }
  });
});

describe("factory record", () => {
  const identity = {
    deviceId: "kitchen-7",
    product: "thermostat",
    hardware: { name: "virt-rv32", revision: 1 },
    deviceKey: new Uint8Array(32).fill(1),
    claimSecret: new Uint8Array(32).fill(2),
    server: { host: "fleet.example", port: 1883 },
  };

  test("what the factory writes is a factory record with the check that devices compare", async () => {
    const record = await encodeFactoryRecord(identity);
    expect(builds.both(O.OPERATION_FACTORY_RECORD, record, "")).toEqual([1]);
    expect(Buffer.from(record.subarray(240))).toEqual(
      createHash("sha256").update(record.subarray(0, 240)).digest().subarray(0, 16),
    );
  });

  test.each([
    [0, 0],
    [4, 2],
    [6, 1],
    [74, 0],
    [74, 49],
    [75, 33],
    [76, 33],
    [77, 49],
  ])("byte %i = %i is refused", async (at, value) => {
    const record = await encodeFactoryRecord(identity);
    record[at] = value;
    expect(builds.both(O.OPERATION_FACTORY_RECORD, record, "")).toEqual([0]);
  });

  test.each([
    [{ deviceId: "" }],
    [{ deviceId: "a".repeat(49) }],
    [{ deviceId: "Kitchen" }],
    [{ deviceId: "a/b" }],
    [{ product: "" }],
    [{ product: "p".repeat(33) }],
    [{ server: { host: "h".repeat(49), port: 1 } }],
    [{ hardware: { name: "ä".repeat(17), revision: 1 } }],
  ])("an identity that doesn't fit is refused when it is written: %j", async (change) => {
    await expect(encodeFactoryRecord({ ...identity, ...change })).rejects.toThrow(RangeError);
  });
});

describe("deployment states", () => {
  /** docs/protocol.md, "Deployment states": rows from, columns to, in the order of the enum. */
  const S = State;
  const giveUps = [S.Failed, S.RolledBack, S.Cancelled, S.TimedOut, S.Rejected];
  const table: Record<number, State[]> = {
    [S.Queued]: [S.Offered, S.Downloading, S.Verifying, S.Installed, S.Rebooting, S.Testing, S.Confirmed, ...giveUps],
    [S.Offered]: [S.Downloading, S.Verifying, S.Installed, S.Rebooting, S.Testing, S.Confirmed, ...giveUps],
    [S.Downloading]: [S.Verifying, S.Installed, S.Rebooting, S.Testing, S.Confirmed, ...giveUps],
    [S.Verifying]: [S.Installed, S.Rebooting, S.Testing, S.Confirmed, ...giveUps],
    [S.Installed]: [S.Rebooting, S.Testing, S.Confirmed, S.RolledBack, S.TimedOut],
    [S.Rebooting]: [S.Testing, S.Confirmed, S.RolledBack, S.TimedOut],
    [S.Testing]: [S.Confirmed, S.RolledBack, S.TimedOut],
    [S.Confirmed]: [],
    [S.Failed]: [],
    [S.RolledBack]: [],
    [S.Cancelled]: [S.Confirmed],
    [S.TimedOut]: [S.Confirmed],
    [S.Rejected]: [],
  };

  test("all 13 × 13 transitions are as the table says, and there are none from or to anything else", () => {
    const said = builds.both(O.OPERATION_TRANSITIONS, new Uint8Array(0), "");
    for (let from = -1; from <= 13; from++) {
      for (let to = -1; to <= 13; to++) {
        const expected = table[from]?.includes(to) ? 1 : 0;
        expect(said[(from + 1) * 15 + to + 1], `${State[from]} → ${State[to]}`).toBe(expected);
      }
    }
    const final = said.slice(225);
    expect(final).toEqual(Array.from({ length: 15 }, (_, i) => (i - 1 >= S.Confirmed && i - 1 <= S.Rejected ? 1 : 0)));
  });

  test("no state follows itself, nothing but confirmed follows a final state, and every one that isn't final can be left", () => {
    for (const [from, followers] of Object.entries(table)) {
      expect(followers).not.toContain(Number(from));
      if (Number(from) >= S.Confirmed) expect(followers.filter((to) => to !== S.Confirmed)).toEqual([]);
      else expect(followers).toContain(S.TimedOut);
    }
  });
});

describe("slot layout", () => {
  const KIB = 1024;
  const MIB = 1024 * KIB;
  const layout = (payload: number, chunk: number, sector: number, slot: number, header = 256, block = 84): number[] =>
    builds.both(
      O.OPERATION_SLOT_LAYOUT,
      u32s(payload, chunk, sector, slot, header, block),
      `${payload} ${chunk} ${sector} ${slot}`,
    );

  test("chunks, table, payload and file follow one another without a gap or an overlap", () => {
    expect(layout(10_000, 4096, 256 * KIB, 4 * MIB)).toEqual([3, 96, 256 * KIB, 1, 256 + 84 + 96 + 10_000]);
    expect(layout(1, 4096, 4096, 4 * MIB).slice(0, 3)).toEqual([1, 32, 8192]);
    // The table ends exactly at a sector's end: the payload begins there.
    expect(layout(128 * 4096, 4096, 4096, 4 * MIB).slice(0, 3)).toEqual([128, 4096, 8192]);
    expect(layout(128 * 4096 + 1, 4096, 4096, 4 * MIB).slice(0, 3)).toEqual([129, 4128, 12288]);
  });

  test("a payload that fills its slot fits, and one byte more does not", () => {
    const room = 4 * MIB - 256 * KIB;
    expect(layout(room, 4096, 256 * KIB, 4 * MIB)[3]).toBe(1);
    expect(layout(room + 1, 4096, 256 * KIB, 4 * MIB)[3]).toBe(0);
    expect(fitsSlot(room, Math.ceil(room / 4096), 256 * KIB, 4 * MIB)).toBe(true);
    expect(layout(0x4000000, 256, 256 * KIB, 4 * MIB)[3]).toBe(0);
  });

  test("500 random layouts are what the formula says in whole numbers, in both builds", () => {
    const random = replayableRandom("slot layouts");
    for (let i = 0; i < 500; i++) {
      const payload = 1 + random.below(0x4000000);
      const chunk = 256 << random.below(5);
      const sector = 4096 << random.below(8);
      const slot = sector * (2 + random.below(256));
      const count = Math.ceil(payload / chunk);
      const payloadAt = Math.ceil((4096 + 32 * count) / sector) * sector;
      const fits = payloadAt + Math.ceil(payload / 4096) * 4096 <= slot ? 1 : 0;
      expect(layout(payload, chunk, sector, slot), `layout ${i}, seed ${random.seed}`).toEqual([
        count,
        32 * count,
        payloadAt,
        fits,
        256 + 84 + 32 * count + payload,
      ]);
    }
  });
});
