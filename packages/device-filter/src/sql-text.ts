// Pieces of SQL with their values apart from the text, put together without an eye for what is in them.

export type SqlValue = string | number;

/** One string more than values: each value stands between two of them. */
export interface Sql {
  strings: readonly string[];
  values: readonly SqlValue[];
}

/** Template: other pieces are put in as they are, anything else as a value. */
export function sql(strings: TemplateStringsArray, ...parts: (Sql | SqlValue)[]): Sql {
  const texts = [strings[0]!];
  const values: SqlValue[] = [];
  parts.forEach((part, i) => {
    const [first, ...others] = typeof part === "object" ? part.strings : ["", ""];
    texts[texts.length - 1] += first!;
    texts.push(...others);
    values.push(...(typeof part === "object" ? part.values : [part]));
    texts[texts.length - 1] += strings[i + 1]!;
  });
  return { strings: texts, values };
}

export function joined(parts: readonly (Sql | SqlValue)[], between: string): Sql {
  const [first, ...others] = parts;
  const separator: Sql = { strings: [between], values: [] };
  return others.reduce<Sql>((all, part) => sql`${all}${separator}${part}`, sql`${first!}`);
}

/** Text that is no value: a name that is known to be one. */
export const verbatim = (text: string): Sql => ({ strings: [text], values: [] });
