// Cases whose transcripts are written down, by the digest of each: those that tell mutants which no rule of a story
// tells.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("transcripts.json", import.meta.url));

/** By the id of a case or a trouble, of the device as it should be. */
export const writtenTranscripts = (): Record<string, string> =>
  existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, string>) : {};

export function writeTranscripts(transcripts: Record<string, string>): void {
  const sorted = Object.entries(transcripts).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(sorted), undefined, 1)}\n`);
}
