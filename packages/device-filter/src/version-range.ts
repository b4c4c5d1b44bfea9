// Ranges of versions, as npm writes them (docs of node-semver): `^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`,
// alternatives with `||`. Broken down to comparisons, which are asked by the one order of versions that there is here,
// so that a range and `>=` can't disagree. A pre-release is in a range only where the range names one of the same
// version (`>=1.2.0-rc.1`): who asks for `^1.2` does not mean 1.3.0-beta.

import { compareVersions } from "@flipside/api/version-order";

export const rangeCharactersMax = 128;

interface Comparator {
  operator: "<" | "<=" | ">" | ">=" | "=";
  version: string;
}

/** A version of which parts may be left open. */
interface Partial {
  numbers: number[];
  prerelease: string | undefined;
}

const partial =
  /^[v=]?(\d{1,15}|[xX*])(?:\.(\d{1,15}|[xX*])(?:\.(\d{1,15}|[xX*])(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?$/;

function partialOf(text: string): Partial | undefined {
  const match = partial.exec(text);
  if (match === null) return undefined;
  const [, ...parts] = match;
  const given = parts.slice(0, 3);
  const open = given.findIndex((part) => part === undefined || /[xX*]/.test(part));
  const numbers = (open < 0 ? given : given.slice(0, open)).map(Number);
  return { numbers, prerelease: numbers.length === 3 ? parts[3] : undefined };
}

const filled = ({ numbers, prerelease }: Partial): string =>
  [0, 1, 2].map((i) => numbers[i] ?? 0).join(".") + (prerelease === undefined ? "" : `-${prerelease}`);

/** The first version, pre-releases included, in which the number at `index` is one higher. */
const after = (numbers: number[], index: number): string =>
  `${[0, 1, 2].map((i) => (i < index ? numbers[i]! : i === index ? numbers[i]! + 1 : 0)).join(".")}-0`;

const below = (numbers: number[], index: number): Comparator => ({ operator: "<", version: after(numbers, index) });
const from = (each: Partial): Comparator => ({ operator: ">=", version: filled(each) });
const anything: Comparator[] = [{ operator: ">=", version: "0.0.0" }];
const nothing: Comparator[] = [{ operator: "<", version: "0.0.0-0" }];

/** Up to the next change of the leftmost number that is not 0. */
function caret(each: Partial): Comparator[] {
  const { numbers } = each;
  if (numbers.length === 0) return anything;
  const leading = numbers.findIndex((number) => number > 0);
  return [from(each), below(numbers, leading < 0 ? numbers.length - 1 : leading)];
}

function tilde(each: Partial): Comparator[] {
  const { numbers } = each;
  return numbers.length === 0 ? anything : [from(each), below(numbers, Math.min(1, numbers.length - 1))];
}

/** A number that is left open takes in all that it may be. */
function compared(operator: string, each: Partial): Comparator[] {
  const { numbers } = each;
  const isOpen = numbers.length < 3;
  const last = numbers.length - 1;
  if (!isOpen) return [{ operator: (operator || "=") as Comparator["operator"], version: filled(each) }];
  if (numbers.length === 0) return operator === "<" || operator === ">" ? nothing : anything;
  if (operator === ">=") return [from(each)];
  if (operator === "<") return [{ operator: "<", version: `${filled(each)}-0` }];
  if (operator === ">") return [{ operator: ">=", version: after(numbers, last).replace(/-0$/, "") }];
  if (operator === "<=") return [below(numbers, last)];
  return [from(each), below(numbers, last)];
}

/** `1.2 - 1.4`, ends included. */
function hyphen(first: Partial, last: Partial): Comparator[] {
  const upper =
    last.numbers.length === 0
      ? []
      : last.numbers.length === 3
        ? [{ operator: "<=" as const, version: filled(last) }]
        : [below(last.numbers, last.numbers.length - 1)];
  return [from(first), ...upper];
}

function alternativeOf(text: string): Comparator[] | undefined {
  const words = text
    .replaceAll(/(\^|~|[<>]=?|=)\s+/g, "$1")
    .split(/\s+/)
    .filter(Boolean);
  if (words.length === 0) return anything;
  if (words.length === 3 && words[1] === "-") {
    const [first, last] = [partialOf(words[0]!), partialOf(words[2]!)];
    return first && last && hyphen(first, last);
  }
  const comparators: Comparator[] = [];
  for (const word of words) {
    const sign = /^(?:\^|~|[<>]=?|=)?/.exec(word)![0];
    const each = partialOf(word.slice(sign.length));
    if (each === undefined) return undefined;
    comparators.push(...(sign === "^" ? caret(each) : sign === "~" ? tilde(each) : compared(sign, each)));
  }
  return comparators;
}

function holds({ operator, version }: Comparator, given: string): boolean {
  const order = compareVersions(given, version)!;
  switch (operator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "=":
      return order === 0;
  }
}

const released = (version: string): string => version.split(/[-+]/, 1)[0]!;
const isPrerelease = (version: string): boolean => version.split("+", 1)[0]!.includes("-");

/** Whether a version is in the range; undefined when it is no range. What is no version is in none. */
export function rangeMatcher(range: string): ((version: string) => boolean) | undefined {
  if (range.length > rangeCharactersMax) return undefined;
  const alternatives = range.split("||").map((each) => alternativeOf(each.trim()));
  if (alternatives.some((each) => each === undefined)) return undefined;
  return (version) => {
    if (compareVersions(version, version) === undefined) return false;
    return (alternatives as Comparator[][]).some(
      (comparators) =>
        comparators.every((each) => holds(each, version)) &&
        (!isPrerelease(version) ||
          comparators.some(
            (each) => isPrerelease(each.version) && compareVersions(released(each.version), released(version)) === 0,
          )),
    );
  };
}
