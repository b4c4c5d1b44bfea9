// How a body is read, as the route says. They come after the guards: a stranger's body is not worth reading.

import express, { type Request, type RequestHandler } from "express";
import { jsonBytesMax } from "@flipside/api/limits";
import type { Route } from "@flipside/api/route";
import { ApiError } from "./errors.ts";

const octets = "application/octet-stream";

/** A body of another type would be skipped, and then said to lack what it holds. */
const jsonBodiesOnly: RequestHandler = (request, _response, next) => {
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (hasBody && !request.is("application/json"))
    throw new ApiError("unsupported-media-type", "Send JSON as application/json.");
  next();
};

const json: RequestHandler[] = [jsonBodiesOnly, express.json({ limit: jsonBytesMax, strict: true })];

const octetsOnly: RequestHandler = (request, _response, next) => {
  if (!request.is(octets))
    throw new ApiError("unsupported-media-type", "Send the file itself as application/octet-stream.");
  next();
};

/** The body as it arrives; a connection that breaks off is told apart from a fault of the server's. */
async function* arriving(request: Request): AsyncGenerator<Uint8Array> {
  try {
    // Leaving early must not destroy the request: the refusal still has to be answered on its connection.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch {
    throw new ApiError("upload-incomplete", "The connection broke off before the whole file had arrived.");
  } finally {
    // What is still coming is read and forgotten, so that a client that sends everything first hears the answer.
    request.resume();
  }
}

function streamed(bytesMax: number): RequestHandler {
  return (request, _response, next) => {
    // Said before anything is read, where the length is announced.
    if (Number(request.headers["content-length"] ?? 0) > bytesMax)
      throw new ApiError("upload-too-large", `The file may have ${bytesMax / 1024 / 1024} MiB at most.`);
    request.body = arriving(request);
    next();
  };
}

const asBytes: RequestHandler = (request, _response, next) => {
  request.body = new Uint8Array(request.body as Buffer);
  next();
};

export function readersOf({ method, body }: Route): RequestHandler[] {
  switch (body?.kind) {
    case "file":
      return [
        octetsOnly,
        ...(body.streamed ? [streamed(body.bytesMax)] : [express.raw({ type: octets, limit: body.bytesMax }), asBytes]),
      ];
    case "form":
      return [express.urlencoded({ extended: false, limit: body.bytesMax })];
    case "json":
      return json;
    case undefined:
      // Content in a GET means nothing (RFC 9110, 9.3.1); elsewhere, whoever sends some must have meant something else.
      return method === "GET" ? [] : json;
  }
}
