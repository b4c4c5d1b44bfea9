import type { ReactNode } from "react";
import { asSentence } from "../words/quantities.ts";

/** What an act does to how many devices, as things stand. */
export const Effects = ({ parts }: { parts: readonly string[] }): ReactNode => (
  <p className="effects">
    <strong>As things stand:</strong>{" "}
    {parts.length === 0 ? "no device is touched by it." : asSentence(new Intl.ListFormat("en").format(parts))}
  </p>
);
