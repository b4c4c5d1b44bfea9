// Every answer of every server in a test's process, but for scripted ones, held against the OpenAPI document: whoever
// asked, by fetch or by a bare socket. A route, a status or a media type that the document does not have fails the
// test, as does a body that does not match its schema. Node tells of each request (diagnostics_channel); the server
// itself knows nothing of it.

import diagnostics from "node:diagnostics_channel";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { type OpenApiDocument, openApiDocument } from "@flipside/api/open-api";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { scriptedServers } from "./scripted-servers.ts";

type JsonObject = Record<string, any>;

const document: OpenApiDocument = JSON.parse(JSON.stringify(openApiDocument()));
// Not strict about words: OpenAPI has some of its own.
const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addFormat("binary", true);
ajv.addSchema(document, "document");

const validators = new Map<string, ValidateFunction>();

/** The validator of the schema at this place of the document. */
function validatorAt(...path: string[]): ValidateFunction {
  const pointer = path
    .map((part) => `/${encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))}`)
    .join("");
  const known = validators.get(pointer);
  if (known !== undefined) return known;
  const made = ajv.compile({ $ref: `document#${pointer}` });
  validators.set(pointer, made);
  return made;
}

const templates = Object.keys(document.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}/?$`, "i"),
}));

/** What an address that the document does not have may be answered. */
const nowhere = new Set([
  "not-found",
  "not-signed-in",
  "password-change-required",
  "origin-refused",
  "malformed-request",
  "expectation-failed",
  "header-too-large",
]);

export interface HeardAnswer {
  method: string;
  /** With its query. */
  url: string;
  status: number;
  contentType: string;
  body: string;
  /** The connection was closed before the answer's end. */
  cut?: boolean;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function eventsProblem(events: JsonObject, path: string[], body: string): string | undefined {
  const blocks = body.split("\n\n").slice(0, -1);
  for (const block of blocks) {
    if (block.startsWith(":")) continue;
    const match = /^event: (\w+)\nid: [0-9a-f]{8}-\d+\ndata: (.*)$/.exec(block);
    if (match === null) return `"${block.slice(0, 100)}" is no event`;
    const [, kind, data] = match;
    if (events[kind!] === undefined) return `the document has no event ${kind}`;
    const validate = validatorAt(...path, kind!);
    if (!validate(parsed(data!))) return `event ${kind}: ${ajv.errorsText(validate.errors)}`;
  }
  return undefined;
}

/** What the document has against this answer, or undefined. Answers outside of /api are the console's. */
export function problemOf({ method, url, status, contentType, body, cut }: HeardAnswer): string | undefined {
  const path = url.split("?")[0]!;
  if (!path.toLowerCase().startsWith("/api/v1/")) return undefined;
  const said = `${method} ${url} was answered ${status} ${contentType}`;
  const template = templates.find(({ pattern }) => pattern.test(path));
  const operation =
    template === undefined
      ? undefined
      : (document.paths[template.path]![(method === "HEAD" ? "GET" : method).toLowerCase()] as JsonObject | undefined);
  if (template === undefined || operation === undefined) {
    const code = (parsed(body) as JsonObject | undefined)?.["code"];
    if (status >= 400 && (nowhere.has(code) || method === "HEAD")) return undefined;
    return `${said}, ${body.slice(0, 200)}: the document has no such route`;
  }
  const response = operation["responses"][status] as JsonObject | undefined;
  if (response === undefined) return `${said}, ${body.slice(0, 200)}: the document has no such status`;
  if (method === "HEAD") return undefined;
  const content = response["content"] as JsonObject | undefined;
  if (content === undefined) return body === "" ? undefined : `${said}: the document has no content`;
  const mediaType = contentType.split(";")[0]!.trim();
  if (content[mediaType] === undefined) return `${said}: the document has ${Object.keys(content).join(", ")}`;
  const place = [
    "paths",
    template.path,
    (method === "HEAD" ? "GET" : method).toLowerCase(),
    "responses",
    String(status),
    "content",
    mediaType,
  ];
  if (mediaType === "text/event-stream") {
    const why = eventsProblem(content[mediaType]["x-events"], [...place, "x-events"], body);
    return why === undefined ? undefined : `${said}: ${why}`;
  }
  if (cut) return undefined;
  // Of members that were chosen no schema says that others are missing: reads-and-conditions.test.ts looks at them.
  if (new URLSearchParams(url.split("?")[1]).has("fields") && status < 300) return undefined;
  const validate = validatorAt(...place, "schema");
  const isText = ["text/plain", "text/csv", "application/octet-stream"].includes(mediaType);
  const value = isText ? body : parsed(body);
  if (value === undefined) return `${said}: the body is no JSON`;
  return validate(value) ? undefined : `${said}: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 1000)}`;
}

const bytesKeptMax = 16 * 1024 * 1024;
const problems: string[] = [];
let answersChecked = 0;

function listenTo(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let done = false;
  const keep = (chunk: unknown, encoding: unknown): void => {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    const piece =
      typeof chunk === "string"
        ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
        : Buffer.from(chunk);
    bytes += piece.length;
    if (bytes <= bytesKeptMax) pieces.push(piece);
  };
  const check = (cut: boolean): void => {
    if (done || !response.headersSent) return;
    done = true;
    answersChecked++;
    const why = problemOf({
      method: request.method ?? "",
      // Express changes `url` while it routes.
      url: (request as { originalUrl?: string }).originalUrl ?? request.url ?? "",
      status: response.statusCode,
      contentType: String(response.getHeader("content-type") ?? contentTypes.get(response) ?? ""),
      body: Buffer.concat(pieces).toString("utf8"),
      cut: cut || bytes > bytesKeptMax,
    });
    if (why !== undefined) problems.push(why);
  };
  const { write, end } = response;
  response.write = function (this: ServerResponse, ...given: any[]) {
    keep(given[0], given[1]);
    return (write as any).apply(this, given);
  } as typeof response.write;
  response.end = function (this: ServerResponse, ...given: any[]) {
    keep(given[0], given[1]);
    return (end as any).apply(this, given);
  } as typeof response.end;
  response.once("finish", () => check(false));
  response.once("close", () => check(true));
}

const contentTypes = new WeakMap<ServerResponse, string>();

diagnostics.subscribe("http.server.request.start", (message) => {
  const { request, response, server } = message as {
    request: IncomingMessage;
    response: ServerResponse;
    server: Server;
  };
  if (scriptedServers.has(server)) return;
  // Headers given to writeHead alone are not among those that getHeader knows.
  const { writeHead } = response;
  response.writeHead = function (this: ServerResponse, ...given: any[]) {
    const headers = given.find((each) => typeof each === "object" && each !== null) as
      | Record<string, string>
      | undefined;
    for (const [name, value] of Object.entries(headers ?? {}))
      if (name.toLowerCase() === "content-type") contentTypes.set(response, value);
    return (writeHead as any).apply(this, given);
  } as typeof response.writeHead;
  listenTo(request, response);
});

/** Throws what was wrong with answers since it was last asked. */
export function expectAnswersToFit(): void {
  const found = problems.splice(0);
  if (found.length > 0)
    throw new Error(
      `the OpenAPI document has something against ${found.length} answers:\n${found.slice(0, 10).join("\n")}`,
    );
}

/** How many were looked at so far, in this process. */
export const answersSeen = (): number => answersChecked;
