// A file that `flipside pack` has made a release of: a device of another agent is given it as it was.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeImage, splitRelease } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectKeys, type ProjectKeys } from "../../agent/build/project-keys.ts";
import { Fixture, temporaryDirectory } from "../../server/test/fixture.ts";
import { Target } from "../../server/test/hawkbit/target.ts";
import { commandLine } from "./command-line.ts";

const payload = Buffer.from(`070701${"a payload of some bytes ".repeat(1_000)}`);
let folder: string;
let keys: ProjectKeys;
let fixture: Fixture;
beforeAll(async () => {
  folder = await temporaryDirectory();
  keys = await projectKeys(join(folder, "keys"));
  const { root, release, operations, trustChain } = keys;
  fixture = await Fixture.start({ hawkbit: {} }, { root, release, operations, trustChain });
});
afterAll(() => fixture?.stop());

it("a packed file is fetched as it was, and raises the floor where that was asked for", async () => {
  const flipside = commandLine({ environment: { XDG_CONFIG_HOME: folder } });
  const [file, out] = [join(folder, "pump.swu"), join(folder, "pump-4.2.release")];
  writeFileSync(file, payload);
  const names = ["--product", "pump", "--hardware", "board", "--revisions", "1-3", "--version", "4.2"];
  const more = ["--sequence", "42", "--security-counter", "3", "--raise-floor", "--keys", join(folder, "keys")];
  const packed = await flipside("pack", file, ...names, ...more, "--out", out);
  expect(packed.code, packed.complained).toBe(0);
  const bytes = new Uint8Array(readFileSync(out));
  const { flags, securityCounter } = await describeImage(splitRelease(bytes)[0]!);
  expect([flags, securityCounter]).toEqual([4, 3]);

  const release = await fixture.upload(bytes);
  const registered = await fixture.api.post("/api/v1/hawkbit/devices", {
    ...{ id: "SN-1", product: "pump", hardware: "board", revision: 2 },
  });
  const target = new Target(fixture, "SN-1", `TargetToken ${registered.body.targetToken}`);
  await fixture.rollOut(release.id, [target as never]);
  const { artifact } = await target.deployment();
  expect(artifact).toMatchObject({ filename: "pump-4.2.swu", size: payload.length });
  const got = await fetch(artifact._links.download.href, { headers: { authorization: target.authorization } });
  expect(Buffer.from(await got.arrayBuffer()).equals(payload)).toBe(true);
});
