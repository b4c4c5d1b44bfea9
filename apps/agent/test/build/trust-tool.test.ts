// `npm run trust`, as people run it: records that devices would take, made from keys in files.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  appendTrustLink,
  createStrictVerifier,
  generateSigningKey,
  keyIdOf,
  readTrustChain,
  readTrustSuccessor,
  splitTrustChain,
  type StrictVerifier,
  toHex,
  type TrustKeys,
} from "@flipside/image-format";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { buildStrictVerifier } from "../../../../packages/image-format/assembly/build-strict-verifier.ts";
import { projectKeys } from "../../build/project-keys.ts";

const main = fileURLToPath(new URL("../../build/trust-main.ts", import.meta.url));
let verifier: StrictVerifier;
let folder: string;
beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flipside-trust-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", main, "--keys", folder, ...args], {
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

const chainIn = (name = "trust-chain.bin"): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
const newest = async (): Promise<TrustKeys> => (await readTrustChain(chainIn(), verifier)).at(-1)!;
const idOf = async (key: Uint8Array): Promise<string> => toHex(await keyIdOf(key));

test("a release key is added, signs from then on, and the one before is revoked", { timeout: 60_000 }, async () => {
  const before = await projectKeys(folder);
  expect(run("add-release").status).toBe(0);
  const added = await projectKeys(folder);
  expect(Buffer.compare(added.release.publicKey, before.release.publicKey)).not.toBe(0);
  expect((await readTrustSuccessor(added.trustChain, before.trustChain, verifier)).at(-1)!.releaseKeys).toEqual([
    before.release.publicKey,
    added.release.publicKey,
  ]);

  expect(run("revoke-release", await idOf(before.release.publicKey)).status).toBe(0);
  const revoked = await projectKeys(folder);
  expect((await readTrustSuccessor(revoked.trustChain, added.trustChain, verifier)).at(-1)!.releaseKeys).toEqual([
    added.release.publicKey,
  ]);
  expect(revoked.release.publicKey).toEqual(added.release.publicKey);
  // Boot banks go on holding the first root.
  expect(revoked.root.publicKey).toEqual(before.root.publicKey);

  const last = run("revoke-release", await idOf(added.release.publicKey));
  expect([last.status, last.said]).toEqual([1, expect.stringContaining("a record needs a release key")]);
  expect((await newest()).trustVersion).toBe(3);
});

test("roots are replaced, and a record that several must sign is signed by one after the other", {
  timeout: 60_000,
}, async () => {
  await projectKeys(folder);
  const roots = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const key = await generateSigningKey();
      const path = join(folder, `of-somebody-${n}.jwk`);
      writeFileSync(path, JSON.stringify(key.privateJwk));
      return { key, path };
    }),
  );
  expect(run("replace-roots", ...roots.flatMap(({ path }) => ["--root", path]), "--threshold", "2").status).toBe(0);
  expect(await newest()).toMatchObject({
    trustVersion: 2,
    rootThreshold: 2,
    rootKeys: roots.map(({ key }) => key.publicKey),
  });
  const present = chainIn();

  const byOldRoot = run("add-operations", "--sign", join(folder, "root.private.jwk"));
  expect([byOldRoot.status, byOldRoot.said]).toEqual([1, expect.stringContaining("no root that may sign this record")]);
  const byOne = run("add-operations", "--sign", roots[0]!.path);
  expect([byOne.status, byOne.said]).toEqual([0, expect.stringContaining("not in force yet")]);
  expect(Buffer.compare(chainIn(), present)).toBe(0);
  await expect(readTrustChain(chainIn("trust-chain.unfinished"), verifier)).rejects.toThrow(
    "link 3 is not signed by 2",
  );

  const unfinished = join(folder, "trust-chain.unfinished");
  expect(run("sign", "--chain", unfinished, "--sign", roots[0]!.path).said).toContain("not in force yet");
  expect(run("sign", "--chain", unfinished, "--sign", roots[2]!.path).status).toBe(0);
  expect(await readTrustSuccessor(chainIn(), present, verifier)).toHaveLength(3);
  // Signed once more it would be another line to devices that have it.
  const again = run("sign", "--sign", roots[1]!.path);
  expect([again.status, again.said]).toEqual([1, expect.stringContaining("nothing to sign")]);
});

test("what is not understood changes nothing and says how it is used", { timeout: 60_000 }, async () => {
  await projectKeys(folder);
  const before = chainIn();
  for (const args of [
    ["frobnicate"],
    ["revoke-release", "0123"],
    ["replace-roots", "--threshold", "9"],
    ["add-release", "--public", join(folder, "missing.jwk")],
    [],
  ]) {
    const { status, said } = run(...args);
    expect([status, said], args.join(" ")).toEqual([1, expect.stringContaining("Usage: npm run trust")]);
  }
  expect(Buffer.compare(chainIn(), before)).toBe(0);
  expect(existsSync(join(folder, "release-2.private.jwk"))).toBe(false);
});

test("from the twelfth link on it is said how many there are, and after the sixteenth there is none", async () => {
  const project = await projectKeys(folder);
  const { root, release, operations } = project;
  let chain = project.trustChain;
  const grown = async (through: number): Promise<void> => {
    for (let trustVersion = splitTrustChain(chain).length + 1; trustVersion <= through; trustVersion++)
      chain = await appendTrustLink(
        chain,
        {
          ...{ trustVersion, rootThreshold: 1, rootKeys: [root.publicKey] },
          ...{ releaseKeys: [release.publicKey], operationsKeys: [operations.publicKey] },
        },
        [root.privateJwk],
      );
    writeFileSync(join(folder, "trust-chain.bin"), chain);
  };
  await grown(10);
  expect(run("add-operations").said).not.toContain("of 16 links");
  chain = chainIn();
  expect(run("add-release").said).toContain("this chain has 12 of 16 links, and can't be made shorter");
  chain = chainIn();
  await grown(15);
  const last = run("add-release");
  expect([last.status, last.said]).toEqual([1, expect.stringContaining("no key can be added, revoked or replaced")]);
  expect(Buffer.compare(chainIn(), chain)).toBe(0);
  expect(run("add-operations", "--last-link").status).toBe(0);
  expect(run("show").said).toContain("this chain has 16 of 16 links");
  const more = run("add-release");
  expect([more.status, more.said]).toEqual([1, expect.stringContaining("this one has them all")]);
}, 60_000);

test("a release threshold is asked for by a record, and no key is revoked that it needs", {
  timeout: 60_000,
}, async () => {
  await projectKeys(folder);
  run("add-release");
  const tooMany = run("release-threshold", "--threshold", "3");
  expect([tooMany.status, tooMany.said]).toEqual([1, expect.stringContaining("--threshold 3: 1 to 2")]);
  expect(run("release-threshold").said).toContain("--threshold (missing): 1 to 2");
  const made = run("release-threshold", "--threshold", "2");
  expect([made.status, made.said]).toEqual([0, expect.stringContaining("an image needs 2 of the release keys")]);
  const newest = (await readTrustChain(chainIn(), verifier)).at(-1)!;
  expect(newest).toMatchObject({ trustVersion: 3, releaseThreshold: 2 });
  const id = toHex(await keyIdOf(newest.releaseKeys[0]!));
  const revoked = run("revoke-release", id);
  expect([revoked.status, revoked.said]).toEqual([1, expect.stringContaining("lower release-threshold")]);
  expect(run("release-threshold", "--threshold", "1").status).toBe(0);
  expect(run("revoke-release", id).status).toBe(0);
});
