// The certificate that stands in a file.

import { readFileSync } from "node:fs";
import { UsageError } from "../../command-line/failures.ts";

/** PEM. Throws UsageError. */
export function readCertificateFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`the certificate cannot be read: ${(error as Error).message}`);
  }
  // openssl writes lines for people before it.
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  if (at < 0) throw new UsageError(`${path} holds no certificate in PEM`);
  return text.slice(at);
}
