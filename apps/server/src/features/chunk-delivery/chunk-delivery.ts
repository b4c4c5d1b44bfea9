// Chunk delivery: windows of chunks, a few of them sent at once. Devices of a rollout share what was read once
// (chunk-cache.ts). Memory is bounded by that, and by the number of windows under way times what is sent at once: the
// next ones are looked for only when the last ones have left for the device, and a device that reads slowly holds up
// its own window only.

import { CHUNK_PART_TABLE, CHUNK_TABLE_PIECE_BYTES, chunkTableBytes, FETCH_WINDOW_MAX } from "@flipside/image-format";
import { chunkToFill } from "@flipside/protocol/chunk-message";
import type { Fetch } from "@flipside/protocol/messages";
import { chunk } from "@flipside/protocol/server-messages";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Session } from "../sessions/sessions.ts";
import { ChunkCache } from "./chunk-cache.ts";
import type { DownloadSlots } from "./download-slots.ts";
import { FileHandles } from "./file-handles.ts";

/** Slow readers hold windows for seconds; each costs what is sent at once, not more. */
const windowsUnderWayMax = 512;
/** Half of the largest window: a device asks for so much when it has as much, and a stop is not far. */
const sentAtOnceMax = FETCH_WINDOW_MAX / 2;
/** A hundred images of the demo, or a large one in part. */
const cachedBytesMax = 32 * 1024 * 1024;
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

/** A window under way: the pieces from `at` to `next` are being read or handed over, those up to `end` follow. */
interface Window extends Asked {
  at: number;
  next: number;
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
  const cache = new ChunkCache(cachedBytesMax);
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
      const window: Window = { session, fetch, at: fetch.first, next: fetch.first, end: fetch.first + fetch.count };
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
    await send(window, image);
  }

  async function send(window: Window, image: ImageFile): Promise<void> {
    const { session, fetch } = window;
    const { deviceId } = session;
    const deadline = performance.now() + windowLifeMs;
    const isInVain = (): boolean =>
      closed || options.isStopped() || performance.now() > deadline || !options.isCurrent(session);
    while (window.at < window.end) {
      while (options.link.bufferedBytes(deviceId) > bufferedBytesMax) {
        if (isInVain()) return;
        await new Promise((resolve) => setTimeout(resolve, fullBufferPauseMs));
      }
      const messages: Uint8Array[] = [];
      for (window.next = window.at; window.next < window.end && messages.length < sentAtOnceMax; window.next++) {
        const message = messageOf(image, fetch, window.next);
        if (message === undefined) break;
        messages.push(message instanceof Uint8Array ? message : await message);
      }
      if (messages.length === 0 || isInVain()) return;
      if (!(await options.link.publish(deviceId, messages.map(chunk)))) return;
      window.at = window.next;
    }
  }

  /** Undefined beyond the end of the part. */
  function messageOf(
    image: ImageFile,
    { attempt, part }: Fetch,
    index: number,
  ): Uint8Array | Promise<Uint8Array> | undefined {
    const piece = pieceOf(image, part, index);
    if (piece === undefined) return undefined;
    return cache.of(`${image.fileName}/${attempt}/${part}/${index}`, async () => {
      const { message, data } = chunkToFill({ attempt, part, digest: image.digest, index }, piece.length);
      await read(image, piece.offset, data);
      return message;
    });
  }

  async function read({ digest, fileName }: ImageFile, offset: number, data: Uint8Array): Promise<void> {
    const { bytesRead } = await files
      .use(options.pathOf(fileName), (file) => file.read(data, 0, data.length, offset))
      .catch((error: unknown) => {
        // What the operating system says of the file has a code.
        throw (error as NodeJS.ErrnoException).code === undefined
          ? error
          : new UnreadableImage(digest, (error as Error).message);
      });
    if (bytesRead !== data.length) throw new UnreadableImage(digest, `it ends at ${offset + bytesRead}`);
  }

  /**
   * What of a window is still to be sent when the one under way is through; ends that one where it serves nobody any
   * more.
   */
  function beyond(window: Window, session: Session, fetch: Fetch): Fetch | undefined {
    if (!isSame(window, { session, fetch }) || fetch.first < window.at) {
      window.end = Math.min(window.end, window.next);
      return fetch;
    }
    const first = Math.max(fetch.first, window.end);
    const count = fetch.first + fetch.count - first;
    return count > 0 ? { ...fetch, first, count } : undefined;
  }

  options.feed.follow((change) => {
    // Of one of its images something was found that devices must not be sent any more, or again.
    if (change.kind === "release" || change.kind === "images-mended") cache.forgetAll();
    // Written anew: what is open is what they were before.
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
