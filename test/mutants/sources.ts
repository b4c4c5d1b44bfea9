// What is mutated: everything that decides what boots, what is installed, and what is kept.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { type Mutant, QUESTION_MODULE, schemataOf } from "./operators.ts";
import { type Purpose, questionSource } from "./questions.ts";

/** AssemblyScript, below apps/agent/src, and the table of boot control. */
export const mutatedSources: readonly string[] = [
  "boot-control/log",
  "boot-control/unclean-boots",
  "dual-copy",
  "flash",
  "boot/boot",
  "boot/image-receiver",
  "boot/recovery",
  "boot/serial-frames",
  "image/manifest",
  "image/payload-check",
  "image/slot-writer",
  "trust/signatures",
  "trust/trust-chain",
  "trust/trust-store",
  "update/update",
  "update/offer-check",
  "update/chunk-fetch",
  "update/sealed-slot",
  "update/begin-budget",
  "update/journal",
  "update/deployment",
  "update/permit",
  "update/trust-update",
  "boot-state",
  "agent/trial",
  "agent/self-test",
  "identity/settings",
  "identity/factory",
  "command/connection-candidate",
]
  .map((name) => `apps/agent/src/${name}.ts`)
  .concat("packages/image-format/src/portable/boot-control-transitions.ts");

export interface MutantSet {
  mutants: Mutant[];
  /** Texts of the sources, with all mutants in them. */
  texts(purpose: Purpose): Map<string, string>;
}

/**
 * Of a set, only these can be in force: the others are what the compiler leaves out, so it is done in half the time.
 */
export function onlyThese({ mutants, texts }: MutantSet, numbers: ReadonlySet<number>): MutantSet {
  const without = (text: string): string =>
    text.replaceAll(/\b__is\((\d+)\)/g, (asked, number: string) => (numbers.has(Number(number)) ? asked : "false"));
  return { mutants, texts: (purpose) => new Map([...texts(purpose)].map(([file, text]) => [file, without(text)])) };
}

/** The mutants of `files`, numbered from 1. */
export function mutantsOf(files: readonly string[]): MutantSet {
  const mutants: Mutant[] = [];
  const texts = new Map<string, string>();
  for (const file of files) {
    const schemata = schemataOf(file, readFileSync(join(repositoryRoot, file), "utf8"), mutants.length + 1);
    mutants.push(...schemata.mutants);
    texts.set(file, schemata.text);
  }
  return { mutants, texts: (purpose) => new Map([...texts, [`${QUESTION_MODULE}.ts`, questionSource(purpose)]]) };
}
