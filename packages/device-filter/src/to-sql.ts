// A filter as a condition in SQL, as far as SQL can ask it of a row of devices.
//
// Of each part two conditions are made: `upper` is true of every device that is as the part says, and perhaps of
// others, too; `lower` of none but these. Where SQL can tell, both are the same. `not` turns them round. What the
// database does not know (who is online), or should not be asked (a pattern that could take for ever, a range over
// texts), has no bounds, and whoever asks looks at the devices that `upper` lets through with matcherOf.
//
// Every condition is true or false, never null, so that `not` means here what it means there.

import { attributeOf, type FieldName } from "./fields.ts";
import type { Comparison, Filter, Value } from "./filter.ts";
import { wishOf } from "./match.ts";
import type { SqlDialect } from "./sql-dialects.ts";
import { joined, type Sql, sql, verbatim } from "./sql-text.ts";

/** What is known of the fleet besides its rows. */
export interface KnownFleet {
  nowMs: number;
  /** Every version that a device runs, and perhaps others; undefined: there are too many. */
  versions: readonly string[] | undefined;
  /** Of every image that was uploaded. */
  releases: ReadonlyMap<string, { id: string; version: string }>;
}

export interface SqlBounds {
  /** Undefined: nothing can be said. */
  where: Sql | undefined;
  /** It lets nothing through but what the filter means. */
  isExact: boolean;
}

interface Bounds {
  upper: Sql;
  lower: Sql;
  isExact: boolean;
}

const always = sql`true`;
const never = sql`false`;
const unbounded: Bounds = { upper: always, lower: never, isExact: false };
const exactly = (condition: Sql): Bounds => ({ upper: condition, lower: condition, isExact: true });

/** More may take a database's matcher more steps than anybody wants to wait for. */
const starsMax = 2;

const columns: Partial<Record<FieldName, Sql>> = {
  id: sql`"devices"."id"`,
  product: sql`"devices"."product"`,
  hardware: sql`"devices"."hardware"`,
  revision: sql`"devices"."revision"`,
  version: sql`"devices"."runningVersion"`,
  digest: sql`"devices"."runningDigest"`,
  slotState: sql`"devices"."runningState"`,
  health: sql`"devices"."health"`,
  bootReason: sql`"devices"."bootReason"`,
  agent: sql`"devices"."agent"`,
  channel: sql`"devices"."channel"`,
  configuration: sql`"devices"."configurationState"`,
};

const known = (condition: Sql): Sql => sql`coalesce(${condition}, false)`;

const oneOf = (column: Sql, values: readonly string[]): Sql =>
  values.length === 0 ? never : known(sql`${column} in (${joined(values, ", ")})`);

const tagged = (holds: Sql): Sql =>
  sql`exists (select 1 from "deviceTags" where "deviceTags"."deviceId" = "devices"."id" and ${holds})`;

function all(parts: readonly Sql[]): Sql {
  if (parts.includes(never)) return never;
  const saying = parts.filter((part) => part !== always);
  return saying.length === 0 ? always : sql`(${joined(saying, " and ")})`;
}

function any(parts: readonly Sql[]): Sql {
  if (parts.includes(always)) return always;
  const saying = parts.filter((part) => part !== never);
  return saying.length === 0 ? never : sql`(${joined(saying, " or ")})`;
}

const opposite = (condition: Sql): Sql =>
  condition === always ? never : condition === never ? always : sql`not ${condition}`;

const inverse = ({ upper, lower, isExact }: Bounds): Bounds => ({
  upper: opposite(lower),
  lower: opposite(upper),
  isExact,
});

type Condition = Extract<Filter, { field: FieldName }>;

class Compiler {
  readonly #dialect: SqlDialect;
  readonly #fleet: KnownFleet;

  constructor(dialect: SqlDialect, fleet: KnownFleet) {
    this.#dialect = dialect;
    this.#fleet = fleet;
  }

  of(filter: Filter): Bounds {
    if (filter.kind === "not") return inverse(this.of(filter.part));
    if ("parts" in filter) {
      const parts = filter.parts.map((part) => this.of(part));
      const together = filter.kind === "and" ? all : any;
      return {
        upper: together(parts.map(({ upper }) => upper)),
        lower: together(parts.map(({ lower }) => lower)),
        isExact: parts.every(({ isExact }) => isExact),
      };
    }
    if (filter.kind === "compare" && filter.operator === "!=") return inverse(this.of({ ...filter, operator: "=" }));
    return this.#condition(filter);
  }

  #condition(filter: Condition): Bounds {
    const { field } = filter;
    const attribute = attributeOf(field);
    if (attribute !== undefined) return this.#attribute(attribute, filter);
    switch (field) {
      case "online":
        return filter.kind === "has" ? exactly(always) : unbounded;
      case "revoked":
        return exactly(this.#revoked(filter));
      case "lastSeen":
        return this.#lastSeen(filter);
      case "tag":
        return this.#text(sql`"deviceTags"."tag"`, filter, tagged);
      case "version":
        return this.#version(filter);
      case "release":
        return exactly(oneOf(columns.digest!, this.#digestsOf(filter)));
      case "revision":
        return this.#number(columns.revision!, filter);
      default:
        return this.#text(columns[field]!, filter, known);
    }
  }

  #revoked(filter: Condition): Sql {
    const isRevoked = sql`"devices"."revokedAt" is not null`;
    const is = (value: Value): Sql => (value === true ? isRevoked : sql`"devices"."revokedAt" is null`);
    if (filter.kind === "compare") return is(filter.value);
    return filter.kind === "in" ? any(filter.values.map(is)) : always;
  }

  /** The row may be some seconds behind: the device was heard of then, or later. */
  #lastSeen(filter: Condition): Bounds {
    const column = sql`"devices"."lastSeenAt"`;
    if (filter.kind !== "compare") return { upper: always, lower: sql`(${column} is not null)`, isExact: false };
    const limit = this.#dialect.number(this.#fleet.nowMs - Number(filter.value));
    const earlier = { ">": "<", ">=": "<=", "<": ">", "<=": ">=" }[filter.operator as "<"];
    const holds = sql`${column} ${verbatim(earlier)} ${limit}`;
    return filter.operator.startsWith(">")
      ? { upper: sql`coalesce(${holds}, true)`, lower: never, isExact: false }
      : { upper: always, lower: known(holds), isExact: false };
  }

  #version(filter: Condition): Bounds {
    const column = columns.version!;
    if (filter.kind === "has") return exactly(sql`(${column} is not null)`);
    const { versions } = this.#fleet;
    return versions === undefined ? unbounded : exactly(oneOf(column, versions.filter(wishOf(filter))));
  }

  #digestsOf(filter: Condition): string[] {
    const wanted = wishOf(filter);
    return [...this.#fleet.releases]
      .filter(([, { id, version }]) => wanted(id) || wanted(version))
      .map(([digest]) => digest);
  }

  /** `holding`: what it takes that one value is so, and what makes it true or false. */
  #text(column: Sql, filter: Condition, holding: (condition: Sql) => Sql): Bounds {
    if (filter.kind === "has") return exactly(holding(sql`(${column} is not null)`));
    if (filter.kind === "compare") return exactly(holding(sql`${column} = ${filter.value as string}`));
    if (filter.kind === "in") return exactly(holding(sql`${column} in (${joined(filter.values as string[], ", ")})`));
    const glob = filter.kind === "like" ? this.#glob(column, filter.pattern) : undefined;
    return glob === undefined ? unbounded : exactly(holding(glob));
  }

  #glob(text: Sql, pattern: string): Sql | undefined {
    const shortest = pattern.replace(/\*+/g, "*");
    return shortest.split("*").length - 1 > starsMax ? undefined : this.#dialect.glob(text, shortest);
  }

  #number(column: Sql, filter: Condition): Bounds {
    if (filter.kind === "has") return exactly(sql`(${column} is not null)`);
    const compared = (operator: Comparison, value: Value): Sql =>
      known(sql`${column} ${verbatim(operator)} ${this.#dialect.number(value as number)}`);
    if (filter.kind === "in") return exactly(any(filter.values.map((value) => compared("=", value))));
    return filter.kind === "compare" ? exactly(compared(filter.operator, filter.value)) : unbounded;
  }

  #attribute(name: string, filter: Condition): Bounds {
    if (filter.kind === "has") return exactly(this.#dialect.hasAttribute(name));
    if (filter.kind === "in") return exactly(any(filter.values.map((value) => this.#attributeIs(name, "=", value))));
    if (filter.kind === "compare") return exactly(this.#attributeIs(name, filter.operator, filter.value));
    const pattern = filter.kind === "like" ? filter.pattern : undefined;
    if (pattern === undefined || this.#glob(always, pattern) === undefined) return unbounded;
    return exactly(this.#dialect.attribute(name, "text", (value) => this.#glob(value, pattern)!));
  }

  #attributeIs(name: string, operator: Comparison, wanted: Value): Sql {
    if (typeof wanted === "number")
      return this.#dialect.attribute(
        name,
        "number",
        (value) => sql`${value} ${verbatim(operator)} ${this.#dialect.number(wanted)}`,
      );
    // Of texts and truths no order is known.
    if (operator !== "=") return never;
    if (typeof wanted === "boolean") return this.#dialect.truth(name, wanted);
    return this.#dialect.attribute(name, "text", (value) => sql`${value} = ${wanted}`);
  }
}

/** For a `where` over "devices". */
export function filterToSql(filter: Filter, dialect: SqlDialect, fleet: KnownFleet): SqlBounds {
  const { upper, isExact } = new Compiler(dialect, fleet).of(filter);
  return { where: upper === always ? undefined : upper, isExact };
}
