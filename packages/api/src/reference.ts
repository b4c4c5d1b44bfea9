// The reference of the interface as a page of Markdown, made from its OpenAPI document: what docs/api-reference.md
// holds.

import { errors } from "./errors.ts";
import { openApiDocument } from "./open-api.ts";

/** As far as it is told. */
interface Schema {
  $ref?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  type?: string;
  format?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

type Content = Record<string, { schema: Schema; "x-events"?: Record<string, Schema> }>;

interface Operation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description: string;
  parameters?: readonly { name: string; in: string; description?: string; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const refPrefix = "#/components/schemas/";
/** GitHub's names of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A schema in a few words, others by their names. */
function typeOf(schema: Schema, depth = 0): string {
  if (schema.$ref !== undefined) return linkTo(schema.$ref.slice(refPrefix.length));
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${String(each)}\``).join(" \\| ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return either.map((each) => typeOf(each, depth)).join(" or ");
  if (schema.allOf !== undefined) return schema.allOf.map((each) => typeOf(each, depth)).join(" and ");
  switch (schema.type) {
    case "array":
      return `list of ${typeOf(schema.items ?? {}, depth)}`;
    case "object":
      return objectIn(schema, depth);
    case "string":
      return schema.format ?? "text";
    case undefined:
      return "anything";
    default:
      return `${schema.type}${rangeOf(schema)}`;
  }
}

const linkTo = (name: string): string => `[${name}](#${anchorOf(name)})`;

/** Of a safe integer nothing is said. */
const bound = (value: number | undefined): number | undefined =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;

function rangeOf({ minimum, maximum }: Schema): string {
  const [low, high] = [bound(minimum), bound(maximum)];
  if (low === undefined && high === undefined) return "";
  return high === undefined ? ` ≥ ${low}` : ` ${low ?? ""}…${high}`;
}

/** What stands within another is told in a line. */
function objectIn({ properties = {}, required = [] }: Schema, depth: number): string {
  const members = Object.entries(properties);
  if (members.length === 0 || depth > 2) return "object";
  const said = members.map(
    ([name, member]) => `${name}${required.includes(name) ? "" : "?"}: ${typeOf(member, depth + 1)}`,
  );
  return `{${said.join(", ")}}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("\n", " ")).join(" | ")} |`;
  return `${[line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n")}\n\n`;
}

function limitsOf({ minLength, maxLength, minItems, maxItems, default: usual }: Schema): string {
  const said = [
    ...(maxLength === undefined ? [] : [`${minLength ?? 0} to ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`${minItems ?? 0} to ${maxItems}`]),
    ...(usual === undefined ? [] : [`by default \`${JSON.stringify(usual)}\``]),
  ];
  return said.join("; ");
}

const saidOf = (schema: Schema, description = schema.description): string =>
  escaped([description, limitsOf(schema)].filter(Boolean).join("; "));

const membersOf = ({ properties = {}, required = [] }: Schema): string[][] =>
  Object.entries(properties).map(([name, member]) => [
    `\`${name}\`${required.includes(name) ? "" : " (optional)"}`,
    typeOf(member),
    saidOf(member),
  ]);

function contentOf(content: Content | undefined): string {
  if (content === undefined) return "nothing";
  return Object.entries(content)
    .map(([mediaType, { schema, "x-events": events }]) => {
      if (mediaType === "application/json") return typeOf(schema);
      if (events === undefined) return mediaType === "application/octet-stream" ? "the file itself" : mediaType;
      return `events: ${Object.entries(events)
        .map(([kind, data]) => `\`${kind}\` (${typeOf(data)})`)
        .join(", ")}`;
    })
    .join(" or ");
}

function operation(method: string, path: string, described: Operation): string {
  const { operationId, summary, description, requestBody } = described;
  const parameters = (described.parameters ?? []).map((each) => [
    `\`${each.name}\``,
    each.in,
    typeOf(each.schema),
    saidOf(each.schema, each.description),
  ]);
  const responses = Object.entries(described.responses);
  const done = responses.filter(([status]) => Number(status) < 300);
  return [
    `### ${operationId}\n\n\`${method.toUpperCase()} ${path}\` — ${summary}. ${description}\n\n`,
    table(["parameter", "in", "type", ""], parameters),
    requestBody === undefined ? "" : `Takes ${contentOf(requestBody.content)}.\n\n`,
    ...done.map(([status, { content }]) => `Answers ${status}: ${contentOf(content)}.\n\n`),
    refusals(responses),
  ].join("");
}

/** Those that any request may meet are told once, at the beginning. */
const anywhere = new Set(["internal-error", "server-busy", "storage-full", "malformed-request", "request-timeout"]);
const ofListener = new Set(["expectation-failed", "header-too-large"]);
const usual = (code: string): boolean => anywhere.has(code) || ofListener.has(code);

function refusals(responses: readonly [string, { content?: Content }][]): string {
  const said = responses.flatMap(([status, { content }]) => {
    const parts = content?.["application/problem+json"]?.schema.allOf ?? [];
    const codes = (parts[1]?.properties?.["code"]?.enum ?? []).map(String).filter((code) => !usual(code));
    const own = codes.filter((code) => code in errors);
    const ofFormat = codes.length > own.length ? ["an error name of the image format"] : [];
    return own.length + ofFormat.length === 0
      ? []
      : [`${status} ${[...own.map((code) => `\`${code}\``), ...ofFormat].join(", ")}`];
  });
  return said.length === 0 ? "" : `Refuses: ${said.join("; ")}.\n\n`;
}

export function apiReference(): string {
  const { paths, components } = openApiDocument() as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ path, method, described, resource: described.tags[0]! })),
  );
  const resources = [...new Set(operations.map(({ resource }) => resource))].sort();
  const usualCodes = [...anywhere, ...ofListener].map((code) => `\`${code}\``).join(", ");
  return [
    "# The REST interface, route by route\n\n",
    "Made from the route objects in `packages/api` by `npm run reference`; a test holds it against them. What the things ",
    "mean is in [api.md](api.md). Any request may also be refused with ",
    `${usualCodes}.\n\n`,
    `Resources: ${resources.map(linkTo).join(", ")}; [schemas](#schemas); [refusals](#refusals).\n\n`,
    ...resources.flatMap((resource) => [
      `## ${resource}\n\n`,
      ...operations
        .filter((each) => each.resource === resource)
        .map(({ path, method, described }) => operation(method, path, described)),
    ]),
    "## Schemas\n\n",
    ...Object.entries(components.schemas).map(
      ([name, schema]) =>
        `### ${name}\n\n${table(["member", "type", ""], membersOf(schema)) || `${typeOf(schema)}\n\n`}`,
    ),
    "## Refusals\n\n",
    table(
      ["code", "status", "title"],
      Object.entries(errors).map(([code, { status, title }]) => [`\`${code}\``, String(status), title]),
    ),
  ]
    .join("")
    .trimEnd()
    .concat("\n");
}
