// What a filter asks for, a chip for each condition that has to hold: each can be taken out of it.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { parseFilter, printFilter } from "@flipside/device-filter";
import { Icon } from "./icon.tsx";

/** Of a filter that can be read: what all has to hold, as text; each with the filter that is left without it. */
export function conditionsOf(text: string): { condition: string; without: string }[] {
  if (text.trim() === "") return [];
  const filter = parseFilter(text);
  const parts = filter.kind === "and" ? filter.parts : [filter];
  return parts.map((part, i) => {
    const rest = parts.filter((_, other) => other !== i);
    const left = rest.length === 0 ? "" : printFilter(rest.length === 1 ? rest[0]! : { kind: "and", parts: rest });
    return { condition: printFilter(part), without: left };
  });
}

/** `filter`: one that can be read. */
export function FilterChips({ filter, onChange }: { filter: string; onChange: (filter: string) => void }): ReactNode {
  const conditions = conditionsOf(filter);
  if (conditions.length === 0) return null;
  return (
    <ul className="chips filter-chips" role="list" aria-label={t`In force`}>
      {conditions.map(({ condition, without }) => (
        <li key={condition} className="chip-of">
          <bdi className="mono">{condition}</bdi>
          <button
            type="button"
            className="icon-button"
            aria-label={t`Leave out ${condition}`}
            onClick={() => onChange(without)}
          >
            <Icon name="cross" />
          </button>
        </li>
      ))}
    </ul>
  );
}
