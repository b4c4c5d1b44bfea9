// Filters over devices (docs/device-filter.md), for whoever has the text of one: parse it, then match devices.

export { completionAt, valueAsTyped } from "./complete.ts";
export type { Filter } from "./filter.ts";
export { FilterError } from "./filter-error.ts";
export { type Filtered, type Matcher, matcherOf } from "./match.ts";
export { parseFilter } from "./parse.ts";
export { printFilter, quoted } from "./print.ts";
export { type Source, sourceOf } from "./sources.ts";
export { postgresDialect, sqliteDialect } from "./sql-dialects.ts";
export { filterToSql, type KnownFleet } from "./to-sql.ts";
