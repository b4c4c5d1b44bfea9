// Each request has an id: of the proxy in front, if that one is trusted and gives one, or made here. It is told in the
// answer, in refusals, in the record of who did what, and in the log.

import { randomBytes } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import { asRequest } from "../present-request.ts";

const header = "x-request-id";
/** What proxies make: UUIDs, nginx' 32 hex digits, Envoy's and AWS' with dashes and equal signs. */
const form = /^[A-Za-z0-9._=:-]{8,128}$/;
const idBytes = 16;

function given(request: Request): string | undefined {
  const said = request.get(header);
  if (said === undefined || !form.test(said)) return undefined;
  const isTrusted = request.app.get("trust proxy fn") as (address: string, hop: number) => boolean;
  return isTrusted(request.socket.remoteAddress ?? "", 0) ? said : undefined;
}

export const requestIdOf = (response: Response): string | undefined =>
  response.locals["requestId"] as string | undefined;

export const identifyRequests: RequestHandler = (request, response, next) => {
  const id = given(request) ?? randomBytes(idBytes).toString("hex");
  response.locals["requestId"] = id;
  response.setHeader("X-Request-Id", id);
  const end = asRequest(id, next);
  response.once("close", end);
};
