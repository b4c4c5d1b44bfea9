// Which members of what is asked for, or answered, a schema calls secret (`secret` in route.ts).

import type { z } from "zod";
import { secrets } from "./route.ts";

interface Definition {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: readonly z.ZodType[];
  in?: z.ZodType;
  shape?: Record<string, z.ZodType>;
}

/** Their names, wherever they stand in it. */
export function secretMembersOf(schema: z.ZodType): ReadonlySet<string> {
  const found = new Set<string>();
  collect(schema, found, new Set());
  return found;
}

function collect(schema: z.ZodType, found: Set<string>, seen: Set<z.ZodType>): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  const { innerType, element, options, in: before, shape } = schema.def as unknown as Definition;
  for (const inner of [innerType, element, before, ...(options ?? [])])
    if (inner !== undefined) collect(inner, found, seen);
  for (const [name, member] of Object.entries(shape ?? {})) {
    if (isSecret(member)) found.add(name);
    collect(member, found, seen);
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
