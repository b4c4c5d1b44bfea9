// What the kit says of an agent: a line for each check, and the same as data.

import type { Result } from "./check.ts";

const words = { passed: "passed", failed: "FAILED", "not-reached": "not reached" } as const;

/** Of docs/protocol.md, as GitHub names it. */
export const anchorOf = (section: string): string => section.toLowerCase().replaceAll(" ", "-");

export function lineOf(result: Result): string {
  const { number, check, outcome } = result;
  const { name, what, section } = check;
  const head = `${String(number).padStart(2)} ${words[outcome].padEnd(11)} ${name}: ${what} [${section}]`;
  if (result.outcome === "failed") return `${head}\n     expected ${result.expected}\n     came ${result.came}`;
  if (result.outcome === "not-reached") return `${head}\n     ${result.why}`;
  return head;
}

export interface Report {
  conforms: boolean;
  passed: number;
  failed: number;
  notReached: number;
  checks: {
    number: number;
    name: string;
    section: string;
    what: string;
    outcome: Result["outcome"];
    expected?: string;
    came?: string;
    why?: string;
  }[];
}

/** An agent conforms when every check passed: what was not reached is not known of it. */
export function reportOf(results: readonly Result[]): Report {
  const count = (outcome: Result["outcome"]): number => results.filter((each) => each.outcome === outcome).length;
  const checks = results.map(({ check: { name, section, what }, number, ...verdict }) => ({
    number,
    name,
    section,
    what,
    ...verdict,
  }));
  const [passed, failed, notReached] = [count("passed"), count("failed"), count("not-reached")];
  return { conforms: passed === results.length, passed, failed, notReached, checks };
}

export const summaryOf = ({ passed, failed, notReached }: Report): string =>
  `${passed} passed, ${failed} failed, ${notReached} not reached`;
