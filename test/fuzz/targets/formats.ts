// The portable parsers: what tsc's build (server, console) and the devices' build say of the same bytes must be the
// same, to the last field. What is accepted lies within the input and, written again, is the same bytes.

import {
  buildPermit,
  buildTrustChain,
  encodeFactoryRecord,
  encodeHeaderFields,
  encodeSignatureBlock,
  headerFields,
  newFactoryIdentity,
  toHex,
} from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import {
  fieldList,
  fields as goodFields,
  headerCases,
} from "../../../packages/image-format/test/portable/header-cases.ts";
import * as operations from "../../../packages/image-format/test/portable/operations.ts";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { insert, remove, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { bytesOf, releaseKey, rootKey, secondReleaseKey } from "./keys.ts";

const OUTPUT_BYTES = 8192;

export interface Format {
  name: string;
  operation: number;
  inputBytesMax: number;
  /**
   * Readers of fixed records have all of it before them, whatever it holds: shorter inputs are filled up with zeros.
   */
  fixedBytes?: number;
  seeds(): Promise<Uint8Array[]>;
  dictionary: Uint8Array[];
  mutate?(draft: Draft, random: SeededRandom): void;
  repair?(draft: Draft, random: SeededRandom): void;
  /** Of an input and what both builds said of it. */
  check?(input: Uint8Array, output: DataView, words: number): void;
  share: number;
}

export function openFormat(format: Format): OpenTarget {
  return async (patches: Patch[] = []): Promise<Target> => {
    const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("formats"), 2, patches));
    const compiledAt = instance.exports.outputAddress!();
    const portable = new Uint8Array(OUTPUT_BYTES);
    const portableBuffer = Buffer.from(portable.buffer);
    const compiledBuffer = Buffer.from(instance.memory.buffer, compiledAt, OUTPUT_BYTES);
    const view = new DataView(portable.buffer);
    const start = instance.save();
    return {
      name: format.name,
      instance,
      inputBytesMax: format.inputBytesMax,
      seeds: await format.seeds(),
      dictionary: format.dictionary,
      share: format.share,
      ...(format.mutate && { mutate: format.mutate }),
      ...(format.repair && { repair: format.repair }),
      run(given) {
        const input = format.fixedBytes === undefined ? given : new Uint8Array(format.fixedBytes);
        if (input !== given) input.set(given.subarray(0, input.length));
        const ptr = instance.put(input);
        let compiledBytes: number;
        try {
          compiledBytes = instance.exports.run!(format.operation, ptr, 0, input.length);
        } catch (error) {
          instance.restore(start);
          throw error;
        }
        const portableBytes = operations.perform(format.operation, input, 0, input.length, portable);
        if (
          compiledBytes !== portableBytes ||
          compiledBuffer.compare(portableBuffer, 0, portableBytes, 0, compiledBytes) !== 0
        ) {
          throw new Violation("the devices' build and tsc's build differ");
        }
        format.check?.(input, view, portableBytes / 4);
      },
    };
  };
}

const within = (at: number, length: number, end: number, what: string): void => {
  if (at < 0 || length < 0 || at + length > end) throw new Violation(`${what} lies outside of the input`);
};

// ---- image header
// ----------------------------------------------------------------------------------------------------

const HEADER_PREFIX = 8;

/** Offsets of the fields, as far as they can be followed. */
function fieldsOf(draft: Draft): number[] {
  const places: number[] = [];
  const { bytes, length } = draft;
  for (let at = HEADER_PREFIX; at + 4 <= length; ) {
    places.push(at);
    at += 4 + (((bytes[at + 2]! | (bytes[at + 3]! << 8)) + 3) & ~3);
  }
  return places;
}

function mutateHeader(draft: Draft, random: SeededRandom): void {
  const places = fieldsOf(draft);
  if (places.length === 0) return;
  const { bytes } = draft;
  const index = random.below(places.length);
  const at = places[index]!;
  const end = Math.min(places[index + 1] ?? draft.length, draft.length);
  switch (random.below(7)) {
    case 0: // another type
      return write(
        bytes,
        at,
        2,
        random.pick([0x8000, 0x8001 + random.below(14), 1 + random.below(40), 0xffff, 0x7fff, 0x8020]),
        true,
      );
    case 1: // another length
      return write(
        bytes,
        at + 2,
        2,
        random.pick([0, 1, 3, 4, 5, 31, 32, 33, 36, 37, 44, 512, 513, 0xffff, end - at - 3]),
        true,
      );
    case 2: // another value
      for (let i = at + 4; i + 4 <= end; i += 4)
        if (random.below(3) === 0)
          write(
            bytes,
            i,
            4,
            random.pick([
              0, 1, 2, 99, 100, 255, 256, 1024, 4096, 4097, 600_000, 600_001, 86_400_000, 86_400_001, 67_108_864,
              67_108_865, 0xffffffff,
            ]),
            true,
          );
      return;
    case 3:
      return remove(draft, at, end - at);
    case 4: // the field again, there or elsewhere
      return insert(draft, random.pick(places), bytes.slice(at, end));
    case 5: {
      // an optional field that nobody knows
      const value = new Uint8Array(4 * random.below(5));
      return insert(
        draft,
        random.pick(places),
        Uint8Array.from([random.below(256), random.below(128), value.length, 0, ...value]),
      );
    }
    default: // two fields change places
      return insert(draft, random.pick(places), moved(draft, at, end));
  }
}

function moved(draft: Draft, at: number, end: number): Uint8Array {
  const piece = draft.bytes.slice(at, end);
  remove(draft, at, end - at);
  return piece;
}

function checkHeader(input: Uint8Array, output: DataView, words: number): void {
  if (words === 1) return; // refused
  const word = (index: number): number => output.getUint32(4 * index, true);
  // In the order of operations.ts, performHeader.
  const [
    headerBytes,
    imageType,
    productAt,
    productBytes,
    hardwareAt,
    hardwareBytes,
    revisionMin,
    revisionMax,
    ,
    ,
    versionAt,
    versionBytes,
    releaseSequence,
    securityCounter,
    loaderVersionMin,
    trustVersionMin,
    payloadBytes,
    chunkBytes,
    chunkCount,
    tableDigestAt,
    loadAddress,
    entryAddress,
    confirmDeadlineMs,
    contactDeadlineMs,
    tries,
    watchdogMs,
    keyIdAt,
    flags,
    descriptionAt,
    descriptionBytes,
  ] = Array.from({ length: 30 }, (_, i) => word(1 + i)) as [number, ...number[]] & number[];
  within(0, headerBytes, input.length, "the header");
  for (const [at, length, what] of [
    [productAt, productBytes, "product"],
    [hardwareAt, hardwareBytes, "hardware"],
    [versionAt, versionBytes, "version"],
    [tableDigestAt, 32, "table digest"],
    [keyIdAt, 8, "key id"],
    [descriptionAt, descriptionBytes, "description"],
  ] as const)
    within(at!, length!, headerBytes, what);
  // "So each field occurs once, and a header has one encoding": made again of what was read, it is the same bytes.
  const known = new Set(fieldList().map(([type]) => type)).add(0x20);
  for (const at of fieldsOf({ bytes: input, length: headerBytes }))
    if (!known.has(input[at]! | (input[at + 1]! << 8))) return;
  const ascii = (at: number, length: number): string => Buffer.from(input.subarray(at, at + length)).toString("latin1");
  const list = headerFields(
    {
      imageType: imageType!,
      product: ascii(productAt!, productBytes!),
      hardware: { name: ascii(hardwareAt!, hardwareBytes!), revisionMin: revisionMin!, revisionMax: revisionMax! },
      version: ascii(versionAt!, versionBytes!),
      releaseSequence: releaseSequence!,
      securityCounter: securityCounter!,
      loaderVersionMin: loaderVersionMin!,
      trustVersionMin: trustVersionMin!,
      loadAddress: loadAddress!,
      entryAddress: entryAddress!,
      confirmDeadlineMs: confirmDeadlineMs!,
      contactDeadlineMs: contactDeadlineMs!,
      tries: tries!,
      watchdogMs: watchdogMs!,
      flags: flags!,
    },
    {
      payloadBytes: payloadBytes!,
      chunkBytes: chunkBytes!,
      tableDigest: input.slice(tableDigestAt!, tableDigestAt! + 32),
    },
    input.slice(keyIdAt!, keyIdAt! + 8),
  );
  if (descriptionAt !== 0) list.push([0x20, input.slice(descriptionAt!, descriptionAt! + descriptionBytes!)]);
  if (chunkCount !== Math.ceil(payloadBytes! / chunkBytes!))
    throw new Violation("the chunk count is not what the lengths give");
  if (Buffer.compare(encodeHeaderFields(list), input.subarray(0, headerBytes)) !== 0)
    throw new Violation("an accepted header is not the one encoding of what it says");
}

export const imageHeader = openFormat({
  name: "image-header",
  operation: operations.OPERATION_HEADER,
  inputBytesMax: 2304,
  seeds: async () => [
    ...headerCases().map((c) => c.bytes),
    encodeHeaderFields(fieldList({ ...goodFields, description: "what it is" })),
  ],
  dictionary: [
    ...text("FSIM", "thermostat"),
    ...fieldList().map(([type, value]) =>
      Uint8Array.from([type & 255, type >> 8, value.length & 255, value.length >> 8]),
    ),
  ],
  mutate: mutateHeader,
  repair(draft, random) {
    // Whole, and as long as it says.
    while (draft.length & 3 && draft.length < draft.bytes.length) draft.bytes[draft.length++] = 0;
    if (draft.length >= HEADER_PREFIX && random.below(8) !== 0) write(draft.bytes, 6, 2, draft.length, true);
  },
  check: checkHeader,
  share: 0.3,
});

// ---- signature block, trust chain, permit, boot record, factory record
// -----------------------------------------------------

export const signatureBlock = openFormat({
  name: "signature-block",
  operation: operations.OPERATION_SIGNATURE_BLOCK,
  inputBytesMax: 700,
  seeds: async () =>
    [1, 2, 8].map((count) =>
      encodeSignatureBlock(
        Array.from({ length: count }, (_, i) => ({
          keyId: bytesOf(`id ${i}`).subarray(0, 8),
          signature: new Uint8Array(64).fill(i),
        })),
      ),
    ),
  dictionary: text("FSSG"),
  repair(draft) {
    if (draft.length >= 12) write(draft.bytes, 6, 2, 12 + 72 * draft.bytes[8]!, true);
  },
  check(input, output, words) {
    if (words === 1) return;
    const blockBytes = output.getUint32(0, true);
    within(0, blockBytes, input.length, "the block");
    const count = output.getUint32(4, true);
    const entries = Array.from({ length: count }, (_, i) => {
      const keyIdAt = output.getUint32(8 + 8 * i, true);
      const at = output.getUint32(12 + 8 * i, true);
      within(keyIdAt, 8, blockBytes, "a key id");
      within(at, 64, blockBytes, "a signature");
      return { keyId: input.slice(keyIdAt, keyIdAt + 8), signature: input.slice(at, at + 64) };
    });
    if (Buffer.compare(encodeSignatureBlock(entries), input.subarray(0, blockBytes)) !== 0)
      throw new Violation("an accepted signature block is not the one encoding of what it says");
  },
  share: 0.15,
});

export const trustChain = openFormat({
  name: "trust-chain",
  operation: operations.OPERATION_TRUST_CHAIN,
  inputBytesMax: 8448,
  seeds: async () => trustChains(),
  dictionary: text("FSTC", "FSTR", "FSSG"),
  repair(draft) {
    if (draft.length >= 8) write(draft.bytes, 4, 4, draft.length, true);
  },
  check(input, output, words) {
    if (words < 2) return;
    within(0, output.getUint32(4, true), input.length, "the chain");
    for (let link = 2; link + 14 <= words; link += 14) {
      const word = (index: number): number => output.getUint32(4 * (link + index), true);
      if (word(0) !== 0) return;
      within(word(1), word(2), input.length, "a link's body");
      within(word(3), 12, input.length, "a link's signatures");
      within(0, word(4), input.length, "a link");
      within(word(10), 32 * word(7), word(1) + word(2), "root keys");
      within(word(11), 32 * word(8), word(1) + word(2), "release keys");
      within(word(12), 32 * word(9), word(1) + word(2), "operations keys");
      if (word(13) < 1 || word(13) > word(8)) throw new Violation("a release threshold that no image can meet");
    }
  },
  share: 0.1,
});

export async function trustChains(): Promise<Uint8Array[]> {
  const first = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [rootKey.publicKey],
    releaseKeys: [releaseKey.publicKey],
    operationsKeys: [],
  };
  const second = {
    trustVersion: 2,
    rootThreshold: 1,
    rootKeys: [rootKey.publicKey, secondReleaseKey.publicKey],
    releaseKeys: [releaseKey.publicKey, secondReleaseKey.publicKey],
    operationsKeys: [bytesOf("operations")],
  };
  const byRoot = [rootKey.privateJwk];
  return [
    await buildTrustChain([{ trust: first, signedBy: byRoot }]),
    await buildTrustChain([
      { trust: first, signedBy: byRoot },
      { trust: second, signedBy: byRoot },
    ]),
    await buildTrustChain([
      { trust: first, signedBy: byRoot },
      { trust: second, signedBy: byRoot },
      {
        trust: { ...second, trustVersion: 3, rootThreshold: 2 },
        signedBy: [rootKey.privateJwk, secondReleaseKey.privateJwk],
      },
    ]),
  ];
}

export const permit = openFormat({
  name: "permit",
  operation: operations.OPERATION_PERMIT,
  inputBytesMax: 256,
  seeds: async () => [
    await buildPermit({ imageDigest: toHex(bytesOf("digest")), signingKeys: [releaseKey.privateJwk] }),
    await buildPermit({
      imageDigest: toHex(bytesOf("digest")),
      deviceId: "fuzzed",
      signingKeys: [releaseKey.privateJwk],
    }),
  ],
  dictionary: text("FSPM", "FSSG"),
  share: 0.08,
});

export const bootRecord = openFormat({
  name: "boot-record",
  operation: operations.OPERATION_BOOT_RECORD,
  inputBytesMax: 160,
  fixedBytes: 160,
  seeds: async () => [
    sampleBootRecord(0, 2, 0),
    sampleBootRecord(1, 1, 2),
    new Uint8Array(160).fill(0xff),
    new Uint8Array(160),
  ],
  dictionary: text("FSBC"),
  check(input, output) {
    if (output.getUint32(0, true) !== 1) return;
    // What is written as zero and not looked at, and the check, which is the caller's.
    const loose = (i: number): boolean =>
      i === 30 || i === 31 || (i >= 36 && i < 40) || (i >= 76 && i < 80) || i >= 112;
    for (let i = 0; i < 144; i++)
      if (!loose(i) && input[i] !== output.getUint8(4 + i))
        throw new Violation(`byte ${i} of an accepted record is not the one encoding of what it says`);
  },
  share: 0.05,
});

export function sampleBootRecord(activeSlot: number, stateA: number, stateB: number): Uint8Array {
  const bytes = new Uint8Array(160);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from("FSBC"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 160, true);
  [1, 0, 7, 0, 1].forEach((value, i) => view.setUint32(8 + 4 * i, value, true));
  bytes[28] = activeSlot;
  bytes[32] = stateA;
  bytes[33] = stateA === 1 ? 3 : 0;
  bytes[72] = stateB;
  bytes[73] = stateB === 1 ? 3 : 0;
  return bytes;
}

export const factoryForm = openFormat({
  name: "factory-form",
  operation: operations.OPERATION_FACTORY_RECORD,
  inputBytesMax: 256,
  fixedBytes: 256,
  seeds: async () => [await encodeFactoryRecord(fuzzedIdentity), new Uint8Array(256).fill(0xff)],
  dictionary: text("FSFA"),
  check(input, output) {
    if (output.getUint32(0, true) !== 1) return;
    if (input[74] === 0 || input[74]! > 48 || input[75]! > 32 || input[76]! > 32 || input[77]! > 48)
      throw new Violation("an accepted factory record has a text that is longer than its field");
  },
  share: 0.08,
});

export const fuzzedIdentity = {
  ...newFactoryIdentity({
    deviceId: "fuzzed",
    product: "flipside-demo",
    hardware: { name: "virtual", revision: 1 },
    server: { host: "server", port: 1883 },
  }),
  deviceKey: bytesOf("device key"),
  claimSecret: bytesOf("claim secret"),
};
