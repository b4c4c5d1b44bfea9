// The HTTP listener: how long it waits for whom, and how requests that never reach the application are refused. Limits
// are on silence, not on length: a large upload over a slow link may take hours, a peer that says nothing may not.

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import { StartError } from "../start-error.ts";
import { ApiError } from "./errors.ts";
import { problemText } from "./problem.ts";
import { listenAt } from "../listen.ts";

export interface HttpTimes {
  /**
   * Neither side has moved a byte for so long: a request that is still arriving is answered 408, a reader is let go.
   */
  silenceMs: number;
  /** For a request's header as a whole, which is 16 KiB at most (Node's `headersTimeout`). */
  headersMs: number;
  /**
   * A connection without a request. Above the 60 s of the proxies in front (nginx, ELB), or one of them would use it
   * just as it closes, and answer 502.
   */
  keepAliveMs: number;
}

export const httpTimes: HttpTimes = { silenceMs: 60_000, headersMs: 70_000, keepAliveMs: 65_000 };
const closingGraceMs = 2_000;

/** Why Node's parser gave a connection up, by the error's code. */
function refusalOf(code: string | undefined): ApiError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ApiError("request-timeout", "The request's header did not arrive in time.");
    case "HPE_HEADER_OVERFLOW":
      return new ApiError("header-too-large", "A request's header may have 16 KiB at most.");
    default:
      return new ApiError("malformed-request", "The request is not HTTP/1.1 as RFC 9112 has it.");
  }
}

/** A refusal written to the socket itself, where there is no response to write it with. */
function refuseSocket(socket: Socket, error: ApiError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemText(error);
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function refuse(response: ServerResponse, error: ApiError): void {
  response
    .writeHead(error.status, {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      Connection: "close",
    })
    .end(problemText(error));
}

export function createListener(app: RequestListener, times: HttpTimes = httpTimes): Server {
  /** The newest request of each connection, with its response. */
  const exchanges = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>();
  const server = createServer(
    // Node would answer a missing Host with an empty 400.
    {
      requestTimeout: 0,
      headersTimeout: times.headersMs,
      keepAliveTimeout: times.keepAliveMs,
      requireHostHeader: false,
    },
    (request, response) => {
      exchanges.set(request.socket, { request, response });
      if (request.headers.host === undefined && request.httpVersion === "1.1")
        refuse(response, new ApiError("malformed-request", "A request names its host (RFC 9112, section 3.2)."));
      else app(request, response);
    },
  );
  server.timeout = times.silenceMs;
  server.on("timeout", (socket) => {
    const { request, response } = exchanges.get(socket) ?? {};
    if (request === undefined || response === undefined || response.writableEnded || response.headersSent) {
      socket.destroy();
    } else if (!request.complete) {
      refuse(
        response,
        new ApiError(
          "request-timeout",
          `Nothing of the body arrived for ${times.silenceMs / 1000} s. Send it again; a slow connection may take as long as it needs.`,
        ),
      );
      response.once("finish", () => socket.destroySoon());
    }
    // Else the request is here and being worked on: the silence is this side's.
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const { response } = exchanges.get(socket as Socket) ?? {};
    // In the middle of an answer nothing else may be written.
    if (error.code === "ECONNRESET" || (response?.headersSent && !response.writableEnded)) socket.destroy();
    else refuseSocket(socket as Socket, refusalOf(error.code));
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    refuse(response, new ApiError("expectation-failed", "The only expectation that is met here is 100-continue."));
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) =>
    refuseSocket(socket, new ApiError("not-found", "This is no proxy.")),
  );
  return server;
}

/** Throws StartError when the port cannot be had. */
export async function listen(server: Server, port: number, host: string): Promise<void> {
  try {
    await listenAt(server, port, host);
  } catch (error) {
    throw portProblem(error, host, port, "HTTP", "port");
  }
}

export function portProblem(error: unknown, host: string, port: number, what: string, flag: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE")
    return new StartError(
      `Port ${port} for ${what} is in use by another program. Stop that program, or choose another port with --${flag}.`,
    );
  if (code === "EACCES")
    return new StartError(
      `Port ${port} for ${what} may not be opened by this user. Choose a port above 1023 with --${flag}.`,
    );
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new StartError(
      `${host} is no address of this machine that ${what} could listen on: 127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses.`,
    );
  return error;
}

/** Lets requests under way end for a moment, then closes what is left. */
export async function closeListener(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), closingGraceMs);
  await closed;
  clearTimeout(timer);
}
