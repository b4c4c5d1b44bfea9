import { promises as nodeFiles } from "node:fs";
import { readdir } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { buildPermit, buildRelease, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileSystem } from "../src/features/releases/image-files.ts";
import { Fixture } from "./fixture.ts";
import { makeImage, makeRelease, payloadOf } from "./keys.ts";

/** A disk with so many bytes left; writing more is ENOSPC, as the kernel says it. */
class FillingDisk {
  left = Infinity;
  readonly files: FileSystem = {
    ...nodeFiles,
    open: async (...args: Parameters<typeof nodeFiles.open>) => {
      const file = await nodeFiles.open(...args);
      const write = file.write.bind(file) as (
        bytes: Uint8Array,
        at: number,
        length: number,
      ) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
      file.write = (async (bytes: Uint8Array, at: number, length: number) => {
        if (length > this.left)
          throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        this.left -= length;
        return write(bytes, at, length);
      }) as never;
      return file;
    },
  };
}

describe("releases", () => {
  let fixture: Fixture;
  const disk = new FillingDisk();
  beforeAll(async () => {
    fixture = await Fixture.start({ fileSystem: disk.files });
  });
  afterAll(() => fixture.stop());
  const uploadsLeft = () => readdir(join(fixture.dataDir, "uploads"));

  it("are kept when a release key has signed them, and shown with their images", async () => {
    const images = [
      await makeImage(fixture.project, { description: "first" }),
      await makeImage(fixture.project, {
        description: "first",
        imageType: 1,
        hardware: { name: "virt-rv32", revisionMin: 1, revisionMax: 1 },
      }),
    ];
    const release = await fixture.upload(buildRelease(images));
    expect(release).toMatchObject({
      product: "flipside-demo",
      version: "1.1.0",
      releaseSequence: 2,
      description: "first",
      uploadedBy: "admin",
    });
    expect(release.images.map((image: { hardware: string }) => image.hardware).sort()).toEqual([
      "virt-rv32",
      "virtual",
    ]);
    expect((await fixture.api.get("/api/v1/releases")).body.releases).toHaveLength(1);
    expect((await readdir(join(fixture.dataDir, "images"))).length).toBe(2);
    expect(await fixture.api.post("/api/v1/releases", buildRelease(images))).toMatchObject({
      status: 409,
      body: { code: "release-exists" },
    });
    expect((await readdir(join(fixture.dataDir, "images"))).length).toBe(2);
  });

  it("are refused with the format's own name for what is wrong, and nothing of them stays", async () => {
    const good = await makeRelease(fixture.project, { version: "3.0.0", releaseSequence: 30 });
    const changed = (at: number): Uint8Array => {
      const bytes = good.slice();
      bytes[at]! ^= 1;
      return bytes;
    };
    const stranger = await generateSigningKey();
    const cases: [string, Uint8Array][] = [
      ["image-truncated", good.slice(0, -1)],
      ["image-trailing-bytes", Buffer.concat([good, Buffer.from([0])])],
      ["header-malformed", new TextEncoder().encode("this is no release file")],
      ["chunk-mismatch", changed(good.length - 1)],
      [
        "signature-unknown-key",
        buildRelease([await makeImage(fixture.project, { version: "3.0.0" }, payloadOf(10), stranger)]),
      ],
      [
        "header-malformed",
        buildRelease([
          await makeImage(fixture.project, { version: "3.0.0" }),
          await makeImage(fixture.project, {
            version: "3.0.1",
            hardware: { name: "x", revisionMin: 0, revisionMax: 1 },
          }),
        ]),
      ],
      ["image-truncated", new Uint8Array(0)],
    ];
    for (const [code, bytes] of cases) {
      const answer = await fixture.api.request("POST", "/api/v1/releases", bytes);
      expect(answer, code).toMatchObject({ status: 422, body: { code } });
      expect(answer.body.detail.length).toBeGreaterThan(40);
    }
    // A signature made by a release key over something else.
    const at = 12 + 8 + 200;
    const tampered = await fixture.api.post("/api/v1/releases", changed(at));
    expect(tampered.status).toBe(422);
    expect((await fixture.api.get("/api/v1/releases")).body.releases).toHaveLength(1);
    expect(await uploadsLeft()).toEqual([]);
  });

  it("of more than 64 MiB are refused, announced or not", async () => {
    const announced = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = httpRequest(`${fixture.server.url}/api/v1/releases`, {
        method: "POST",
        headers: {
          cookie: fixture.api.cookie,
          "content-type": "application/octet-stream",
          "content-length": 64 * 1024 * 1024 + 1,
        },
      });
      request.on("response", (response) => {
        let body = "";
        response.on("data", (data) => (body += data));
        response.on("end", () => {
          resolve({ status: response.statusCode!, body });
          request.destroy();
        });
      });
      request.on("error", reject);
      request.flushHeaders();
    });
    expect(announced).toMatchObject({ status: 413, body: expect.stringContaining("upload-too-large") });

    const piece = new Uint8Array(1024 * 1024);
    const streamed = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = httpRequest(`${fixture.server.url}/api/v1/releases`, {
        method: "POST",
        headers: { cookie: fixture.api.cookie, "content-type": "application/octet-stream" },
      });
      request.on("response", (response) => {
        let body = "";
        response.on("data", (data) => (body += data));
        response.on("end", () => resolve({ status: response.statusCode!, body }));
      });
      request.on("error", reject);
      let sent = 0;
      const more = (): void => {
        while (sent++ < 65) if (!request.write(piece)) return void request.once("drain", more);
        request.end();
      };
      more();
    });
    expect(streamed).toMatchObject({ status: 413, body: expect.stringContaining("upload-too-large") });
    expect(await uploadsLeft()).toEqual([]);
  });

  it("leave nothing behind when the upload breaks off", async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${fixture.server.url}/api/v1/releases`, {
        method: "POST",
        headers: { cookie: fixture.api.cookie, "content-type": "application/octet-stream", "content-length": 1000 },
      });
      request.on("error", () => resolve());
      request.on("close", () => resolve());
      request.write(new Uint8Array(500), () => setTimeout(() => request.destroy(), 50));
    });
    const deadline = Date.now() + 5_000;
    while ((await uploadsLeft()).length > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await uploadsLeft()).toEqual([]);
    expect((await fixture.api.get("/api/v1/releases")).body.releases).toHaveLength(1);
  });

  it("that meet a full disk are answered with 507; what was stored is still there, and room makes it work", async () => {
    const release = await makeRelease(fixture.project, { version: "2.0.0", releaseSequence: 3 });
    for (const left of [100, 20_000, release.length + 100]) {
      disk.left = left;
      const answer = await fixture.api.post("/api/v1/releases", release);
      expect(answer, `${left} bytes left`).toMatchObject({ status: 507, body: { code: "storage-full" } });
      expect(await uploadsLeft()).toEqual([]);
      expect((await readdir(join(fixture.dataDir, "images"))).length).toBe(2);
    }
    expect((await fixture.api.get("/api/v1/releases")).body.releases).toHaveLength(1);
    disk.left = Infinity;
    expect((await fixture.api.post("/api/v1/releases", release)).status).toBe(201);
  });

  it("are files, not forms", async () => {
    expect(await fixture.api.post("/api/v1/releases", { a: 1 })).toMatchObject({
      status: 415,
      body: { code: "unsupported-media-type" },
    });
  });

  it("take permits that a release key has signed for one of their images, and offer them with an older image", async () => {
    const device = await fixture.readyDevice(
      undefined,
      (d) => (d.running = { ...d.running, releaseSequence: 50, version: "5.0.0" }),
    );
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "0.9.0", releaseSequence: 1 }));
    const digest = release.images[0].digest;
    const path = `/api/v1/releases/${release.id}/permits`;
    const stranger = await generateSigningKey();
    for (const bad of [
      new Uint8Array(10),
      await buildPermit({ imageDigest: digest, signingKeys: [stranger.privateJwk] }),
      await buildPermit({ imageDigest: "00".repeat(32), signingKeys: [fixture.project.release.privateJwk] }),
    ]) {
      expect(await fixture.api.post(path, bad)).toMatchObject({ status: 422, body: { code: "permit-invalid" } });
    }
    const permit = await buildPermit({
      imageDigest: digest,
      deviceId: device.id,
      signingKeys: [fixture.project.release.privateJwk],
    });
    expect(await fixture.api.post(path, permit)).toMatchObject({ status: 201, body: { digest, anyDevice: false } });
    const refused = await fixture.api.post("/api/v1/rollouts", {
      name: "back",
      releaseId: release.id,
      target: { deviceIds: [device.id] },
    });
    expect(refused).toMatchObject({ status: 422, body: { code: "release-older" } });
    await fixture.rollOut(release.id, [device], { allowOlder: true });
    const offer = await device.offered();
    expect(offer["permit"]).toBe(Buffer.from(permit).toString("base64url"));
  });
});
