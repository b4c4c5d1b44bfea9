// Chunk delivery: windows of chunks, read from the image's file when they are sent. Memory is bounded by the number of
// windows under way times one chunk: the next chunk is read only when the last one has left for the device, and a
// device that reads slowly holds up its own window only.

import type { FileHandle } from "node:fs/promises";
import { CHUNK_PART_TABLE, CHUNK_TABLE_PIECE_BYTES, chunkTableBytes } from "@flipside/image-format";
import { chunkToFill } from "@flipside/protocol/chunk-message";
import type { Fetch } from "@flipside/protocol/messages";
import { chunk } from "@flipside/protocol/server-messages";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Session } from "../sessions/sessions.ts";
import type { DownloadSlots } from "./download-slots.ts";
import { FileHandles } from "./file-handles.ts";

/** Slow readers hold windows for seconds; each costs a chunk of memory, not more. */
const windowsUnderWayMax = 512;
const filesOpenMax = 16;
/** Above this many unread bytes a device gets nothing more until it has read. */
const bufferedBytesMax = 64 * 1024;
/** A window that the device does not read is given up; the device asks again for what it lacks. */
const windowLifeMs = 30_000;
/** How long to look away from a connection whose buffer is full. */
const fullBufferPauseMs = 50;

/** Where the parts of an image lie in its file. */
export interface ImageFile {
  digest: string;
  fileName: string;
  tableOffset: number;
  payloadOffset: number;
  payloadBytes: number;
  chunkBytes: number;
  chunkCount: number;
}

/** One piece of a part: file offset and length, or undefined beyond its end. */
export function pieceOf(image: ImageFile, part: number, index: number): { offset: number; length: number } | undefined {
  const isTable = part === CHUNK_PART_TABLE;
  const pieceBytes = isTable ? CHUNK_TABLE_PIECE_BYTES : image.chunkBytes;
  const partBytes = isTable ? chunkTableBytes(image.chunkCount) : image.payloadBytes;
  const at = index * pieceBytes;
  if (at >= partBytes) return undefined;
  return {
    offset: (isTable ? image.tableOffset : image.payloadOffset) + at,
    length: Math.min(pieceBytes, partBytes - at),
  };
}

/** A window under way: `at` is the piece that is being read or handed over, those up to `end` follow. */
interface Window extends Asked {
  at: number;
  end: number;
}

interface Asked {
  session: Session;
  fetch: Fetch;
}

/** The same part of the same deployment, asked for in the same session. */
const isSame = (a: Asked, b: Asked): boolean =>
  a.session === b.session &&
  a.fetch.deployment === b.fetch.deployment &&
  a.fetch.attempt === b.fetch.attempt &&
  a.fetch.part === b.fetch.part;

/** What was stored is not there to be read. */
class UnreadableImage extends Error {
  readonly digest: string;

  constructor(digest: string, why: string) {
    super(`the file of image ${digest} cannot be read: ${why}`);
    this.digest = digest;
  }
}

export interface ChunkDelivery {
  /**
   * Takes a window; one is under way for each device, and the newest that waits replaces an older one. What is asked
   * for again and has not left yet is not sent twice; what has left, and is asked for all the same, is sent at once.
   */
  request(session: Session, fetch: Fetch): void;
  readonly filesOpen: number;
  close(): Promise<void>;
}

export function createChunkDelivery(options: {
  link: DeviceLink;
  /** The image of an open deployment of the device, or why there is nothing to send. */
  imageOf: (deviceId: string, deployment: string, attempt: number) => Promise<ImageFile | { refusal: string }>;
  isCurrent: (session: Session) => boolean;
  /** Asked before each chunk: a window on a slow connection takes its time. */
  isStopped: () => boolean;
  refused: (deviceId: string, detail: string) => void;
  pathOf: (fileName: string) => string;
  /** A file could not be read as far as it should reach. */
  unreadable: (digest: string) => void;
  slots: Pick<DownloadSlots, "touch">;
  feed: Pick<Feed, "follow">;
  log: Logger;
}): ChunkDelivery {
  const files = new FileHandles(filesOpenMax);
  const active = new Map<string, Window>();
  /** The next window of each device, in the order of asking. */
  const waiting = new Map<string, Asked>();
  const underWay = new Set<Promise<void>>();
  let closed = false;

  function pump(): void {
    for (const [deviceId, { session, fetch }] of waiting) {
      if (closed || underWay.size >= windowsUnderWayMax) return;
      if (active.has(deviceId)) continue;
      waiting.delete(deviceId);
      const window: Window = { session, fetch, at: fetch.first, end: fetch.first + fetch.count };
      active.set(deviceId, window);
      const work = deliver(window)
        .catch((error: unknown) => {
          if (error instanceof UnreadableImage) options.unreadable(error.digest);
          options.log.error({ err: error as Error, device: deviceId }, "a window could not be delivered");
        })
        .finally(() => {
          active.delete(deviceId);
          underWay.delete(work);
          pump();
        });
      underWay.add(work);
    }
  }

  async function deliver(window: Window): Promise<void> {
    const { session, fetch } = window;
    const { deviceId } = session;
    const image = await options.imageOf(deviceId, fetch.deployment, fetch.attempt);
    if ("refusal" in image) {
      options.refused(deviceId, `fetch ignored: ${image.refusal}`);
      return;
    }
    if (pieceOf(image, fetch.part, fetch.first) === undefined) {
      options.refused(deviceId, `fetch ignored: ${fetch.first} is beyond the end of part ${fetch.part}`);
      return;
    }
    await files
      .use(options.pathOf(image.fileName), (file) => send(window, image, file))
      .catch((error: unknown) => {
        // What the operating system says of the file has a code.
        throw (error as NodeJS.ErrnoException).code === undefined
          ? error
          : new UnreadableImage(image.digest, (error as Error).message);
      });
  }

  async function send(window: Window, image: ImageFile, file: FileHandle): Promise<void> {
    const { session, fetch } = window;
    const { deviceId } = session;
    const deadline = performance.now() + windowLifeMs;
    const isInVain = (): boolean =>
      closed || options.isStopped() || performance.now() > deadline || !options.isCurrent(session);
    for (; window.at < window.end; window.at++) {
      const index = window.at;
      const piece = pieceOf(image, fetch.part, index);
      if (piece === undefined) return;
      while (options.link.bufferedBytes(deviceId) > bufferedBytesMax) {
        if (isInVain()) return;
        await new Promise((resolve) => setTimeout(resolve, fullBufferPauseMs));
      }
      const name = { attempt: fetch.attempt, part: fetch.part, digest: image.digest, index };
      const { message, data } = chunkToFill(name, piece.length);
      const { bytesRead } = await file.read(data, 0, piece.length, piece.offset);
      if (bytesRead !== piece.length) throw new UnreadableImage(image.digest, `it ends at ${piece.offset + bytesRead}`);
      if (isInVain()) return;
      if (!(await options.link.publish(deviceId, chunk(message)))) return;
    }
  }

  /**
   * What of a window is still to be sent when the one under way is through; ends that one where it serves nobody any
   * more.
   */
  function beyond(window: Window, session: Session, fetch: Fetch): Fetch | undefined {
    if (!isSame(window, { session, fetch }) || fetch.first < window.at) {
      window.end = Math.min(window.end, window.at + 1);
      return fetch;
    }
    const first = Math.max(fetch.first, window.end);
    const count = fetch.first + fetch.count - first;
    return count > 0 ? { ...fetch, first, count } : undefined;
  }

  // Written anew: what is open is what they were before.
  options.feed.follow((change) => {
    if (change.kind === "images-mended") for (const name of change.fileNames) files.forget(options.pathOf(name));
  });

  return {
    request(session, fetch) {
      if (closed) return;
      const { deviceId } = session;
      options.slots.touch(deviceId);
      const window = active.get(deviceId);
      const rest = window ? beyond(window, session, fetch) : fetch;
      const before = waiting.get(deviceId);
      waiting.delete(deviceId);
      if (rest) {
        // A device goes on asking before its last window was begun.
        const goesOn =
          before && isSame(before, { session, fetch }) && before.fetch.first + before.fetch.count === rest.first;
        waiting.set(deviceId, {
          session,
          fetch: goesOn ? { ...rest, first: before.fetch.first, count: before.fetch.count + rest.count } : rest,
        });
      }
      pump();
    },
    get filesOpen() {
      return files.openCount;
    },
    async close() {
      closed = true;
      waiting.clear();
      await Promise.all(underWay);
      await files.close();
    },
  };
}
