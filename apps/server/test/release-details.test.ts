// A release looked at closely: what its headers say, and what differs from another one.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { buildRelease, keyIdOf, toHex } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeImage, payloadOf } from "./keys.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

const get = async (path: string) => (await fixture.api.get(path)).body;
const board = { name: "virt-rv32", revisionMin: 1, revisionMax: 2 };

it("its headers, its parts and its signers are told, and the parts are all of it", async () => {
  const { id } = await fixture.upload(buildRelease([await makeImage(fixture.project, {}, payloadOf(10_000))]));
  const { images, ...release } = await get(`/api/v1/releases/${id}`);
  expect(release).toMatchObject({ id, version: "1.1.0", releaseSequence: 2, archivedAt: null });
  const [image] = images;
  expect(image).toMatchObject({
    tries: 3,
    confirmDeadlineMs: 30_000,
    chunkCount: 3,
    loaderVersionMin: 1,
    file: "present",
  });
  expect(image.signedBy).toEqual([toHex(await keyIdOf(fixture.project.release.publicKey))]);
  const parts = Object.values(image.parts as Record<string, number>);
  expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(image.sizeBytes);
  expect(image.parts).toMatchObject({ payloadBytes: 10_000, tableBytes: 96 });
  expect((await fixture.api.get("/api/v1/releases/none")).status).toBe(404);
});

it("what differs is told by hardware: header members, chunks, and who has no image", async () => {
  const payload = payloadOf(10_000, 7);
  const changed = payload.slice();
  changed[5_000]! ^= 1;
  const older = await fixture.upload(
    buildRelease([await makeImage(fixture.project, { version: "2.0.0", releaseSequence: 20 }, payload)]),
  );
  const newer = await fixture.upload(
    buildRelease([
      await makeImage(
        fixture.project,
        {
          version: "2.1.0",
          releaseSequence: 21,
          securityCounter: 2,
          hardware: { name: "virtual", revisionMin: 1, revisionMax: 9 },
        },
        changed,
      ),
      await makeImage(fixture.project, { version: "2.1.0", releaseSequence: 21, imageType: 1, hardware: board }),
    ]),
  );
  const path = `/api/v1/releases/${newer.id}/differences/${older.id}`;
  const { images } = await get(path);
  expect(images).toMatchObject([
    { hardware: "virt-rv32", digests: { from: null }, members: [] },
    { hardware: "virtual", chunks: { same: 2, other: 1, otherBytes: 4096 } },
  ]);
  expect(images[1].members).toEqual(
    expect.arrayContaining([
      { name: "version", from: "2.0.0", to: "2.1.0" },
      { name: "releaseSequence", from: 20, to: 21 },
      { name: "securityCounter", from: 1, to: 2 },
      { name: "revisionMax", from: 3, to: 9 },
    ]),
  );
  expect(images[1].members).toHaveLength(4);
  expect((await get(`/api/v1/releases/${older.id}/differences/${older.id}`)).images).toMatchObject([
    { members: [], chunks: { other: 0 } },
  ]);
  expect((await fixture.api.get(`/api/v1/releases/${older.id}/differences/none`)).status).toBe(404);

  const { db } = fixture.server.internals.storage;
  const { fileName } = await db
    .selectFrom("images")
    .select("fileName")
    .where("digest", "=", images[1].digests.to)
    .executeTakeFirstOrThrow();
  await rm(join(fixture.dataDir, "images", fileName));
  const lost = (await get(path)).images[1];
  expect([lost.chunks, lost.members.length], "the headers are known all the same").toEqual([null, 4]);
});
