// A term of art in a text: pressing it, by pointer or key, explains it. The browser closes what it opened by Escape,
// and by a press elsewhere.

import { Trans } from "@lingui/react/macro";
import { type ReactNode, useId, useState } from "react";
import { glossary, type GlossaryTerm } from "../words/glossary.ts";
import { termWords } from "../words/term-words.ts";
import { Link } from "./link.tsx";

/** `children`: as it stands in the text, where that is another form of the word. */
export function Term({ of, children = termWords[of] }: { of: GlossaryTerm; children?: ReactNode }): ReactNode {
  const id = useId();
  // Else it would be read and found where it stands, by whoever goes through the page.
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="term" popoverTarget={id}>
        {children}
      </button>
      <span
        id={id}
        popover="auto"
        className="term-means"
        role="note"
        onBeforeToggle={({ newState }) => setOpen(newState === "open")}
      >
        {isOpen && (
          <>
            <strong>{termWords[of]}</strong> {glossary[of]}{" "}
            <Link href="/words">
              <Trans>All words</Trans>
            </Link>
          </>
        )}
      </span>
    </>
  );
}
