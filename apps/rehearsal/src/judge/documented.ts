// What may become what, as docs/architecture.md says it: the judge goes by the document, not by the engine.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const documentPath = fileURLToPath(new URL("../../../../docs/architecture.md", import.meta.url));

export class Courses {
  readonly #next = new Map<string, Set<string>>();

  add(from: string, to: string): void {
    const next = this.#next.get(from) ?? new Set();
    this.#next.set(from, next.add(to));
  }

  /** Whether one can become the other, by any number of steps. */
  leads(from: string, to: string): boolean {
    const reached = new Set([from]);
    for (const state of reached) {
      if (state === to) return true;
      for (const next of this.#next.get(state) ?? []) reached.add(next);
    }
    return false;
  }
}

const cellsOf = (line: string): string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
const namesIn = (cell: string): string[] =>
  cell.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));

/** Throws when the document has no such tables any more. */
export function documentedCourses(): { rollouts: Courses; deployments: Courses } {
  const text = readFileSync(documentPath, "utf8");
  const [, tables] = /<!-- engine's transitions -->([\s\S]*?)<!-- end of engine's transitions -->/.exec(text) ?? [];
  const rollouts = new Courses();
  const deployments = new Courses();
  const [ofRollouts = "", ofDeployments = ""] = (tables ?? "").trim().split("\n\n");
  for (const [, from, to] of ofRollouts.split("\n").slice(2).map(cellsOf))
    for (const each of namesIn(from ?? "")) rollouts.add(each, to!);
  for (const [from, ...causes] of ofDeployments.split("\n").slice(2).map(cellsOf))
    for (const to of causes.flatMap(namesIn)) deployments.add(from!, to);
  if (!rollouts.leads("running", "completed") || !deployments.leads("queued", "confirmed"))
    throw new Error(`the engine's transitions were not found in ${documentPath}`);
  return { rollouts, deployments };
}
