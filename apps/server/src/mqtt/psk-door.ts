// MQTT over TLS 1.3 by a pre-shared key: the key is made of the device's secret, or of its claim to enrol, so both ends
// prove themselves, and neither needs a certificate or a clock (docs/protocol.md, "Channel").
//
// Seen to go wrong in Node 20: with a certificate on the listener, or another suite than the key's, an unknown identity
// falls through to the certificate, and what the callback was told is then proven by nobody. So there is no
// certificate, one suite, and who comes out of a handshake has resumed, as OpenSSL calls it, by the key.

import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { TLS_EXPORTER_LABEL } from "@flipside/image-format/portable/mac-labels";
import type { Logger } from "../logging.ts";
import type { ProvenChannel } from "./device-link.ts";
import { Handshakes } from "./handshakes.ts";
import { isByKey, type PskClientHello, readPskClientHello } from "./psk-client-hello.ts";

const handshakeTimeoutMs = 10_000;
const suite = "TLS_CHACHA20_POLY1305_SHA256";
/** Record of an alert (RFC 8446, section 6.2): fatal, handshake_failure. Before ServerHello it goes in clear. */
const handshakeFailure = Buffer.from([21, 3, 3, 0, 2, 2, 40]);

export interface PskDoor {
  /** Listens to nobody yet. */
  server: Server;
  /** Takes a connection as the server does. */
  welcome(socket: Socket): void;
  /** Handshakes that are under way end. */
  close(): void;
}

interface PskDoorOptions {
  log: Logger;
  /** Keys that a client of this name may speak by; none: it is not known. */
  keysOf(userName: string): Promise<Uint8Array[]>;
  refused(what: string): void;
}

/** Of the first bytes, which are still to be read afterwards. */
const helloOf = (socket: Socket): Promise<PskClientHello | { refused: string }> =>
  new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const end = (read: PskClientHello | { refused: string }): void => {
      socket.off("readable", look).off("end", left).off("close", left);
      if ("identity" in read) socket.unshift(bytes);
      resolve(read);
    };
    const left = (): void => end({ refused: "it left before its ClientHello was there" });
    const look = (): void => {
      for (let more = socket.read() as Buffer | null; more !== null; more = socket.read() as Buffer | null)
        bytes = Buffer.concat([bytes, more]);
      const read = readPskClientHello(bytes);
      if (read !== "more") end(read);
    };
    socket.on("readable", look).on("end", left).on("close", left);
  });

/** `take` gets each connection once its handshake is done. */
export function createPskDoor(
  take: (stream: TLSSocket, channel: ProvenChannel) => void,
  { log, keysOf, refused }: PskDoorOptions,
): PskDoor {
  const handshakes = new Handshakes();
  const secureContext = createSecureContext({ ciphers: suite, minVersion: "TLSv1.3", maxVersion: "TLSv1.3" });

  function shake(socket: Socket, userName: string, key: Uint8Array): void {
    const timer = setTimeout(() => fail("it took too long"), handshakeTimeoutMs);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
    const options = { isServer: true, secureContext, pskCallback: () => key };
    // Its types know the callback of servers and clients, and not that of a socket.
    const stream = new TLSSocket(socket, options as TLSSocketOptions);
    const fail = (why: string): void => {
      refused(`a TLS handshake failed: ${why}`);
      stream.destroy();
    };
    const failed = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message);
    stream.once("error", failed);
    stream.once("secure", () => {
      stream.off("error", failed);
      stream.on("error", () => stream.destroy());
      if (!stream.isSessionReused()) return fail("it was not by the pre-shared key");
      handshakes.done(socket);
      clearTimeout(timer);
      const exported = stream.exportKeyingMaterial(32, TLS_EXPORTER_LABEL, Buffer.alloc(0)).toString("base64url");
      take(stream, { userName, exported });
    });
  }

  async function meet(socket: Socket): Promise<void> {
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    timer.unref();
    const hello = await helloOf(socket).finally(() => clearTimeout(timer));
    if ("refused" in hello) return refuse(socket, hello.refused);
    const keys = await keysOf(hello.identity);
    if (keys.length === 0) return refuse(socket, `nobody is known as ${JSON.stringify(hello.identity.slice(0, 80))}`);
    const key = keys.find((each) => isByKey(hello, each));
    if (key === undefined) return refuse(socket, `a wrong key of ${hello.identity}`);
    if (!socket.destroyed) shake(socket, hello.identity, key);
  }

  function refuse(socket: Socket, why: string): void {
    refused(`a TLS handshake failed: ${why}`);
    socket.end(handshakeFailure);
  }

  function welcome(socket: Socket): void {
    handshakes.begun(socket);
    // Until it is somebody's, nobody else hears of its end.
    const ignore = (): void => {};
    socket.on("error", ignore);
    meet(socket).catch((error: unknown) => {
      if (!socket.destroyed) log.error({ err: error as Error }, "a TLS handshake could not be looked at");
      socket.destroy();
    });
  }

  return { server: createServer({ noDelay: true }, welcome), welcome, close: () => handshakes.end() };
}
