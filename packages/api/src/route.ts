// What a route is. From these objects come the server's handlers with their authorisation, the OpenAPI document, and
// the typed client.

import { z } from "zod";
import type { ErrorCode } from "./errors.ts";
import type { Permission } from "./permissions.ts";

/**
 * The cookie that a session is known by; over HTTPS with `__Host-` before it, so that it is this host's own and
 * nobody's who has another name below the same domain (RFC 6265bis, section 4.1.3.2).
 */
export const sessionCookie = "flipside-session";

/**
 * All routes are below it. What is compatible may be added below the same: members of answers, optional members of
 * requests, kinds of events, codes of problems (docs/api.md). Anything else gets the next number, beside this one.
 */
export const apiPrefix = "/api/v1";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Who may ask. But for a broker's questions, a write by another site's page is refused everywhere.
 *   anybody      whoever reaches the server
 *   broker       who knows the secret that is part of the path; to anybody else there is nothing at that address
 *   in-person    any account, by a session of its own, also one that still has its one-time password
 *   signed-in    the same, and who comes with one of its tokens
 *   a permission an account that may, by a session and with a password of its own, or a token of it that may as well
 */
export type Access = "anybody" | "broker" | "in-person" | "signed-in" | Permission;

/** Those that no role and no token has anything to do with. */
export const openAccess = ["anybody", "broker"] as const satisfies readonly Access[];

export type OpenAccess = (typeof openAccess)[number];

export const isOpen = (access: Access): access is OpenAccess => (openAccess as readonly Access[]).includes(access);

export const isPermission = (access: Access): access is Permission => access.includes(":");

/**
 * How somebody is served who sees devices of some tags alone (scope.ts).
 *   by-device   `:id` is a device's, and there is none of that id for who does not see it
 *   by-rollout  the same, of a rollout's
 *   in-handler  the handler keeps to the scope; scopes.test.ts has a row for each such route
 *   no-devices  nothing of it is of some devices more than of others
 */
export type Scoped = "by-device" | "by-rollout" | "in-handler" | "no-devices";

export type RequestBody =
  | { kind: "json"; schema: z.ZodType }
  /** The file itself, application/octet-stream. A streamed one is checked while it arrives. */
  | { kind: "file"; bytesMax: number; streamed: boolean }
  /** application/x-www-form-urlencoded */
  | { kind: "form"; schema: z.ZodType; bytesMax: number };

export type Answer =
  | { kind: "json"; schema: z.ZodType }
  | { kind: "text"; schema: z.ZodType }
  | { kind: "nothing" }
  /** The browser is sent to another address, which is all that is answered (RFC 9110, section 15.4.4). */
  | { kind: "redirect" }
  /** text/csv, sent while it is made: what breaks off on the way is no whole answer. */
  | { kind: "csv" }
  /** The file itself, application/octet-stream. */
  | { kind: "file" }
  /** Server-sent events: the schema of each kind's data. */
  | { kind: "events"; events: Record<string, z.ZodType> };

export type Status = 200 | 201 | 202 | 204 | 303;

export interface Route {
  method: Method;
  /** `:name` stands for one segment. */
  path: `${typeof apiPrefix}/${string}`;
  access: Access;
  /** Left out, of what takes a permission: it is of the whole fleet, and refused to who does not see that. */
  scoped?: Scoped;
  /** One line for the document. */
  summary: string;
  /** The segments that the path names. Any text is one: what does not exist is not found. */
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: RequestBody;
  status: Status;
  answer: Answer;
  /**
   * The member of what is read here that a write at the same address changes, and `If-Match` is about; left out: all of
   * it. The rest may change by itself.
   */
  conditionOn?: string;
  /** It signs somebody in, though it is a GET: another site has sent the browser here. The record has it. */
  signsIn?: true;
  /** It only reads, though it is no GET: what is asked for does not fit into an address. */
  changesNothing?: true;
  /** It can be set that somebody else has to confirm it first. Nothing of it is secret, and no stream. */
  takesTwo?: true;
  /** It does what another route would, and may refuse as that one does. */
  refusesAsAnother?: true;
  /** Refusals of its own. Those that its access, body and query imply are added by `errorsOf`. */
  errors?: readonly ErrorCode[];
  /** A file of the image format may be refused by any of that format's error names, with 422. */
  refusesFiles?: true;
  /** Statuses that are answered as text and not as problem details: a broker reads no JSON. */
  textStatuses?: readonly number[];
}

/**
 * Whether a request may come with an `Idempotency-Key`, by which a second one like it is answered as the first one was
 * (draft-ietf-httpapi-idempotency-key-header-07). Other methods are idempotent by themselves (RFC 9110, 9.2.2); what is
 * asked for in person is not kept; and a file that is streamed is known by its digest, not by who sent it.
 */
export const takesIdempotencyKey = ({ method, access, body, changesNothing }: Route): boolean =>
  (method === "POST" || method === "PATCH") &&
  isPermission(access) &&
  changesNothing !== true &&
  !(body?.kind === "file" && body.streamed);

export const idempotencyKeyPattern = /^[\x21-\x7e]{1,128}$/;

export const route = <const R extends Route>(definition: R): R => definition;

export const json = <S extends z.ZodType>(schema: S) => ({ kind: "json", schema }) as const;
export const text = <S extends z.ZodType>(schema: S) => ({ kind: "text", schema }) as const;
export const csv = { kind: "csv" } as const;
export const file = { kind: "file" } as const;
export const nothing = { kind: "nothing" } as const;
export const redirect = { kind: "redirect" } as const;

/** Names of schemas in the document, `#/components/schemas/<id>`. */
export const components = z.registry<{ id: string }>();

export function named<S extends z.ZodType>(id: string, schema: S): S {
  components.add(schema, { id });
  return schema;
}

/** What must stand in no log and in no record of who did what. */
export const secrets = z.registry<{ isSecret: true }>();

export function secret<S extends z.ZodType>(schema: S): S {
  secrets.add(schema, { isSecret: true });
  return schema;
}

type SchemaOutput<S> = S extends z.ZodType ? z.output<S> : Record<never, never>;
type SchemaInput<S> = S extends z.ZodType ? z.input<S> : Record<never, never>;

/** What a handler is given. */
export type ParamsOf<R extends Route> = SchemaOutput<R["params"]>;
export type QueryOf<R extends Route> = SchemaOutput<R["query"]>;
export type BodyOf<R extends Route> = R["body"] extends { schema: infer S }
  ? SchemaOutput<S>
  : R["body"] extends { kind: "file"; streamed: false }
    ? Uint8Array
    : R["body"] extends { kind: "file" }
      ? AsyncIterable<Uint8Array>
      : undefined;

/** What a client gives. */
export type QueryInputOf<R extends Route> = SchemaInput<R["query"]>;
export type BodyInputOf<R extends Route> = R["body"] extends { schema: infer S }
  ? SchemaInput<S>
  : R["body"] extends { kind: "file" }
    ? Uint8Array | Blob
    : undefined;

/** What is answered. */
export type AnswerOf<R extends Route> = R["answer"] extends { schema: infer S extends z.ZodType }
  ? z.output<S>
  : R["answer"] extends { kind: "redirect" }
    ? string
    : undefined;
