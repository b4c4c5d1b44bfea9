// The project whose fleet is rehearsed: its keys, and the images that are signed and uploaded. The same in every run.

import { createHash, createPrivateKey } from "node:crypto";
import {
  buildImage,
  buildPermit,
  buildRelease,
  buildTrustChain,
  describeImage,
  IMAGE_TYPE_WASM_BUNDLE,
  type SigningKey,
  signingKeyFromJwk,
} from "@flipside/image-format";
import { virtualTarget } from "@flipside/machine/factory/targets";
import type { AppKind, Workshop } from "../device/real/workshop.ts";
import { Random } from "../world/random.ts";

/** RFC 8410: what stands before the 32 bytes of a private Ed25519 key in PKCS #8. */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

export const keySeedOf = (name: string): Buffer => createHash("sha256").update(name).digest();

/** The Ed25519 key whose seed is SHA-256 of the name. */
export function keyNamed(name: string): SigningKey {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, keySeedOf(name)]), format: "der", type: "pkcs8" });
  return signingKeyFromJwk(key.export({ format: "jwk" }) as SigningKey["privateJwk"]);
}

export const product = "flipside-demo";
export const hardware = "virtual";
export const contactDeadlineMs = 120_000;
/** Boots that a candidate has (docs/boot-control.md, "Tries"). */
export const tries = 3;
const chunkBytes = 1024;
/** Payload chunks of each release, by its sequence less one: an update of many windows, and ones of few. */
const chunksOf = [5, 9, 22, 4, 13];
/** How the same releases' images for real devices behave; what simulated ones do is drawn (device/behaviour.ts). */
const realApps: readonly AppKind[] = ["good", "good", "crashing", "unhealthy", "good"];

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
  chunkBytes: number;
  chunkCount: number;
  permit: Buffer;
}

export interface Project {
  trustChain: Uint8Array;
  trustDigest: string;
  rootKey: Uint8Array;
  /** Of simulated devices, oldest first. */
  images: readonly KnownImage[];
  /** The same releases' of real ones; none: there are no real devices. */
  realImages: readonly KnownImage[];
  /** By release, the file to upload. */
  releaseFiles: readonly Uint8Array[];
  imageOf(digest: string): KnownImage | undefined;
}

export interface ProjectWithRealDevices extends Project {
  /** That real devices leave the factory with, as a file. */
  realFactoryImage: Uint8Array;
}

/** What the images of a release have in common. */
const fieldsOf = (sequence: number) => ({
  product,
  version: `1.${sequence - 1}.0`,
  releaseSequence: sequence,
  securityCounter: 1,
  loaderVersionMin: 1,
  trustVersionMin: 1,
  confirmDeadlineMs: 30_000,
  contactDeadlineMs,
  tries,
  watchdogMs: 8_000,
  flags: 0,
});

async function makeImage(sequence: number, signer: SigningKey): Promise<Uint8Array> {
  return buildImage({
    fields: {
      ...fieldsOf(sequence),
      imageType: IMAGE_TYPE_WASM_BUNDLE,
      hardware: { name: hardware, revisionMin: 1, revisionMax: 3 },
      loadAddress: 0x80200000,
      entryAddress: 0x80200000,
    },
    payload: Random.of(sequence, "payload").bytes(chunksOf[sequence - 1]! * chunkBytes - 100),
    chunkBytes,
    signingKeys: [signer.privateJwk],
  });
}

async function makeRealImage(sequence: number, signer: SigningKey, workshop: Workshop): Promise<Uint8Array> {
  const { imageType, hardwareName, revision, loadAddress, entryAddress } = virtualTarget;
  return buildImage({
    fields: {
      ...fieldsOf(sequence),
      imageType,
      hardware: { name: hardwareName, revisionMin: 1, revisionMax: revision },
      loadAddress,
      entryAddress,
    },
    payload: workshop.payloads[realApps[sequence - 1]!],
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
    chunkBytes: image.chunkBytes,
    chunkCount: image.chunkCount,
    permit: Buffer.from(await buildPermit({ imageDigest: image.digest, signingKeys: [signer.privateJwk] })),
  };
}

async function projectOf(files: readonly Uint8Array[], realFiles: readonly Uint8Array[]): Promise<Project> {
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
  const images = await Promise.all(files.map((file) => known(file, release)));
  const realImages = await Promise.all(realFiles.map((file) => known(file, release)));
  const byDigest = new Map([...images, ...realImages].map((image) => [image.digest, image]));
  return {
    trustChain,
    trustDigest: createHash("sha256").update(trustChain).digest("hex"),
    rootKey: root.publicKey,
    images,
    realImages,
    releaseFiles: files.map((file, index) => buildRelease([file, ...realFiles.slice(index, index + 1)])),
    imageOf: (digest) => byDigest.get(digest),
  };
}

export async function makeProject(workshop: Workshop): Promise<ProjectWithRealDevices> {
  const release = keyNamed("release");
  const files: Uint8Array[] = [];
  const realFiles: Uint8Array[] = [];
  for (const index of chunksOf.keys()) {
    files.push(await makeImage(index + 1, release));
    realFiles.push(await makeRealImage(index + 1, release, workshop));
  }
  return { ...(await projectOf(files, realFiles)), realFactoryImage: realFiles[0]! };
}

/** Of simulated devices alone: the release that they run, and the one after it. */
export async function makePairOfReleases(): Promise<Project> {
  const release = keyNamed("release");
  return projectOf([await makeImage(1, release), await makeImage(2, release)], []);
}
