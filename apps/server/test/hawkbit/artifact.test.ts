// The file that a device fetches: HEAD, ranges, and what cannot be had any more.

import { readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rangeIn } from "../../src/features/other-agents/ranges.ts";
import { suffixOf } from "../../src/features/other-agents/payload-hashes.ts";
import type { Fixture } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { Random, seed } from "../random.ts";
import { newTarget, startWithHawkbit, type Target } from "./target.ts";

const payload = payloadOf(300_001, 3);
let fixture: Fixture;
let target: Target;
let release: any;
let artifact: any;
beforeAll(async () => {
  fixture = await startWithHawkbit();
  release = await fixture.upload(await makeRelease(fixture.project, {}, payload));
  target = await newTarget(fixture);
  await fixture.rollOut(release.id, [target as never]);
  ({ artifact } = await target.deployment());
});
afterAll(() => fixture.stop());

const fetched = (headers: Record<string, string> = {}, method = "GET") =>
  fetch(artifact._links.download.href, {
    method,
    headers: { authorization: target.authorization, ...headers },
    signal: AbortSignal.timeout(30_000),
  });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe("a file", () => {
  it("has its exact length, a strong tag and no chunks, by HEAD as by GET", async () => {
    for (const method of ["HEAD", "GET"]) {
      const response = await fetched({}, method);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-length")).toBe(String(payload.length));
      expect(response.headers.get("transfer-encoding")).toBeNull();
      expect(response.headers.get("accept-ranges")).toBe("bytes");
      expect(response.headers.get("etag")).toBe(`"${artifact.hashes.sha256}"`);
      const body = await bytesOf(response);
      expect(body.equals(method === "HEAD" ? Buffer.alloc(0) : payload)).toBe(true);
    }
  });

  it("is given in the part that is asked for, so that a download goes on where it was", async () => {
    const half = await fetched({ range: "bytes=150000-", "if-range": `"${artifact.hashes.sha256}"` });
    expect(half.status).toBe(206);
    expect(half.headers.get("content-range")).toBe(`bytes 150000-300000/${payload.length}`);
    expect((await bytesOf(half)).equals(payload.subarray(150_000))).toBe(true);
    const another = await fetched({ range: "bytes=150000-", "if-range": `"${"0".repeat(64)}"` });
    expect(another.status, "another file's half is worth nothing").toBe(200);
    expect((await bytesOf(another)).equals(payload)).toBe(true);
    const beyond = await fetched({ range: `bytes=${payload.length}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe(`bytes */${payload.length}`);
    expect((await fetched({ range: "bytes=0-1,4-5" })).status, "several").toBe(200);
  });

  it("is whole when any parts of it are put together", async () => {
    console.info(`FLIPSIDE_SEED=${seed}`);
    const random = new Random(seed);
    const whole = Buffer.alloc(payload.length);
    for (let at = 0; at < payload.length; ) {
      const end = Math.min(payload.length, at + 1 + random.below(90_000));
      const piece = await bytesOf(await fetched({ range: `bytes=${at}-${end - 1}` }));
      expect(piece.length).toBe(end - at);
      piece.copy(whole, at);
      at = end;
    }
    expect(whole.equals(payload)).toBe(true);
  });

  it("goes on for who has left in the middle, again and again", async () => {
    for (let i = 0; i < 6; i++) {
      const leaving = new AbortController();
      const { href } = artifact._links.download;
      const headers = { authorization: target.authorization };
      const { body } = await fetch(href, { headers, signal: leaving.signal });
      await body!.getReader().read();
      leaving.abort();
    }
    expect((await bytesOf(await fetched())).equals(payload)).toBe(true);
  });

  it("ends in the middle when all updates are stopped", async () => {
    const large = payloadOf(30_000_000, 9);
    const release = await makeRelease(fixture.project, { version: "8.0.0", releaseSequence: 8 }, large);
    const other = await newTarget(fixture);
    await fixture.rollOut((await fixture.upload(release)).id, [other as never]);
    const { href } = (await other.deployment()).artifact._links.download;
    const { body } = await fetch(href, { headers: { authorization: other.authorization } });
    const reader = body!.getReader();
    await reader.read();
    await fixture.api.post("/api/v1/emergency-stop", { reason: "smoke" });
    await expect(
      (async () => {
        for (let got = 0; ; ) {
          const { done, value } = await reader.read();
          if (done) return got;
          got += value.length;
        }
      })(),
    ).rejects.toThrow("terminated");
    await fixture.api.post("/api/v1/emergency-stop/end");
  });

  it("ends with .swu where it is one: SWUpdate takes nothing else", () => {
    expect(suffixOf(Buffer.from("070702000"))).toBe("swu");
    expect(suffixOf(Buffer.from("070701000"))).toBe("swu");
    expect(suffixOf(Buffer.from("hsqs\0\0"))).toBe("raucb");
    expect(suffixOf(Buffer.from("x"))).toBe("bin");
    expect(artifact.filename).toBe("flipside-demo-1.1.0.bin");
  });

  it("that is gone on the server is not offered, and is said to be missing", async () => {
    const lost = await fixture.upload(await makeRelease(fixture.project, { version: "9.0.0", releaseSequence: 9 }));
    const other = await newTarget(fixture);
    await fixture.rollOut(lost.id, [other as never]);
    const found = await other.deployment();
    const { fileName } = await fixture.server.internals.storage.db
      .selectFrom("images")
      .select("fileName")
      .where("digest", "=", lost.images[0].digest)
      .executeTakeFirstOrThrow();
    await rm(join(fixture.dataDir, "images", fileName));
    await other.ask(found.artifact._links.download.href).catch(() => undefined);
    await expect.poll(() => other.poll()).toEqual({});
    const { releases } = (await fixture.api.get("/api/v1/releases")).body;
    expect(releases.find(({ id }: { id: string }) => id === lost.id).images[0].file).toBe("missing");
  });
});

it.skipIf(process.platform !== "linux")("no file stays open, however its readers have left", async () => {
  const openImages = async (): Promise<string[]> => {
    const names = await readdir("/proc/self/fd");
    const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
    return paths.filter((path) => path.startsWith(fixture.dataDir) && path.endsWith(".image"));
  };
  await expect.poll(openImages).toEqual([]);
});

it("a range is read as RFC 9110 has it", () => {
  const part = (first: number, last: number) => ({ kind: "part", span: { first, last } });
  for (const [header, asked] of [
    [undefined, { kind: "whole" }],
    ["bytes=0-0", part(0, 0)],
    ["bytes=0-", part(0, 9)],
    ["bytes=5-100", part(5, 9)],
    ["bytes=-3", part(7, 9)],
    ["bytes=-100", part(0, 9)],
    ["bytes=-0", { kind: "unsatisfiable" }],
    ["bytes=10-", { kind: "unsatisfiable" }],
    ["bytes=6-5", { kind: "whole" }],
    ["bytes=-", { kind: "whole" }],
    ["bytes=0-1,3-4", { kind: "whole" }],
    ["lines=0-1", { kind: "whole" }],
    ["bytes=a-b", { kind: "whole" }],
  ] as const)
    expect(rangeIn(header, 10), header).toEqual(asked);
});
