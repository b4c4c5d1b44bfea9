import { parsed, refused, request } from "./http.ts";
import { ProblemError, problemFrom, unreachable } from "./problem.ts";
import type { Release } from "./types.ts";

export const listReleases = async (): Promise<Release[]> =>
  (await request<{ releases: Release[] }>("GET", "/api/releases")).releases;

/** Stores a permit for going back to an image of this release; it says which, and whether any device may. */
export const addPermit = (releaseId: string, file: Blob): Promise<{ digest: string; anyDevice: boolean }> =>
  request("POST", `/api/releases/${encodeURIComponent(releaseId)}/permits`, file);

/** The server's limit for one release file. */
export const releaseBytesMax = 64 * 1024 * 1024;

/**
 * Sends a release file. `onProgress` hears the part that has been sent, 0 to 1. `confirmSequence`: it is meant that its
 * sequence does not rise with its version.
 * XMLHttpRequest, because fetch tells nothing about how much of a body has left.
 * @throws {ProblemError}
 */
export function uploadRelease(
  file: Blob,
  options: { onProgress: (part: number) => void; signal?: AbortSignal; confirmSequence?: boolean },
): Promise<Release> {
  const { onProgress, signal } = options;
  if (file.size > releaseBytesMax) {
    // Said before 64 MiB are sent for nothing, in the server's own terms.
    return Promise.reject(
      new ProblemError({
        status: 413,
        code: "upload-too-large",
        title: "The file is too large",
        detail: "A release file may have 64 MiB at most.",
        errors: [],
      }),
    );
  }
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", options.confirmSequence ? "/api/releases?confirmSequence=true" : "/api/releases");
    xhr.setRequestHeader("content-type", "application/octet-stream");
    xhr.setRequestHeader("accept", "application/json");
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    xhr.onload = () => {
      if (xhr.status < 200 || xhr.status >= 300) {
        reject(refused(problemFrom(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after"))));
        return;
      }
      try {
        resolve(parsed<Release>(xhr.status, xhr.responseText));
      } catch (problem) {
        reject(problem as ProblemError);
      }
    };
    xhr.onerror = () => reject(unreachable());
    xhr.onabort = () =>
      reject(
        new ProblemError({
          status: 0,
          code: "upload-cancelled",
          title: "The upload was cancelled",
          detail: "Nothing was stored.",
          errors: [],
        }),
      );
    signal?.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(file);
  });
}
