// Windows of chunks on a connection that takes them slowly: what is asked for again and has not left yet is sent once.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FETCH_WINDOW_MAX } from "@flipside/image-format";
import { afterAll, describe, expect, it } from "vitest";
import { createChunkDelivery } from "../src/features/chunk-delivery/chunk-delivery.ts";
import type { Session } from "../src/features/sessions/sessions.ts";
import type { DeviceLink } from "../src/mqtt/device-link.ts";

const CHUNK_BYTES = 512;
const CHUNK_COUNT = 20;
const folder = mkdtempSync(join(tmpdir(), "flipside-chunks-"));
const filePath = join(folder, "image");
writeFileSync(filePath, Buffer.alloc(CHUNK_BYTES * CHUNK_COUNT, 7));
afterAll(() => rmSync(folder, { recursive: true }));

/** Sent at once, at most. */
const AT_ONCE = FETCH_WINDOW_MAX / 2;

/** A device whose connection takes what is sent at once when `take` says so. */
function slowDevice() {
  const sent: number[] = [];
  let isStopped = false;
  const handedOver: (() => void)[] = [];
  let arrived: (() => void) | undefined;
  const link: Pick<DeviceLink, "bufferedBytes" | "publish"> = {
    bufferedBytes: () => 0,
    publish: (_deviceId, messages) =>
      new Promise<boolean>((resolve) => {
        for (const { payload } of messages) sent.push(Buffer.from(payload as Uint8Array).readUInt32LE(12));
        handedOver.push(() => resolve(true));
        arrived?.();
      }),
  };
  const delivery = createChunkDelivery({
    link: link as DeviceLink,
    imageOf: async () => ({
      digest: "00".repeat(32),
      fileName: filePath,
      tableOffset: 0,
      payloadOffset: 0,
      payloadBytes: CHUNK_BYTES * CHUNK_COUNT,
      chunkBytes: CHUNK_BYTES,
      chunkCount: CHUNK_COUNT,
    }),
    pathOf: (name) => name,
    unreadable: (digest) => {
      throw new Error(`${digest} cannot be read`);
    },
    feed: { follow: () => {} },
    slots: { touch: () => {} },
    isCurrent: () => true,
    isStopped: () => isStopped,
    refused: (_, detail) => {
      throw new Error(detail);
    },
    log: {
      error: (error: unknown) => {
        throw error;
      },
    } as never,
  });
  const session = { deviceId: "slow-1" } as Session;
  /** Until so many messages were begun in all; then nothing more is. */
  const until = async (count: number): Promise<void> => {
    while (sent.length < count) {
      await new Promise<void>((resolve) => (arrived = resolve));
      arrived = undefined;
    }
  };
  return {
    sent,
    stopAll: () => void (isStopped = true),
    delivery,
    until,
    ask: (first: number, count: number, attempt = 1) =>
      delivery.request(session, { deployment: "d", attempt, part: 1, first, count }),
    take: () => handedOver.shift()!(),
    /** Takes everything, also what comes beyond `count`. */
    drain: async (count: number): Promise<void> => {
      for (;;) {
        while (handedOver.length > 0) handedOver.shift()!();
        if (sent.length >= count) break;
        await until(sent.length + 1);
      }
      for (let look = 0; look < 20; look++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        while (handedOver.length > 0) handedOver.shift()!();
      }
      await delivery.close();
    },
  };
}

const range = (first: number, end: number): number[] => Array.from({ length: end - first }, (_, i) => first + i);

describe("a window of chunks", () => {
  it("that is asked for again while it waits is sent once", async () => {
    const device = slowDevice();
    device.ask(0, 8);
    await device.until(1);
    device.ask(0, 8);
    device.ask(0, 8);
    await device.drain(8);
    expect(device.sent).toEqual(range(0, 8));
  });

  it("that is asked for again with more behind it goes on behind it", async () => {
    const device = slowDevice();
    device.ask(0, 4);
    await device.until(1);
    device.ask(0, 8);
    await device.drain(8);
    expect(device.sent).toEqual(range(0, 8));
  });

  it("is sent once more where it has left already, and what waited behind it is not sent before", async () => {
    const device = slowDevice();
    device.ask(0, 3 * AT_ONCE);
    await device.until(AT_ONCE);
    device.take();
    await device.until(2 * AT_ONCE);
    device.ask(1, 8);
    await device.drain(2 * AT_ONCE + 8);
    expect(device.sent).toEqual([...range(0, 2 * AT_ONCE), ...range(1, 9)]);
  });

  it("that was asked for before the last one was begun is not forgotten for the next", async () => {
    const device = slowDevice();
    device.ask(0, 2);
    await device.until(1);
    device.ask(2, 1);
    device.ask(3, 7);
    await device.drain(10);
    expect(device.sent).toEqual(range(0, 10));
  });

  it("of another attempt takes its place", async () => {
    const device = slowDevice();
    device.ask(0, 8);
    await device.until(1);
    device.ask(0, 2, 2);
    await device.drain(AT_ONCE + 2);
    expect(device.sent).toEqual([...range(0, AT_ONCE), 0, 1]);
  });

  it("ends with the chunks that are being handed over when all updates are stopped", async () => {
    const device = slowDevice();
    device.ask(0, 8);
    await device.until(1);
    device.stopAll();
    await device.drain(AT_ONCE);
    expect(device.sent).toEqual(range(0, AT_ONCE));
    await device.delivery.close();
  });
});
