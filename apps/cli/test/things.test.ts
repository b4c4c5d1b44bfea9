// Things of AWS IoT are made known, given other certificates, and cut off.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeClientPair } from "../../server/test/certificates.ts";
import { startWithThings, type Things } from "../../server/test/aws-iot/thing.ts";
import { password } from "../../server/test/fixture.ts";
import { commandLine } from "./command-line.ts";

let things: Things;
beforeAll(async () => {
  things = await startWithThings();
});
afterAll(() => things?.stop());

it("by their names and certificate files", async () => {
  const { fixture, folder } = things;
  const flipside = commandLine({ environment: { XDG_CONFIG_HOME: folder } });
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`);
  expect(await flipside("login", "--server", fixture.server.url, "--password-file", passwordFile)).toMatchObject({
    code: 0,
  });
  const [first, second] = [await makeClientPair(folder, "first"), await makeClientPair(folder, "second")];
  const withLines = join(folder, "first.txt");
  writeFileSync(withLines, `Certificate:\n    Data:\n${first.certificate}`);
  const of = ["--product", "pump", "--hardware", "board", "--revision", "3"];
  const added = await flipside("aws", "add", "Pump:1", "--certificate", withLines, ...of);
  expect(added.said + added.complained).toMatch(/Pump:1 may come in by the certificate [0-9a-f]{64} until 20/);
  const shown = await fixture.api.get("/api/v1/devices/Pump:1");
  expect(shown.body).toMatchObject({ agent: "aws-iot", product: "pump", hardware: "board", revision: 3 });
  const given = await flipside("aws", "certificate", "Pump:1", second.certificateFile);
  expect(given.said).toMatch(/may come in by/);
  expect((await flipside("aws", "withdraw", "Pump:1")).said).toMatch(/is cut off/);
  expect((await flipside("aws", "add", "Pump:2", "--certificate", second.keyFile)).complained).toMatch(
    /holds no certificate in PEM/,
  );
  expect((await flipside("aws", "add", "Pump:2")).complained).toMatch(/--certificate FILE/);
});
