// What a release file is, as the browser found it: signed by whom, for what, how large, and who could take it.

import type { ReactNode } from "react";
import type { Trust } from "@flipside/api/types";
import type { CheckedImage } from "../release-check/told.ts";
import { bytes, plural } from "../words/quantities.ts";
import { CouldTake } from "./could-take.tsx";
import { Digest } from "./digest.tsx";
import { revisionWords } from "./release-images.tsx";
import { SizeParts } from "./size-parts.tsx";

interface Props {
  images: readonly CheckedImage[];
  trust: Trust;
}

const fitOf = (images: readonly CheckedImage[]) => ({
  product: images[0]!.product,
  version: images[0]!.version,
  images: images.map(({ hardware: { name, ...revisions } }) => ({ hardware: name, ...revisions })),
});

export function CheckedRelease({ images, trust }: Props): ReactNode {
  const { product, version, releaseSequence, description } = images[0]!;
  return (
    <>
      <dl className="summary">
        <div>
          <dt>Release</dt>
          <dd>
            <bdi>{product}</bdi> <bdi>{version}</bdi>, release sequence {releaseSequence}
          </dd>
        </div>
        {description !== undefined && (
          <div>
            <dt>Says of itself</dt>
            <dd>
              <bdi>{description}</bdi>
            </dd>
          </div>
        )}
        <div>
          <dt>Signed by</dt>
          <dd>
            <Signers images={images} trust={trust} />
          </dd>
        </div>
      </dl>
      <ul className="image-cards" role="list" aria-label="Its images">
        {images.map((image) => (
          <li key={image.digest}>
            <ImageCard image={image} />
          </li>
        ))}
      </ul>
      <h3>Who could take it</h3>
      <CouldTake release={fitOf(images)} />
    </>
  );
}

/** Ids of keys, each with the record that knows it. */
function Signers({ images, trust }: Props): ReactNode {
  const ids = [...new Set(images.flatMap(({ signedBy }) => signedBy))];
  return (
    <ul role="list">
      {ids.map((id) => {
        const key = trust.keys.find((each) => each.id === id && each.purpose === "release");
        return (
          <li key={id}>
            <code>{id}</code>,{" "}
            {key === undefined
              ? "which no trust record names: it counts for nothing here"
              : key.revokedBy === null
                ? `a release key since trust record ${key.since}`
                : `a release key from trust record ${key.since} on, revoked by record ${key.revokedBy}`}
          </li>
        );
      })}
    </ul>
  );
}

function ImageCard({ image }: { image: CheckedImage }): ReactNode {
  const { hardware, headerBytes, signatureBlockBytes, payloadOffset, tableOffset, payloadBytes, chunkCount } = image;
  return (
    <>
      <p>
        <bdi className="image-hardware">{hardware.name}</bdi>, {revisionWords(hardware)} · {bytes(image.sizeBytes)}{" "}
        <Digest value={image.digest} />
      </p>
      <p className="muted">
        Security counter {image.securityCounter}: no device whose floor is higher takes it. Needs boot loader{" "}
        {image.loaderVersionMin} and trust record {image.trustVersionMin}. {plural(image.tries, "try", "tries")} to
        prove itself.
      </p>
      <SizeParts
        label={`Size of the image for ${hardware.name} by part`}
        parts={[
          { name: "payload", sizeBytes: payloadBytes },
          { name: `hashes of its ${plural(chunkCount, "chunk")}`, sizeBytes: payloadOffset - tableOffset },
          { name: "signatures", sizeBytes: signatureBlockBytes },
          { name: "header", sizeBytes: headerBytes },
        ]}
      />
    </>
  );
}
