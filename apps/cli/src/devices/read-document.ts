// The document of a configuration, as it lies in a file.

import { readFile } from "node:fs/promises";
import { configurationBytesMax } from "@flipside/api/limits";
import type { ConfigurationDocument } from "@flipside/api/types";
import { CommandFailure } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";

/** `-`: standard input. Throws CommandFailure with what is wrong with it. */
export async function readDocument(io: Pick<Io, "readInput">, path: string): Promise<ConfigurationDocument> {
  const text = path === "-" ? await io.readInput() : await readFile(path, "utf8");
  const from = path === "-" ? "standard input" : path;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(`${from} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CommandFailure(`${from}: a configuration is a JSON object, such as {"periodMs": 5000}; {} sets nothing`);
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > configurationBytesMax)
    throw new CommandFailure(
      `${from}: ${bytes} bytes, written without spaces; a device takes ${configurationBytesMax} at most`,
    );
  return value as ConfigurationDocument;
}
