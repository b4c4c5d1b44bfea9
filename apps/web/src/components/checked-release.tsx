// What a release file is, as the browser found it: signed by whom, for what, how large, and who could take it.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Trust } from "@flipside/api/types";
import type { CheckedImage } from "../release-check/told.ts";
import { bytes } from "../words/quantities.ts";
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
          <dt>
            <Trans>Release</Trans>
          </dt>
          <dd>
            <Trans>
              <bdi>{product}</bdi> <bdi>{version}</bdi>, release sequence {releaseSequence}
            </Trans>
          </dd>
        </div>
        {description !== undefined && (
          <div>
            <dt>
              <Trans>Says of itself</Trans>
            </dt>
            <dd>
              <bdi>{description}</bdi>
            </dd>
          </div>
        )}
        <div>
          <dt>
            <Trans>Signed by</Trans>
          </dt>
          <dd>
            <Signers images={images} trust={trust} />
          </dd>
        </div>
      </dl>
      <ul className="image-cards" role="list" aria-label={t`Its images`}>
        {images.map((image) => (
          <li key={image.digest}>
            <ImageCard image={image} />
          </li>
        ))}
      </ul>
      <h3>
        <Trans>Who could take it</Trans>
      </h3>
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
            <Signer id={id} signer={key} />
          </li>
        );
      })}
    </ul>
  );
}

function Signer({ id, signer }: { id: string; signer: Trust["keys"][number] | undefined }): ReactNode {
  if (signer === undefined)
    return (
      <Trans>
        <code>{id}</code>, which no trust record names: it counts for nothing here
      </Trans>
    );
  const { since, revokedBy } = signer;
  return revokedBy === null ? (
    <Trans>
      <code>{id}</code>, a release key since trust record {since}
    </Trans>
  ) : (
    <Trans>
      <code>{id}</code>, a release key from trust record {since} on, revoked by record {revokedBy}
    </Trans>
  );
}

function ImageCard({ image }: { image: CheckedImage }): ReactNode {
  const { hardware, headerBytes, signatureBlockBytes, payloadOffset, tableOffset, payloadBytes, chunkCount } = image;
  const { securityCounter, loaderVersionMin, trustVersionMin, tries } = image;
  return (
    <>
      <p>
        <bdi className="image-hardware">{hardware.name}</bdi>, {revisionWords(hardware)} · {bytes(image.sizeBytes)}{" "}
        <Digest value={image.digest} />
      </p>
      <p className="muted">
        <Trans>
          Security counter {securityCounter}: no device whose floor is higher takes it. Needs boot loader{" "}
          {loaderVersionMin} and trust record {trustVersionMin}. <Plural value={tries} one="# try" other="# tries" /> to
          prove itself.
        </Trans>
      </p>
      <SizeParts
        label={t`Size of the image for ${{ hardware: hardware.name }} by part`}
        parts={[
          { name: t`payload`, sizeBytes: payloadBytes },
          {
            name: t`hashes of its ${plural(chunkCount, { one: "# chunk", other: "# chunks" })}`,
            sizeBytes: payloadOffset - tableOffset,
          },
          { name: t`signatures`, sizeBytes: signatureBlockBytes },
          { name: t`header`, sizeBytes: headerBytes },
        ]}
      />
    </>
  );
}
