// Sparse reads: `?fields=id,state` leaves all other members out of what GET answers; of a list, out of its members.

import { z } from "zod";
import type { Route } from "./route.ts";

type Members = Record<string, z.ZodType>;

interface Shape {
  /** The member that holds the list; undefined: the answer is one thing. */
  list: string | undefined;
  names: readonly string[];
}

const shapes = new WeakMap<Route, Shape | null>();

function shapeOf(schema: z.ZodType): Shape | null {
  if (!(schema instanceof z.ZodObject)) return null;
  const members = schema.shape as Members;
  const lists = Object.entries(members).filter(([, member]) => member instanceof z.ZodArray);
  const [list] = lists;
  if (members["next"] === undefined || lists.length !== 1) return { list: undefined, names: Object.keys(members) };
  const { element } = list![1] as z.ZodArray<z.ZodType>;
  return element instanceof z.ZodObject ? { list: list![0], names: Object.keys(element.shape as Members) } : null;
}

/** Null: it has no members to choose from. */
export function sparseShapeOf(route: Route): Shape | null {
  const known = shapes.get(route);
  if (known !== undefined) return known;
  const isRead = route.method === "GET" && route.answer.kind === "json";
  const shape = isRead ? shapeOf((route.answer as { schema: z.ZodType }).schema) : null;
  shapes.set(route, shape);
  return shape;
}

/**
 * The fields that a query asks for, and the rest of it, which is the route's own.
 *
 * @throws {z.ZodError} for one that there is not
 */
export function takeFields(
  route: Route,
  query: Readonly<Record<string, unknown>>,
): { fields: ReadonlySet<string> | undefined; rest: Readonly<Record<string, unknown>> } {
  const shape = query["fields"] === undefined ? null : sparseShapeOf(route);
  if (shape === null) return { fields: undefined, rest: query };
  const { fields, ...rest } = query;
  const names = String(fields).split(",").filter(Boolean);
  const unknown = names.filter((name) => !shape.names.includes(name));
  if (names.length > 0 && unknown.length === 0) return { fields: new Set(names), rest };
  const what = names.length === 0 ? "it names none" : `there is no ${unknown.slice(0, 5).join(", ")}`;
  const message = `${what}; choose from ${shape.names.join(", ")}`;
  throw new z.ZodError([{ code: "custom", path: ["fields"], message, input: fields }]);
}

const chosen = (from: object, fields: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(from).filter(([name]) => fields.has(name)));

/** The answer with these members alone. */
export function chosenFields(route: Route, answer: unknown, fields: ReadonlySet<string>): object {
  const { list } = sparseShapeOf(route)!;
  if (list === undefined) return chosen(answer as object, fields);
  const page = answer as Record<string, unknown>;
  return { ...page, [list]: (page[list] as object[]).map((each) => chosen(each, fields)) };
}
