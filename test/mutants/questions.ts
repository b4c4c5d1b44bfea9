// What a module with mutants in it asks while it runs, and who answers: one process tests one mutant at a time.
//
// The module that mutants are put into (operators.ts) is compiled twice: for `mutants`, where `is(n)` says whether n is
// the one that runs, and for `coverage`, where none runs and each question is told, each time: what an input begins
// from was asked before it.

import { variants, variantSource } from "../../apps/agent/build/variants.ts";

export type Purpose = "mutants" | "coverage";

/** Loops in one run of a module: some hundred times what a good run takes. */
const LOOPS_MAX = 20_000_000;

const tellingSource = `
@external("mutants", "asked") declare function asked(mutant: i32): void;
export function is(mutant: i32): bool {
  asked(mutant);
  return false;
}
`;

/** AssemblyScript, compiled as `apps/agent/src/mutants.ts`. */
export const questionSource = (purpose: Purpose): string => `${purpose === "mutants" ? variantSource : tellingSource}
let spent: u32 = 0;
export function spend(): void { if (++spent > ${LOOPS_MAX}) unreachable(); }
`;

class Questions {
  #asked = new Uint8Array(0);

  readonly imports = {
    ...variants.imports,
    mutants: { asked: (mutant: number): void => void (this.#asked[mutant] = 1) },
  };

  /** Forgets which mutants were asked for. */
  startNoting(count: number): void {
    this.#asked = new Uint8Array(count + 1);
  }

  /** Which were since. */
  noted(): Uint8Array {
    return this.#asked;
  }

  /** Which of `count` mutants are asked for while `run` does something. */
  askedDuring(count: number, run: () => void): Uint8Array {
    this.startNoting(count);
    run();
    return this.noted();
  }
}

export const questions = new Questions();
