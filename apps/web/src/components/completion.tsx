// Words that may come next, below the field in which they are typed (a combobox with a list, as the ARIA practices
// have it). Arrows choose one, Enter or Tab takes it, Escape closes the list.

import { t } from "@lingui/core/macro";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useState } from "react";
import { completionAt, valueAsTyped } from "@flipside/device-filter";
import { knownValues } from "../known-values.ts";

interface Offered {
  from: number;
  to: number;
  words: readonly string[];
}

const shownMax = 12;

/** With a word in the place of what was typed of it; and where the caret is then. */
export function takenWord(text: string, { from, to }: Offered, word: string): { text: string; caret: number } {
  const before = text.slice(0, from) + word + " ";
  return { text: before + text.slice(to).replace(/^ /, ""), caret: before.length };
}

/** What is offered at the caret of a text. */
function useOffered(text: string, caret: number): Offered {
  const { wants, field, typed, from, to, words } = completionAt(text, caret);
  const [values, setValues] = useState<{ of: string; values: readonly string[] }>();
  const asked = wants === "value" && words.length === 0 ? field : undefined;
  useEffect(() => {
    if (asked === undefined) return;
    let isOver = false;
    void knownValues(asked).then((found) => {
      if (!isOver) setValues({ of: asked, values: found });
    });
    return () => {
      isOver = true;
    };
  }, [asked]);
  const typedOf = typed.replace(/^"|"$/g, "").toLowerCase();
  const found = asked !== undefined && values?.of === asked ? values.values : [];
  const fitting = found.filter((value) => value.toLowerCase().includes(typedOf)).map(valueAsTyped);
  const all = [...words, ...fitting].filter((word) => word !== typed);
  return { from, to, words: all.slice(0, shownMax) };
}

export interface Completing {
  /** Of the field. */
  input: {
    role: "combobox";
    "aria-expanded": boolean;
    "aria-controls": string;
    "aria-autocomplete": "list";
    "aria-activedescendant"?: string;
    onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void;
    onSelect: () => void;
    onBlur: () => void;
  };
  list: ReactNode;
  /** Somebody has typed. */
  typed: () => void;
}

export function useCompletion(
  field: RefObject<HTMLInputElement | null>,
  text: string,
  onChange: (text: string) => void,
): Completing {
  const id = useId();
  const [caret, setCaret] = useState(text.length);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const offered = useOffered(text, Math.min(caret, text.length));
  const shown = isOpen ? offered.words : [];
  const at = active < shown.length ? active : -1;
  const take = (word: string): void => {
    const taken = takenWord(text, offered, word);
    onChange(taken.text);
    setCaret(taken.caret);
    setActive(-1);
    // After React has put the text into the field.
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(taken.caret, taken.caret);
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setOpen(true);
      const count = offered.words.length;
      if (count > 0) setActive(event.key === "ArrowDown" ? (at + 1) % count : (at <= 0 ? count : at) - 1);
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(shown[at]!);
    else if (event.key === "Escape" && shown.length > 0) setOpen(false);
    else return;
    event.preventDefault();
  };
  return {
    input: {
      role: "combobox",
      "aria-expanded": shown.length > 0,
      "aria-controls": id,
      "aria-autocomplete": "list",
      ...(at < 0 ? {} : { "aria-activedescendant": `${id}-${at}` }),
      onKeyDown,
      onSelect: () => setCaret(field.current?.selectionStart ?? text.length),
      onBlur: () => setOpen(false),
    },
    typed() {
      setCaret(field.current?.selectionStart ?? text.length);
      setActive(-1);
      setOpen(true);
    },
    list: (
      <ul id={id} role="listbox" aria-label={t`What may come next`} className="completions" hidden={shown.length === 0}>
        {shown.map((word, i) => (
          <li
            key={word}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            // The field keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(word)}
          >
            {word}
          </li>
        ))}
      </ul>
    ),
  };
}
