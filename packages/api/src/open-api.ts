// The OpenAPI 3.1 document of the interface, made from the route objects.

import { z } from "zod";
import { ErrorCode as FormatErrorCode } from "@flipside/image-format/portable/error-codes";
import { errorName } from "@flipside/image-format/error-names";
import { errors } from "./errors.ts";
import { problem } from "./resources/problems.ts";
import { rolesThatMay } from "./permissions.ts";
import { conditionalOn } from "./conditional.ts";
import {
  type Answer,
  apiPrefix,
  components,
  idempotencyKeyPattern,
  isPermission,
  type RequestBody,
  type Route,
  sessionCookie,
  takesIdempotencyKey,
} from "./route.ts";
import { sparseShapeOf } from "./sparse.ts";
import { errorsOf } from "./route-errors.ts";
import { routes } from "./routes.ts";

type JsonObject = Record<string, unknown>;

export interface OpenApiDocument {
  openapi: "3.1.1";
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, JsonObject>>;
  components: { schemas: Record<string, JsonObject>; securitySchemes: JsonObject };
}

const refTo = (id: string): string => `#/components/schemas/${id}`;
const octets = "application/octet-stream";
const problemJson = "application/problem+json";
const formatErrorNames = Object.values(FormatErrorCode).flatMap((code) =>
  typeof code === "number" && code !== FormatErrorCode.None ? [errorName(code)] : [],
);

/** Asked of a client, what has a default may be left out; what is answered is complete. */
type Direction = "input" | "output";

function inline(schema: z.ZodType, io: Direction): JsonObject {
  const known = components.get(schema);
  if (known !== undefined) return { $ref: refTo(known.id) };
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io });
  return described;
}

/** Each named schema, as it is asked for or as it is answered. */
function componentSchemas(): Record<string, JsonObject> {
  const made = (io: Direction): Record<string, JsonObject> =>
    z.toJSONSchema(components, { io, uri: refTo }).schemas as Record<string, JsonObject>;
  const asked = made("input");
  const answered = made("output");
  const askedFor = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key !== "$ref" || typeof inner !== "string") visit(inner);
      else if (!askedFor.has(inner)) {
        askedFor.add(inner);
        visit(asked[inner.slice(refTo("").length)]);
      }
    }
  };
  for (const { body } of Object.values(routes) as Route[])
    if (body !== undefined && body.kind !== "file") visit(inline(body.schema, "input"));
  const schemas: Record<string, JsonObject> = {};
  for (const id of Object.keys(answered).sort()) {
    const { $schema: _s, $id: _i, ...schema } = (askedFor.has(refTo(id)) ? asked : answered)[id]!;
    schemas[id] = schema;
  }
  return schemas;
}

const pathOf = (route: Route): string => route.path.replace(/:(\w+)/g, "{$1}");

const inHeader = (name: string, description: string, schema: JsonObject = { type: "string" }): JsonObject => ({
  ...{ name, in: "header", required: false, description, schema },
});

/** What a route takes besides its own. */
function moreParametersOf(route: Route): JsonObject[] {
  const shape = sparseShapeOf(route);
  const fields = {
    ...{ name: "fields", in: "query", required: false, schema: { type: "string" } },
    description: `Answers these members alone${shape?.list === undefined ? "" : ` of each of the ${shape.list}`}, separated by commas: ${shape?.names.join(", ")}.`,
  };
  return [
    ...(shape === null ? [] : [fields]),
    ...(takesIdempotencyKey(route)
      ? [
          inHeader("Idempotency-Key", "A second request like the first, with its key, is answered as that was.", {
            ...{ type: "string", pattern: idempotencyKeyPattern.source },
          }),
        ]
      : []),
    ...(conditionalOn(route) === undefined
      ? []
      : [inHeader("If-Match", "The ETag of what GET has answered: it is done only while that is so.")]),
  ];
}

function parametersOf(route: Route): JsonObject[] {
  const { params, query } = route;
  const inPath = Object.entries(params?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "path",
    required: true,
    schema: inline(schema as z.ZodType, "input"),
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: inline(schema as z.ZodType, "input"),
  }));
  return [...inPath, ...inQuery, ...moreParametersOf(route)];
}

function bodyOf(body: RequestBody): JsonObject {
  if (body.kind === "file")
    return {
      required: true,
      description: `at most ${body.bytesMax} bytes`,
      content: { [octets]: { schema: { type: "string", format: "binary" } } },
    };
  const mediaType = body.kind === "json" ? "application/json" : "application/x-www-form-urlencoded";
  return { required: body.kind === "json", content: { [mediaType]: { schema: inline(body.schema, "input") } } };
}

function contentOf(answer: Answer): JsonObject {
  switch (answer.kind) {
    case "nothing":
      return {};
    case "redirect":
      return { headers: { Location: { required: true, schema: { type: "string" } } } };
    case "json":
      return { content: { "application/json": { schema: inline(answer.schema, "output") } } };
    case "text":
      return { content: { "text/plain": { schema: inline(answer.schema, "output") } } };
    case "csv":
      return { content: { "text/csv": { schema: { type: "string" } } } };
    case "file":
      return { content: { [octets]: { schema: { type: "string", format: "binary" } } } };
    case "events": {
      // OpenAPI 3.1 can't say what is in a stream: the schema of each kind's data is told beside it.
      const events = Object.fromEntries(
        Object.entries(answer.events).map(([kind, schema]) => [kind, inline(schema, "output")]),
      );
      return { content: { "text/event-stream": { schema: { type: "string" }, "x-events": events } } };
    }
  }
}

/** Refusals by status, each with the codes that it may carry. */
function refusalsOf(route: Route): Record<string, JsonObject> {
  const codes = new Map<number, string[]>();
  for (const code of errorsOf(route)) codes.set(errors[code].status, [...(codes.get(errors[code].status) ?? []), code]);
  if (route.refusesFiles) codes.set(422, [...(codes.get(422) ?? []), ...formatErrorNames]);
  const responses: Record<string, JsonObject> = {};
  for (const [status, names] of [...codes].sort(([one], [other]) => one - other)) {
    const code = { type: "string", enum: names };
    responses[status] = {
      description: names.length > 6 ? "Refused" : names.join(", "),
      content: {
        [problemJson]: {
          schema: {
            allOf: [inline(problem, "output"), { type: "object", properties: { code, status: { const: status } } }],
          },
        },
      },
    };
  }
  for (const status of route.textStatuses ?? []) {
    responses[status] = {
      description: "Refused",
      content: {
        ...(responses[status]?.["content"] as JsonObject | undefined),
        ...(contentOf(route.answer)["content"] as JsonObject),
      },
    };
  }
  return responses;
}

function securityOf({ access }: Route): JsonObject[] {
  if (access === "anybody" || access === "broker") return [];
  // What a scheme of this type takes besides may be said since OpenAPI 3.1: here, the permission.
  const takes = isPermission(access) ? [access] : [];
  return access === "in-person" ? [{ session: takes }] : [{ session: takes }, { token: takes }];
}

function accessInWords(access: Route["access"]): string {
  switch (access) {
    case "anybody":
      return "Anybody may ask.";
    case "broker":
      return "For a broker that knows the secret.";
    case "in-person":
      return "For whoever is signed in, also with the one-time password; not with a token.";
    case "signed-in":
      return "For whoever is signed in, also with the one-time password; or comes with a token.";
    default:
      return `Takes the permission ${access}. Roles that have it: ${rolesThatMay(access).join(", ")}.`;
  }
}

/** By which the browsable page and the reference put them together: the first segment below the prefix. */
export const resourceOf = ({ path }: Route): string => path.slice(apiPrefix.length + 1).split("/")[0]!;

function operationOf(name: string, route: Route): JsonObject {
  const parameters = parametersOf(route);
  return {
    operationId: name,
    tags: [resourceOf(route)],
    summary: route.summary,
    description: accessInWords(route.access),
    security: securityOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body) }),
    responses: {
      [route.status]: { description: "Done", ...contentOf(route.answer) },
      ...(route.method === "GET" && route.answer.kind === "json"
        ? { 304: { description: "It is as If-None-Match has it" } }
        : {}),
      ...refusalsOf(route),
    },
  };
}

export function openApiDocument(): OpenApiDocument {
  const paths: OpenApiDocument["paths"] = {};
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    (paths[pathOf(route)] ??= {})[route.method.toLowerCase()] = operationOf(name, route);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Flipside",
      version: "1",
      description: "The fleet manager's REST interface. docs/api.md says what its resources mean.",
    },
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: sessionCookie },
        token: { type: "http", scheme: "bearer" },
      },
    },
  };
}
