// Mutants of the exokernel's C: the flash driver, what modules see of it, and the set-up of the PMP. Each is a text of
// its own, compiled for this machine with the checks of apps/agent/test/flash-driver, which takes a third of a second.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { buildChecks, hostCompiler, RUN_MS_MAX } from "../../apps/agent/test/flash-driver/host-build.ts";
import type { Mutant, Operator } from "./operators.ts";
import type { Verdict } from "./campaign.ts";

export const mutatedC: readonly string[] = ["flash_cfi", "flash_zones", "pmp"].map(
  (name) => `apps/agent/exokernel/${name}.c`,
);

export interface CMutant extends Mutant {
  start: number;
  end: number;
  text: string;
}

const blank = (text: string): string => text.replace(/[^\n]/g, " ");
const other: Record<string, string> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "!=",
  "!=": "==",
  "&&": "||",
  "||": "&&",
};

/** The mutants of a C file, numbered from `first`. */
export function cMutantsOf(file: string, source: string, first: number): CMutant[] {
  // Comments, strings, the parts that only test builds have, and what is said to the compiler are no code here.
  const code = source
    .replace(/#ifdef FLASH_FAULTS[\s\S]*?#endif/g, blank)
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/"(?:[^"\\\n]|\\.)*"/g, blank)
    .replace(/__attribute__\(\(.*?\)\)\)?/g, blank)
    .replace(/^#(?!define).*$/gm, blank)
    .replace(/^.*\b(?:flash_operation|flash_fault_\w+|__asm__)\b.*$/gm, blank) // for tests, and for the fault injector
    .replace(/^#define (?:WRITE|SET)_CSR.*$/gm, blank);
  const mutants: CMutant[] = [];
  const seen = new Map<string, number>();
  const lines = code.split("\n");
  let place = "constant";
  let at = 0;
  const add = (line: number, operator: Operator, start: number, end: number, text: string): void => {
    const from = source.slice(start, end).trim();
    const around = operator === "comparison" || operator === "constant" ? lines[line]!.trim() : from;
    const to = operator === "comparison" || operator === "constant" ? `${from} as ${text}` : text;
    const key = `${place}\0${operator}\0${around}\0${to}`;
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    mutants.push({
      number: first + mutants.length,
      file,
      place,
      line: line + 1,
      operator,
      from: around.replace(/\s+/g, " "),
      to: to.replace(/\s+/g, " ").trim(),
      occurrence,
      start,
      end,
      text,
    });
  };
  const isStatement = (line: string): boolean =>
    /^\s+[\w*][^;{}]*;\s*$/.test(line) &&
    !/^\s+(return|break|continue|static|const|u8|u16|u32|u64|s32|volatile|case|default)\b/.test(line);
  lines.forEach((line, i) => {
    const named = /^[\w* ]*?(\w+|EXO_CALL\(\w+\))\([^;]*\{/.exec(line);
    if (named && !/^\s/.test(line)) place = named[1]!;
    else if (/^#define (\w+)|^static const/.test(line)) place = "constant";
    const isBody = /^\s/.test(line) || /\{ .* \}$/.test(line) || line.startsWith("#define");
    if (isBody) {
      const body = line.startsWith("#define")
        ? line.replace(/^#define \w+(\([^)]*\))?/, blank)
        : /^\w/.test(line)
          ? line.replace(/^[^{]*/, blank)
          : line;
      for (const match of body.matchAll(/(?<=\s)(<=|>=|==|!=|<|>|&&|\|\|)(?=\s)/g))
        add(i, "comparison", at + match.index, at + match.index + match[0].length, other[match[0]]!);
      for (const match of body.matchAll(/(?<![\w.])(0x[0-9a-fA-F]+|\d+)u?\b/g))
        add(i, "constant", at + match.index, at + match.index + match[0].length, `(${match[0]} + 1)`);
      const condition = /\b(?:if|while) \((.*)\)(?: |$)/.exec(body);
      const open = condition && body.indexOf("(", condition.index);
      if (open !== null && open >= 0) {
        let depth = 0;
        let close = open;
        for (; close < body.length; close++) {
          if (body[close] === "(") depth++;
          else if (body[close] === ")" && --depth === 0) break;
        }
        if (depth === 0)
          add(i, "condition", at + open, at + close + 1, `(!${source.slice(at + open, at + close + 1)})`);
      }
      if (isStatement(line)) {
        const start = at + line.search(/\S/);
        add(i, "dropped", start, at + line.trimEnd().length, ";");
        const next = lines[i + 1];
        const isCall = (text: string): boolean => /^\s*\w+\(/.test(text);
        const isMoved = (text: string): boolean => !/^\s*(if|while|for|WRITE_CSR)\b/.test(text);
        if (next !== undefined && isStatement(next) && isMoved(line) && isMoved(next)) {
          const nextStart = at + line.length + 1;
          const [a, b] = [source.slice(at, at + line.length), source.slice(nextStart, nextStart + next.length)];
          if (isCall(line) || isCall(next)) add(i, "swapped", at, nextStart + next.length, `${b}\n${a}`);
        }
      }
    }
    if (line === "}") place = "constant";
    at += line.length + 1;
  });
  return mutants;
}

/** Tests mutants of C files. Undefined: this machine has no C compiler of its own. */
export function runCMutants(
  files: readonly string[],
  options: { first: number; only: (mutant: Mutant) => boolean; onVerdict: (verdict: Verdict) => void },
): Verdict[] | undefined {
  if (hostCompiler() === undefined) return undefined;
  const verdicts: Verdict[] = [];
  const folder = mkdtempSync(join(tmpdir(), "flipside-c-mutants-"));
  try {
    let { first } = options;
    for (const file of files) {
      const source = readFileSync(join(repositoryRoot, file), "utf8");
      const mutants = cMutantsOf(file, source, first);
      first += mutants.length;
      for (const mutant of mutants.filter(options.only)) {
        const began = performance.now();
        writeFileSync(
          join(folder, basename(file)),
          source.slice(0, mutant.start) + mutant.text + source.slice(mutant.end),
        );
        const verdict: Verdict = { mutant, finding: undefined, isReached: true, seconds: 0 };
        const built = buildChecks(join(folder, "checks"), folder);
        if (built !== undefined) verdict.finding = { by: "the C compiler", what: built.split("\n")[0]! };
        else {
          const { status, stdout } = spawnSync(join(folder, "checks"), { encoding: "utf8", timeout: RUN_MS_MAX });
          if (status !== 0)
            verdict.finding = {
              by: "flash-driver",
              what: /FAIL: .*/.exec(stdout)?.[0] ?? "it does not come to an end",
            };
        }
        verdict.seconds = (performance.now() - began) / 1000;
        verdicts.push(verdict);
        options.onVerdict(verdict);
      }
      rmSync(join(folder, basename(file)), { force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return verdicts;
}
