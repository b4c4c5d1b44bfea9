// What the macro `Trans` is drawn by. A message marks its elements by tags; a value that looks like one would be taken
// for one of them, and lost, unless it is an element itself.

import { Trans as TransOfLingui } from "@lingui/react";
import { type ComponentProps, createElement, type ReactNode } from "react";

/** As a list of one it is drawn as it is. */
const asText = (value: unknown): unknown => (typeof value === "string" && value.includes("<") ? [value] : value);

/** Not by JSX: what extracts messages would look for one in it. */
export function Trans({ values, ...rest }: ComponentProps<typeof TransOfLingui>): ReactNode {
  if (values === undefined) return createElement(TransOfLingui, rest);
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, asText(value)]));
  return createElement(TransOfLingui, { ...rest, values: shown });
}
