import type { ReactNode } from "react";
import type { StateWords } from "../words/state-words.ts";
import { Icon } from "./icon.tsx";

/** A state as symbol and word. */
export const StateBadge = ({ words, detail }: { words: StateWords; detail?: string }): ReactNode => (
  <span className={`badge tone-${words.tone}`} title={words.means}>
    <Icon name={words.icon} />
    <span>
      {words.label}
      {detail && <span className="badge-detail"> {detail}</span>}
    </span>
  </span>
);
