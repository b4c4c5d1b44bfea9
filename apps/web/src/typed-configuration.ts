// A configuration's document, as it is typed. Pure.

import { configurationBytesMax } from "@flipside/api/limits";
import type { ConfigurationDocument } from "@flipside/api/types";

export type TypedConfiguration =
  | { document: ConfigurationDocument; bytes: number; error: undefined }
  /** In words for who types. */
  | { document: undefined; bytes: undefined; error: string };

const wrong = (error: string): TypedConfiguration => ({ document: undefined, bytes: undefined, error });

export function typedConfiguration(text: string): TypedConfiguration {
  if (text.trim() === "") return wrong("Type a JSON object. {} sets nothing.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return wrong(`This is no JSON: ${(error as Error).message}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return wrong('A configuration is a JSON object, such as {"periodMs": 5000}.');
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > configurationBytesMax)
    return wrong(`A device takes ${configurationBytesMax} bytes at most; these are ${bytes}, written without spaces.`);
  return { document: value as ConfigurationDocument, bytes, error: undefined };
}

export const documentText = (document: ConfigurationDocument): string => JSON.stringify(document, null, 2);
