// What may become what, as docs/architecture.md says it: the judge goes by the document, not by the engine.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const documentPath = fileURLToPath(new URL("../../../../docs/architecture.md", import.meta.url));

interface Step {
  to: string;
  cause: string;
}

export class Courses {
  readonly #next = new Map<string, Step[]>();

  add(from: string, to: string, cause: string): void {
    const next = this.#next.get(from) ?? [];
    next.push({ to, cause });
    this.#next.set(from, next);
  }

  /** Whether one can become the other, by any number of steps of these causes. */
  leads(from: string, to: string, may: (cause: string) => boolean): boolean {
    const reached = new Set([from]);
    for (const state of reached) {
      if (state === to) return true;
      for (const step of this.#next.get(state) ?? []) if (may(step.cause)) reached.add(step.to);
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

export interface DocumentedCourses {
  rollouts: Courses;
  deployments: Courses;
  /** What a rollout does without a word of anybody's. */
  ownSteps: ReadonlySet<string>;
}

/** Throws when the document has no such tables any more. */
export function documentedCourses(): DocumentedCourses {
  const text = readFileSync(documentPath, "utf8");
  const [, tables] = /<!-- engine's transitions -->([\s\S]*?)<!-- end of engine's transitions -->/.exec(text) ?? [];
  const rollouts = new Courses();
  const deployments = new Courses();
  const [ofRollouts = "", ofDeployments = ""] = (tables ?? "").trim().split("\n\n");
  const ownSteps = new Set<string>();
  for (const [cause, from, to] of ofRollouts.split("\n").slice(2).map(cellsOf)) {
    for (const each of namesIn(from ?? "")) rollouts.add(each, to!, cause!);
    if (cause!.startsWith("gate-") || cause === "last-wave-done") ownSteps.add(cause!);
  }
  const [header = [], , ...rows] = ofDeployments.split("\n").map(cellsOf);
  for (const [from, ...cells] of rows)
    for (const [at, cell] of cells.entries())
      for (const to of namesIn(cell)) deployments.add(from!, to, header[at + 1]!);
  const isAny = (): boolean => true;
  if (
    !rollouts.leads("running", "completed", isAny) ||
    !deployments.leads("queued", "confirmed", isAny) ||
    ownSteps.size < 4
  )
    throw new Error(`the engine's transitions were not found in ${documentPath}`);
  return { rollouts, deployments, ownSteps };
}
