// MQTT over WebSocket (MQTT 3.1.1, section 6), on a port of its own: what is open to devices need not be the console,
// and no request of the console's port is taken for a WebSocket's.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";

const path = "/mqtt";
const subprotocol = "mqtt";
/** A frame may hold several packets, or a part of one. */
const frameBytesMax = 65_536;
/** For a request's header: nothing else is read before it is a WebSocket. */
const headersTimeoutMs = 10_000;

/** Why it is refused, with the status; undefined: it is not. */
function refusalOf({ url, headers }: IncomingMessage): { status: number; why: string } | undefined {
  const isDevices = url?.split("?", 1)[0] === path;
  if (!isDevices) return { status: 404, why: `MQTT over WebSocket is at ${path}.` };
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
  if (!offered.includes(subprotocol))
    return { status: 400, why: `A client has to offer the subprotocol "${subprotocol}" (MQTT 3.1.1, section 6).` };
  return undefined;
}

/** An HTTP server that listens to nobody yet. `take` gets each connection, as the bytes that its frames hold. */
export function createWebSocketListener(take: (stream: Duplex) => void): Server {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
    verifyClient: ({ req }, done) => {
      const refusal = refusalOf(req);
      if (refusal === undefined) done(true);
      else done(false, refusal.status, refusal.why);
    },
  });
  function takeStream(webSocket: WebSocket): void {
    // MQTT-6.0.0-1: what is no binary frame closes the connection. It is heard before the stream hears it, which takes
    // nothing of it then.
    webSocket.on("message", (_data, isBinary) => {
      if (!isBinary) stream.destroy();
    });
    const stream = createWebSocketStream(webSocket, {
      // What is written together is one frame: the parts of an MQTT packet come a few bytes at a time.
      writev: (parts, done) => webSocket.send(Buffer.concat(parts.map(({ chunk }) => chunk as Buffer)), done),
    });
    stream.on("error", () => stream.destroy());
    // Where the peer is gone without a word, it would wait for ever to send its own last one.
    stream.once("end", () => stream.destroy());
    take(stream);
  }
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: headersTimeoutMs },
    (_request, response) => {
      const text = `This port is for devices: MQTT over WebSocket, at ${path}.\n`;
      response.writeHead(426, { Upgrade: "websocket", Connection: "close", "Content-Type": "text/plain" }).end(text);
    },
  );
  server.on("upgrade", (request, socket, head) => webSockets.handleUpgrade(request, socket, head, takeStream));
  return server;
}
