// `npx flipside permit`, as people run it; what it makes is taken by the server.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildRelease, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectKeys, type ProjectKeys } from "../../agent/build/project-keys.ts";
import { Fixture } from "../../server/test/fixture.ts";
import { makeImage } from "../../server/test/keys.ts";

const main = fileURLToPath(new URL("../bin/flipside.mjs", import.meta.url));
let folder: string;
let keys: ProjectKeys;
let fixture: Fixture;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-permit-"));
  keys = await projectKeys(join(folder, "keys"));
  fixture = await Fixture.start(
    {},
    { root: keys.root, release: keys.release, operations: keys.operations, trustChain: keys.trustChain },
  );
});
afterAll(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]): { status: number | null; said: string; complained: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "permit", ...args], {
    encoding: "utf8",
    cwd: folder,
  });
  return { status, said: stdout, complained: stderr };
}

test("makes permits with which the server lets a device go back", { timeout: 120_000 }, async () => {
  const image = (version: string, releaseSequence: number) => makeImage(fixture.project, { version, releaseSequence });
  const older = buildRelease([await image("1.0.0", 10)]);
  writeFileSync(join(folder, "older.release"), older);
  const release = await fixture.upload(older);
  const device = await fixture.readyDevice(
    undefined,
    (device) => (device.running = { ...device.running, version: "1.1.0", releaseSequence: 20 }),
  );
  const made = run(
    "--release",
    "older.release",
    "--device",
    device.id,
    "--device",
    "someone-else",
    "--keys",
    "keys",
    "--out",
    "permits",
  );
  expect([made.status, made.complained]).toEqual([0, ""]);
  const own = `1.0.0-virtual-${device.id}.permit`;
  expect(readdirSync(join(folder, "permits")).sort()).toEqual([own, "1.0.0-virtual-someone-else.permit"].sort());
  expect(made.said).toContain(`${own}: ${device.id} may go back to flipside-demo 1.0.0 for virtual`);

  const permit = new Uint8Array(readFileSync(join(folder, "permits", own)));
  expect(await fixture.api.post(`/api/v1/releases/${release.id}/permits`, permit)).toMatchObject({
    status: 201,
    body: { digest: release.images[0].digest, anyDevice: false },
  });
  await fixture.rollOut(release.id, [device], { allowOlder: true });
  expect((await device.offered())["permit"]).toBe(Buffer.from(permit).toString("base64url"));

  const any = run(
    "--image",
    release.images[0].digest.toUpperCase(),
    "--any-device",
    "--key",
    keys.releaseKeyPath,
    "--keys",
    "keys",
    "--out",
    "any",
  );
  expect([any.status, any.complained]).toEqual([0, ""]);
  const [name] = readdirSync(join(folder, "any"));
  expect(
    await fixture.api.post(
      `/api/v1/releases/${release.id}/permits`,
      new Uint8Array(readFileSync(join(folder, "any", name!))),
    ),
  ).toMatchObject({ status: 201, body: { anyDevice: true } });
});

test("says what is wrong, and makes nothing then", { timeout: 120_000 }, async () => {
  const stranger = await generateSigningKey();
  writeFileSync(join(folder, "stranger.jwk"), JSON.stringify(stranger.privateJwk));
  writeFileSync(
    join(folder, "some.release"),
    buildRelease([await makeImage(fixture.project, { version: "1.0.0", releaseSequence: 10 })]),
  );
  const digest = "ab".repeat(32);
  const cases: [why: RegExp, status: number, args: string[]][] = [
    [/either --release FILE or --image DIGEST/, 2, ["--any-device"]],
    [/say for whom/, 2, ["--image", digest]],
    [/say for whom/, 2, ["--image", digest, "--any-device", "--device", "a"]],
    [/--device Not_An_Id: 1 to 48 characters/, 2, ["--image", digest, "--device", "Not_An_Id"]],
    [/64 hex digits/, 2, ["--image", "zz".repeat(32), "--any-device"]],
    [/is no release key/, 1, ["--image", digest, "--any-device", "--keys", "keys", "--key", "stranger.jwk"]],
    [
      /no image for riscv; it has some for virtual/,
      1,
      ["--release", "some.release", "--hardware", "riscv", "--any-device", "--keys", "keys"],
    ],
    [/is no release file/, 1, ["--release", "stranger.jwk", "--any-device", "--keys", "keys"]],
    [/missing.* can't be read/, 1, ["--release", "missing", "--any-device", "--keys", "keys"]],
    [/has no trust chain and so no release key/, 1, ["--image", digest, "--any-device", "--keys", "elsewhere"]],
  ];
  for (const [why, status, args] of cases) {
    const { status: got, complained } = run(...args, "--out", "never");
    expect([complained, got]).toEqual([expect.stringMatching(why), status]);
    expect(complained).not.toMatch(/\.ts:\d/);
  }
  expect(readdirSync(folder)).not.toContain("never");
});
