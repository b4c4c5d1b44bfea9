// docs/operations.md, "Backup and restore", by its own blocks, with folders of the test's.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { hasCommand } from "../../../agent/build/run-tool.ts";
import { blocksOf, runShell, withPlaces } from "../../../../test/operations/document.ts";
import { Fixture, password, temporaryDirectory } from "../fixture.ts";
import { makeRelease } from "../keys.ts";

const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

const missing = hasCommand("sqlite3") ? undefined : "sqlite3 is not installed (apt-get install -y sqlite3)";
if (missing !== undefined) console.warn(`skipped: backup and restore as docs/operations.md has them: ${missing}`);

it.skipIf(missing !== undefined)(
  "a backup taken while the server runs serves from any folder, and what has happened since heals or is said",
  async () => {
    const before = await Fixture.start();
    const { project, dataDir } = before;
    const [updated, anew] = [await before.readyDevice("updated"), await before.readyDevice("anew")];
    const bytes = await makeRelease(project);
    const release = await before.upload(bytes);
    const rollout = await before.rollOut(release.id, [updated]);
    const offer = await updated.offered();

    const folder = await temporaryDirectory();
    const [takeBackup, restore] = blocksOf("Backup and restore");
    const backup = join(folder, "backup");
    runShell(withPlaces(takeBackup, { "/backup/flipside": backup, "var/server": dataDir }), { cwd: folder });
    expect((await readdir(backup)).sort()).toEqual(["flipside.sqlite", "images"]);
    for (const [path, mode] of [
      [backup, 0o700],
      [join(backup, "flipside.sqlite"), 0o600],
    ] as const)
      expect((await stat(path)).mode & 0o777, path).toBe(mode);

    // Life goes on: an update ends, a device enrols anew, the password is changed, a release is added.
    await updated.install(offer);
    updated.reboot(true);
    await updated.checkIn();
    await anew.close();
    expect((await anew.enrol())["ok"]).toBe(true);
    await anew.connect();
    await before.upload(await makeRelease(project, { version: "1.2.0", releaseSequence: 3 }));
    await before.api.post("/api/session/password", { currentPassword: password, newPassword: "since the backup" });
    for (const device of [updated, anew]) await device.close();
    await before.server.close();

    // Its last line starts the server, which is the test's own here.
    const restored = join(folder, "restored");
    const [bringBack, start] = withPlaces(restore, {
      "/backup/flipside": backup,
      "var/server-restored": restored,
    }).split(/^(?=node )/m);
    expect(start).toContain(`--data-dir ${restored} `);
    runShell(bringBack!, { cwd: folder });
    const after = await Fixture.goOn({ dataDir: restored }, project);
    fixtures.push(after);
    expect((await after.api.get("/api/session")).status, "the password of that time").toBe(200);
    expect(
      (await after.api.get("/api/releases")).body.releases.map((each: { version: string }) => each.version),
    ).toEqual(["1.1.0"]);
    expect((await after.api.get("/api/releases")).body.releases[0].images[0].file).toBe("present");
    for (const device of [updated, anew]) device.mqttUrl = after.mqttUrl;

    await updated.connect();
    await updated.prove();
    expect((await updated.checkIn()).deployment, "nothing is installed twice").toBeUndefined();
    expect((await after.api.get(`/api/rollouts/${rollout.id}`)).body).toMatchObject({
      state: "completed",
      counts: { confirmed: 1 },
    });

    await expect(anew.connect(), "its secret is of later").rejects.toThrow();
    expect((await anew.enrol())["ok"]).toBe(true);
    await anew.connect();
    await anew.prove();
    await anew.checkIn();
    await after.rollOut(release.id, [anew]);
    await anew.install(await anew.offered());
    for (const device of [updated, anew]) await device.close();
  },
);
