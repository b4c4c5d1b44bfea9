// `npx flipside wrap`, as people run it; what it makes is uploaded, and given to a device of another agent as it was.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectKeys, type ProjectKeys } from "../../agent/build/project-keys.ts";
import { Fixture } from "../../server/test/fixture.ts";
import { Target } from "../../server/test/hawkbit/target.ts";

const main = fileURLToPath(new URL("../bin/flipside.mjs", import.meta.url));
const payload = Buffer.from(`070701${"a payload of some bytes ".repeat(1_000)}`);
let folder: string;
let keys: ProjectKeys;
let fixture: Fixture;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-wrap-"));
  keys = await projectKeys(join(folder, "keys"));
  const { root, release, operations, trustChain } = keys;
  fixture = await Fixture.start({ hawkbit: {} }, { root, release, operations, trustChain });
  writeFileSync(join(folder, "pump.swu"), payload);
});
afterAll(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]): { status: number | null; said: string; complained: string } {
  const options = { encoding: "utf8", cwd: folder, timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "wrap", ...args], options);
  return { status, said: stdout, complained: stderr };
}

const asked = ["--product", "pump", "--hardware", "board", "--revisions", "1-3", "--version", "4.2", "--keys", "keys"];
const whole = [...asked, "--payload", "pump.swu", "--sequence", "42", "--out", "made/pump-4.2.release"];

test("makes a release of a file, which the device gets as it was", { timeout: 120_000 }, async () => {
  const made = run(...whole);
  expect([made.status, made.complained]).toEqual([0, ""]);
  expect(made.said).toBe("made/pump-4.2.release: pump 4.2 for board\n");
  const release = await fixture.upload(new Uint8Array(await readFile(join(folder, "made/pump-4.2.release"))));
  expect(release).toMatchObject({ product: "pump", version: "4.2", releaseSequence: 42 });
  const registered = await fixture.api.post("/api/hawkbit/devices", {
    ...{ id: "SN-1", product: "pump", hardware: "board", revision: 2 },
  });
  const target = new Target(fixture, "SN-1", `TargetToken ${registered.body.targetToken}`);
  await fixture.rollOut(release.id, [target as never]);
  const { artifact } = await target.deployment();
  expect(artifact).toMatchObject({ filename: "pump-4.2.swu", size: payload.length });
  const { href } = artifact._links.download;
  const got = await fetch(href, { headers: { authorization: target.authorization } });
  expect(Buffer.from(await got.arrayBuffer()).equals(payload)).toBe(true);
});

test("says what is missing, or has no form, and what can't be read", { timeout: 120_000 }, () => {
  const without = run(...asked, "--payload", "pump.swu", "--out", "x");
  expect([without.status, without.complained.split("\n")[0]]).toEqual([2, "--sequence is needed"]);
  expect(run(...whole, "--sequence", "0").complained).toContain("--sequence 0: a number from 1");
  expect(run(...whole, "--revisions", "3-1").complained).toContain("--revisions 3-1");
  expect(run(...whole, "--product", "two words").complained).toContain("without spaces");
  const unread = run(...whole, "--payload", "nothing.swu");
  expect([unread.status, unread.complained]).toEqual([1, expect.stringContaining("nothing.swu can't be read")]);
  writeFileSync(join(folder, "empty.swu"), "");
  expect(run(...whole, "--payload", "empty.swu").complained).toContain("no image can be made of it");
});
