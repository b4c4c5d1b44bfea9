// MQTT over TLS. A client may show a certificate of its own, whoever has signed it: what counts is whether it is
// registered (docs/aws-iot.md). That it has the key is shown by the handshake (RFC 8446, section 4.4.3).

import { constants } from "node:crypto";
import type { Duplex } from "node:stream";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import type { Logger } from "../logging.ts";
import type { ClientCertificate } from "./device-link.ts";
import { Handshakes } from "./handshakes.ts";
import { readTlsPair, stateOfTlsFiles, type TlsFiles } from "./tls-files.ts";

const handshakeTimeoutMs = 10_000;
const lookEveryMsDefault = 30_000;

export interface TlsOptions extends TlsFiles {
  /** 0: any free one. */
  port: number;
  /** How often it is looked whether the files have changed; tests put less here. */
  lookEveryMs?: number | undefined;
}

export interface TlsDoor {
  /** Listens to nobody yet. */
  server: Server;
  /** Handshakes that are under way end. */
  close(): void;
}

function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  return {
    sha256: shown.fingerprint256.replaceAll(":", "").toLowerCase(),
    validFromMs: Date.parse(shown.validFrom),
    validToMs: Date.parse(shown.validTo),
  };
}

/** A client stays who it was: it can't show another certificate later. Throws StartError. */
const contextOf = (files: TlsFiles): SecureContextOptions => ({
  ...readTlsPair(files),
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});

/** Throws StartError. `take` gets each connection once its handshake is done. */
export function createTlsDoor(
  { lookEveryMs = lookEveryMsDefault, ...files }: TlsOptions,
  take: (stream: Duplex, certificate: ClientCertificate | undefined) => void,
  { log, refused }: { log: Logger; refused: (what: string) => void },
): TlsDoor {
  const handshakes = new Handshakes();
  let state = stateOfTlsFiles(files);
  const server = createServer({
    ...contextOf(files),
    // Of clients: any, and none.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
  });
  server.on("connection", (socket) => handshakes.begun(socket));
  server.on("secureConnection", (socket) => {
    handshakes.done(socket);
    take(socket, certificateOf(socket));
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException) =>
    refused(`a TLS handshake failed: ${error.code ?? error.message}`),
  );

  function look(): void {
    const now = stateOfTlsFiles(files);
    if (now === state) return;
    state = now;
    try {
      server.setSecureContext(contextOf(files));
      log.info({ file: files.certificateFile }, "the certificate of MQTT over TLS was read anew");
    } catch (error) {
      log.error({ err: error as Error }, "the certificate of MQTT over TLS stays the one before");
    }
  }
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return {
    server,
    close() {
      clearInterval(timer);
      handshakes.end();
    },
  };
}
