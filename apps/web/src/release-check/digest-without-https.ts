// Where the console has no https, the browser gives no crypto.subtle. The device's own SHA-256 does in its place.

import type { StrictVerifier } from "@flipside/image-format";

/** For this worker alone, and only where there is none. */
export function provideDigest({ sha256 }: Pick<StrictVerifier, "sha256">): void {
  if ((crypto as { subtle?: unknown }).subtle !== undefined) return;
  const digest = async (_algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer> =>
    sha256(bytes).buffer as ArrayBuffer;
  Object.defineProperty(crypto, "subtle", { value: { digest } });
}
