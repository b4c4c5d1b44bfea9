// Looks for a planted bug: the server's sources are copied, one place of them is changed, and seeds are played against
// that until the property falls which the bug is to break.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { play, realServerSources } from "../players.ts";
import type { PlantedBug } from "./bugs.ts";

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const seedsMax = 300;

export interface Hunt {
  name: string;
  isFound: boolean;
  text: string;
}

/** While `what` goes on, sources of a server that has the bug. Throws when a place to change is not there once. */
export async function withBug<T>(bug: PlantedBug, what: (serverSources: string) => Promise<T>): Promise<T> {
  // Beside the real ones: what they import from elsewhere is found in the same way.
  const copy = join(repository, "build-output/rehearsal", `${bug.name}-${process.pid}`);
  const app = join(copy, "apps/server");
  mkdirSync(app, { recursive: true });
  try {
    cpSync(realServerSources, join(app, "src"), { recursive: true });
    cpSync(join(dirname(realServerSources), "package.json"), join(app, "package.json"));
    for (const { file, find, replace } of bug.patches) {
      const path = join(app, "src", file);
      const text = readFileSync(path, "utf8");
      if (text.split(find).length !== 2)
        throw new Error(
          `planted bug ${bug.name}: ${file} has not once, but ${text.split(find).length - 1} times: ${find}`,
        );
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    return await what(join(app, "src"));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export async function hunt(bug: PlantedBug, processes: number): Promise<Hunt> {
  let played = 0;
  let other = "";
  let found: { seed: number; detail: string } | undefined;
  await withBug(bug, (serverSources) =>
    play({
      serverSources,
      processes,
      next: () => (found === undefined && played < seedsMax ? ++played : undefined),
      onOutcome({ seed, violations: [violation] }) {
        if (violation === undefined || found !== undefined) return;
        if (bug.breaks.includes(violation.property)) found = { seed, detail: violation.detail };
        else other ||= `; seed ${seed} breaks "${violation.property}" in place of it: ${violation.detail}`;
      },
    }),
  );
  const text =
    found === undefined
      ? `NOT FOUND in ${played} seeds${other}`
      : `found with seed ${found.seed}: ${found.detail.split("\n")[0]}`;
  return { name: bug.name, isFound: found !== undefined, text };
}
