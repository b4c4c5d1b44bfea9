// A secret of a person's who starts the server: in a file that nobody else may read, or in the environment. Never among
// the arguments, which every user of a machine can list.

import { readFileSync, statSync } from "node:fs";
import { StartError } from "./start-error.ts";

export interface GivenSecret {
  /** Path of the file, if one is named. */
  file: string | undefined;
  /** What the environment holds. */
  variable: string | undefined;
  /** As the environment calls it. */
  variableName: string;
  /** What it is, as the middle of a sentence: "the gateway's token". */
  what: string;
}

/** Undefined when neither is given, and else without blanks around it. Throws StartError, which never quotes it. */
export function givenSecret({ file, variable, variableName, what }: GivenSecret): string | undefined {
  const sentence = what.charAt(0).toUpperCase() + what.slice(1);
  if (file !== undefined && variable)
    throw new StartError(`${sentence} is given twice, by file and by ${variableName}. Give it once.`);
  if (file === undefined) return variable ? variable.trim() : undefined;
  try {
    if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0)
      throw new StartError(`Others may read ${what} in ${file}. Run: chmod 600 ${file}`);
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${sentence} cannot be read: ${(error as Error).message}`);
  }
}
