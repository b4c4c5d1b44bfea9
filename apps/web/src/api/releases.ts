import { addressOf, answerOf } from "@flipside/api/client";
import { errors } from "@flipside/api/errors";
import { everyPage } from "@flipside/api/every-page";
import { releaseBytesMax } from "@flipside/api/limits";
import { ProblemError, problemFrom, unreachable } from "@flipside/api/problem";
import type { Release } from "@flipside/api/types";
import { api, heard } from "./http.ts";

/** `archived`: with those that are. */
export const listReleases = (archived: "true" | "false"): Promise<Release[]> =>
  everyPage(async (query) => {
    const { releases, next } = await api("GET /api/v1/releases", { query: { ...query, archived } });
    return { members: releases, next };
  });

export const archiveRelease = (id: string): Promise<Release> =>
  api("POST /api/v1/releases/:id/archive", { params: { id } });

export const unarchiveRelease = (id: string): Promise<Release> =>
  api("POST /api/v1/releases/:id/unarchive", { params: { id } });

export const deleteRelease = (id: string): Promise<void> => api("DELETE /api/v1/releases/:id", { params: { id } });

/** Stores a permit for going back to an image of this release; it says which, and whether any device may. */
export const addPermit = (id: string, file: Blob): Promise<{ digest: string; anyDevice: boolean }> =>
  api("POST /api/v1/releases/:id/permits", { params: { id }, body: file });

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
    // Said before so much is sent for nothing, in the server's own terms.
    return Promise.reject(
      new ProblemError({
        ...errors["upload-too-large"],
        code: "upload-too-large",
        detail: `A release file may have ${releaseBytesMax / 1024 / 1024} MiB at most.`,
        errors: [],
      }),
    );
  }
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(
      "POST",
      addressOf("POST /api/v1/releases", options.confirmSequence ? { query: { confirmSequence: "true" } } : {}),
    );
    xhr.setRequestHeader("content-type", "application/octet-stream");
    xhr.setRequestHeader("accept", "application/json");
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    xhr.onload = () => {
      if (xhr.status < 200 || xhr.status >= 300) {
        const problem = problemFrom(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after"));
        heard(problem);
        reject(problem);
        return;
      }
      try {
        resolve(answerOf<Release>(xhr.status, xhr.responseText));
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
