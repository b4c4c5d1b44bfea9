// All that a server serves to browsers (its --console-dir): the console, and in its folder brick-it the page "Try to
// brick it".

import { cpSync } from "node:fs";
import { join } from "node:path";
import { cached, hashOf } from "../../agent/build/cache.ts";
import { buildBrickIt } from "./build-brick-it.ts";
import { buildConsole } from "./build-console.ts";

/** `begins` is called once, when there is something to build. Returns the folder. */
export async function buildServed(begins: () => void = () => {}): Promise<string> {
  let hasBegun = false;
  const beginsOnce = (): void => {
    if (!hasBegun) begins();
    hasBegun = true;
  };
  const parts = [await buildConsole(beginsOnce), await buildBrickIt(beginsOnce)] as const;
  // Their folders are named by the hashes of what they were built from.
  return cached("served", hashOf([...parts]), async (outDir) => {
    cpSync(parts[0], outDir, { recursive: true });
    cpSync(parts[1], join(outDir, "brick-it"), { recursive: true });
  });
}
