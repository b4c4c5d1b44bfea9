import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chunkTableOf } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeForStorage } from "../src/features/releases/releases.ts";
import { Fixture } from "./fixture.ts";
import { makeImage, makeRelease, payloadOf } from "./keys.ts";

describe("chunk delivery", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it("serves many devices at once from few open files, each chunk as it was signed", async () => {
    const payload = payloadOf(100_000, 7);
    const releases: { id: string }[] = [];
    for (let i = 0; i < 3; i++)
      releases.push(
        await fixture.upload(await makeRelease(fixture.project, { version: `1.0.${i}`, releaseSequence: 2 }, payload)),
      );
    const devices = await Promise.all(Array.from({ length: 40 }, () => fixture.readyDevice()));
    await Promise.all(devices.map((device, i) => fixture.rollOut(releases[i % 3]!.id, [device])));
    await Promise.all(
      devices.map(async (device) => {
        const got = await device.download(await device.offered());
        expect(got.payload.equals(payload)).toBe(true);
      }),
    );
    expect(fixture.server.internals.imageFilesOpen).toBeLessThanOrEqual(3);
  });

  it("sends what is left at the end of a part, and nothing beyond", async () => {
    const device = await fixture.readyDevice();
    const payload = payloadOf(4096 * 9 + 5, 8);
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "1.0.9" }, payload));
    await fixture.rollOut(release.id, [device]);
    const offer = await device.offered();
    await device.say("fetch", { deployment: offer.deployment, attempt: 1, part: 1, first: 8, count: 8 }, 0);
    await device.until("two chunks", () => (device.chunks.length >= 2 ? true : undefined));
    await device.checkIn();
    expect(device.chunks.map((chunk) => [chunk.readUInt32LE(12), chunk.length])).toEqual([
      [8, 16 + 4096],
      [9, 16 + 5],
    ]);
    device.chunks = [];
    // The newest of two windows that wait is the one that counts; both may be sent when the first was begun.
    for (const first of [0, 4])
      await device.say("fetch", { deployment: offer.deployment, attempt: 1, part: 1, first, count: 2 }, 0);
    await device.until("the second window", () =>
      device.chunks.some((chunk) => chunk.readUInt32LE(12) === 5) ? true : undefined,
    );
  });

  it("offers an image as it is stored, and the device finds out what an upload would have refused", async () => {
    const device = await fixture.readyDevice();
    const payload = payloadOf(20_000, 9);
    const image = await makeImage(fixture.project, { version: "6.6.6", releaseSequence: 66 }, payload);
    const tampered = image.slice();
    tampered[tampered.length - 1]! ^= 1;
    await writeFile(join(fixture.dataDir, "images", "tampered.image"), tampered);
    const { internals } = fixture.server;
    await internals.insertRelease({
      id: "tampered",
      product: "flipside-demo",
      version: "6.6.6",
      releaseSequence: 66,
      description: null,
      uploadedAt: 0,
      uploadedBy: "test",
    });
    const row = {
      ...(await describeForStorage(image, "tampered")),
      fileName: "tampered.image",
      fileDigest: createHash("sha256").update(tampered).digest("hex"),
    };
    await internals.insertImage({ ...row, digest: createHash("sha256").update(row.header).digest("hex") });
    await fixture.rollOut("tampered", [device]);
    const offer = await device.offered();
    await expect(device.download(offer)).rejects.toThrow("chunk-mismatch 4");
    expect((await chunkTableOf(payload, 4096)).length).toBe(5 * 32);
  });
});
