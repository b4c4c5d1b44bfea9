// Image files: from parts to bytes, and from bytes to what they say. Form only; trust is verify-image.ts.

import type { JWK } from "jose";
import { FormatError } from "./format-error.ts";
import { keyIdOf, sha256, signingKeyFromJwk, toHex } from "./keys.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import * as H from "./portable/image-header.ts";
import { chunkTableBytes, imageFileBytes, SLOT_MANIFEST_BYTES_MAX } from "./portable/slot-layout.ts";
import { parseSignatureBlock } from "./portable/signature-block.ts";
import { noKeyId, signBlock, unsignedBlock } from "./signing.ts";

/** What a header says, in the types of TypeScript. Times in milliseconds, sizes in bytes. */
export interface ImageFields {
  imageType: number;
  product: string;
  hardware: { name: string; revisionMin: number; revisionMax: number };
  version: string;
  releaseSequence: number;
  securityCounter: number;
  loaderVersionMin: number;
  trustVersionMin: number;
  loadAddress: number;
  entryAddress: number;
  confirmDeadlineMs: number;
  contactDeadlineMs: number;
  tries: number;
  watchdogMs: number;
  flags: number;
  description?: string;
}

export interface ImageDescription extends ImageFields {
  /** SHA-256 of the header, in hex: the image's name everywhere. */
  digest: string;
  keyId: string;
  payloadBytes: number;
  chunkBytes: number;
  chunkCount: number;
  tableDigest: string;
  sizeBytes: number;
  /** Where the parts lie in the file. */
  headerBytes: number;
  signatureBlockBytes: number;
  tableOffset: number;
  payloadOffset: number;
}

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

function u32s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => writeU32(bytes, 4 * i, value));
  return bytes;
}

function u16s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  values.forEach((value, i) => writeU16(bytes, 2 * i, value));
  return bytes;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Encodes fields [type, value] as they come; the caller orders them. Exported so that tests can make wrong headers. */
export function encodeHeaderFields(fields: [type: number, value: Uint8Array][]): Uint8Array {
  const encoded = fields.map(([type, value]) =>
    concat(u16s(type, value.length), value, new Uint8Array(-value.length & 3)),
  );
  const header = concat(u32s(H.HEADER_MAGIC), u16s(H.HEADER_FORMAT_VERSION, 0), ...encoded);
  writeU16(header, 6, header.length);
  return header;
}

/** The fields of a header in their order, ready for encodeHeaderFields. */
export function headerFields(
  fields: ImageFields,
  payload: { payloadBytes: number; chunkBytes: number; tableDigest: Uint8Array },
  keyId: Uint8Array,
): [type: number, value: Uint8Array][] {
  const chunkCount = H.chunkCountOf(payload.payloadBytes, payload.chunkBytes);
  const list: [number, Uint8Array][] = [
    [H.FIELD_IMAGE_TYPE, u32s(fields.imageType)],
    [H.FIELD_PRODUCT, utf8.encode(fields.product)],
    [
      H.FIELD_HARDWARE,
      concat(u16s(fields.hardware.revisionMin, fields.hardware.revisionMax), utf8.encode(fields.hardware.name)),
    ],
    [H.FIELD_COMPONENT, u16s(0, 1)],
    [H.FIELD_VERSION, utf8.encode(fields.version)],
    [H.FIELD_RELEASE_SEQUENCE, u32s(fields.releaseSequence)],
    [H.FIELD_SECURITY_COUNTER, u32s(fields.securityCounter)],
    [H.FIELD_MINIMUMS, u32s(fields.loaderVersionMin, fields.trustVersionMin)],
    [H.FIELD_PAYLOAD, concat(u32s(payload.payloadBytes, payload.chunkBytes, chunkCount), payload.tableDigest)],
    [H.FIELD_LOAD, u32s(fields.loadAddress, fields.entryAddress)],
    [H.FIELD_CONFIRM, u32s(fields.confirmDeadlineMs, fields.contactDeadlineMs, fields.tries, fields.watchdogMs)],
    [H.FIELD_KEY_ID, keyId],
    [H.FIELD_FLAGS, u32s(fields.flags)],
  ];
  if (fields.description !== undefined) list.push([H.FIELD_DESCRIPTION, utf8.encode(fields.description)]);
  return list;
}

/** One SHA-256 a chunk, one after the other. */
export async function chunkTableOf(payload: Uint8Array, chunkBytes: number): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += chunkBytes)
    hashes.push(await sha256(payload.subarray(at, at + chunkBytes)));
  return concat(...hashes);
}

/**
 * A whole signed image file. Deterministic: the same parts and keys give the same bytes. Without a key it waits for its
 * signature (sign-image.ts), and nobody takes it before.
 * Throws FormatError when the fields would not be accepted by a device.
 */
export async function buildImage(options: {
  fields: ImageFields;
  payload: Uint8Array;
  chunkBytes?: number;
  /** Release keys; the first one is named in the header. */
  signingKeys: JWK[];
}): Promise<Uint8Array> {
  const chunkBytes = options.chunkBytes ?? H.CHUNK_BYTES_MAX;
  const table = await chunkTableOf(options.payload, chunkBytes);
  const [first] = options.signingKeys;
  const keyId = first === undefined ? noKeyId : await keyIdOf(signingKeyFromJwk(first).publicKey);
  const header = encodeHeaderFields(
    headerFields(
      options.fields,
      { payloadBytes: options.payload.length, chunkBytes, tableDigest: await sha256(table) },
      keyId,
    ),
  );
  const block = first === undefined ? unsignedBlock() : await signBlock(options.signingKeys, "image", header);
  const image = concat(header, block, table, options.payload);
  await describeImage(image);
  return image;
}

/** Parses and checks a header alone. Throws FormatError. */
export function readHeader(bytes: Uint8Array): H.ImageHeader {
  const header = new H.ImageHeader();
  const code = H.parseImageHeader(bytes, 0, bytes.length, header);
  if (code !== ErrorCode.None) throw new FormatError(code, "the image header was refused");
  return header;
}

/** What an image file says of itself; lengths are checked to be exact. Throws FormatError. */
export const describeImage = (bytes: Uint8Array): Promise<ImageDescription> => describeHead(bytes, bytes.length);

/**
 * The same of a file of so many bytes, of which `bytes` are the first, with all of header and signatures. Throws
 * FormatError.
 */
export async function describeHead(bytes: Uint8Array, fileBytes: number): Promise<ImageDescription> {
  const header = readHeader(bytes);
  const block = parseSignatureBlock(bytes, header.headerBytes, bytes.length - header.headerBytes);
  if (block < 0) throw new FormatError(-block, "the signature block was refused");
  if (header.headerBytes + block > SLOT_MANIFEST_BYTES_MAX) {
    throw new FormatError(
      ErrorCode.HeaderMalformed,
      `header and signatures have ${header.headerBytes + block} bytes, more than ${SLOT_MANIFEST_BYTES_MAX}`,
    );
  }
  const sizeBytes = imageFileBytes(header.headerBytes, block, header.chunkCount, header.payloadBytes);
  if (fileBytes < sizeBytes)
    throw new FormatError(ErrorCode.ImageTruncated, `the file has ${fileBytes} of ${sizeBytes} bytes`);
  if (fileBytes > sizeBytes)
    throw new FormatError(ErrorCode.ImageTrailingBytes, `the file has ${fileBytes - sizeBytes} bytes after its end`);
  const part = (offset: number, length: number): string => {
    try {
      return text.decode(bytes.subarray(offset, offset + length));
    } catch {
      throw new FormatError(ErrorCode.HeaderMalformed, `the ${length} bytes of text at ${offset} are not UTF-8`);
    }
  };
  const tableOffset = header.headerBytes + block;
  return {
    digest: toHex(await sha256(bytes.subarray(0, header.headerBytes))),
    keyId: toHex(bytes.subarray(header.keyIdOffset, header.keyIdOffset + H.KEY_ID_BYTES)),
    imageType: header.imageType,
    product: part(header.productOffset, header.productBytes),
    hardware: {
      name: part(header.hardwareOffset, header.hardwareBytes),
      revisionMin: header.hardwareRevisionMin,
      revisionMax: header.hardwareRevisionMax,
    },
    version: part(header.versionOffset, header.versionBytes),
    releaseSequence: header.releaseSequence,
    securityCounter: header.securityCounter,
    loaderVersionMin: header.loaderVersionMin,
    trustVersionMin: header.trustVersionMin,
    payloadBytes: header.payloadBytes,
    chunkBytes: header.chunkBytes,
    chunkCount: header.chunkCount,
    tableDigest: toHex(bytes.subarray(header.tableDigestOffset, header.tableDigestOffset + H.DIGEST_BYTES)),
    loadAddress: header.loadAddress,
    entryAddress: header.entryAddress,
    confirmDeadlineMs: header.confirmDeadlineMs,
    contactDeadlineMs: header.contactDeadlineMs,
    tries: header.tries,
    watchdogMs: header.watchdogMs,
    flags: header.flags,
    ...(header.descriptionBytes > 0 ? { description: part(header.descriptionOffset, header.descriptionBytes) } : {}),
    sizeBytes,
    headerBytes: header.headerBytes,
    signatureBlockBytes: block,
    tableOffset,
    payloadOffset: tableOffset + chunkTableBytes(header.chunkCount),
  };
}
