// What the two databases say differently: patterns, JSON, and numbers as values.

import { type Sql, sql } from "./sql-text.ts";

export interface SqlDialect {
  /** Whether the text is as a glob pattern says; null of null. */
  glob(text: Sql, pattern: string): Sql;
  /** A number as a value, whatever column it is compared with. */
  number(value: number): Sql;
  /** The attribute is of this form, and then `holds` is asked of it; never null. */
  attribute(name: string, form: "text" | "number", holds: (value: Sql) => Sql): Sql;
  /** The attribute is this truth; never null. */
  truth(name: string, value: boolean): Sql;
  /** The device says something under this name; never null. */
  hasAttribute(name: string): Sql;
}

const attributes = sql`"devices"."attributes"`;

/** Names of attributes are letters, digits, _ and -. */
const pathOf = (name: string): string => `$."${name}"`;

export const sqliteDialect: SqlDialect = {
  // `[` begins a set of characters there.
  glob: (text, pattern) => sql`${text} glob ${pattern.replaceAll("[", "[[]")}`,
  number: (value) => sql`${value}`,
  attribute(name, form, holds) {
    const type = sql`json_type(${attributes}, ${pathOf(name)})`;
    const isOfForm = form === "text" ? sql`${type} = 'text'` : sql`${type} in ('integer', 'real')`;
    return sql`coalesce(${isOfForm} and ${holds(sql`json_extract(${attributes}, ${pathOf(name)})`)}, false)`;
  },
  truth: (name, value) => sql`coalesce(json_type(${attributes}, ${pathOf(name)}) = ${String(value)}, false)`,
  hasAttribute: (name) => sql`(json_type(${attributes}, ${pathOf(name)}) is not null)`,
};

export const postgresDialect: SqlDialect = {
  glob: (text, pattern) =>
    sql`${text} like ${pattern
      .replace(/[\\%_]/g, "\\$&")
      .replaceAll("*", "%")
      .replaceAll("?", "_")}`,
  number: (value) => sql`cast(${value} as double precision)`,
  attribute(name, form, holds) {
    const value = sql`(${attributes}::jsonb -> cast(${name} as text))`;
    const given = form === "text" ? sql`(${value} #>> '{}')` : sql`(${value} #>> '{}')::double precision`;
    const type = form === "text" ? "string" : "number";
    // Nothing else says what is looked at first.
    return sql`case when jsonb_typeof(${value}) = ${type} then ${holds(given)} else false end`;
  },
  truth: (name, value) =>
    sql`coalesce((${attributes}::jsonb -> cast(${name} as text)) = cast(${String(value)} as jsonb), false)`,
  hasAttribute: (name) => sql`coalesce(${attributes}::jsonb -> cast(${name} as text) is not null, false)`,
};
