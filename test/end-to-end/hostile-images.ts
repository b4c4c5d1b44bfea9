// Images that a device has to refuse, each for its own reason. Signed where the reason is another one than the
// signature.

import { createHash, generateKeyPairSync } from "node:crypto";
import {
  buildImage,
  chunkTableOf,
  describeImage,
  encodeHeaderFields,
  encodeSignatureBlock,
  ErrorCode,
  generateSigningKey,
  headerFields,
  type ImageFields,
  keyIdOf,
  sha256,
  signBlock,
  SIGNATURE_BLOCK_PREFIX_BYTES,
} from "@flipside/image-format";
import type { JWK } from "jose";

/** How an image is offered: parts as they are put into the server's store. */
export interface OfferedImage {
  header: Uint8Array;
  signatureBlock: Uint8Array;
  table: Uint8Array;
  payload: Uint8Array;
  /** What the offer says the file's length is. */
  sizeBytes: number;
  chunkCount: number;
}

export interface HostileCase {
  name: string;
  /** What the device answers. */
  code: ErrorCode;
  image: OfferedImage;
  /** Whether a server can see it at the upload of the file (parts one after the other). */
  visibleAtUpload: boolean;
  /** The link harms it instead; the image itself is in order. */
  inTransit?: boolean;
}

const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The group's neutral element: a public key under which anybody can sign anything, if a verifier lets them. */
export const smallOrderKey = new Uint8Array(32);
smallOrderKey[0] = 1;

const fromLittleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const toLittleEndian = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse());

/** A signature that holds for every message under `smallOrderKey`: R = [s]B, S = s. */
function signatureUnderSmallOrderKey(): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url");
  const scalar = createHash("sha512").update(seed).digest().subarray(0, 32);
  scalar[0]! &= 248;
  scalar[31] = (scalar[31]! & 127) | 64;
  const r = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  return new Uint8Array(Buffer.concat([r, toLittleEndian(fromLittleEndian(scalar) % L)]));
}

async function split(file: Uint8Array): Promise<OfferedImage> {
  const d = await describeImage(file);
  return {
    header: file.slice(0, d.headerBytes),
    signatureBlock: file.slice(d.headerBytes, d.tableOffset),
    table: file.slice(d.tableOffset, d.payloadOffset),
    payload: file.slice(d.payloadOffset),
    sizeBytes: file.length,
    chunkCount: d.chunkCount,
  };
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/**
 * All cases for one target. `fields` are of an image that the device would take (a higher release sequence than the
 * running one); `payload` is a good one.
 */
export async function hostileCases(
  fields: ImageFields,
  payload: Uint8Array,
  releaseKey: JWK,
  releasePublicKey: Uint8Array,
): Promise<HostileCase[]> {
  let variant = 0;
  // Every case has a digest of its own: the server keeps images by digest.
  const good = async (change: Partial<ImageFields> = {}): Promise<OfferedImage> =>
    split(
      await buildImage({
        fields: { ...fields, description: `case ${++variant}`, ...change },
        payload,
        signingKeys: [releaseKey],
      }),
    );

  const headerBit = await good();
  const versionByte = Buffer.from(headerBit.header).indexOf(fields.version);
  const table = await good();
  const unknownKey = await good();
  const stranger = await generateSigningKey();
  const largeS = await good();
  const s = SIGNATURE_BLOCK_PREFIX_BYTES + 8 + 32;
  const raised = largeS.signatureBlock.slice();
  raised.set(toLittleEndian(fromLittleEndian(raised.subarray(s, s + 32)) + L), s);
  const smallOrder = await good();

  const critical = await good();
  const criticalHeader = encodeHeaderFields([
    ...headerFields(
      fields,
      { payloadBytes: payload.length, chunkBytes: 4096, tableDigest: await sha256(await chunkTableOf(payload, 4096)) },
      await keyIdOf(releasePublicKey),
    ),
    [0x8030, new Uint8Array(4)],
  ]);

  const huge = await good();
  const hugeBytes = 8 * 1024 * 1024;
  const hugeFields = headerFields(
    fields,
    { payloadBytes: hugeBytes, chunkBytes: 4096, tableDigest: new Uint8Array(32) },
    await keyIdOf(releasePublicKey),
  );
  const hugeHeader = encodeHeaderFields(hugeFields);
  const short = await good();
  const long = await good();

  return [
    {
      name: "one flipped bit in the header",
      code: ErrorCode.SignatureMismatch,
      visibleAtUpload: true,
      image: { ...headerBit, header: flipped(headerBit.header, versionByte) },
    },
    {
      name: "one flipped bit in the chunk table",
      code: ErrorCode.ChunkTableMismatch,
      visibleAtUpload: true,
      image: { ...table, table: flipped(table.table, 5) },
    },
    {
      name: "one flipped bit in a chunk in transit",
      code: ErrorCode.ChunkMismatch,
      visibleAtUpload: false,
      inTransit: true,
      image: await good(),
    },
    {
      name: "a signature by an unknown key",
      code: ErrorCode.SignatureUnknownKey,
      visibleAtUpload: true,
      image: { ...unknownKey, signatureBlock: await signBlock([stranger.privateJwk], "image", unknownKey.header) },
    },
    {
      name: "a signature with S >= L",
      code: ErrorCode.SignatureNotCanonical,
      visibleAtUpload: true,
      image: { ...largeS, signatureBlock: raised },
    },
    {
      name: "a small-order key",
      code: ErrorCode.SignatureSmallOrder,
      visibleAtUpload: true,
      image: {
        ...smallOrder,
        signatureBlock: encodeSignatureBlock([
          { keyId: await keyIdOf(smallOrderKey), signature: signatureUnderSmallOrderKey() },
        ]),
      },
    },
    {
      name: "another hardware",
      code: ErrorCode.HardwareMismatch,
      visibleAtUpload: false,
      image: await good({ hardware: { ...fields.hardware, name: "another-board" } }),
    },
    {
      name: "a lower security counter",
      code: ErrorCode.SecurityCounterTooLow,
      visibleAtUpload: false,
      image: await good({ securityCounter: 0 }),
    },
    {
      name: "a lower release sequence without a permit",
      code: ErrorCode.ReleaseSequenceTooLow,
      visibleAtUpload: false,
      image: await good({ releaseSequence: 1 }),
    },
    {
      name: "an unknown critical header field",
      code: ErrorCode.HeaderUnknownCriticalField,
      visibleAtUpload: true,
      image: {
        ...critical,
        header: criticalHeader,
        signatureBlock: await signBlock([releaseKey], "image", criticalHeader),
      },
    },
    {
      name: "an image larger than the slot",
      code: ErrorCode.ImageTooLarge,
      visibleAtUpload: false,
      image: {
        ...huge,
        header: hugeHeader,
        signatureBlock: await signBlock([releaseKey], "image", hugeHeader),
        chunkCount: hugeBytes / 4096,
        sizeBytes: hugeHeader.length + huge.signatureBlock.length + (hugeBytes / 4096) * 32 + hugeBytes,
      },
    },
    {
      name: "a truncated image",
      code: ErrorCode.ImageTruncated,
      visibleAtUpload: true,
      image: { ...short, payload: short.payload.slice(0, -100), sizeBytes: short.sizeBytes - 100 },
    },
    {
      name: "an image with trailing bytes",
      code: ErrorCode.ImageTrailingBytes,
      visibleAtUpload: true,
      image: { ...long, payload: new Uint8Array([...long.payload, 0, 0, 0]), sizeBytes: long.sizeBytes + 3 },
    },
  ];
}

/** The file that an upload would be. */
export function fileOf(image: OfferedImage): Uint8Array {
  return new Uint8Array(Buffer.concat([image.header, image.signatureBlock, image.table, image.payload]));
}
