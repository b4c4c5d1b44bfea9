// The typed client: a call is spelled as its route is, and knows by that what is to be given and what is answered.
//
//   const { devices } = await api("GET /api/v1/devices", { query: { query: "online" } });
//
// Only types of the route objects are used here, so a browser that loads the client loads no schema.

import { noAnswerInTime, type ProblemError, problemFrom, unexpected, unreachable } from "./problem.ts";
import type { AnswerOf, BodyInputOf, ParamsOf, QueryInputOf, Route } from "./route.ts";
import type { Routes } from "./routes.ts";

/** A broker asks in forms, and neither a stream nor a file is JSON: all of them are no calls. */
type Callable<R extends Route> = R["access"] extends "broker"
  ? never
  : R["answer"] extends { kind: "events" | "csv" | "file" }
    ? never
    : R;

type ByCall = { [N in keyof Routes as `${Callable<Routes[N]>["method"]} ${Callable<Routes[N]>["path"]}`]: Routes[N] };

export type Call = keyof ByCall;

type Part<Has, Value> = Has extends undefined ? unknown : Value;
type Member<R, K extends string> = R extends { [P in K]: infer V } ? V : undefined;

export type Given<R extends Route> = Part<Member<R, "params">, { params: ParamsOf<R> }> &
  Part<Member<R, "query">, { query?: QueryInputOf<R> }> &
  Part<Member<R, "body">, { body: BodyInputOf<R> }>;

type Arguments<R extends Route> =
  unknown extends Given<R> ? [] : Record<never, never> extends Given<R> ? [given?: Given<R>] : [given: Given<R>];

/** @throws {ProblemError} for every answer that is not a success, and for none at all. */
export type Client = <C extends Call>(call: C, ...given: Arguments<ByCall[C]>) => Promise<AnswerOf<ByCall[C]>>;

export interface ClientOptions {
  /** Of the server, such as http://127.0.0.1:8080; in the console's own pages: nothing. */
  url?: string;
  /**
   * Keeps the session's cookie from one call to the next, and says whose pages it comes from. A browser does both by
   * itself.
   */
  keepsSession?: boolean;
  /** Of a session that was kept from before (`name=value`), with `keepsSession`. */
  cookie?: string;
  /** Hears of the session's cookie whenever the server sets it. */
  onCookie?: (cookie: string) => void;
  /** Of a program: in place of a session (`Authorization: Bearer`, RFC 6750). */
  token?: string;
  timeoutMs?: number;
  /** Hears of every refusal before who called does. */
  onRefused?: (problem: ProblemError) => void;
}

/**
 * What may be asked for twice is asked for again when no answer came (RFC 9110, section 9.2.2): a change of networks,
 * or a proxy that gave up an idle connection, breaks what is under way once. That is what only reads, and what comes
 * with a key, by which the server does it once. What took too long is not: it would take as long again.
 */
const AGAIN_AFTER_MS = [250, 1_000];

const UNDER_WAY_LOOK_EVERY_MS = 1_000;
const UNDER_WAY_LOOKS_MAX = 30;

const isUnderWay = ({ response, content }: { response: Response; content: string }): boolean =>
  response.status === 409 && problemFrom(response.status, content, null).code === "request-under-way";

const tookTooLong = (cause: unknown): boolean => cause instanceof Error && cause.name === "TimeoutError";

/** What the server does once by its key: neither what is asked for in person, nor a file (`takesIdempotencyKey`). */
export const takesKey = (method: string, path: string, body: unknown): boolean =>
  method === "POST" &&
  !/^\/api\/v1\/(session|proposals)(\/|$)/.test(path) &&
  !(body instanceof Uint8Array || body instanceof Blob);

/** 128 bits. Pages without TLS have no `randomUUID`. */
const newKey = (): string =>
  Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

interface Parts {
  params?: Record<string, string>;
  query?: Record<string, string | undefined>;
  body?: unknown;
}

/** The address of a call, each parameter kept within its segment. */
export function addressOf(call: Call, { params = {}, query = {} }: Parts = {}): string {
  const path = call
    .slice(call.indexOf(" ") + 1)
    .replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name]!));
  const asked = new URLSearchParams(
    Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();
  return asked === "" ? path : `${path}?${asked}`;
}

/** What a success says. */
export function answerOf<T>(status: number, content: string): T {
  if (status === 204) return undefined as T;
  try {
    return JSON.parse(content) as T;
  } catch {
    throw unexpected(status, "");
  }
}

export function createClient(options: ClientOptions = {}): Client {
  const { url = "", keepsSession = false, token, timeoutMs, onRefused, onCookie } = options;
  let cookie = options.cookie ?? "";

  async function send(method: string, path: string, body: unknown): Promise<{ response: Response; content: string }> {
    const key = takesKey(method, path, body) ? newKey() : undefined;
    const mayBeTwice = method === "GET" || key !== undefined;
    let waited = 0;
    for (let tried = 0; ; tried++) {
      try {
        const answered = await sendOnce(method, path, body, key);
        // The one whose connection broke off is still dealt with: its answer is what was asked for.
        if (tried === 0 || !isUnderWay(answered) || waited++ >= UNDER_WAY_LOOKS_MAX) return answered;
        await new Promise((resolve) => setTimeout(resolve, UNDER_WAY_LOOK_EVERY_MS));
      } catch (cause) {
        if (tookTooLong(cause)) throw noAnswerInTime(timeoutMs, cause);
        const againAfterMs = mayBeTwice ? AGAIN_AFTER_MS[tried] : undefined;
        if (againAfterMs === undefined) throw unreachable(cause);
        await new Promise((resolve) => setTimeout(resolve, againAfterMs));
      }
    }
  }

  async function sendOnce(
    method: string,
    path: string,
    body: unknown,
    key: string | undefined,
  ): Promise<{ response: Response; content: string }> {
    const isFile = body instanceof Uint8Array || body instanceof Blob;
    const response = await fetch(url + path, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(keepsSession ? { origin: url, ...(cookie === "" ? {} : { cookie }) } : {}),
        ...(key === undefined ? {} : { "idempotency-key": key }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": isFile ? "application/octet-stream" : "application/json" }),
      },
      ...(body === undefined ? {} : { body: isFile ? (body as BodyInit) : JSON.stringify(body) }),
      ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
    });
    if (keepsSession)
      for (const set of response.headers.getSetCookie()) {
        cookie = set.split(";")[0]!;
        onCookie?.(cookie);
      }
    return { response, content: await response.text() };
  }

  async function call(name: Call, given: Parts = {}): Promise<unknown> {
    const { response, content } = await send(name.slice(0, name.indexOf(" ")), addressOf(name, given), given.body);
    if (response.ok) return answerOf(response.status, content);
    const problem = problemFrom(response.status, content, response.headers.get("retry-after"));
    onRefused?.(problem);
    throw problem;
  }
  return call as Client;
}
