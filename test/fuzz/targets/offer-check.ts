// Whether an offered image may be installed, and with which code it is refused: as a plain reading of docs/protocol.md,
// "Check-in and offer", says, step by step in its order, on a device in any state. Headers are signed anew when an
// input is run, so that a field at a bound of slot, window or permit is judged for what it says.
//
// Input: u8 state (IS_*), u8 floor, u8 window, u8 what is odd about the message, u8 what is put right (SIGNED_*), u8 by
// which key, i16 bytes more than the file has, u16 bytes of header, of signatures, of permit; these.

import {
  encodeHeaderFields,
  encodeSignatureBlock,
  ErrorCode,
  headerFields,
  type ImageFields,
  ImageHeader,
  parseImageHeader,
  parseSignatureBlock,
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
  signingPrefixes,
  SlotState,
  type StrictVerifier,
  buildTrustChain,
} from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { layoutOf } from "@flipside/machine/factory/flash-layout";
import { agentGrants } from "@flipside/machine/grants";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { write } from "../engine/mutate.ts";
import { type Draft, expectSame, type OpenTarget, Violation } from "../engine/target.ts";
import { DeviceHost } from "./device-host.ts";
import { factoryZones, imageFieldsOf, strictVerifier } from "./device-images.ts";
import { fuzzedIdentity } from "./formats.ts";
import { joined } from "./items.ts";
import { bytesOf, keyOf, operationsKey, releaseKey, rootKey, secondReleaseKey, sha256Of } from "./keys.ts";
import { base64url, permitBytes } from "./message-items.ts";
import { deviceHash, permitHolds } from "./permit-holds.ts";

const SECTOR_BYTES = 16384;
const SLOT_BYTES = 524288;
/** Of this device; another one than loaders are built with here. */
const LOADER_VERSION = 3;
const TABLE_BYTES_MAX = 32768;
const MANIFEST_BYTES_MAX = 4096;
const PERMIT_BYTES_MAX = 1024;
const TRUST_VERSION = 1;
const RUNNING_SEQUENCE = 5;
const DEADLINE_MS = 600_000;
const layout = layoutOf({ sectorBytes: SECTOR_BYTES, pageBytes: 4096, slotBytes: SLOT_BYTES });
/** RAM for images. */
type Window = readonly [address: number, bytes: number];
/** At zero, wider than the slot, up to the end of addresses, of no round length. */
const windows: readonly Window[] = [
  [0, 65_536],
  [0x8040_0000, 1 << 20],
  [0xffff_0000, 65_536],
  [0x8040_0000, 300_004],
];

export const IS_RUNNING = 1,
  IS_IN_OTHER_SLOT = 2,
  IS_IN_JOURNAL = 4,
  IS_JOURNAL_FOR_RUNNING_SLOT = 8,
  IS_BEGUN = 16;
const OTHER_STATE_SHIFT = 5;
const SIGNED_HEADER = 1,
  SIGNED_PERMIT = 2,
  OF_THIS_DIGEST = 4;
const FIXED_BYTES = 14;

/** Members that are not as they should be: what the message says in their place, if anything. */
const oddities: readonly Record<string, unknown>[] = [
  {},
  { header: undefined },
  { header: "!" },
  { header: 7 },
  { signatures: undefined },
  { signatures: "====" },
  { signatures: null },
  { sizeBytes: undefined },
  { sizeBytes: "9" },
  { sizeBytes: -1 },
  { deadlineMs: undefined },
  { deadlineMs: 4_294_967_296 },
];
/** Those of a permit: they matter where one is asked for. */
const oddPermits: readonly unknown[] = ["", "!", 7, "AA\\u0041A"];

/** Names of small order, and a name for a point that is not the one encoding of it: keys that no signer has. */
const smallOrderKey = Uint8Array.from([1, ...new Uint8Array(31)]);
const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const otherEncodingKey = littleEndian(2n ** 255n - 19n + 4n);
const otherEncoding = littleEndian(2n ** 255n - 19n + 3n);
const idOf = (key: Uint8Array): Uint8Array => sha256Of(key).subarray(0, 8);

const signers = [releaseKey, secondReleaseKey, operationsKey, rootKey, keyOf("stranger")];
const releaseKeys: readonly Uint8Array[] = [
  smallOrderKey,
  releaseKey.publicKey,
  otherEncodingKey,
  secondReleaseKey.publicKey,
];

export interface OfferParts {
  header: Uint8Array;
  signatures: Uint8Array;
  permit: Uint8Array;
}

interface Case extends OfferParts {
  state: number;
  floor: number;
  window: Window;
  odd: number;
  sizeBytes: number;
}

const word = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

export const offerCheck: OpenTarget = async (patches = []) => {
  const fuzzed = await compileForFuzzing(assemblyEntry("offers"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  let window = windows[0]!;
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => ({
    ...host.imports,
    image_window: (out: number) => {
      instance.view.setUint32(out >>> 0, window[0], true);
      instance.view.setUint32((out >>> 0) + 4, window[1], true);
      return 0;
    },
  }));
  const verifier = await strictVerifier();
  const zones = await factoryZones();
  host.rootKeys = zones.rootKeys;
  host.zone("factory").set(zones.factory);
  const { exports: calls } = instance;
  const trust = {
    trustVersion: TRUST_VERSION,
    rootThreshold: 1,
    rootKeys: [rootKey.publicKey],
    releaseKeys: [...releaseKeys],
    operationsKeys: [operationsKey.publicKey],
  };
  const chain = await buildTrustChain([{ trust, signedBy: [rootKey.privateJwk] }]);
  if (calls.setUp!(instance.put(chain), chain.length, LOADER_VERSION, imageFieldsOf().imageType) !== 0)
    throw new Error("identity, slots or trust chain of this target do not hold");
  const digestsAt = (calls["digests"] as unknown as WebAssembly.Global).value as number;
  const start = instance.save();

  /** What an input says, with everything put right that it wants put right. */
  function caseOf(input: Uint8Array): Case | undefined {
    if (input.length < FIXED_BYTES) return undefined;
    const bytes = Buffer.from(input);
    const [state, floor, windowNumber, odd, put, signer] = bytes as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let at = FIXED_BYTES;
    const [header, signatures, permit] = [8, 10, 12].map((place) => {
      const length = bytes.readUInt16LE(place);
      return new Uint8Array(bytes.subarray(at, (at += length)));
    }) as [Uint8Array, Uint8Array, Uint8Array];
    const key = signers[signer % signers.length]!;
    if (put & SIGNED_HEADER && signatures.length >= 84) {
      const own = Math.min(header.length, Buffer.from(joined(header, [0, 0, 0, 0, 0, 0, 0, 0])).readUInt16LE(6));
      signatures.set(key.id, 12);
      signatures.set(key.sign("image", header.subarray(0, own)), 20);
    }
    if (put & OF_THIS_DIGEST && permit.length >= 40) permit.set(sha256Of(header), 8);
    if (put & SIGNED_PERMIT && permit.length >= 156) {
      permit.set(key.id, 84);
      permit.set(key.sign("permit", permit.subarray(0, 72)), 92);
    }
    const head = new ImageHeader();
    const content =
      parseImageHeader(header, 0, header.length, head) === 0 ? 32 * head.chunkCount + head.payloadBytes : 0;
    return {
      state: state!,
      floor: floor!,
      window: windows[windowNumber! % windows.length]!,
      odd: odd!,
      header,
      signatures,
      permit,
      sizeBytes: Math.max(0, header.length + signatures.length + content + bytes.readInt16LE(6)),
    };
  }

  const messageOf = ({ odd, header, signatures, permit, sizeBytes }: Case): string => {
    const members = {
      deployment: "d",
      sizeBytes,
      deadlineMs: DEADLINE_MS,
      header: base64url(header),
      signatures: base64url(signatures),
      ...(permit.length > 0 && { permit: base64url(permit) }),
    };
    if (odd < oddities.length) return JSON.stringify({ ...members, ...oddities[odd] });
    return JSON.stringify({ ...members, permit: oddPermits[odd % oddPermits.length] }).replaceAll("\\\\", "\\");
  };

  const run = (input: Uint8Array): ErrorCode | undefined => {
    const given = caseOf(input);
    if (!given) return undefined;
    window = given.window;
    instance.restore(start);
    const { state, floor, header } = given;
    const digest = sha256Of(header);
    const other = (isThis: number, name: string): Uint8Array => (state & isThis ? digest : bytesOf(name));
    instance.memory.set(
      joined(
        other(IS_RUNNING, "running"),
        other(IS_IN_OTHER_SLOT, "in the other slot"),
        other(IS_IN_JOURNAL, "in the journal"),
      ),
      digestsAt,
    );
    const otherState = (state >> OTHER_STATE_SHIFT) & 3;
    calls.setState!(
      RUNNING_SEQUENCE,
      otherState,
      floor,
      state & IS_BEGUN ? (state & IS_JOURNAL_FOR_RUNNING_SLOT ? 0 : 1) : -1,
    );
    const message = Buffer.from(messageOf(given));
    const code = calls.judge!(instance.put(message), message.length) as ErrorCode;
    const expected = verdictOn(given, digest, verifier);
    if (!expected.includes(code))
      throw new Violation(`an offer is judged with code ${code}, which must be ${expected.join(" or ")}`);
    if (calls.isBehindWhole!() !== 1) throw new Violation("more is written than there is room for");
    if (code !== ErrorCode.None) return code;
    if (calls.deadlineMs!() !== DEADLINE_MS)
      throw new Violation("the device takes another deadline than the offer says");
    const standing =
      (state & IS_RUNNING ? 1 : 0) | (state & IS_IN_OTHER_SLOT && otherState === SlotState.Confirmed ? 2 : 0);
    expectSame(calls.standing!(), standing, "where the image is already (1: it runs, 2: in the other slot)");
    return code;
  };

  const seeds = seedCases();
  for (const { name, input, code } of seeds) {
    const judged = run(input);
    if (judged !== code) throw new Error(`${name}: ${judged}, expected ${code}`);
  }
  return {
    name: "offer-check",
    instance,
    inputBytesMax: 6_000,
    share: 0.003,
    seeds: seeds.map(({ input }) => input),
    dictionary: [...releaseKeys, ...signers.map(({ publicKey }) => publicKey)].map(idOf),
    mutate: mutateOffer,
    run: (input) => void run(input),
  };
};

/** Of a header or a signature block without form; which of them is not looked at here. */
const withoutForm = [
  ErrorCode.ImageTruncated,
  ErrorCode.HeaderMalformed,
  ErrorCode.HeaderVersionUnsupported,
  ErrorCode.HeaderUnknownCriticalField,
  ErrorCode.HeaderFieldMissing,
  ErrorCode.HeaderFeatureUnsupported,
  ErrorCode.SignatureBlockMalformed,
  ErrorCode.OfferMalformed,
];

/** ErrorCodes of which one must be given; by plain reading and the server's build of the strict verifier. */
function verdictOn(given: Case, digest: Uint8Array, verifier: StrictVerifier): ErrorCode[] {
  const { header, signatures, odd, sizeBytes } = given;
  if (
    (odd > 0 && odd < oddities.length) ||
    sizeBytes > 0xffff_ffff ||
    header.length + signatures.length > MANIFEST_BYTES_MAX
  )
    return [ErrorCode.OfferMalformed];
  const h = new ImageHeader();
  const isHeader = parseImageHeader(header, 0, header.length, h) === 0 && h.headerBytes === header.length;
  if (!isHeader || parseSignatureBlock(signatures, 0, signatures.length) !== signatures.length) return withoutForm;
  for (const verdict of [
    () => signatureVerdict(header, signatures, verifier),
    () => deviceVerdict(given, h),
    () => roomVerdict(given, h),
    () => orderVerdict(given, h, digest, verifier),
  ]) {
    const code = verdict();
    if (code !== ErrorCode.None) return [code];
  }
  return [ErrorCode.None];
}

/** Whether it is for this device, its loader and its trust record. */
function deviceVerdict({ header }: Case, h: ImageHeader): ErrorCode {
  const { product, hardware } = fuzzedIdentity;
  const ascii = (at: number, length: number): string =>
    Buffer.from(header.subarray(at, at + length)).toString("latin1");
  if (ascii(h.productOffset, h.productBytes) !== product) return ErrorCode.ProductMismatch;
  const isForHardware =
    ascii(h.hardwareOffset, h.hardwareBytes) === hardware.name &&
    h.hardwareRevisionMin <= hardware.revision &&
    hardware.revision <= h.hardwareRevisionMax;
  if (!isForHardware || h.imageType !== imageFieldsOf().imageType) return ErrorCode.HardwareMismatch;
  if (h.loaderVersionMin > LOADER_VERSION) return ErrorCode.LoaderTooOld;
  return h.trustVersionMin > TRUST_VERSION ? ErrorCode.TrustTooOld : ErrorCode.None;
}

/** Whether slot and window have room for it, and its file is as long as it says. */
function roomVerdict(given: Case, h: ImageHeader): ErrorCode {
  const { header, signatures, sizeBytes } = given;
  const [windowAddress, windowBytes] = given.window;
  const up = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
  if (
    up(4096 + 32 * h.chunkCount, SECTOR_BYTES) + up(h.payloadBytes, 4096) > SLOT_BYTES ||
    h.payloadBytes > windowBytes
  )
    return ErrorCode.ImageTooLarge;
  if (h.loadAddress < windowAddress || h.loadAddress + h.payloadBytes > windowAddress + windowBytes)
    return ErrorCode.LoadAddressRefused;
  if (h.entryAddress < h.loadAddress || h.entryAddress >= h.loadAddress + h.payloadBytes || h.entryAddress % 4 !== 0)
    return ErrorCode.LoadAddressRefused;
  if (32 * h.chunkCount > TABLE_BYTES_MAX) return ErrorCode.ImageTooLarge;
  const fileBytes = header.length + signatures.length + 32 * h.chunkCount + h.payloadBytes;
  if (sizeBytes === fileBytes) return ErrorCode.None;
  return sizeBytes < fileBytes ? ErrorCode.ImageTruncated : ErrorCode.ImageTrailingBytes;
}

/** Whether it may follow the running image: the floor, its sequence, and what allows an older one. */
function orderVerdict(given: Case, h: ImageHeader, digest: Uint8Array, verifier: StrictVerifier): ErrorCode {
  const { permit, odd, floor, state } = given;
  if (h.securityCounter < floor) return ErrorCode.SecurityCounterTooLow;
  if (state & IS_RUNNING || h.releaseSequence >= RUNNING_SEQUENCE) return ErrorCode.None;
  const isConfirmedThere =
    (state & IS_IN_OTHER_SLOT) !== 0 && ((state >> OTHER_STATE_SHIFT) & 3) === SlotState.Confirmed;
  const wasAccepted = (state & (IS_BEGUN | IS_IN_JOURNAL | IS_JOURNAL_FOR_RUNNING_SLOT)) === (IS_BEGUN | IS_IN_JOURNAL);
  if (isConfirmedThere || wasAccepted) return ErrorCode.None;
  if (odd >= oddities.length) return ErrorCode.PermitInvalid;
  if (permit.length === 0) return ErrorCode.ReleaseSequenceTooLow;
  return permit.length <= PERMIT_BYTES_MAX && permitHolds(permit, digest, [releaseKey, secondReleaseKey], verifier)
    ? ErrorCode.None
    : ErrorCode.PermitInvalid;
}

const codes: Record<string, ErrorCode> = {
  valid: ErrorCode.None,
  "s-not-canonical": ErrorCode.SignatureNotCanonical,
  "public-key-not-canonical": ErrorCode.SignatureNotCanonical,
  "r-not-canonical": ErrorCode.SignatureNotCanonical,
  "public-key-small-order": ErrorCode.SignatureSmallOrder,
  "r-small-order": ErrorCode.SignatureSmallOrder,
  "public-key-not-on-curve": ErrorCode.SignatureMismatch,
  mismatch: ErrorCode.SignatureMismatch,
};

/**
 * None when one of the release keys signed; else what is wrong with the first signature by one of them, if any is by
 * one.
 */
function signatureVerdict(header: Uint8Array, block: Uint8Array, verifier: StrictVerifier): ErrorCode {
  const found: ErrorCode[] = [];
  for (let i = 0; i < signatureCount(block, 0); i++) {
    const id = block.subarray(signatureKeyIdOffset(0, i), signatureKeyIdOffset(0, i) + 8);
    const at = signatureOffset(0, i);
    for (const key of releaseKeys)
      if (Buffer.compare(idOf(key), id) === 0)
        found.push(
          codes[
            verifier.verify(key, block.subarray(at, at + 64), new TextEncoder().encode(signingPrefixes.image), header)
          ]!,
        );
  }
  return found.includes(ErrorCode.None) ? ErrorCode.None : (found[0] ?? ErrorCode.SignatureUnknownKey);
}

// ---- inputs
// ------------------------------------------------------------------------------------------------------------

interface Given {
  fields?: Partial<ImageFields>;
  payloadBytes?: number;
  chunkBytes?: number;
  state?: number;
  floor?: number;
  window?: number;
  odd?: number;
  put?: number;
  signer?: number;
  more?: number;
  permit?: Uint8Array;
  /** Other parts than those that follow from the fields. */
  parts?: (header: Uint8Array, signatures: Uint8Array) => Partial<OfferParts>;
}

const blockOf = (...entries: { keyId: Uint8Array; signature: Uint8Array }[]): Uint8Array =>
  encodeSignatureBlock(entries);
const releaseBlock = (header: Uint8Array): Uint8Array =>
  blockOf({ keyId: releaseKey.id, signature: releaseKey.sign("image", header) });

function inputOf({
  fields = {},
  payloadBytes = 600,
  chunkBytes = 256,
  state = 0,
  floor = 1,
  window = 0,
  odd = 0,
  put = SIGNED_HEADER,
  signer = 0,
  more = 0,
  permit = new Uint8Array(0),
  parts,
}: Given): Uint8Array {
  const [address] = windows[window]!;
  const plain = encodeHeaderFields(
    headerFields(
      imageFieldsOf({ releaseSequence: 6, loadAddress: address, entryAddress: address, ...fields }),
      { payloadBytes, chunkBytes, tableDigest: bytesOf("table") },
      releaseKey.id,
    ),
  );
  const block = blockOf({ keyId: releaseKey.id, signature: new Uint8Array(64) });
  const { header, signatures, permit: given } = { header: plain, signatures: block, permit, ...parts?.(plain, block) };
  const lengths = [header, signatures, given].flatMap(({ length }) => [length & 255, length >> 8]);
  return joined(
    [state, floor, window, odd, put, signer, more & 255, (more >> 8) & 255],
    lengths,
    header,
    signatures,
    given,
  );
}

function seedCases(): { name: string; input: Uint8Array; code: ErrorCode }[] {
  const E = ErrorCode;
  const {
    product,
    hardware: { name },
  } = fuzzedIdentity;
  const hardware = (change: string, revisionMin = 1, revisionMax = 2): Given => ({
    fields: { hardware: { name: change, revisionMin, revisionMax } },
  });
  const loaded = (window: number, load: number, entry = load, more: Given = {}): Given => ({
    window,
    fields: { loadAddress: windows[window]![0] + load, entryAddress: windows[window]![0] + entry },
    ...more,
  });
  const older: Given = { fields: { releaseSequence: 4 } };
  const there = IS_IN_OTHER_SLOT | (SlotState.Confirmed << OTHER_STATE_SHIFT);
  const anyPermit = permitBytes(new Uint8Array(32));
  const permitted = (permit: Uint8Array, put = SIGNED_HEADER | SIGNED_PERMIT | OF_THIS_DIGEST): Given => ({
    ...older,
    put,
    permit,
  });
  const padded = (bytes: Uint8Array, length: number): Uint8Array =>
    joined(bytes, new Uint8Array(length - bytes.length));
  const signedBy = (keyId: Uint8Array, r: Uint8Array, s: Uint8Array): Given => ({
    put: 0,
    parts: () => ({ signatures: blockOf({ keyId, signature: joined(r, s) }) }),
  });
  const zero = new Uint8Array(32);
  const order = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);
  const cases: [what: string, given: Given, code: ErrorCode][] = [
    ["a good one", {}, E.None],
    ["signed by another release key", { signer: 1 }, E.None],
    ["signed by an operations key", { signer: 2 }, E.SignatureUnknownKey],
    ["signed by a root key", { signer: 3 }, E.SignatureUnknownKey],
    [
      "signed by a stranger in its name",
      {
        put: 0,
        parts: (header) => ({
          signatures: blockOf({ keyId: releaseKey.id, signature: signers[4]!.sign("image", header) }),
        }),
      },
      E.SignatureMismatch,
    ],
    [
      "signed by a stranger and a release key",
      {
        put: 0,
        parts: (header) => ({
          signatures: blockOf(
            { keyId: signers[4]!.id, signature: signers[4]!.sign("image", header) },
            { keyId: releaseKey.id, signature: releaseKey.sign("image", header) },
          ),
        }),
      },
      E.None,
    ],
    ["a key of small order", signedBy(idOf(smallOrderKey), releaseKey.publicKey, zero), E.SignatureSmallOrder],
    [
      "a key that is not the one encoding of its point",
      signedBy(idOf(otherEncodingKey), releaseKey.publicKey, zero),
      E.SignatureNotCanonical,
    ],
    ["R of small order", signedBy(releaseKey.id, smallOrderKey, zero), E.SignatureSmallOrder],
    [
      "R that is not the one encoding of its point",
      signedBy(releaseKey.id, otherEncoding, zero),
      E.SignatureNotCanonical,
    ],
    [
      "S that is not the one of its rest",
      signedBy(releaseKey.id, releaseKey.publicKey, order),
      E.SignatureNotCanonical,
    ],

    ["another product, as long", { fields: { product: `${product.slice(0, -1)}!` } }, E.ProductMismatch],
    ["the product's beginning", { fields: { product: product.slice(0, -1) } }, E.ProductMismatch],
    ["the product and more", { fields: { product: `${product}!` } }, E.ProductMismatch],
    ["another hardware, as long", hardware(`${name.slice(0, -1)}!`), E.HardwareMismatch],
    ["the hardware's beginning", hardware(name.slice(0, -1)), E.HardwareMismatch],
    ["the hardware and more", hardware(`${name}!`), E.HardwareMismatch],
    ["this revision alone", hardware(name, 1, 1), E.None],
    ["later revisions", hardware(name, 2, 3), E.HardwareMismatch],
    ["earlier revisions", hardware(name, 0, 0), E.HardwareMismatch],
    ["the loader that runs here", { fields: { loaderVersionMin: LOADER_VERSION } }, E.None],
    ["a later loader", { fields: { loaderVersionMin: LOADER_VERSION + 1 } }, E.LoaderTooOld],
    ["another type of image", { fields: { imageType: 1 } }, E.HardwareMismatch],
    ["a later trust record", { fields: { trustVersionMin: 2 } }, E.TrustTooOld],

    ["as long as the window", { payloadBytes: 65_536, chunkBytes: 4096 }, E.None],
    ["longer than the window", { payloadBytes: 65_537, chunkBytes: 4096 }, E.ImageTooLarge],
    ["as long as another window", { window: 3, payloadBytes: 300_004, chunkBytes: 4096 }, E.None],
    ["as long as the slot", { window: 1, payloadBytes: SLOT_BYTES - SECTOR_BYTES, chunkBytes: 4096 }, E.None],
    [
      "longer than the slot",
      { window: 1, payloadBytes: SLOT_BYTES - SECTOR_BYTES + 1, chunkBytes: 4096 },
      E.ImageTooLarge,
    ],
    ["1024 chunks", { window: 1, payloadBytes: 1024 * 256 }, E.None],
    ["1025 chunks", { window: 1, payloadBytes: 1024 * 256 + 1 }, E.ImageTooLarge],
    ["at the window's end", loaded(1, (1 << 20) - 600), E.None],
    ["at the end of addresses", loaded(2, 65_536 - 600), E.None],
    ["past the window's end", loaded(1, (1 << 20) - 596), E.LoadAddressRefused],
    ["before the window", loaded(1, -4), E.LoadAddressRefused],
    ["far before the window", loaded(3, -600, 0), E.LoadAddressRefused],
    [
      "as long as the window, before it",
      loaded(3, -4, 0, { payloadBytes: 300_004, chunkBytes: 4096 }),
      E.LoadAddressRefused,
    ],
    ["entered at its last word", loaded(1, 0, 596), E.None],
    ["entered behind its end", loaded(1, 0, 600), E.LoadAddressRefused],
    ["entered far behind its end", loaded(1, 0, 4096), E.LoadAddressRefused],
    ["entered before its beginning", loaded(1, 4, 0), E.LoadAddressRefused],
    ["entered between two words", loaded(1, 0, 2), E.LoadAddressRefused],

    ["a file that is shorter than it must be", { more: -1 }, E.ImageTruncated],
    ["a file that is longer than it must be", { more: 1 }, E.ImageTrailingBytes],
    ["below the floor", { floor: 2 }, E.SecurityCounterTooLow],
    ["below the floor, and runs", { floor: 2, state: IS_RUNNING }, E.SecurityCounterTooLow],
    ["as new as the running one", { fields: { releaseSequence: RUNNING_SEQUENCE } }, E.None],
    ["older", older, E.ReleaseSequenceTooLow],
    ["older, and runs", { ...older, state: IS_RUNNING }, E.None],
    ["older, and confirmed in the other slot", { ...older, state: there }, E.None],
    [
      "older, and failed in the other slot",
      { ...older, state: IS_IN_OTHER_SLOT | (SlotState.Failed << OTHER_STATE_SHIFT) },
      E.ReleaseSequenceTooLow,
    ],
    [
      "older, and another is confirmed in the other slot",
      { ...older, state: SlotState.Confirmed << OTHER_STATE_SHIFT },
      E.ReleaseSequenceTooLow,
    ],
    ["older, and accepted before", { ...older, state: IS_BEGUN | IS_IN_JOURNAL }, E.None],
    [
      "older, and accepted for the slot that runs now",
      { ...older, state: IS_BEGUN | IS_IN_JOURNAL | IS_JOURNAL_FOR_RUNNING_SLOT },
      E.ReleaseSequenceTooLow,
    ],
    ["older, and another was accepted before", { ...older, state: IS_BEGUN }, E.ReleaseSequenceTooLow],
    ["older, with a permit", permitted(anyPermit), E.None],
    ["older, with a permit for this device", permitted(permitBytes(zero, deviceHash)), E.None],
    ["older, with one for another device", permitted(permitBytes(zero, bytesOf("another"))), E.PermitInvalid],
    ["older, with one for another image", permitted(permitBytes(bytesOf("another")), SIGNED_HEADER), E.PermitInvalid],
    [
      "older, with one that an operations key signed",
      {
        ...permitted(anyPermit),
        put: SIGNED_PERMIT | OF_THIS_DIGEST,
        signer: 2,
        parts: (header) => ({ signatures: releaseBlock(header) }),
      },
      E.PermitInvalid,
    ],
    ...[1024, 1025, 2047, 2048, 2049].map((length): [string, Given, ErrorCode] => [
      `older, with a permit of ${length} bytes`,
      permitted(padded(anyPermit, length)),
      E.PermitInvalid,
    ]),
    ...oddPermits.map((permit, i): [string, Given, ErrorCode] => [
      `older, with permit ${JSON.stringify(permit)}`,
      {
        ...older,
        odd: oddities.length + ((oddPermits.length - (oddities.length % oddPermits.length) + i) % oddPermits.length),
      },
      E.PermitInvalid,
    ]),
    ["below the floor, with a permit", { ...permitted(anyPermit), floor: 2 }, E.SecurityCounterTooLow],
    ...oddities
      .slice(1)
      .map((members, i): [string, Given, ErrorCode] => [
        `member ${JSON.stringify(members)}`,
        { odd: i + 1 },
        E.OfferMalformed,
      ]),

    [
      "the block in the header's member, another in its own",
      { put: 0, parts: (header, block) => ({ header: joined(header, releaseBlock(header)), signatures: block }) },
      E.OfferMalformed,
    ],
    [
      "a header that ends in the other member",
      {
        put: 0,
        parts: (header) => ({
          header: header.slice(0, -4),
          signatures: joined(header.slice(-4), releaseBlock(header)),
        }),
      },
      E.OfferMalformed,
    ],
    [
      "something behind the block",
      { put: 0, parts: (header) => ({ signatures: joined(releaseBlock(header), [0]) }) },
      E.OfferMalformed,
    ],
    ["half a block", { parts: (_, block) => ({ signatures: block.subarray(0, 83) }) }, E.ImageTruncated],
    ["more than there is room for", { parts: (_, block) => ({ signatures: padded(block, 4096) }) }, E.OfferMalformed],
    ["nothing", { parts: () => ({ header: new Uint8Array(0), signatures: new Uint8Array(0) }) }, E.ImageTruncated],
  ];
  return cases.map(([what, given, code]) => ({ name: what, input: inputOf(given), code }));
}

/** Numbers that header fields and the device's bounds have to do with. */
const numbers = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  256,
  596,
  600,
  4096,
  65_536,
  262_144,
  262_400,
  300_004,
  SLOT_BYTES - SECTOR_BYTES,
  1 << 20,
  ...windows.flatMap(([address, bytes]) => [address, address + bytes, address - 4]),
  0xffff_ffff,
];

function mutateOffer(draft: Draft, random: SeededRandom): void {
  const { bytes, length } = draft;
  if (length < FIXED_BYTES) return;
  const headerBytes = Math.min(bytes[8]! | (bytes[9]! << 8), length - FIXED_BYTES);
  switch (random.below(6)) {
    case 0:
      return void (bytes[0] = random.below(128));
    case 1:
      return void (bytes[random.below(4)] = random.below(random.pick([3, 16, 256])));
    case 2:
      return void (bytes[4 + random.below(2)] = random.below(8));
    case 3:
      return write(
        bytes,
        random.pick([6, 8, 10, 12]),
        2,
        random.pick([0, 1, 84, 156, 1024, 1025, 0xffff, headerBytes - 4, headerBytes + 4]),
        true,
      );
    default: {
      // a word of a field, or a little more or less of it
      if (headerBytes < 16) return;
      const at = FIXED_BYTES + 8 + 4 * random.below((headerBytes - 8) >> 2);
      write(
        bytes,
        at,
        4,
        random.below(3) === 0 ? word(bytes, at) + random.pick([-4, -1, 1, 4]) : random.pick(numbers),
        true,
      );
    }
  }
}
