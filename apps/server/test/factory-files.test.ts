// What a factory puts into a device, as the server has it: files of images, and the trust chain.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeImage, makeRelease } from "./keys.ts";
import { newPerson } from "./people.ts";

let fixture: Fixture;
beforeAll(async () => void (fixture = await Fixture.start()));
afterAll(() => fixture?.stop());

async function fileAt(path: string, cookie = fixture.api.cookie): Promise<{ status: number; bytes: Uint8Array }> {
  const response = await fetch(fixture.server.url + path, { headers: { cookie } });
  if (response.ok) expect(response.headers.get("content-type")).toBe("application/octet-stream");
  return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
}

it("are given byte by byte, to whoever sees the fleet", async () => {
  const release = await fixture.upload(await makeRelease(fixture.project));
  const [{ digest }] = release.images;
  const viewer = await newPerson(fixture.api, "viewer");
  const { status, bytes } = await fileAt(`/api/v1/releases/${release.id}/images/${digest}`, viewer.cookie);
  expect(status).toBe(200);
  expect(Buffer.compare(bytes, await makeImage(fixture.project))).toBe(0);
  const chain = await fileAt("/api/v1/trust/chain", viewer.cookie);
  expect(Buffer.compare(chain.bytes, fixture.project.trustChain)).toBe(0);

  for (const path of [`${release.id}/images/${"0".repeat(64)}`, `nobody/images/${digest}`])
    expect((await fileAt(`/api/v1/releases/${path}`)).status, path).toBe(404);

  await rm(join(fixture.dataDir, "images"), { recursive: true });
  await fixture.restart();
  await fixture.api.until("/api/v1/releases", ({ releases: [one] }) => one.images[0].file === "missing");
  expect(await fixture.api.get(`/api/v1/releases/${release.id}/images/${digest}`)).toMatchObject({
    status: 409,
    body: { code: "image-file-missing", detail: expect.stringMatching(/is missing: upload its release again/) },
  });
});
