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
    ? `revision ${revisionMin}`
    : revisionMax >= 0xffff
      ? `revision ${revisionMin} and later`
      : `revisions ${revisionMin} to ${revisionMax}`;

/** A release's images in short. */
export const ImageList = ({ images }: { images: readonly ReleaseImage[] }): ReactNode => (
  <ul className="images" role="list">
    {images.map((image) => (
      <li key={image.digest}>
        <bdi className="image-hardware">{image.hardware}</bdi>
        <span className="muted">
          {revisionWords(image)} · {bytes(image.sizeBytes)} · security {image.securityCounter}
        </span>
        <Digest value={image.digest} />
        {image.file !== "present" && <StateBadge words={lostFile[image.file]} />}
      </li>
    ))}
  </ul>
);
