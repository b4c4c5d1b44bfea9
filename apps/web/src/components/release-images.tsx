import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { ReleaseImage } from "@flipside/api/types";
import { bytes } from "../words/quantities.ts";
import { lostFile } from "../words/state-words.ts";
import { Digest } from "./digest.tsx";
import { StateBadge } from "./state-badge.tsx";

export const revisionWords = ({
  revisionMin,
  revisionMax,
}: Pick<ReleaseImage, "revisionMin" | "revisionMax">): string =>
  revisionMin === revisionMax
    ? t`revision ${revisionMin}`
    : revisionMax >= 0xffff
      ? t`revision ${revisionMin} and later`
      : t`revisions ${revisionMin} to ${revisionMax}`;

function imageText(image: ReleaseImage): string {
  const { securityCounter } = image;
  const [revisions, size] = [revisionWords(image), bytes(image.sizeBytes)];
  return t`${revisions} · ${size} · security ${securityCounter}`;
}

/** A release's images in short. */
export const ImageList = ({ images }: { images: readonly ReleaseImage[] }): ReactNode => (
  <ul className="images" role="list">
    {images.map((image) => (
      <li key={image.digest}>
        <bdi className="image-hardware">{image.hardware}</bdi>
        <span className="muted">{imageText(image)}</span>
        <Digest value={image.digest} />
        {image.file !== "present" && <StateBadge words={lostFile[image.file]} />}
      </li>
    ))}
  </ul>
);
