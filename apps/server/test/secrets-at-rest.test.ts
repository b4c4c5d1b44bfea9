import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";
import { readSecretKey, Vault } from "../src/storage/secrets-at-rest.ts";
import { Fixture, password, temporaryDirectory } from "./fixture.ts";
import { databaseOf, isOnPostgres, postgresFilesOf } from "./database.ts";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

/**
 * Everything in the data folder's files at its top: the database and what SQLite keeps beside it. Or PostgreSQL's
 * tables.
 */
async function allBytes(dataDir: string): Promise<Buffer> {
  if (isOnPostgres()) return postgresFilesOf(dataDir);
  const files = (await readdir(dataDir, { withFileTypes: true })).filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(files.map((entry) => readFile(join(dataDir, entry.name)))));
}

describe("the secrets in the database", () => {
  it("are encrypted where a key is given, those that were there before, too; and everything goes on", async () => {
    const first = await Fixture.start();
    const { project, dataDir } = first;
    const device = await first.readyDevice("early");
    const cookie = first.api.cookie;
    const early = [device.secret!, device.claimSecret];
    await device.close();
    await first.server.close();
    for (const secret of early) expect((await allBytes(dataDir)).includes(secret), "in clear, as before").toBe(true);

    const secretKey = randomBytes(32);
    fixture = await Fixture.goOn({ dataDir, secretKey }, project);
    fixture.devices.push(device);
    const later = await fixture.readyDevice("later");
    for (const secret of [...early, later.secret!, later.claimSecret])
      expect((await allBytes(dataDir)).includes(secret)).toBe(false);
    device.mqttUrl = fixture.mqttUrl;
    await device.connect();
    await device.prove();
    await device.checkIn();
    fixture.api.cookie = cookie;
    expect((await fixture.api.get("/api/v1/session")).status, "sessions outlive it").toBe(200);
    expect(
      (await fixture.api.post("/api/v1/claims", { claims: [later.claim] })).body,
      "the same pair is known",
    ).toEqual({
      imported: 0,
    });
    expect((await later.enrol())["ok"]).toBe(true);
    await fixture.restart();
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
    for (const each of [device, later]) {
      await each.close();
      each.mqttUrl = fixture.mqttUrl;
      await each.connect();
      await each.prove();
    }
    await fixture.server.close();

    const start = async (key?: Uint8Array) =>
      startServer({
        ...(await databaseOf(dataDir)),
        dataDir,
        trustChain: project.trustChain,
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
        ...(key === undefined ? {} : { secretKey: key }),
      });
    await expect(start()).rejects.toThrow(/are encrypted, and no key is given.*FLIPSIDE_SECRET_KEY_FILE/);
    await expect(start(randomBytes(32))).rejects.toThrow(
      /not the one that the secrets in this database are encrypted with/,
    );
    await fixture.restart();
  });

  it("can be opened by their key only, and not when they were changed", () => {
    const vault = new Vault(randomBytes(32));
    const secret = randomBytes(32);
    const sealed = vault.seal(secret);
    expect(vault.open(sealed)).toEqual(secret);
    expect(vault.seal(secret), "a nonce of its own each time").not.toEqual(sealed);
    expect(() => new Vault(randomBytes(32)).open(sealed)).toThrow();
    for (let at = 8; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => vault.open(changed), `byte ${at}`).toThrow();
    }
  });

  it("take a key from a file that is its owner's alone, or from the environment, and say what is wrong without quoting it", async () => {
    const path = join(await temporaryDirectory(), "secret.key");
    const key = randomBytes(32);
    await writeFile(path, `${key.toString("hex")}\n`, { mode: 0o600 });
    expect(readSecretKey(path, undefined)).toEqual(key);
    expect(readSecretKey(undefined, key.toString("base64url"))).toEqual(key);
    expect(readSecretKey(undefined, key.toString("base64"))).toEqual(key);
    expect(readSecretKey(undefined, undefined)).toBeUndefined();
    expect(readSecretKey(undefined, "")).toBeUndefined();
    expect(() => readSecretKey(undefined, "too-short-to-be-one")).toThrow(
      /FLIPSIDE_SECRET_KEY holds no key.*openssl rand -hex 32/,
    );
    expect(() => readSecretKey(undefined, "too-short-to-be-one")).not.toThrow(/too-short/);
    expect(() => readSecretKey(path, "x")).toThrow(/given twice/);
    expect(() => readSecretKey(join(path, "missing"), undefined)).toThrow(/cannot be read/);
    if (process.platform !== "win32") {
      await chmod(path, 0o644);
      expect(() => readSecretKey(path, undefined)).toThrow(/Others may read the key.*chmod 600/);
    }
  });
});
