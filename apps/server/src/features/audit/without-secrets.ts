// What was asked for, as the record may keep it: without what a schema calls secret, and no longer than a person reads.

import { type Route, secrets } from "@flipside/api/route";
import type { z } from "zod";

const membersMax = 20;
const textCharactersMax = 300;
const depthMax = 6;

/** In place of a secret. */
export const withheld = "(withheld)";

interface Definition {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: readonly z.ZodType[];
  in?: z.ZodType;
  shape?: Record<string, z.ZodType>;
}

/** Names of members that are secret, wherever they stand in the schema. */
function secretNames(schema: z.ZodType, found: Set<string>, seen: Set<z.ZodType>): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  const { innerType, element, options, in: before, shape } = schema.def as unknown as Definition;
  for (const inner of [innerType, element, before, ...(options ?? [])])
    if (inner !== undefined) secretNames(inner, found, seen);
  for (const [name, member] of Object.entries(shape ?? {})) {
    if (isSecret(member)) found.add(name);
    secretNames(member, found, seen);
  }
}

/** Also below what makes it optional, or describes it. */
function isSecret(schema: z.ZodType): boolean {
  for (let each: z.ZodType | undefined = schema; each !== undefined; ) {
    if (secrets.has(each)) return true;
    const { innerType, in: before } = each.def as unknown as Definition;
    each = (each._zod.parent as z.ZodType | undefined) ?? innerType ?? before;
  }
  return false;
}

function shortened(value: unknown, hidden: ReadonlySet<string>, depth: number): unknown {
  if (typeof value === "string" && value.length > textCharactersMax)
    return `${value.slice(0, textCharactersMax)}… (${value.length} characters)`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) {
    const shown = value.slice(0, membersMax).map((each) => shortened(each, hidden, depth + 1));
    return value.length > membersMax ? [...shown, `… and ${value.length - membersMax} more`] : shown;
  }
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    hidden.has(name) ? withheld : shortened(member, hidden, depth + 1),
  ]);
  return Object.fromEntries(entries.slice(0, 4 * membersMax));
}

/** Made once for a route: bodies of it as the record keeps them. */
export function keeperOf({ body }: Pick<Route, "body">): (given: unknown) => unknown {
  if (body === undefined) return () => undefined;
  if (body.kind === "file") return (given) => (given instanceof Uint8Array ? { bytes: given.length } : undefined);
  return without(body.schema);
}

/** Of what stands in the address behind the path, the same. */
export const queryKeeperOf = ({ query }: Pick<Route, "query">): ((given: unknown) => unknown) =>
  query === undefined ? kept : without(query);

function without(schema: z.ZodType): (given: unknown) => unknown {
  const hidden = new Set<string>();
  secretNames(schema, hidden, new Set());
  return (given) => shortened(given, hidden, 0);
}

/** What a handler says of before and after. */
export const kept = (value: unknown): unknown => shortened(value, new Set(), 0);
