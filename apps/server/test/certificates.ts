// Certificates as fleets have them, made by openssl: a root of the server's, and what devices bring, which nobody here
// has signed.

import { execFile } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Pair {
  certificateFile: string;
  keyFile: string;
}

export interface ClientPair extends Pair {
  /** PEM. */
  certificate: string;
}

const pairAt = (folder: string, name: string): Pair => ({
  certificateFile: join(folder, `${name}.crt`),
  keyFile: join(folder, `${name}.key`),
});

/** Of elliptic curves, which are quickly made. */
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** `days`: that it is valid for; below 0: it has expired. */
async function selfSigned({ certificateFile, keyFile }: Pair, subject: string, days: number): Promise<void> {
  const request = `${certificateFile}.csr`;
  await run("openssl", ["req", ...newKey, "-keyout", keyFile, "-out", request, "-subj", subject]);
  const made = ["-req", "-in", request, "-signkey", keyFile, "-days", String(days), "-out", certificateFile];
  await run("openssl", ["x509", ...made]);
  await chmod(keyFile, 0o600);
}

/** Of a server at localhost, under a root of its own (`root.crt`). */
export async function makeServerPair(folder: string, name = "server"): Promise<Pair & { rootFile: string }> {
  const root = pairAt(folder, "root");
  const pair = pairAt(folder, name);
  const request = join(folder, `${name}.csr`);
  const isThere = await readFile(root.certificateFile).then(
    () => true,
    () => false,
  );
  if (!isThere) await selfSigned(root, "/CN=a root of a test", 30);
  const san = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const asked = ["-keyout", pair.keyFile, "-out", request, "-subj", "/CN=localhost", "-addext", san];
  await run("openssl", ["req", ...newKey, ...asked]);
  const by = ["-CA", root.certificateFile, "-CAkey", root.keyFile, "-CAcreateserial", "-copy_extensions", "copy"];
  await run("openssl", ["x509", "-req", "-in", request, ...by, "-days", "30", "-out", pair.certificateFile]);
  await chmod(pair.keyFile, 0o600);
  return { ...pair, rootFile: root.certificateFile };
}

/** `days`: that it is valid for; below 0: it has expired. */
export async function makeClientPair(folder: string, name: string, days = 30): Promise<ClientPair> {
  const pair = pairAt(folder, name);
  await selfSigned(pair, `/CN=${name}`, days);
  return { ...pair, certificate: await readFile(pair.certificateFile, "utf8") };
}
