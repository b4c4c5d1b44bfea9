import { chmod, cp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Fixture, password, temporaryDirectory } from "./fixture.ts";
import { dataMoved, isOnPostgres } from "./database.ts";
import { makeImage, makeRelease } from "./keys.ts";
import { buildRelease } from "@flipside/image-format";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

/** The path of the only image. */
async function onlyImage(dataDir: string): Promise<string> {
  const [name, ...more] = await readdir(join(dataDir, "images"));
  expect(more).toEqual([]);
  return join(dataDir, "images", name!);
}

describe("the store of images", () => {
  it("goes with its folder: a data directory that was moved serves its images from there", async () => {
    const first = await Fixture.start();
    const release = await first.upload(await makeRelease(first.project));
    await first.server.close();
    const dataDir = join(await temporaryDirectory(), "restored");
    await cp(first.dataDir, dataDir, { recursive: true });
    await rm(first.dataDir, { recursive: true });
    dataMoved(first.dataDir, dataDir);
    fixture = await Fixture.goOn({ dataDir }, first.project);
    const device = await fixture.readyDevice();
    await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
  });

  const faults: [name: string, state: string, spoil: (path: string) => Promise<void>][] = [
    ["is gone", "missing", (path) => rm(path)],
    ["is cut short", "damaged", async (path) => truncate(path, (await stat(path)).size - 1)],
    [
      "has other bytes of the same length",
      "damaged",
      async (path) => writeFile(path, Buffer.alloc((await stat(path)).size, 7)),
    ],
  ];
  it.each(faults)(
    "finds at the start and at a rollout that a file %s, says so, and is mended by the same upload",
    async (_name, state, spoil) => {
      fixture = await Fixture.start();
      const { project, api, dataDir } = fixture;
      const bytes = await makeRelease(project);
      const release = await fixture.upload(bytes);
      expect(release.images[0].file).toBe("present");
      const device = await fixture.readyDevice();
      const request = { name: "r", releaseId: release.id, target: { deviceIds: [device.id] } };
      await spoil(await onlyImage(dataDir));
      const refused = await api.post("/api/v1/rollouts", request);
      expect(refused).toMatchObject({ status: 409, body: { code: "image-file-missing" } });
      expect(refused.body.detail).toContain(state);
      expect((await api.get("/api/v1/releases")).body.releases[0].images[0].file).toBe(state);

      await fixture.restart();
      await api.until("/api/v1/releases", (body) => body.releases[0].images[0].file === state);
      expect(await api.post("/api/v1/releases", bytes)).toMatchObject({
        status: 201,
        body: { id: release.id, images: [{ file: "present" }] },
      });
      expect((await api.post("/api/v1/releases", bytes)).status, "what can be served is not replaced").toBe(409);
      await device.connect();
      await device.prove();
      await device.checkIn();
      await fixture.rollOut(release.id, [device]);
      await device.install(await device.offered());
    },
  );

  it("tells when a file is lost under way, offers nothing of it, and goes on when it is back", async () => {
    fixture = await Fixture.start();
    const { api, dataDir } = fixture;
    const bytes = await makeRelease(fixture.project);
    const release = await fixture.upload(bytes);
    const [device, later] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await fixture.rollOut(release.id, [device, later], { waves: [{ count: 1 }, { count: 1 }] });
    const offer = await device.offered();
    await rm(await onlyImage(dataDir));
    device.take1(offer.deployment, offer.attempt);
    await device.say("fetch", { deployment: offer.deployment, attempt: offer.attempt, part: 0, first: 0, count: 1 }, 0);
    await api.until("/api/v1/releases", (body) => body.releases[0].images[0].file === "missing");
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect(
      (await api.get(`/api/v1/devices/${device.id}`)).body.activeDeployment.state,
      "it waits, it has not failed",
    ).toBe("offered");
    await api.post("/api/v1/releases", bytes);
    await device.install(await device.offered());
    device.reboot(true);
    await device.checkIn();
    await later.install(await later.offered());
  });
});

describe("a release whose sequence does not rise with its version", () => {
  it("is refused until the operator confirms it", async () => {
    fixture = await Fixture.start();
    const { api, project } = fixture;
    const release = async (version: string, releaseSequence: number) =>
      buildRelease([await makeImage(project, { version, releaseSequence })]);
    const upload = async (version: string, sequence: number, query = "") =>
      api.post(`/api/v1/releases${query}`, await release(version, sequence));
    expect((await upload("1.9.0", 20)).status).toBe(201);
    expect((await upload("1.10.0", 30)).status, "1.10 comes after 1.9").toBe(201);
    for (const [version, sequence] of [
      ["2.0.0", 30],
      ["2.0.0", 25],
      ["1.0.0", 40],
      ["1.9.5", 31],
      ["1.10.0-rc.1", 30],
      ["night-build", 30],
    ] as const) {
      const refused = await upload(version, sequence);
      expect(refused, version).toMatchObject({ status: 409, body: { code: "release-sequence" } });
      expect(refused.body.detail).toMatch(/release sequence/);
    }
    expect((await api.get("/api/v1/releases")).body.releases).toHaveLength(2);
    expect((await readdir(join(fixture.dataDir, "images"))).length, "nothing of what was refused stays").toBe(2);
    expect((await upload("2.0.0", 25, "?confirmSequence=true")).status).toBe(201);
    expect((await upload("1.9.5", 22)).status, "between its neighbours").toBe(201);
    expect((await upload("night-build", 60)).status, "no order is known").toBe(201);
    expect((await upload("3.0.0", 50, "?confirmSequence=yes")).status).toBe(422);
  });
});

describe("the data directory", () => {
  it.skipIf(process.platform === "win32")(
    "is its owner's alone, and what was wider is narrowed at the start",
    async () => {
      const umask = process.umask(0o000);
      try {
        const dataDir = join(await temporaryDirectory(), "new");
        fixture = await Fixture.start({ dataDir });
        await fixture.upload(await makeRelease(fixture.project));
        const paths = async (): Promise<string[]> => [
          dataDir,
          ...(await readdir(dataDir, { recursive: true })).map((name) => join(dataDir, name)),
        ];
        const wider = async (): Promise<string[]> => {
          const all = await Promise.all(
            (await paths()).map(async (path) => [path, (await stat(path)).mode & 0o077] as const),
          );
          return all.filter(([, mode]) => mode !== 0).map(([path]) => path);
        };
        expect(
          (await paths()).some((path) => path.endsWith("-wal")),
          "SQLite's other files are looked at, too; PostgreSQL's are elsewhere",
        ).toBe(!isOnPostgres());
        expect(await wider()).toEqual([]);
        await fixture.server.close();
        for (const path of await paths()) await chmod(path, (await stat(path)).isDirectory() ? 0o755 : 0o644);
        expect((await wider()).length).toBeGreaterThan(3);
        await fixture.restart();
        expect((await fixture.api.post("/api/v1/session", { userName: "admin", password })).status).toBe(200);
        expect(await wider()).toEqual([]);
      } finally {
        process.umask(umask);
      }
    },
  );

  it.skipIf(process.platform === "win32")("is no folder that everybody writes to", async () => {
    const dataDir = await temporaryDirectory();
    await chmod(dataDir, 0o1777);
    await expect(Fixture.start({ dataDir })).rejects.toThrow(/a folder for everybody.*--data-dir/);
  });
});
