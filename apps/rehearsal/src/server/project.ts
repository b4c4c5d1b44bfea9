// The project whose fleet is rehearsed: its keys, and the images that are signed and uploaded. The same in every run.

import { createHash, createPrivateKey } from "node:crypto";
import {
  buildImage,
  buildPermit,
  buildRelease,
  buildTrustChain,
  describeImage,
  type SigningKey,
  signingKeyFromJwk,
} from "@flipside/image-format";
import { Random } from "../world/random.ts";

/** RFC 8410: what stands before the 32 bytes of a private Ed25519 key in PKCS #8. */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** The Ed25519 key whose seed is SHA-256 of the name. */
export function keyNamed(name: string): SigningKey {
  const seed = createHash("sha256").update(name).digest();
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  return signingKeyFromJwk(key.export({ format: "jwk" }) as SigningKey["privateJwk"]);
}

export const product = "flipside-demo";
export const hardware = "virtual";
export const contactDeadlineMs = 120_000;
/** Boots that a candidate has (docs/boot-control.md, "Tries"). */
export const tries = 3;
export const chunkBytes = 1024;
/** Payload chunks of each release, by its sequence less one: an update of many windows, and ones of few. */
const chunksOf = [5, 9, 22, 4, 13];

/** An image as it was signed, which everything that a device is sent is compared with. */
export interface KnownImage {
  digest: string;
  version: string;
  releaseSequence: number;
  header: Buffer;
  signatures: Buffer;
  table: Buffer;
  payload: Buffer;
  sizeBytes: number;
  chunkCount: number;
  permit: Buffer;
}

export interface Project {
  trustChain: Uint8Array;
  trustDigest: string;
  /** Oldest first. */
  images: readonly KnownImage[];
  /** By image, the file to upload. */
  releaseFiles: readonly Uint8Array[];
}

async function makeImage(sequence: number, signer: SigningKey): Promise<Uint8Array> {
  return buildImage({
    fields: {
      imageType: 2,
      product,
      hardware: { name: hardware, revisionMin: 1, revisionMax: 3 },
      version: `1.${sequence - 1}.0`,
      releaseSequence: sequence,
      securityCounter: 1,
      loaderVersionMin: 1,
      trustVersionMin: 1,
      loadAddress: 0x80200000,
      entryAddress: 0x80200000,
      confirmDeadlineMs: 30_000,
      contactDeadlineMs,
      tries,
      watchdogMs: 5_000,
      flags: 0,
    },
    payload: Random.of(sequence, "payload").bytes(chunksOf[sequence - 1]! * chunkBytes - 100),
    chunkBytes,
    signingKeys: [signer.privateJwk],
  });
}

async function known(file: Uint8Array, signer: SigningKey): Promise<KnownImage> {
  const image = await describeImage(file);
  const bytes = Buffer.from(file);
  const signaturesEnd = image.headerBytes + image.signatureBlockBytes;
  return {
    digest: image.digest,
    version: image.version,
    releaseSequence: image.releaseSequence,
    header: bytes.subarray(0, image.headerBytes),
    signatures: bytes.subarray(image.headerBytes, signaturesEnd),
    table: bytes.subarray(image.tableOffset, image.payloadOffset),
    payload: bytes.subarray(image.payloadOffset),
    sizeBytes: image.sizeBytes,
    chunkCount: image.chunkCount,
    permit: Buffer.from(await buildPermit({ imageDigest: image.digest, signingKeys: [signer.privateJwk] })),
  };
}

export async function makeProject(): Promise<Project> {
  const [root, release, operations] = ["root", "release", "operations"].map(keyNamed) as [
    SigningKey,
    SigningKey,
    SigningKey,
  ];
  const trust = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [root.publicKey],
    releaseKeys: [release.publicKey],
    operationsKeys: [operations.publicKey],
  };
  const trustChain = await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]);
  const files: Uint8Array[] = [];
  for (const sequence of chunksOf.keys()) files.push(await makeImage(sequence + 1, release));
  return {
    trustChain,
    trustDigest: createHash("sha256").update(trustChain).digest("hex"),
    images: await Promise.all(files.map((file) => known(file, release))),
    releaseFiles: files.map((file) => buildRelease([file])),
  };
}
