// An image's payload, as a file of its own: with HEAD, ranges, a strong tag and an exact length. A stop, or a word that
// takes the image back, ends what is under way.

import { type FileHandle, open } from "node:fs/promises";
import type { Request, Response } from "express";
import type { ImageRow } from "../../storage/schema.ts";
import { isSameContent, rangeIn, type Span } from "./ranges.ts";

const readBytes = 64 * 1024;
/** A client that begins anew has left the last one, perhaps without its server knowing yet. */
const streamsOfDeviceMax = 4;

export interface Served {
  deviceId: string;
  path: string;
  image: Pick<ImageRow, "payloadOffset" | "payloadBytes">;
  sha256: string;
}

/** Asked before each piece, with how much of the payload lies before it: whether the device may still have it. */
type GoesOn = (doneBytes: number) => Promise<boolean>;

export interface ArtifactServing {
  /** Answers the request. False: the file could not be read as far as it should reach. */
  serve(request: Request, response: Response, of: Served, goesOn: GoesOn): Promise<boolean>;
}

const isGone = (response: Response): boolean => response.destroyed || response.writableEnded;

/** Resolves when more may be written, or nobody reads any more. */
const drained = (response: Response): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });

async function send(
  file: FileHandle,
  response: Response,
  { payloadOffset }: Served["image"],
  { first, last }: Span,
  goesOn: GoesOn,
): Promise<boolean> {
  for (let at = first; at <= last; ) {
    if (isGone(response)) return true;
    if (!(await goesOn(at))) {
      response.destroy();
      return true;
    }
    const wanted = Math.min(readBytes, last + 1 - at);
    const piece = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await file.read(piece, 0, wanted, payloadOffset + at);
    if (bytesRead === 0) {
      // What is missing must not pass as the end.
      response.destroy();
      return false;
    }
    at += bytesRead;
    if (!response.write(piece.subarray(0, bytesRead)) && !isGone(response)) await drained(response);
  }
  await goesOn(last + 1);
  response.end();
  return true;
}

export function createArtifactServing(): ArtifactServing {
  /** By device. */
  const streams = new Map<string, Set<Response>>();

  /** Another one of this device ends where there are too many. */
  function enter(deviceId: string, response: Response): void {
    const own = streams.get(deviceId) ?? new Set();
    streams.set(deviceId, own);
    const [oldest] = own;
    if (own.size >= streamsOfDeviceMax) oldest?.destroy();
    own.add(response);
    response.once("close", () => {
      own.delete(response);
      if (own.size === 0 && streams.get(deviceId) === own) streams.delete(deviceId);
    });
  }

  return {
    async serve(request, response, { deviceId, path, image, sha256 }, goesOn) {
      const size = image.payloadBytes;
      const etag = `"${sha256}"`;
      response.setHeader("ETag", etag);
      response.setHeader("Accept-Ranges", "bytes");
      const asked = isSameContent(request.get("if-range"), etag)
        ? rangeIn(request.method === "GET" ? request.headers.range : undefined, size)
        : ({ kind: "whole" } as const);
      if (asked.kind === "unsatisfiable") {
        response.status(416).setHeader("Content-Range", `bytes */${size}`).setHeader("Content-Length", "0").end();
        return true;
      }
      const span = asked.kind === "part" ? asked.span : { first: 0, last: size - 1 };
      if (asked.kind === "part") {
        response.status(206);
        response.setHeader("Content-Range", `bytes ${span.first}-${span.last}/${size}`);
      }
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("Content-Length", String(span.last + 1 - span.first));
      if (request.method === "HEAD") {
        response.end();
        return true;
      }
      enter(deviceId, response);
      const file = await open(path, "r").catch(() => undefined);
      if (file === undefined) {
        response.destroy();
        return false;
      }
      try {
        return await send(file, response, image, span, goesOn);
      } finally {
        await file.close();
      }
    },
  };
}
