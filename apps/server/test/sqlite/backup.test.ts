// docs/operations.md, "Backup and restore", by its own blocks, with folders of the test's.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { repositoryRoot } from "../../../agent/build/paths.ts";
import { blocksOf, runShell, withPlaces } from "../../../../test/operations/document.ts";
import { Fixture, password, temporaryDirectory } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import type { Offer, ProtocolDevice } from "../protocol-device.ts";

const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

/** What the backup will know nothing of. */
async function lifeGoesOn(
  before: Fixture,
  offer: Offer,
  { updated, anew, ahead }: Record<"updated" | "anew" | "ahead", ProtocolDevice>,
): Promise<void> {
  await updated.install(offer);
  updated.reboot(true);
  await updated.checkIn();
  await anew.close();
  expect((await anew.enrol())["ok"]).toBe(true);
  await anew.connect();
  await before.upload(await makeRelease(before.project, { version: "1.2.0", releaseSequence: 3 }));
  await before.api.post("/api/v1/session/password", { currentPassword: password, newPassword: "since the backup" });
  // A later rollout brought this one something newer.
  ahead.running = { ...ahead.running, digest: "33".repeat(32), version: "1.2.0", releaseSequence: 3 };
  for (const device of [updated, anew, ahead]) await device.close();
  await before.server.close();
}

it("a backup taken while the server runs serves from any folder, and what has happened since heals or is said", async () => {
  const before = await Fixture.start();
  const { project, dataDir } = before;
  const [updated, anew] = [await before.readyDevice("updated"), await before.readyDevice("anew")];
  const ahead = await before.readyDevice("ahead");
  const bytes = await makeRelease(project);
  const release = await before.upload(bytes);
  const rollout = await before.rollOut(release.id, [updated]);
  const old = await before.rollOut(release.id, [updated, ahead], { name: "old", waves: [{ count: 1 }] });
  const offer = await updated.offered();

  const folder = await temporaryDirectory();
  const [takeBackup, restore] = blocksOf("Backup and restore");
  const backup = join(folder, "backup");
  runShell(withPlaces(takeBackup, { "/backup/flipside": backup, "var/server": dataDir }), { cwd: repositoryRoot });
  expect((await readdir(backup)).sort()).toEqual(["backup.json", "flipside.sqlite", "images"]);
  for (const [path, mode] of [
    [backup, 0o700],
    [join(backup, "flipside.sqlite"), 0o600],
  ] as const)
    expect((await stat(path)).mode & 0o777, path).toBe(mode);

  await lifeGoesOn(before, offer, { updated, anew, ahead });

  // Its last line starts the server, which is the test's own here.
  const restored = join(folder, "restored");
  const [bringBack, start] = withPlaces(restore, {
    "/backup/flipside": backup,
    "var/server-restored": restored,
  }).split(/^(?=node )/m);
  expect(start).toContain(`--data-dir ${restored} `);
  runShell(bringBack!, { cwd: repositoryRoot });
  const after = await Fixture.goOn({ dataDir: restored }, project);
  fixtures.push(after);
  expect((await after.api.get("/api/v1/session")).status, "the password of that time").toBe(200);
  expect(
    (await after.api.get("/api/v1/releases")).body.releases.map((each: { version: string }) => each.version),
  ).toEqual(["1.1.0"]);
  expect((await after.api.get("/api/v1/releases")).body.releases[0].images[0].file).toBe("present");
  for (const device of [updated, anew, ahead]) device.mqttUrl = after.mqttUrl;

  await updated.connect();
  await updated.prove();
  expect((await updated.checkIn()).deployment, "nothing is installed twice").toBeUndefined();
  expect((await after.api.get(`/api/v1/rollouts/${rollout.id}`)).body).toMatchObject({
    state: "completed",
    counts: { confirmed: 1 },
  });

  await ahead.connect();
  await ahead.prove();
  expect((await ahead.checkIn()).deployment, "nobody is taken back").toBeUndefined();
  const passedOver = (await after.api.get(`/api/v1/rollouts/${old.id}`)).body;
  expect(passedOver).toMatchObject({ state: "completed", counts: { confirmed: 1, cancelled: 1 } });

  await expect(anew.connect(), "its secret is of later").rejects.toThrow();
  expect((await anew.enrol())["ok"]).toBe(true);
  await anew.connect();
  await anew.prove();
  await anew.checkIn();
  await after.rollOut(release.id, [anew]);
  await anew.install(await anew.offered());
  for (const device of [updated, anew, ahead]) await device.close();
});
