// A certificate that an operator gives: what it is known by, and whether it is of any use.

import { X509Certificate } from "node:crypto";
import { ApiError } from "../../http/errors.ts";

export interface GivenCertificate {
  /** Of its DER, hex: what a handshake is compared with. */
  sha256: string;
  notAfterMs: number;
}

const refusal = (message: string): ApiError =>
  new ApiError("validation-failed", "Nothing was changed.", { errors: [{ path: "certificate", message }] });

/** The first in the text. Throws ApiError. */
export function readCertificate(pem: string, nowMs: number): GivenCertificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw refusal(`is no certificate in PEM (${(error as Error).message})`);
  }
  const notAfterMs = Date.parse(certificate.validTo);
  if (notAfterMs < nowMs) throw refusal(`has expired, at ${new Date(notAfterMs).toISOString()}`);
  return { sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(), notAfterMs };
}
