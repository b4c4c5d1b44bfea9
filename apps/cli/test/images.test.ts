// Keys and images, without a server: made, signed in every way, verified, looked at, compared.

import { createPrivateKey } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPermit, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "../../server/test/fixture.ts";
import { projectKeys } from "../../agent/build/project-keys.ts";
import { commandLine } from "./command-line.ts";

let folder: string;
const at = (name: string): string => join(folder, name);
const environment: Record<string, string | undefined> = {};
const flipside = commandLine({ environment });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-images-"));
  environment["XDG_CONFIG_HOME"] = folder;
  expect(await flipside("keygen", "--project", at("keys"))).toMatchObject({ code: 0 });
  writeFileSync(
    at("firmware.bin"),
    Uint8Array.from({ length: 20_000 }, (_, i) => (i >> 3) * 7),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const described = (version: string, sequence: string): string[] => [
  ...["--product", "heater", "--version", version, "--hardware", "esp32-c3", "--sequence", sequence],
];
const pack = (out: string, ...more: string[]) =>
  flipside("pack", at("firmware.bin"), ...described("2.1.0", "21"), "--out", at(out), ...more);
const json = async (...line: string[]) => {
  const { code, said, complained } = await flipside(...line, "--json");
  expect([code, complained]).toEqual([0, ""]);
  return JSON.parse(said);
};

it("a key is its owner's alone, its public half is beside it, and neither is written over", async () => {
  const path = at("extra.private.jwk");
  const made = await json("keygen", path);
  expect(made).toMatchObject({
    path,
    publicPath: at("extra.public.jwk"),
    keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(made.publicPath, "utf8"))).not.toHaveProperty("d");
  expect(await flipside("keygen", path)).toMatchObject({
    code: 1,
    complained: expect.stringContaining("is there already"),
  });
  expect(await flipside("keygen", "--project", at("keys"))).toMatchObject({ code: 1 });
  expect(await flipside("keygen")).toMatchObject({ code: 2 });
});

it("any file becomes a signed image, which a server of that project takes", async () => {
  const { images } = await json(
    ...["pack", at("firmware.bin"), ...described("2.1.0", "21"), "--keys", at("keys"), "--out", at("heater.release")],
    ...[
      "--revisions",
      "2-4",
      "--description",
      "As made by another build.",
      "--chunk-size",
      "1KiB",
      "--watchdog",
      "30s",
    ],
  );
  expect(images).toMatchObject([
    {
      product: "heater",
      version: "2.1.0",
      hardware: { name: "esp32-c3", revisionMin: 2, revisionMax: 4 },
      releaseSequence: 21,
      chunkBytes: 1024,
      watchdogMs: 30_000,
      payloadBytes: 20_000,
      description: "As made by another build.",
    },
  ]);
  expect(await flipside("verify", at("heater.release"), "--keys", at("keys"))).toMatchObject({
    code: 0,
    said: expect.stringContaining("every signature, chunk table and chunk holds"),
  });
  const keys = await projectKeys(at("keys"));
  const fixture = await Fixture.start({}, keys);
  try {
    const file = new Uint8Array(readFileSync(at("heater.release")));
    expect(await fixture.upload(file)).toMatchObject({ product: "heater", images: [{ digest: images[0].digest }] });
  } finally {
    await fixture.stop();
  }
});

it("what was left without a signature gets it from a file, the environment or PEM, and is the same image each time", async () => {
  expect(await pack("plain.release", "--unsigned")).toMatchObject({
    code: 0,
    said: expect.stringContaining("not signed"),
  });
  expect(await flipside("verify", at("plain.release"), "--keys", at("keys"))).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^signature-unknown-key: /),
  });
  const keyPath = at("keys/release.private.jwk");
  const jwk = readFileSync(keyPath, "utf8");
  const pem = createPrivateKey({ key: JSON.parse(jwk), format: "jwk" }).export({ type: "pkcs8", format: "pem" });
  writeFileSync(at("release.pem"), pem);
  environment["RELEASE_KEY"] = jwk;
  environment["RELEASE_PEM"] = String(pem);
  const ways = [
    ["--key", keyPath],
    ["--key", at("release.pem")],
    ["--key-env", "RELEASE_KEY"],
    ["--key-env", "RELEASE_PEM"],
    ["--keys", at("keys")],
  ];
  await pack("at-once.release", "--key", keyPath);
  for (const way of ways) {
    expect(await flipside("sign", at("plain.release"), "--out", at("signed.release"), ...way)).toMatchObject({
      code: 0,
    });
    expect(readFileSync(at("signed.release"))).toEqual(readFileSync(at("at-once.release")));
  }
  await json("keygen", at("second.private.jwk"));
  const both = await json("sign", at("signed.release"), "--key", at("second.private.jwk"));
  expect(both.images[0].signedBy).toHaveLength(2);
  const publicKey = ["--public-key", at("second.public.jwk")];
  expect(await flipside("verify", at("signed.release"), ...publicKey)).toMatchObject({ code: 0 });
});

it("a key that is none, or nowhere, is told without a word of it, and nothing is written", async () => {
  environment["BROKEN"] = "a secret that is no key";
  const ways: [line: string[], code: number, why: string][] = [
    [["--key-env", "MISSING"], 2, "--key-env MISSING: this environment variable is not set"],
    [
      ["--key-env", "BROKEN"],
      1,
      "the environment variable BROKEN holds no private Ed25519 JWK: it is neither JSON nor PEM",
    ],
    [["--key", at("firmware.bin")], 1, "holds no private Ed25519 JWK"],
    [["--key", at("gone")], 1, "can't be read"],
    [["--keys", at("nowhere")], 1, "has no trust chain and so no release key"],
    [["--pkcs11", "pkcs11:object=x"], 2, "--pkcs11 URI and --public-key FILE go together"],
    [
      ["--pkcs11", "pkcs11:token=x?pin-value=1234", "--public-key", at("keys/release.private.jwk")],
      2,
      "would see the PIN",
    ],
  ];
  for (const [way, code, why] of ways) {
    const ended = await pack("never.release", ...way);
    expect([ended.code, ended.complained]).toEqual([code, expect.stringContaining(why)]);
    expect(ended.complained).not.toMatch(/a secret|1234/);
  }
  expect(existsSync(at("never.release"))).toBe(false);
});

it("what no device would take is refused with the format's name for it", async () => {
  const named = await flipside("pack", at("firmware.bin"), ...described("2 1", "21"), "--unsigned", "--out", at("n"));
  expect([named.code, named.complained]).toEqual([1, expect.stringContaining("header-malformed")]);
  writeFileSync(at("empty.bin"), "");
  expect((await flipside("pack", at("empty.bin"), ...described("2.1.0", "1"), "--unsigned")).code).toBe(1);
  expect(await flipside("pack", at("firmware.bin"), "--product", "x")).toMatchObject({ code: 2 });

  await pack("changed.release", "--keys", at("keys"));
  const changed = readFileSync(at("changed.release"));
  changed[changed.length - 1]! ^= 1;
  writeFileSync(at("changed.release"), changed);
  const ended = await flipside("verify", at("changed.release"), "--keys", at("keys"), "--json");
  expect([ended.code, JSON.parse(ended.complained)]).toMatchObject([1, { code: "chunk-mismatch", exit: 1 }]);
  writeFileSync(at("changed.release"), changed.subarray(0, 200));
  expect((await flipside("inspect", at("changed.release"))).code).toBe(1);
});

it("releases, images, trust chains and permits say what they are; anything else is told to be none of these", async () => {
  await pack("look.release", "--keys", at("keys"));
  expect(await json("inspect", at("look.release"))).toMatchObject({ kind: "release", images: [{ product: "heater" }] });
  const text = (await flipside("inspect", at("look.release"))).said;
  expect(text).toMatch(/^product +heater 2\.1\.0, release sequence 21$/m);
  expect(text).toMatch(/^trial +confirm 1m, contact 10m, 3 tries, watchdog 10s$/m);
  const chain = await json("inspect", at("keys/trust-chain.bin"));
  expect(chain).toMatchObject({ kind: "trust-chain", links: [{ version: 1, rootThreshold: 1 }] });
  const key = await generateSigningKey();
  const permit = await buildPermit({ imageDigest: "ab".repeat(32), signingKeys: [key.privateJwk] });
  writeFileSync(at("a.permit"), permit);
  expect(await json("inspect", at("a.permit"))).toEqual({
    kind: "permit",
    imageDigest: "ab".repeat(32),
    deviceHash: null,
  });
  expect(await flipside("inspect", at("firmware.bin"))).toMatchObject({
    code: 1,
    complained: expect.stringContaining("is no release, image, trust chain, permit or release state"),
  });
});

it("two releases are compared by what their headers say and how many chunks they share", async () => {
  await pack("one.release", "--keys", at("keys"));
  const bytes = readFileSync(at("firmware.bin"));
  bytes[5_000]! ^= 1;
  writeFileSync(at("next.bin"), bytes);
  await flipside("pack", at("next.bin"), ...described("2.2.0", "22"), "--keys", at("keys"), "--out", at("two.release"));
  expect(await json("diff", at("one.release"), at("one.release"))).toMatchObject({ same: true });
  expect(await json("diff", at("one.release"), at("two.release"))).toMatchObject({
    same: false,
    images: [
      {
        hardware: "esp32-c3",
        members: { version: ["2.1.0", "2.2.0"], releaseSequence: [21, 22] },
        chunks: { same: 4, other: 1, otherBytes: 4096 },
      },
    ],
  });
  const { said } = await flipside("diff", at("one.release"), at("two.release"));
  expect(said).toContain('version: "2.1.0" → "2.2.0"');
  expect(said).toContain("4 chunks as before, 1 new ones of 4.0 KiB");
});

it("numbers after which nothing can come are not signed unless somebody says that it is meant", async () => {
  const last = (sequence: string, ...more: string[]) =>
    flipside("pack", at("firmware.bin"), ...described("9.0.0", sequence), "--out", at("last.release"), ...more);
  const keys = ["--keys", at("keys")];
  for (const [sequence, more, why] of [
    ["4294967295", [], "is the highest sequence there is"],
    ["4294967290", [], "leaves 5 higher ones"],
    ["9", ["--security-counter", "4294967295"], "is the highest counter there is"],
  ] as const)
    expect(await last(sequence, ...more, ...keys)).toMatchObject({ code: 2, complained: expect.stringContaining(why) });
  expect(existsSync(at("last.release"))).toBe(false);

  expect(await last("4294966295", ...keys)).toMatchObject({ code: 0 });
  // What waits for its signature is looked at where it is signed.
  expect(await last("4294967295", "--unsigned")).toMatchObject({ code: 0 });
  const unsigned = readFileSync(at("last.release"));
  expect(await flipside("sign", at("last.release"), ...keys)).toMatchObject({
    code: 2,
    complained: expect.stringContaining("--no-later-release"),
  });
  expect(readFileSync(at("last.release"))).toEqual(unsigned);
  expect(await flipside("sign", at("last.release"), ...keys, "--no-later-release")).toMatchObject({ code: 0 });
  expect(await flipside("verify", at("last.release"), ...keys)).toMatchObject({ code: 0 });
});
