// The chunks of an image on its way into a slot: a cell each, filled when the device has checked and written it. It
// takes them in their order.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { count } from "../words/quantities.ts";

const cellsMax = 1_024;
const columns = 32;

interface Props {
  done: number;
  total: number;
}

/** Nothing of an image whose number of chunks is not known. */
export function ChunkMap({ done, total }: Props): ReactNode {
  if (total <= 0) return null;
  // Of a large image, a cell stands for several.
  const cells = Math.min(total, cellsMax);
  const filled = Math.floor((Math.min(done, total) / total) * cells);
  const rows = Math.ceil(cells / columns);
  const path = (from: number, to: number): string =>
    Array.from({ length: Math.max(0, to - from) }, (_, i) => {
      const cell = from + i;
      return `M${(cell % columns) * 8} ${Math.floor(cell / columns) * 8}h7v7h-7z`;
    }).join("");
  const [written, all] = [count(Math.min(done, total)), count(total)];
  return (
    <figure className="chunk-map">
      <svg viewBox={`0 0 ${columns * 8 - 1} ${rows * 8 - 1}`} role="img" aria-label={t`${written} of ${all} chunks`}>
        <path className="chunks-open" d={path(filled, cells)} />
        <path className="chunks-done" d={path(0, filled)} />
      </svg>
      <figcaption>{t`${written} of ${all} chunks written and checked`}</figcaption>
    </figure>
  );
}
