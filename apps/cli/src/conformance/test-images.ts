// Images that are offered to the agent under test: one good update, and others that differ from it in one point.

import {
  buildImage,
  describeImage,
  generateSigningKey,
  type ImageDescription,
  type ImageFields,
  signBlock,
  type SigningKey,
  splitRelease,
} from "@flipside/image-format";
import type { CheckIn } from "@flipside/protocol/messages";
import type { ServedImage } from "@flipside/protocol/reference-server/pieces";

/** Keys that the trust chain of the agent under test names. */
export interface TestKeys {
  release: SigningKey;
  operations: SigningKey;
}

export interface TestImage {
  digest: string;
  header: Uint8Array;
  signatures: Uint8Array;
  sizeBytes: number;
  served: ServedImage;
}

/** Of an image that the kit makes: some windows of chunks, and the last chunk not full. */
const PAYLOAD_BYTES = 20 * 4096 + 100;

/** What the good update is: of the agent's hardware, and newer than what runs there. */
export interface Template {
  fields: ImageFields;
  payload: Uint8Array;
}

/**
 * `given`: a release or an image. Throws RangeError where it holds none of the agent's hardware, and FormatError where
 * it is neither.
 */
export async function templateFor(given: Uint8Array | undefined, checkIn: CheckIn): Promise<Template> {
  const newer = checkIn.running.releaseSequence + 1;
  if (given === undefined) return { fields: ownFields(checkIn, newer), payload: ownPayload() };
  const images = isRelease(given) ? splitRelease(given) : [given];
  const described = await Promise.all(images.map(async (bytes) => ({ bytes, image: await describeImage(bytes) })));
  const fitting = described.find(({ image }) => image.hardware.name === checkIn.hardware);
  if (!fitting) {
    const names = described.map(({ image }) => image.hardware.name).join(", ");
    throw new RangeError(`the image given is for ${names}, and the agent's hardware is ${checkIn.hardware}`);
  }
  const { bytes, image } = fitting;
  const fields = { ...fieldsOf(image), releaseSequence: Math.max(image.releaseSequence, newer) };
  return { fields, payload: bytes.slice(image.payloadOffset, image.payloadOffset + image.payloadBytes) };
}

const isRelease = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "FSRL";

function fieldsOf(image: ImageDescription): ImageFields {
  const { imageType, product, hardware, version, releaseSequence, securityCounter, description } = image;
  const { loaderVersionMin, trustVersionMin, loadAddress, entryAddress } = image;
  const { confirmDeadlineMs, contactDeadlineMs, tries, watchdogMs, flags } = image;
  return {
    ...{ imageType, product, hardware, version, releaseSequence, securityCounter },
    ...{ loaderVersionMin, trustVersionMin, loadAddress, entryAddress },
    ...{ confirmDeadlineMs, contactDeadlineMs, tries, watchdogMs, flags },
    ...(description === undefined ? {} : { description }),
  };
}

const ownFields = ({ product, hardware, revision, floor }: CheckIn, releaseSequence: number): ImageFields => ({
  imageType: 2,
  product,
  hardware: { name: hardware, revisionMin: revision, revisionMax: revision },
  version: "1000.0.0",
  releaseSequence,
  securityCounter: floor,
  loaderVersionMin: 1,
  trustVersionMin: 1,
  loadAddress: 0,
  entryAddress: 0,
  confirmDeadlineMs: 60_000,
  contactDeadlineMs: 600_000,
  tries: 3,
  watchdogMs: 10_000,
  flags: 0,
});

/** Bytes that differ from chunk to chunk. */
function ownPayload(): Uint8Array {
  let state = 1;
  return new Uint8Array(PAYLOAD_BYTES).map(() => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

export interface ImageChange {
  fields?: Partial<ImageFields>;
  /** `stranger`: by a key that no trust chain names. `other-purpose`: by the release key, but for a permit. */
  signed?: "stranger" | "other-purpose";
}

export async function testImage(
  { fields, payload }: Template,
  keys: TestKeys,
  change: ImageChange,
): Promise<TestImage> {
  const signer = change.signed === "stranger" ? await generateSigningKey() : keys.release;
  const signingKeys = [signer.privateJwk];
  const file = await buildImage({ fields: { ...fields, ...change.fields }, payload, signingKeys });
  const image = await describeImage(file);
  const header = file.slice(0, image.headerBytes);
  return {
    digest: image.digest,
    header,
    signatures:
      change.signed === "other-purpose"
        ? await signBlock(signingKeys, "permit", header)
        : file.slice(image.headerBytes, image.headerBytes + image.signatureBlockBytes),
    sizeBytes: file.length,
    served: {
      digest: image.digest,
      table: file.slice(image.tableOffset, image.payloadOffset),
      payload: file.slice(image.payloadOffset),
      chunkBytes: image.chunkBytes,
    },
  };
}

/** The same, as a server would serve it whose first chunk is another one. */
export function withWrongChunk({ served }: TestImage): ServedImage {
  const payload = served.payload.slice();
  payload[0]! ^= 1;
  return { ...served, payload };
}
