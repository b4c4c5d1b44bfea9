import type { ReactNode } from "react";
import { bytes } from "../words/quantities.ts";

interface Props {
  label: string;
  parts: readonly { name: string; sizeBytes: number }[];
}

/** How much of a file each of its parts takes. */
export const SizeParts = ({ label, parts }: Props): ReactNode => (
  <div className="size-parts">
    <div className="size-bar" aria-hidden="true">
      {parts.map(({ name, sizeBytes }) => (
        <div key={name} style={{ flexGrow: sizeBytes }} />
      ))}
    </div>
    <ul role="list" aria-label={label}>
      {parts.map(({ name, sizeBytes }) => (
        <li key={name}>
          <span className="size-key" aria-hidden="true" /> {name} <strong>{bytes(sizeBytes)}</strong>
        </li>
      ))}
    </ul>
  </div>
);
