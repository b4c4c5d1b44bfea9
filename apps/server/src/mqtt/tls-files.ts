// The server's certificate and its key, from files: read at the start, where what is wrong ends it, and again when
// they have changed, where what is wrong leaves the ones before in use. A certificate lives for months, and so does a
// server.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { StartError } from "../start-error.ts";

export interface TlsFiles {
  /** PEM: the server's own first, then those that lead to its root. */
  certificateFile: string;
  /** PEM, without a passphrase; nobody else may read it. */
  keyFile: string;
}

export interface TlsPair {
  cert: string;
  key: string;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StartError(`The ${what} for MQTT over TLS cannot be read: ${(error as Error).message}`);
  }
}

function parsed<T>(make: () => T, what: string): T {
  try {
    return make();
  } catch (error) {
    throw new StartError(`${what} (${(error as Error).message})`);
  }
}

/** Throws StartError, which quotes nothing of the key. */
export function readTlsPair({ certificateFile, keyFile }: TlsFiles): TlsPair {
  const cert = readText(certificateFile, "certificate");
  const certificate = parsed(
    () => new X509Certificate(cert),
    `${certificateFile} holds no certificate in PEM: give the server's own first, then those that lead to its root`,
  );
  const key = readText(keyFile, "key");
  if (process.platform !== "win32" && (statSync(keyFile).mode & 0o077) !== 0)
    throw new StartError(`Others may read the key in ${keyFile}. Run: chmod 600 ${keyFile}`);
  const privateKey = parsed(() => createPrivateKey(key), `${keyFile} holds no private key in PEM without a passphrase`);
  if (!certificate.checkPrivateKey(privateKey))
    throw new StartError(`The key in ${keyFile} is not that of the certificate in ${certificateFile}.`);
  return { cert, key };
}

/** What is another when one of them was written. Never throws: what is gone is a state, too. */
export function stateOfTlsFiles({ certificateFile, keyFile }: TlsFiles): string {
  return [certificateFile, keyFile]
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? "gone" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    })
    .join("\n");
}
