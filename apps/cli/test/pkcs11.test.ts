// A release signed by a key in a token: SoftHSM's, which is a real PKCS #11 library without the hardware.

import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hasCommand } from "../../agent/build/run-tool.ts";
import { readTokenKey } from "../src/images/pkcs11-uri.ts";
import { commandLine } from "./command-line.ts";

const PIN = "1234";
const TOOL_TIMEOUT_MS = 20_000;

const lacking = ["softhsm2-util", "pkcs11-tool"].filter((tool) => !hasCommand(tool));
const missing = lacking.length > 0 ? `${lacking.join(" and ")} missing here (npm run setup)` : undefined;
if (missing !== undefined) console.warn(`skipped: a release signed by a token's key: ${missing}`);

/** Beside the tool that belongs to it. */
const modulePath = (): string => {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const tool = folders.map((folder) => join(folder, "softhsm2-util")).find((path) => existsSync(path))!;
  return join(dirname(tool), "../lib/softhsm/libsofthsm2.so");
};
let folder: string;
const at = (name: string): string => join(folder, name);
const flipside = commandLine({ environment: {} });
const configuration = process.env["SOFTHSM2_CONF"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-token-"));
  writeFileSync(at("firmware.bin"), "any file");
  writeFileSync(at("pin"), `${PIN}\n`);
  if (missing !== undefined) return;
  mkdirSync(at("tokens"));
  writeFileSync(at("softhsm2.conf"), `directories.tokendir = ${at("tokens")}\nobjectstore.backend = file\n`);
  process.env["SOFTHSM2_CONF"] = at("softhsm2.conf");
  const softhsm = (...args: string[]): void =>
    void execFileSync("softhsm2-util", ["--module", modulePath(), ...args], {
      timeout: TOOL_TIMEOUT_MS,
      stdio: "pipe",
    });
  softhsm("--init-token", "--free", "--label", "release keys", "--pin", PIN, "--so-pin", "5678");
  for (const id of ["01", "02"]) {
    expect(await flipside("keygen", at(`${id}.jwk`))).toMatchObject({ code: 0 });
    const key = createPrivateKey({ key: JSON.parse(readFileSync(at(`${id}.jwk`), "utf8")), format: "jwk" });
    writeFileSync(at(`${id}.pem`), key.export({ type: "pkcs8", format: "pem" }));
    softhsm("--import", at(`${id}.pem`), "--token", "release keys", "--label", "release", "--id", id, "--pin", PIN);
  }
});
afterAll(() => {
  if (configuration === undefined) delete process.env["SOFTHSM2_CONF"];
  else process.env["SOFTHSM2_CONF"] = configuration;
  rmSync(folder, { recursive: true, force: true });
});

const uriOf = (id: string, pin = at("pin")): string =>
  `pkcs11:token=release%20keys;id=%${id}?module-path=${modulePath()}&pin-source=file:${pin}`;
const pack = (out: string, ...signer: string[]) =>
  flipside(
    ...["pack", at("firmware.bin"), "--product", "heater", "--version", "1.0.0", "--hardware", "board"],
    ...["--sequence", "1", "--out", at(out), ...signer],
  );

it.skipIf(missing !== undefined)(
  "a token's key signs as the same key in a file does",
  { timeout: 120_000 },
  async () => {
    expect(await pack("by-file.release", "--key", at("02.jwk"))).toMatchObject({ code: 0 });
    await pack("plain.release", "--unsigned");
    const publicKey = ["--public-key", at("02.public.jwk")];
    const signed = await flipside("sign", at("plain.release"), "--pkcs11", uriOf("02"), ...publicKey);
    expect([signed.code, signed.complained]).toEqual([0, ""]);
    expect(readFileSync(at("plain.release"))).toEqual(readFileSync(at("by-file.release")));
  },
);

it.skipIf(missing !== undefined)(
  "another key, a wrong PIN and a token that isn't there sign nothing",
  { timeout: 120_000 },
  async () => {
    writeFileSync(at("wrong-pin"), "4321");
    const ways: [uri: string, why: RegExp][] = [
      [uriOf("01"), /the token's key is not the private half of --public-key/],
      [uriOf("02", at("wrong-pin")), /the token did not sign: [^]*CKR_PIN_INCORRECT/],
      [uriOf("02").replace("release%20keys", "nowhere"), /the token did not sign: /],
      [uriOf("02", at("gone")), /the PIN can't be read/],
    ];
    for (const [uri, why] of ways) {
      const ended = await pack("never.release", "--pkcs11", uri, "--public-key", at("02.public.jwk"));
      expect([ended.code, ended.complained]).toEqual([1, expect.stringMatching(why)]);
      expect(ended.complained).not.toContain("4321");
    }
    expect(existsSync(at("never.release"))).toBe(false);
  },
);

it("a URI names token, key and library, and never the PIN", () => {
  const uri = "pkcs11:token=release%20keys;id=%01a%ff?module-path=/lib/x.so";
  expect(readTokenKey(uri)).toEqual({
    uri,
    token: "release keys",
    id: "0161ff",
    modulePath: "/lib/x.so",
    pin: undefined,
  });
  expect(readTokenKey(`${uri}&pin-source=file:${at("pin")}`).pin).toBe(PIN);
  for (const [wrong, why] of [
    ["token=x", "a URI is meant"],
    ["pkcs11:token=x;id=%01", "token, id and module-path are wanted"],
    ["pkcs11:token", "token is no name=value"],
    ["pkcs11:token=x;id=%0?module-path=y", "is no id"],
    [`${uri}&pin-value=1234`, "everybody on this machine would see the PIN"],
  ] as const)
    expect(() => readTokenKey(wrong), wrong).toThrow(why);
});
