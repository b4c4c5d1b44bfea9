// What is wrong with a filter, in the language that was chosen: packages/device-filter says it in English, by the
// sentences that stand here.

import { t } from "@lingui/core/macro";
import { FilterError } from "@flipside/device-filter";
import { i18n } from "../language/i18n.ts";

type Sentence = readonly [english: RegExp, inWords: (...parts: string[]) => string];

/** Of the first that fits; undefined: of none. */
function said(text: string, sentences: readonly Sentence[]): string | undefined {
  for (const [english, inWords] of sentences) {
    const parts = english.exec(text);
    if (parts !== null) return inWords(...parts.slice(1));
  }
  return undefined;
}

/** `a, b or c`, of what is typed. */
const oneOf = (listed: string): string => {
  const items = listed.split(/, | or /);
  const [before, last] = [items.slice(0, -1).join(", "), items.at(-1)];
  return before === "" ? listed : t`${before} or ${last}`;
};

const kinds: readonly Sentence[] = [
  [/^a text$/, () => t`a text`],
  [/^a number$/, () => t`a number`],
  [/^a version$/, () => t`a version`],
  [/^one of a few words$/, () => t`one of a few words`],
  [/^true or false$/, () => t`true or false`],
  [/^an age, such as (\S+)$/, (age) => t`an age, such as ${age}`],
  [/^a text, a number, true or false$/, () => t`a text, a number, true or false`],
];

const expected: readonly Sentence[] = [
  ...kinds,
  [/^and, or, or the end$/, () => t`and, or, or the end`],
  [
    /^and, or, or the "\)" of the "\(" at character (\d+)$/,
    (place) => t`and, or, or the ")" of the "(" at character ${place}`,
  ],
  [/^in or like$/, () => t`in or like`],
  [
    /^an operator after ("[^]*"): (.+)$/,
    (field, operators) => {
      const some = oneOf(operators!);
      return t`an operator after ${field}: ${some}`;
    },
  ],
  [/^a field, such as product or tag, /, () => t`a field, such as product or tag, "not", "has" or "("`],
  [/^"\(" and a list of values$/, () => t`"(" and a list of values`],
  [/^"," or "\)"$/, () => t`"," or ")"`],
  [/^a value$/, () => t`a value`],
  [/^a value; put it into quotes if it begins so$/, () => t`a value; put it into quotes if it begins so`],
  [/^an age: a whole number and one of (.+)$/, (units) => t`an age: a whole number and one of ${units}`],
  [/^a version, such as (\S+)$/, (version) => t`a version, such as ${version}`],
  [/^([\w-]+(?:, [\w-]+)* or [\w-]+)$/, (words) => oneOf(words!)],
];

const sentences: readonly Sentence[] = [
  [
    /^the filter ends here, expected ([^]+)$/,
    (text) => {
      const wanted = said(text!, expected) ?? text;
      return t`the filter ends here, expected ${wanted}`;
    },
  ],
  [
    /^("[^]*") stands here, expected ([^]+)$/,
    (found, text) => {
      const wanted = said(text!, expected) ?? text;
      return t`${found} stands here, expected ${wanted}`;
    },
  ],
  [/^brackets and "not" may be (\d+) deep at most$/, (depth) => t`brackets and "not" may be ${depth} deep at most`],
  [
    /^("[^]*") can't be the name of an attribute: ([^]+)$/,
    (name, pattern) => t`${name} can't be the name of an attribute: ${pattern}`,
  ],
  [
    /^there is no field ("[^]*"); there are (.+), and attribute\.NAME$/,
    (field, fields) => t`there is no field ${field}; there are ${fields}, and attribute.NAME`,
  ],
  [
    /^("[^"]+") does not go with (\S+), which is (.+); ([^;]+) do$/,
    (operator, field, kind, operators) => {
      const [is, some] = [said(kind!, kinds) ?? kind, oneOf(operators!)];
      return t`${operator} does not go with ${field}, which is ${is}; ${some} do`;
    },
  ],
  [
    /^("[^]*") is no range of versions; (.+) are some$/,
    (range, some) => t`${range} is no range of versions; ${some} are some`,
  ],
  [/^("[^]*") is no operator here$/, (sign) => t`${sign} is no operator here`],
  [
    /^("[^]*") begins nothing; write texts between double quotes$/,
    (sign) => t`${sign} begins nothing; write texts between double quotes`,
  ],
  [
    /^("[^]*") begins nothing; characters such as this belong into quotes$/,
    (sign) => t`${sign} begins nothing; characters such as this belong into quotes`,
  ],
  [
    /^a backslash stands before " or (\S+) only; write (\S+) for one$/,
    (one, two) => t`a backslash stands before " or ${one} only; write ${two} for one`,
  ],
  [/^the text that begins here has no closing "$/, () => t`the text that begins here has no closing "`],
  [
    /^a filter has (\d+) characters at most, this one has (\d+); name devices by a tag instead$/,
    (most, has) => t`a filter has ${most} characters at most, this one has ${has}; name devices by a tag instead`,
  ],
];

/** Undefined: nobody has words for it yet. */
export const filterFaultWords = (what: string): string | undefined => said(what, sentences);

function suggestionInWords(suggestion: string): string {
  const quoted = /^("[^]*"), in quotes$/.exec(suggestion)?.[1];
  return quoted === undefined ? suggestion : t`${quoted}, in quotes`;
}

/** The same fault of the same text. */
export function faultInWords(text: string, fault: FilterError): FilterError {
  const what = i18n.locale === "en" ? undefined : filterFaultWords(fault.what);
  if (what === undefined) return fault;
  const { offset, length, suggestion } = fault;
  return new FilterError(text, {
    ...{ offset, length, what },
    suggestion: suggestion === undefined ? undefined : suggestionInWords(suggestion),
  });
}
