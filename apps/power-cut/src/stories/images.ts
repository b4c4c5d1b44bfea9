// Images, keys and devices of the campaigns, whatever host they run on. All of it follows from the sources, so that a
// case that failed fails again.

import { signerOf } from "#ed25519";
import {
  appendTrustLink,
  buildImage,
  buildTrustChain,
  describeImage,
  type FactoryIdentity,
  type ImageFields,
  signBlock,
  signingKeyFromJwk,
  type SigningKey,
  slotParts,
} from "@flipside/image-format";
import { imageFields } from "../../../agent/build/image-fields.ts";
import { base64url, sha256 } from "@flipside/protocol/primitives";
import { PRODUCT, type Target, virtualTarget } from "@flipside/machine/factory/targets";

/** How the app and the surroundings of an image behave once it runs. */
export interface Personality {
  app: "healthy" | "unhealthy" | "silent" | "crashes" | "hangs";
  /** False: this image never reaches the network. */
  network: boolean;
  /** False: its self-test fails, since a read of flash does. */
  selfTest: boolean;
  /** The app, healthy until then, traps at this uptime. */
  crashesAtUs?: number;
}

export const healthy: Personality = { app: "healthy", network: true, selfTest: true };

export interface CampaignImage {
  name: string;
  file: Uint8Array;
  header: Uint8Array;
  signatures: Uint8Array;
  table: Uint8Array;
  payload: Uint8Array;
  /** 64 hex digits. */
  digest: string;
  chunkBytes: number;
  /** What an offer says of the file's size. */
  offeredBytes: number;
  personality: Personality;
}

const deadlines = { confirmDeadlineMs: 6_000, contactDeadlineMs: 20_000, tries: 3, watchdogMs: 8_000 };

export function bytesOf(name: string): Uint8Array {
  return new Uint8Array(sha256(`flipside power-cut campaign, ${name}`));
}

export function keyOf(name: string): SigningKey {
  const seed = bytesOf(name);
  const { publicKey } = signerOf(seed);
  return signingKeyFromJwk({ kty: "OKP", crv: "Ed25519", x: base64url(publicKey), d: base64url(seed) });
}

export const keys = {
  root: keyOf("root"),
  release: keyOf("release"),
  operations: keyOf("operations"),
  secondRelease: keyOf("second release"),
  secondRoot: keyOf("second root"),
  thirdRoot: keyOf("third root"),
  secondOfBank: keyOf("second root of the boot bank"),
  thirdOfBank: keyOf("third root of the boot bank"),
  stranger: keyOf("stranger"),
};

export const firstTrust = {
  trustVersion: 1,
  rootThreshold: 1,
  rootKeys: [keys.root.publicKey],
  releaseKeys: [keys.release.publicKey],
  operationsKeys: [keys.operations.publicKey],
};

/** Root keys of the boot bank: two of three sign the first trust record. */
export const bankRoots = [keys.root.publicKey, keys.secondOfBank.publicKey, keys.thirdOfBank.publicKey];

export const firstTrustChain = (): Promise<Uint8Array> =>
  buildTrustChain([{ trust: firstTrust, signedBy: [keys.root.privateJwk, keys.thirdOfBank.privateJwk] }]);

/** What a trust record may be followed by, each signed as it must be by the roots before it. */
export async function laterTrustChains(): Promise<{
  keyAdded: Uint8Array;
  keyRevoked: Uint8Array;
  rootsReplaced: Uint8Array;
  refusesAll: Uint8Array;
  /** Both of two release keys have to sign an image. */
  bothSign: Uint8Array;
}> {
  const first = await firstTrustChain();
  const byRoot = [keys.root.privateJwk];
  const keyAdded = await appendTrustLink(
    first,
    { ...firstTrust, trustVersion: 2, releaseKeys: [keys.release.publicKey, keys.secondRelease.publicKey] },
    byRoot,
  );
  return {
    keyAdded,
    keyRevoked: await appendTrustLink(
      keyAdded,
      { ...firstTrust, trustVersion: 3, releaseKeys: [keys.secondRelease.publicKey] },
      byRoot,
    ),
    rootsReplaced: await appendTrustLink(
      first,
      {
        ...firstTrust,
        trustVersion: 2,
        rootThreshold: 2,
        rootKeys: [keys.secondRoot.publicKey, keys.thirdRoot.publicKey],
      },
      byRoot,
    ),
    bothSign: await appendTrustLink(
      first,
      {
        ...firstTrust,
        trustVersion: 2,
        releaseKeys: [keys.release.publicKey, keys.secondRelease.publicKey],
        releaseThreshold: 2,
      },
      byRoot,
    ),
    refusesAll: await appendTrustLink(
      first,
      { ...firstTrust, trustVersion: 2, releaseKeys: [keys.secondRelease.publicKey] },
      byRoot,
    ),
  };
}

export function identityFor(target: Target): FactoryIdentity {
  return {
    deviceId: "power-cut",
    product: PRODUCT,
    hardware: { name: target.hardwareName, revision: target.revision },
    server: { host: "server", port: 1883 },
    deviceKey: bytesOf("device key"),
    claimSecret: bytesOf("claim secret"),
  };
}

export interface ImageRequest {
  name: string;
  version: string;
  releaseSequence: number;
  securityCounter?: number;
  change?: Partial<ImageFields>;
  personality?: Partial<Personality>;
  signedBy?: SigningKey;
  /** In place of that, several. */
  signers?: SigningKey[];
  /** Filler otherwise: on the board the campaign's agent module runs in its place, with its personality. */
  payload?: Uint8Array;
  /** Payloads that are given are made this long with zeros behind them. */
  payloadBytes?: number | undefined;
  target?: Target;
  deadlines?: typeof deadlines;
}

/** Throws RangeError for a payload that is longer than it shall be. */
export async function makeImage(request: ImageRequest): Promise<CampaignImage> {
  const { name, version, releaseSequence, securityCounter = 1, target = virtualTarget } = request;
  const payload = payloadOf(request);
  const times = request.deadlines ?? deadlines;
  const fields = {
    ...imageFields(target, { version, releaseSequence, deadlines: times }),
    securityCounter,
    ...request.change,
  };
  const file = await buildImage({
    fields,
    payload,
    signingKeys: (request.signers ?? [request.signedBy ?? keys.release]).map(({ privateJwk }) => privateJwk),
  });
  return imageOf(name, file, { ...healthy, ...request.personality });
}

function payloadOf({ name, payload, payloadBytes = payload?.length ?? 0 }: ImageRequest): Uint8Array {
  const made = new Uint8Array(payloadBytes);
  if (payload) {
    if (payload.length > payloadBytes)
      throw new RangeError(`a payload of ${payload.length} bytes can't be made ${payloadBytes} long`);
    made.set(payload);
    return made;
  }
  const seed = bytesOf(`payload of ${name}`);
  for (let i = 0; i < payloadBytes; i++) made[i] = seed[i % 32]! ^ (i >>> 5) ^ (i * 7);
  return made;
}

/** An image file with the same header, table and payload, and a signature by `key` in place of its own. */
export async function signedAnew(name: string, file: Uint8Array, key: SigningKey): Promise<CampaignImage> {
  const d = await describeImage(file);
  const header = file.subarray(0, d.headerBytes);
  return imageOf(
    name,
    new Uint8Array(
      Buffer.concat([header, await signBlock([key.privateJwk], "image", header), file.subarray(d.tableOffset)]),
    ),
  );
}

/** Parts of an image file. */
export async function imageOf(
  name: string,
  file: Uint8Array,
  personality: Personality = healthy,
): Promise<CampaignImage> {
  const d = await describeImage(file);
  return {
    name,
    file,
    header: file.subarray(0, d.headerBytes),
    signatures: file.subarray(d.headerBytes, d.tableOffset),
    table: file.subarray(d.tableOffset, d.payloadOffset),
    payload: file.subarray(d.payloadOffset),
    digest: d.digest,
    chunkBytes: d.chunkBytes,
    offeredBytes: file.length,
    personality,
  };
}

export { slotParts };
