// Where to look for what a filter means: the few kinds of devices that have an index each, of which every device that
// the filter means is one. So what is rare is found without a look at the whole fleet.

import type { FieldName } from "./fields.ts";
import type { Filter, Value } from "./filter.ts";
import { wishOf } from "./match.ts";
import type { KnownFleet } from "./to-sql.ts";

/** The first ones divide a fleet most. */
const fields = [
  "id",
  "online",
  "tag",
  "digest",
  "version",
  "revoked",
  "slotState",
  "health",
  "bootReason",
  "configuration",
] as const;

export interface Source {
  field: (typeof fields)[number];
  /** One of these; of `online` and `revoked`: true. */
  values: readonly Value[];
}

/** More are no few kinds. */
const valuesMax = 20;

/** What most devices are: to look at these is to look at all. */
const usual: Partial<Record<FieldName, Value>> = {
  slotState: "confirmed",
  health: "healthy",
  configuration: "none",
};

function sourceOfCondition(filter: Extract<Filter, { field: FieldName }>, fleet: KnownFleet): Source | undefined {
  const { field } = filter;
  if (filter.kind === "has" || (filter.kind === "compare" && filter.operator === "!=")) return undefined;
  if (field === "version") {
    const values = fleet.versions?.filter(wishOf(filter));
    return values && { field, values };
  }
  if (field === "release") {
    const wanted = wishOf(filter);
    const values = [...fleet.releases].filter(([, { id, version }]) => wanted(id) || wanted(version));
    return { field: "digest", values: values.map(([digest]) => digest) };
  }
  const values =
    filter.kind === "in" ? filter.values : filter.kind === "compare" && filter.operator === "=" ? [filter.value] : [];
  const known = fields.find((each) => each === field);
  if (known === undefined || values.length === 0 || values.includes(usual[field] ?? "")) return undefined;
  if ((field === "online" || field === "revoked") && values.includes(false)) return undefined;
  return { field: known, values };
}

/** Undefined: any device may be meant. */
export function sourceOf(filter: Filter, fleet: KnownFleet): Source | undefined {
  if (filter.kind === "not") return undefined;
  if (!("parts" in filter)) {
    const source = sourceOfCondition(filter, fleet);
    return source === undefined || source.values.length > valuesMax ? undefined : source;
  }
  const sources = filter.parts.map((part) => sourceOf(part, fleet));
  if (filter.kind === "and")
    return sources
      .filter((source) => source !== undefined)
      .sort((one, other) => fields.indexOf(one.field) - fields.indexOf(other.field))[0];
  const [first] = sources;
  if (first === undefined || sources.some((source) => source?.field !== first.field)) return undefined;
  const values = [...new Set(sources.flatMap((source) => source!.values))];
  return values.length > valuesMax ? undefined : { field: first.field, values };
}
