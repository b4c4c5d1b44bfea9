// A project's keys, trust chain and signed images, made anew for each test file.

import {
  buildImage,
  buildRelease,
  buildTrustChain,
  generateSigningKey,
  type ImageFields,
  type SigningKey,
} from "@flipside/image-format";

export interface Project {
  root: SigningKey;
  release: SigningKey;
  operations: SigningKey;
  trustChain: Uint8Array;
}

export async function makeProject(): Promise<Project> {
  const [root, release, operations] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]);
  const trust = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [root.publicKey],
    releaseKeys: [release.publicKey],
    operationsKeys: [operations.publicKey],
  };
  return { root, release, operations, trustChain: await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]) };
}

export const product = "flipside-demo";

export function imageFields(change: Partial<ImageFields> = {}): ImageFields {
  return {
    imageType: 2,
    product,
    hardware: { name: "virtual", revisionMin: 1, revisionMax: 3 },
    version: "1.1.0",
    releaseSequence: 2,
    securityCounter: 1,
    loaderVersionMin: 1,
    trustVersionMin: 1,
    loadAddress: 0x80200000,
    entryAddress: 0x80200000,
    confirmDeadlineMs: 30_000,
    contactDeadlineMs: 120_000,
    tries: 3,
    watchdogMs: 5_000,
    flags: 0,
    ...change,
  };
}

/** Bytes that differ from chunk to chunk and from seed to seed. */
export function payloadOf(bytes: number, seed = 1): Uint8Array {
  const payload = new Uint8Array(bytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    payload[i] = state >>> 24;
  }
  return payload;
}

export function makeImage(
  project: Project,
  change: Partial<ImageFields> = {},
  payload = payloadOf(150_000),
  key: SigningKey = project.release,
): Promise<Uint8Array> {
  return buildImage({ fields: imageFields(change), payload, signingKeys: [key.privateJwk] });
}

export async function makeRelease(
  project: Project,
  change: Partial<ImageFields> = {},
  payload?: Uint8Array,
): Promise<Uint8Array> {
  return buildRelease([await makeImage(project, change, payload)]);
}
