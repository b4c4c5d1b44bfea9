// Answers requests by the route objects, as the real server does: who may ask, what is read and what may be answered
// come from them. What a handler says is held against the schema that the real server's tests are held against.

import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, errors } from "@flipside/api/errors";
import { type AnswerOf, isOpen, isPermission, type ParamsOf, type QueryOf, type Route } from "@flipside/api/route";
import { errorsOf } from "@flipside/api/route-errors";
import { routes, type Routes } from "@flipside/api/routes";
import type { LiveEvent, Problem, User } from "@flipside/api/types";
import { ErrorCode as FormatErrorCode, errorName } from "../src/format.ts";

type Body<R extends Route> = R["body"] extends { schema: { _output: infer B } } ? B : Buffer;

export interface Asked<R extends Route> {
  params: ParamsOf<R>;
  query: QueryOf<R>;
  body: Body<R>;
  response: ServerResponse;
}

export type SentEvent = LiveEvent | { kind: "resync"; data: Record<string, never> };

/** A handler for each route that the console asks; a stream's takes the response over. */
export type Handlers = { [N in keyof Routes]?: (asked: Asked<Routes[N]>) => AnswerOf<Routes[N]> };

export class Refusal extends Error {
  readonly problem: Problem;

  /** `code`: one of the interface's, or an error name of the image format. */
  constructor(code: string, detail = "", more: { title?: string; errors?: NonNullable<Problem["errors"]> } = {}) {
    super(code);
    const known = errors[code as ErrorCode] as (typeof errors)[ErrorCode] | undefined;
    this.problem = {
      type: `urn:flipside:error:${code}`,
      title: more.title ?? known?.title ?? "The release file was refused",
      status: known?.status ?? 422,
      detail,
      code,
      ...(more.errors === undefined ? {} : { errors: more.errors }),
    };
  }
}

const formatErrorNames = Object.values(FormatErrorCode).flatMap((code) =>
  typeof code === "number" ? [errorName(code)] : [],
);

function mayRefuse(route: Route, code: string): boolean {
  return (
    (errorsOf(route) as string[]).includes(code) || (route.refusesFiles === true && formatErrorNames.includes(code))
  );
}

export function routeOf(
  method: string,
  path: string,
): { name: keyof Routes; route: Route; params: Record<string, string> } | undefined {
  for (const [name, route] of Object.entries(routes) as [keyof Routes, Route][]) {
    const names: string[] = [];
    const pattern = route.path.replace(/:(\w+)/g, (_, param: string) => (names.push(param), "([^/]+)"));
    const match = route.method === method ? new RegExp(`^${pattern}$`).exec(path) : null;
    if (match !== null)
      return {
        name,
        route,
        params: Object.fromEntries(names.map((param, i) => [param, decodeURIComponent(match[i + 1]!)])),
      };
  }
  return undefined;
}

/** Refuses whom the route does not let in. */
function admit(route: Route | undefined, user: User | undefined): void {
  const access = route?.access ?? "signed-in";
  if (isOpen(access)) return;
  if (user === undefined) throw new Refusal("not-signed-in");
  if (!isPermission(access)) return;
  if (user.mustChangePassword) throw new Refusal("password-change-required");
  if (!user.may.includes(access)) throw new Refusal("role-refused");
}

/** What the route reads of the body; a Refusal when it does not hold. */
function bodyOf(route: Route, content: Buffer): unknown {
  if (route.body === undefined || route.body.kind === "file") return content;
  const parsed = route.body.schema.safeParse(JSON.parse(content.toString()));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  throw new Refusal("validation-failed", problems.map(({ path, message }) => `${path}: ${message}`).join("; "), {
    errors: problems,
  });
}

export class RouteServer {
  /** What the fake itself got wrong: a test that leaves something here has failed. */
  readonly faults: string[] = [];
  readonly #handlers: Handlers;
  readonly #signedIn: () => User | undefined;

  constructor(handlers: Handlers, signedIn: () => User | undefined) {
    this.#handlers = handlers;
    this.#signedIn = signedIn;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, "http://localhost");
    const found = routeOf(request.method!, pathname);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      admit(found?.route, this.#signedIn());
      const handler = found && (this.#handlers[found.name] as ((asked: unknown) => unknown) | undefined);
      if (found === undefined || handler === undefined) {
        this.faults.push(`${request.method} ${pathname}: the console asks what the fake does not answer`);
        throw new Refusal("not-found");
      }
      const { route, params } = found;
      const query = route.query?.parse(Object.fromEntries(searchParams)) ?? {};
      this.#send(route, handler({ params, query, body: bodyOf(route, Buffer.concat(chunks)), response }), response);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) this.faults.push(String(thrown));
      this.#refuse(found?.route, thrown instanceof Refusal ? thrown : new Refusal("internal-error"), response);
    }
  }

  /** An event as it is sent, with its data checked. */
  event({ kind, data }: SentEvent): string {
    const { success, error } = routes.streamEvents.answer.events[kind].safeParse(data);
    if (!success) this.faults.push(`event ${kind}: ${error.message}`);
    return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #send(route: Route, answer: unknown, response: ServerResponse): void {
    const { kind } = route.answer;
    // Their handlers have answered.
    if (kind === "events" || kind === "csv" || kind === "file") return;
    if (route.answer.kind === "redirect") {
      response.writeHead(route.status, { location: String(answer) }).end();
      return;
    }
    if (route.answer.kind === "nothing") {
      response.writeHead(route.status).end();
      return;
    }
    const { success, error } = route.answer.schema.safeParse(answer);
    if (!success) this.faults.push(`${route.method} ${route.path}: ${error.message}`);
    response.writeHead(route.status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  #refuse(route: Route | undefined, { problem }: Refusal, response: ServerResponse): void {
    if (route !== undefined && !mayRefuse(route, problem.code))
      this.faults.push(`${route.method} ${route.path} may not be refused as ${problem.code}`);
    response.writeHead(problem.status, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  }
}
