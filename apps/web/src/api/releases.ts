import { t } from "@lingui/core/macro";
import { addressOf, answerOf } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import { releaseBytesMax } from "@flipside/api/limits";
import { noAnswerInTime, ProblemError, problemFrom, unreachable } from "@flipside/api/problem";
import type { Release } from "@flipside/api/types";
import { tooLarge } from "../release-check/check-release.ts";
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

/** Without any byte taken meanwhile. */
const stallMsMax = 60_000;
/** From the last byte: signatures are checked, and images stored, before the answer. */
const checkMsMax = 180_000;

const failed = (code: string, title: string, detail: string): ProblemError =>
  new ProblemError({ status: 0, code, title, detail, errors: [] });

/**
 * Sends a release file. However long that takes, it goes on while some of it is taken. `onProgress` hears the part that
 * has been sent, 0 to 1. `confirmSequence`: it is meant that its sequence does not rise with its version.
 * XMLHttpRequest, because fetch tells nothing about how much of a body has left.
 * @throws {ProblemError}
 */
export function uploadRelease(
  file: Blob,
  options: { onProgress: (part: number) => void; signal?: AbortSignal; confirmSequence?: boolean },
): Promise<Release> {
  const { onProgress, signal } = options;
  if (file.size > releaseBytesMax) {
    // Said before so much is sent for nothing.
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    let why = failed("upload-cancelled", t`The upload was cancelled`, t`Nothing was stored.`);
    let deadline: ReturnType<typeof setTimeout> | undefined;
    const endAfter = (ms: number, problem: ProblemError): void => {
      clearTimeout(deadline);
      deadline = setTimeout(() => {
        why = problem;
        xhr.abort();
      }, ms);
    };
    const seconds = stallMsMax / 1000;
    const stalled = t`Nothing of it has gone out for ${seconds} s. Nothing was stored.`;
    const moves = (): void => endAfter(stallMsMax, failed("upload-stalled", t`The upload has stalled`, stalled));
    moves();
    xhr.open(
      "POST",
      addressOf("POST /api/v1/releases", options.confirmSequence ? { query: { confirmSequence: "true" } } : {}),
    );
    xhr.setRequestHeader("content-type", "application/octet-stream");
    xhr.setRequestHeader("accept", "application/json");
    xhr.upload.onprogress = (event) => {
      moves();
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    xhr.upload.onload = () => endAfter(checkMsMax, noAnswerInTime(checkMsMax));
    xhr.onloadend = () => clearTimeout(deadline);
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
    xhr.onabort = () => reject(why);
    signal?.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(file);
  });
}
