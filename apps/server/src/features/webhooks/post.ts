// One message to somebody's server: a connection of its own to an address that was judged, no redirect followed, a
// deadline for all of it, and of the answer no more than people read.

import { lookup as lookUp, type LookupAddress, type LookupOptions } from "node:dns";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { Addresses } from "./addresses.ts";

const answerBytesMax = 512;

export interface Answered {
  status: number;
  /** The first bytes of its body. */
  body: string;
  retryAfterMs: number | undefined;
}

export interface Message {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

type Resolve = (
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const resolveByDns: Resolve = (host, options, done) => lookUp(host, { ...options, all: true }, done);

function retryAfter({ headers }: IncomingMessage): number | undefined {
  const said = headers["retry-after"];
  return said !== undefined && /^\d{1,6}$/.test(said) ? Number(said) * 1000 : undefined;
}

/** Looks a name up, and gives only addresses that may be connected to. */
function judging(addresses: Addresses, protocol: string, resolve: Resolve) {
  return (
    host: string,
    options: LookupOptions,
    done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
  ): void =>
    resolve(host, options, (error, found) => {
      if (error !== null) return done(error, []);
      const fine = found.filter(({ address }) => addresses.refusal(address, protocol) === undefined);
      if (fine.length === 0) {
        const why = found.map(({ address }) => addresses.refusal(address, protocol))[0] ?? "it has no address";
        return done(new Error(why), []);
      }
      if (options.all === true) return done(null, fine);
      return done(null, fine[0]!.address, fine[0]!.family);
    });
}

function read(response: IncomingMessage, request: ClientRequest, done: (answer: Answered) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  const end = (): void => {
    const body = Buffer.concat(parts).subarray(0, answerBytesMax).toString("utf8");
    done({ status: response.statusCode!, body, retryAfterMs: retryAfter(response) });
    request.destroy();
  };
  response.on("data", (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
    if (bytes >= answerBytesMax) end();
  });
  response.on("end", end);
  // What it has said counts, however it ended.
  response.on("error", end);
}

export type Post = (message: Message) => Promise<Answered>;

/** Rejects with an Error that says what people are told, when there is no answer. */
export function createPost({
  addresses,
  timeoutMs,
  resolve = resolveByDns,
}: {
  addresses: Addresses;
  timeoutMs: number;
  /** Tests put one here that says something else each time. */
  resolve?: Resolve;
}): Post {
  return ({ url: text, headers, body }) =>
    new Promise((answered, failed) => {
      const url = new URL(text);
      const refused = addresses.refusalOfUrl(text);
      if (refused !== undefined) return failed(new Error(refused));
      const send = url.protocol === "https:" ? requestHttps : requestHttp;
      const request = send(url, {
        method: "POST",
        // A connection of its own: one that is kept would be one that nobody has judged for this name.
        agent: false,
        lookup: judging(addresses, url.protocol, resolve) as never,
        headers: { ...headers, "content-length": Buffer.byteLength(body), connection: "close" },
      });
      const timer = setTimeout(
        () => request.destroy(new Error(`there was no answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      request.on("socket", (socket) =>
        socket.once("connect", () => {
          const { remoteAddress = "" } = socket;
          const why = isIP(remoteAddress) === 0 ? "it has no address" : addresses.refusal(remoteAddress, url.protocol);
          if (why !== undefined) request.destroy(new Error(why));
        }),
      );
      request.on("response", (response) => read(response, request, answered));
      request.on("error", failed);
      request.on("close", () => {
        clearTimeout(timer);
        failed(new Error("the connection was closed without an answer"));
      });
      request.end(body);
    });
}
