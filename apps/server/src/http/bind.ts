// A route object and what is done when it is asked for. The object says who may ask, what is read and how it is
// answered; app.ts makes the chain of handlers from it.

import type { Request, RequestHandler, Response } from "express";
import { type AnswerOf, type BodyOf, isOpen, type ParamsOf, type QueryOf, type Route } from "@flipside/api/route";
import type { SignedIn } from "../features/accounts/signed-in.ts";
import { userOf } from "../features/accounts/authentication.ts";
import { chosenFields, takeFields } from "@flipside/api/sparse";
import { tagInParts } from "./etags.ts";
import { auditedOf } from "./audited.ts";
import { conditionOf } from "./condition.ts";
import { type Answered, onceOf } from "./idempotent.ts";
import { type Held, holdBackOf } from "./second-person.ts";

export interface Asked<R extends Route> {
  params: ParamsOf<R>;
  query: QueryOf<R>;
  body: BodyOf<R>;
  /** Nobody where anybody may ask. */
  user: R["access"] extends "anybody" | "broker" ? undefined : SignedIn;
  /** For the record of who did what: what was before and after, and who it turned out to be. */
  note: (detail: Record<string, unknown>, who?: string) => void;
  /** For cookies, addresses and streams. */
  request: Request;
  response: Response;
}

export interface BoundRoute {
  route: Route;
  /** After it is known who asks, before anything of the body is read. */
  beforeBody: RequestHandler[];
  /** Validates, acts and answers. */
  run: RequestHandler;
  /** Validates and acts, for somebody who asked before; of routes that take two persons. */
  carryOut(asked: Held & Pick<Asked<Route>, "note"> & { user: SignedIn }): Promise<unknown>;
}

/** RFC 9457 has a media type of its own for refusals. */
function answeredBefore(response: Response, { status, answer }: Answered): void {
  response.status(status).setHeader("Idempotency-Replayed", "true");
  if (answer === undefined) response.end();
  else response.type(status < 400 ? "application/json" : "application/problem+json").send(JSON.stringify(answer));
}

export function bind<const R extends Route>(
  route: R,
  handle: (asked: Asked<R>) => AnswerOf<R> | Promise<AnswerOf<R>>,
  options: { beforeBody?: RequestHandler[] } = {},
): BoundRoute {
  const whole: Route = route;

  function bodyOf(request: Request): unknown {
    if (whole.body === undefined) return undefined;
    if (whole.body.kind === "file") return request.body;
    // A form without a field is no body at all.
    return whole.body.schema.parse(whole.body.kind === "form" ? (request.body ?? {}) : request.body);
  }

  return {
    route,
    beforeBody: options.beforeBody ?? [],
    async carryOut({ params, query, body, user, note }) {
      const asked = {
        params: whole.params?.parse(params) ?? {},
        query: whole.query?.parse(query) ?? {},
        body: whole.body === undefined || whole.body.kind === "file" ? body : whole.body.schema.parse(body),
        ...{ user, note },
      };
      return handle(asked as unknown as Asked<R>);
    },
    async run(request, response) {
      const audited = auditedOf(response);
      const once = onceOf(response);
      const { fields, rest } = takeFields(whole, request.query);
      const asked = {
        params: whole.params?.parse(request.params) ?? {},
        query: whole.query?.parse(rest) ?? {},
        body: bodyOf(request),
        user: isOpen(whole.access) ? undefined : userOf(response),
        note: audited?.note ?? (() => {}),
        request,
        response,
      };
      const { params, query, body } = asked;
      const before = await once?.begin({ params, query, body });
      if (before !== undefined) return answeredBefore(response, before);
      await conditionOf(response)?.();
      await audited?.begin(body);
      await holdBackOf(response)?.({ params, query, body });
      const answer = await handle(asked as Asked<R>);
      await audited?.done();
      await once?.done({ status: whole.status, answer });
      switch (whole.answer.kind) {
        case "json": {
          const tag = tagInParts(whole, answer);
          if (tag !== undefined) response.setHeader("etag", tag);
          response.status(whole.status).json(fields === undefined ? answer : chosenFields(whole, answer, fields));
          break;
        }
        case "text":
          response.status(whole.status).type("text/plain").send(answer);
          break;
        case "nothing":
          response.status(whole.status).end();
          break;
        case "redirect":
          response
            .status(whole.status)
            .location(answer as string)
            .end();
          break;
        case "csv":
        case "events":
        case "file":
          // The handler has taken the response over.
          break;
      }
    },
  };
}
