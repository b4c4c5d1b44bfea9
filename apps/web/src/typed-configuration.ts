// A configuration's document, as it is typed. Pure.

import { t } from "@lingui/core/macro";
import { configurationBytesMax } from "@flipside/api/limits";
import type { ConfigurationDocument } from "@flipside/api/types";

export type TypedConfiguration =
  | { document: ConfigurationDocument; bytes: number; error: undefined }
  /** In words for who types. */
  | { document: undefined; bytes: undefined; error: string };

const nothing = "{}";
const example = '{"periodMs": 5000}';

const wrong = (error: string): TypedConfiguration => ({ document: undefined, bytes: undefined, error });

export function typedConfiguration(text: string): TypedConfiguration {
  if (text.trim() === "") return wrong(t`Type a JSON object. ${nothing} sets nothing.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = (error as Error).message;
    return wrong(t`This is no JSON: ${why}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return wrong(t`A configuration is a JSON object, such as ${example}.`);
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > configurationBytesMax)
    return wrong(t`A device takes ${configurationBytesMax} bytes at most; these are ${bytes}, written without spaces.`);
  return { document: value as ConfigurationDocument, bytes, error: undefined };
}

export const documentText = (document: ConfigurationDocument): string => JSON.stringify(document, null, 2);
