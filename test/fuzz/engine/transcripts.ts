// Inputs whose transcripts are written down, by the digest of each: those that tell mutants which no rule of a target
// tells. To write them anew where a change is meant: FLIPSIDE_WRITE_COURSES=1 npm test -- test/fuzz/fuzz.test.ts

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../transcripts.json", import.meta.url));

/** By target and input (base64), of the device as it should be. */
export type FuzzTranscripts = Record<string, Record<string, string>>;

export const writtenTranscripts = (): FuzzTranscripts =>
  existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as FuzzTranscripts) : {};

export function writeTranscripts(transcripts: FuzzTranscripts): void {
  const sorted = <T>(of: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(
    path,
    `${JSON.stringify(sorted(Object.fromEntries(Object.entries(transcripts).map(([target, of]) => [target, sorted(of)]))), undefined, 1)}\n`,
  );
}
