// Self-signed certificates, made by openssl.

import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  der: Buffer;
  key: KeyObject;
  pem: string;
  keyPem: string;
  /** The 32 bytes of an Ed25519 key. */
  rawKey: Buffer;
}

const kinds = { ed25519: ["ed25519"], p256: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] } as const;

export function selfSigned(kind: keyof typeof kinds, subject = "/CN=a broker of a test"): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "flipside-tls-"));
  try {
    const [certificate, key] = [join(folder, "certificate"), join(folder, "key")];
    const made = ["-keyout", key, "-out", certificate, "-subj", subject, "-days", "30"];
    execFileSync("openssl", ["req", "-x509", "-newkey", ...kinds[kind], "-nodes", ...made], { stdio: "pipe" });
    const [pem, keyPem] = [readFileSync(certificate, "utf8"), readFileSync(key, "utf8")];
    const privateKey = createPrivateKey(keyPem);
    const rawKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32);
    return { der: new X509Certificate(pem).raw, key: privateKey, pem, keyPem, rawKey };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
