// What a factory puts into a device, as the fleet's server has it.

import { noAnswerInTime, problemFrom, unreachable } from "@flipside/api/problem";
import { answerMsMax, heard } from "./http.ts";

/** Throws ProblemError. */
async function fileAt(path: string): Promise<Uint8Array> {
  let response: Response;
  let bytes: ArrayBuffer;
  try {
    response = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(answerMsMax) });
    bytes = await response.arrayBuffer();
  } catch (cause) {
    const isLate = cause instanceof Error && cause.name === "TimeoutError";
    throw isLate ? noAnswerInTime(answerMsMax, cause) : unreachable(cause);
  }
  if (response.ok) return new Uint8Array(bytes);
  const text = new TextDecoder().decode(bytes);
  const problem = problemFrom(response.status, text, response.headers.get("retry-after"));
  heard(problem);
  throw problem;
}

export const trustChainFile = (): Promise<Uint8Array> => fileAt("/api/v1/trust/chain");

export const imageFile = (releaseId: string, digest: string): Promise<Uint8Array> =>
  fileAt(`/api/v1/releases/${encodeURIComponent(releaseId)}/images/${encodeURIComponent(digest)}`);
