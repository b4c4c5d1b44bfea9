// One request that changes something, on its way through: what was asked for is in the record before it is begun, and
// what came of it before it is answered. What nobody known asks for has one line, and of refusals of such there are
// only so many a minute: a stranger must not fill the disk.

import type { Request, RequestHandler, Response } from "express";
import { isOpen, type Route } from "@flipside/api/route";
import { type Audited, auditedBy } from "../../http/audited.ts";
import { LogLimiter, type Logger } from "../../logging.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { Audit, NewLine } from "./audit.ts";
import { keeperOf, kept, queryKeeperOf } from "./without-secrets.ts";

const strangersLinesPerMinute = 60;

interface AuditingOptions {
  audit: Pick<Audit, "add">;
  log: Logger;
  steadyMs: () => number;
}

/** What reads has no lines, but where it was refused to somebody who is known. */
const changesSomething = ({ method, changesNothing, signsIn }: Route): boolean =>
  signsIn === true || (method !== "GET" && changesNothing !== true);

export function createAuditing(options: AuditingOptions): (name: string, route: Route) => RequestHandler[] {
  const strangers = new LogLimiter(strangersLinesPerMinute);
  return (name, route) => {
    if (route.access === "broker" || (isOpen(route.access) && !changesSomething(route) && route.method === "GET"))
      return [];
    const keep = keeperOf(route);
    const keepQuery = queryKeeperOf(route);
    return [
      (request, response, next) => {
        const kind = { ...options, strangers, name, route, keep, keepQuery };
        auditedBy(response, new AuditedRequest(kind, request, response));
        next();
      },
    ];
  };
}

interface Kind extends AuditingOptions {
  strangers: LogLimiter;
  name: string;
  route: Route;
  keep: (body: unknown) => unknown;
  keepQuery: (query: unknown) => unknown;
}

class AuditedRequest implements Audited {
  readonly #kind: Kind;
  readonly #request: Request;
  readonly #response: Response;
  /** What the address names: where an error is dealt with, express has forgotten it. */
  readonly #on: Record<string, string>;
  #asked: number | null = null;
  #body: unknown;
  #noted: Record<string, unknown> = {};
  #who: string | undefined;

  constructor(kind: Kind, request: Request, response: Response) {
    this.#kind = kind;
    this.#request = request;
    this.#response = response;
    this.#on = kept(request.params) as Record<string, string>;
  }

  get #user(): SignedIn | undefined {
    return this.#response.locals["user"] as SignedIn | undefined;
  }

  /** What else is to be known of it. `who`: as whom it is done, by who comes as nobody. */
  note = (detail: Record<string, unknown>, who?: string): void => {
    Object.assign(this.#noted, kept(detail));
    this.#who = who ?? this.#who;
  };

  /** It is about to be done. Throws when that can't be written down: then it is not done. */
  async begin(body: unknown): Promise<void> {
    const { route, keep } = this.#kind;
    this.#body = keep(body);
    if (!changesSomething(route) || isOpen(route.access)) return;
    this.#asked = await this.#add("asked", null, this.#askedFor());
  }

  /** It is done, whatever happens here: to answer otherwise would be a lie. */
  async done(): Promise<void> {
    const { route, log, name } = this.#kind;
    if (!changesSomething(route)) return;
    if (isOpen(route.access) && this.#who === undefined) return;
    const detail = this.#asked === null ? { ...this.#askedFor(), ...this.#noted } : this.#noted;
    try {
      await this.#add("done", null, detail);
    } catch (error) {
      log.error({ err: error as Error, what: name, of: this.#asked }, "what was done is not in the record as done");
    }
  }

  /** Whatever happens here, who asked is answered. */
  async refused(code: string, status: number): Promise<void> {
    try {
      await this.#refused(code, status);
    } catch (error) {
      this.#kind.log.error({ err: error as Error, what: this.#kind.name, code }, "a refusal is not in the record");
    }
  }

  async #refused(code: string, status: number): Promise<void> {
    const { route, strangers, steadyMs } = this.#kind;
    const isForbidden = status === 403;
    if (!changesSomething(route) && !isForbidden) return;
    // Who comes without a session by mistake does no harm where only is read.
    if (!changesSomething(route) && this.#user === undefined) return;
    const suppressed = this.#user === undefined ? strangers.admit(steadyMs()) : 0;
    if (suppressed === undefined) return;
    const detail = this.#asked === null ? { ...this.#askedFor(), ...this.#noted } : this.#noted;
    const more = suppressed > 0 ? { suppressedBefore: suppressed } : {};
    await this.#add(status >= 500 ? "failed" : "refused", code, { ...detail, ...more });
  }

  #askedFor(): Record<string, unknown> {
    const query = this.#kind.keepQuery(this.#request.query) as Record<string, unknown>;
    return {
      ...(this.#body === undefined ? {} : { asked: this.#body }),
      ...(Object.keys(query).length === 0 ? {} : { query }),
    };
  }

  #add(stage: NewLine["stage"], code: string | null, detail: Record<string, unknown>): Promise<number> {
    const user = this.#user;
    return this.#kind.audit.add({
      ...{
        who: user?.userName ?? this.#who ?? null,
        by: byOf(user),
        from: this.#request.ip ?? "",
        what: this.#kind.name,
      },
      ...{ on: this.#on, stage, of: this.#asked, code, detail },
    });
  }
}

function byOf(user: SignedIn | undefined): string {
  if (user === undefined) return "nothing";
  return user.by.kind === "token" ? `token ${user.by.name} (${user.by.id})` : "session";
}
