// Chunk messages that devices share: bounded by bytes, read once, and never from before what was forgotten.

import { describe, expect, it } from "vitest";
import { ChunkCache } from "../src/features/chunk-delivery/chunk-cache.ts";

const BYTES = 1_000;
const messageOf = (value: number): Uint8Array => new Uint8Array(BYTES).fill(value);

describe("chunk messages that are kept", () => {
  it("are read once, also by those who ask while they are being read", async () => {
    const cache = new ChunkCache(100 * BYTES);
    let readings = 0;
    const read = async (): Promise<Uint8Array> => messageOf(++readings);
    const all = await Promise.all([cache.of("a", read), cache.of("a", read)]);
    expect(all[0]).toBe(all[1]);
    expect(await cache.of("a", read)).toBe(all[0]);
    expect(readings).toBe(1);
  });

  it("are as many as fit, and those that were asked for last", async () => {
    const cache = new ChunkCache(4 * BYTES);
    const readings: string[] = [];
    const ask = async (name: string): Promise<void> => {
      await cache.of(name, async () => {
        readings.push(name);
        return messageOf(0);
      });
      expect(cache.bytes).toBeLessThanOrEqual(4 * BYTES);
    };
    for (const name of ["a", "b", "c", "a", "d", "a", "b"]) await ask(name);
    expect(readings).toEqual(["a", "b", "c", "d", "b"]);
  });

  it("that could not be read are read anew", async () => {
    const cache = new ChunkCache(100 * BYTES);
    await expect(cache.of("a", () => Promise.reject(new Error("EIO")))).rejects.toThrow("EIO");
    expect(await cache.of("a", async () => messageOf(1))).toEqual(messageOf(1));
  });

  it("are not kept when they were forgotten while they were being read", async () => {
    const cache = new ChunkCache(100 * BYTES);
    let found = (_: Uint8Array): void => {};
    const old = cache.of("a", () => new Promise((resolve) => (found = resolve)));
    cache.forgetAll();
    found(messageOf(1));
    expect(await old).toEqual(messageOf(1));
    expect(cache.bytes).toBe(0);
    expect(await cache.of("a", async () => messageOf(2))).toEqual(messageOf(2));
  });
});
