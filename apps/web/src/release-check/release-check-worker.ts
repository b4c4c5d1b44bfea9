// Looks at one release file as devices and the server do, by the device's own verifier, and tells what it found.
// Words are the page's: a worker knows no language. WebAssembly is allowed to this script alone
// (apps/server/src/http/console-files.ts).

import { createStrictVerifier, FormatError, verifyRelease } from "@flipside/image-format";
import verifierAddress from "@flipside/image-format/strict-verifier.wasm?url";
import { provideDigest } from "./digest-without-https.ts";
import type { CheckAnswer, CheckAsked } from "./told.ts";

async function answerTo({ file, releaseKeys, releaseThreshold }: CheckAsked): Promise<CheckAnswer> {
  const wasm = await fetch(verifierAddress);
  if (!wasm.ok) return { kind: "no-verifier", status: wasm.status };
  const verifier = await createStrictVerifier(await wasm.arrayBuffer());
  provideDigest(verifier);
  try {
    const images = await verifyRelease(
      new Uint8Array(await file.arrayBuffer()),
      releaseKeys,
      verifier,
      releaseThreshold,
    );
    return { kind: "verified", images: images.map(({ image, signedBy }) => ({ ...image, signedBy })) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: "refused", codeName: error.codeName, message: error.message };
  }
}

const tell = (answer: CheckAnswer): void => self.postMessage(answer);

self.onmessage = ({ data }: MessageEvent<CheckAsked>) => {
  answerTo(data).then(tell, (thrown: unknown) =>
    tell({ kind: "failed", why: thrown instanceof Error ? thrown.message : String(thrown) }),
  );
};
