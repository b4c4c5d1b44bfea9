// Requests to the server's own handlers, without a socket between.

import { IncomingMessage, type Server, ServerResponse } from "node:http";
import { Socket } from "node:net";

export interface Answer {
  status: number;
  body: unknown;
  cookie: string | undefined;
}

/** What is written to it is the answer. As members of the object: Express puts a prototype of its own in place. */
function collecting(request: IncomingMessage, answered: (answer: Answer) => void): ServerResponse {
  const response = new ServerResponse(request);
  const parts: Buffer[] = [];
  const write = (part: string | Uint8Array): boolean => {
    parts.push(Buffer.from(part as string));
    return true;
  };
  const end = (part?: unknown): ServerResponse => {
    if (typeof part === "string" || part instanceof Uint8Array) write(part);
    const text = Buffer.concat(parts).toString();
    const isJson = String(response.getHeader("content-type")).includes("json");
    const [cookie] = [response.getHeader("set-cookie") ?? []].flat();
    answered({
      status: response.statusCode,
      body: isJson ? JSON.parse(text) : text,
      cookie: cookie === undefined ? undefined : String(cookie).split(";")[0],
    });
    return response;
  };
  return Object.assign(response, { write, end });
}

export interface Asked {
  method: "GET" | "POST" | "PATCH";
  path: string;
  /** Bytes as they are, anything else as JSON. */
  body?: unknown;
  cookie?: string | undefined;
}

export function ask(http: Server, asked: Asked): Promise<Answer> {
  const request = new IncomingMessage(new Socket());
  request.method = asked.method;
  request.url = asked.path;
  request.httpVersion = "1.1";
  request.headers = { host: "rehearsal", ...(asked.cookie === undefined ? {} : { cookie: asked.cookie }) };
  if (asked.body !== undefined) {
    const isBytes = asked.body instanceof Uint8Array;
    const bytes = isBytes ? Buffer.from(asked.body as Uint8Array) : Buffer.from(JSON.stringify(asked.body));
    request.headers["content-type"] = isBytes ? "application/octet-stream" : "application/json";
    request.headers["content-length"] = String(bytes.length);
    request.push(bytes);
  }
  request.push(null);
  request.complete = true;
  return new Promise((resolve) => {
    http.emit("request", request, collecting(request, resolve));
  });
}
