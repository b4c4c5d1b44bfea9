// docs/operations.md, "Backup and restore", done as it is written.

import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { Database } from "../../../packages/processes/src/sqlite.ts";
import { Fixture, password, temporaryDirectory } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

it("a backup taken while the server runs serves from any folder, and what has happened since heals or is said", async () => {
  const before = await Fixture.start();
  const { project, dataDir } = before;
  const [updated, anew] = [await before.readyDevice("updated"), await before.readyDevice("anew")];
  const bytes = await makeRelease(project);
  const release = await before.upload(bytes);
  const rollout = await before.rollOut(release.id, [updated]);
  const offer = await updated.offered();

  const backup = join(await temporaryDirectory(), "backup");
  await mkdir(backup, { mode: 0o700 });
  const shell = new Database(join(dataDir, "flipside.sqlite"));
  shell.exec(`VACUUM INTO '${join(backup, "flipside.sqlite")}'`);
  shell.close();
  await cp(join(dataDir, "images"), join(backup, "images"), { recursive: true });
  expect((await readdir(backup)).sort()).toEqual(["flipside.sqlite", "images"]);

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

  const after = await Fixture.goOn({ dataDir: backup }, project);
  fixtures.push(after);
  expect((await after.api.get("/api/session")).status, "the password of that time").toBe(200);
  expect((await after.api.get("/api/releases")).body.releases.map((each: { version: string }) => each.version)).toEqual(["1.1.0"]);
  expect((await after.api.get("/api/releases")).body.releases[0].images[0].file).toBe("present");
  for (const device of [updated, anew]) device.mqttUrl = after.mqttUrl;

  await updated.connect();
  await updated.prove();
  expect((await updated.checkIn()).deployment, "nothing is installed twice").toBeUndefined();
  expect((await after.api.get(`/api/rollouts/${rollout.id}`)).body).toMatchObject({ state: "completed", counts: { confirmed: 1 } });

  await expect(anew.connect(), "its secret is of later").rejects.toThrow();
  expect((await anew.enrol())["ok"]).toBe(true);
  await anew.connect();
  await anew.prove();
  await anew.checkIn();
  await after.rollOut(release.id, [anew]);
  await anew.install(await anew.offered());
  for (const device of [updated, anew]) await device.close();
});
