// What was asked for, as the record may keep it: without what a schema calls secret, and no longer than a person reads.

import type { Route } from "@flipside/api/route";
import { secretMembersOf } from "@flipside/api/secret-members";
import type { z } from "zod";

const membersMax = 20;
const textCharactersMax = 300;
const depthMax = 6;

/** In place of a secret. */
export const withheld = "(withheld)";

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
  const hidden = secretMembersOf(schema);
  return (given) => shortened(given, hidden, 0);
}

/** What a handler says of before and after. */
export const kept = (value: unknown): unknown => shortened(value, new Set(), 0);
