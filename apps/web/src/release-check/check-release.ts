// A release file, verified in the browser before a byte of it is sent.

import { t } from "@lingui/core/macro";
import { errors } from "@flipside/api/errors";
import { releaseBytesMax } from "@flipside/api/limits";
import { ProblemError } from "@flipside/api/problem";
import type { Trust } from "@flipside/api/types";
import type { CheckAnswer, CheckAsked, CheckedImage } from "./told.ts";
import { newWorker } from "../trusted-worker.ts";
import { refusedFile } from "../words/refused-file-words.ts";
import workerAddress from "./release-check-worker.ts?worker&url";

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));

/** Those that the newest record names. */
const releaseKeysOf = ({ keys }: Trust): Uint8Array[] =>
  keys
    .filter(({ purpose, revokedBy }) => purpose === "release" && revokedBy === null)
    .map(({ publicKey }) => bytesOf(publicKey));

/** The server would not read it to its end. */
export function tooLarge(): ProblemError {
  const most = releaseBytesMax / 1024 / 1024;
  return new ProblemError({
    ...errors["upload-too-large"],
    code: "upload-too-large",
    detail: t`A release file may have ${most} MiB at most.`,
    errors: [],
  });
}

const notChecked = (detail: string): ProblemError =>
  new ProblemError({
    status: 0,
    code: "release-not-checked",
    title: t`The file could not be checked`,
    detail,
    errors: [],
  });

function imagesIn(answer: CheckAnswer): CheckedImage[] {
  if (answer.kind === "verified") return answer.images;
  if (answer.kind === "failed") throw notChecked(answer.why);
  if (answer.kind === "no-verifier") {
    const { status } = answer;
    throw notChecked(t`The verifier could not be loaded (status ${status}).`);
  }
  throw new ProblemError({ ...refusedFile(answer), errors: [] });
}

/**
 * Its images, each verified entirely against the server's newest trust record, in a thread of their own. Ends quietly
 * with `signal`: then it never answers.
 * @throws {ProblemError} as the server would refuse the file
 */
export async function checkRelease(file: File, trust: Trust, signal: AbortSignal): Promise<CheckedImage[]> {
  if (file.size > releaseBytesMax) throw tooLarge();
  const worker = newWorker(workerAddress);
  signal.addEventListener("abort", () => worker.terminate(), { once: true });
  const asked: CheckAsked = {
    file,
    releaseKeys: releaseKeysOf(trust),
    releaseThreshold: trust.links.at(-1)?.releaseThreshold ?? 1,
  };
  try {
    return imagesIn(
      await new Promise<CheckAnswer>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<CheckAnswer>) => resolve(data);
        worker.onerror = ({ message }) => reject(notChecked(message || t`The checking thread could not be started.`));
        worker.postMessage(asked);
      }),
    );
  } finally {
    worker.terminate();
  }
}
