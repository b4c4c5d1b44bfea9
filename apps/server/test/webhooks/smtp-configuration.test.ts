// What the server is told of the operator's mail server, and what of it is refused before it starts.

import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Configuration, readConfiguration } from "../../src/configuration.ts";
import { smtpIn } from "../../src/optional-features.ts";
import { makeServerPair } from "../certificates.ts";
import { temporaryDirectory } from "../fixture.ts";

let folder: string;
beforeAll(async () => {
  folder = await temporaryDirectory();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const needed = { "smtp-url": "smtp://flipside@mail.example", "smtp-from": "Flipside <flipside@example.org>" };
const configured = (more: Record<string, string | undefined> = {}): Configuration => {
  const given = Object.entries({ "trust-chain": "x", ...needed, ...more }).filter((entry) => entry[1] !== undefined);
  return readConfiguration(
    given.flatMap(([flag, value]) => [`--${flag}`, value!]),
    {},
  ) as Configuration;
};

describe("the mail server as configured", () => {
  it("has its usual port, its user, and a password that is no argument", async () => {
    expect(smtpIn(configured(), "from the environment")).toEqual({
      ...{ host: "mail.example", port: 587, isTlsAtOnce: false, userName: "flipside" },
      ...{ password: "from the environment", from: { name: "Flipside", address: "flipside@example.org" } },
      ...{ tls: "required", ca: undefined },
    });
    const file = join(folder, "password");
    await writeFile(file, "from the file\n", { mode: 0o600 });
    const byFile = configured({ "smtp-password-file": file });
    expect(smtpIn(byFile, undefined)?.password).toBe("from the file");
    expect(() => smtpIn(byFile, "twice")).toThrow("given twice");
    await chmod(file, 0o644);
    expect(() => smtpIn(byFile, undefined)).toThrow("chmod 600");
    expect(() => smtpIn(configured(), undefined)).toThrow("belong together");
    expect(() => smtpIn(configured({ "smtp-url": "smtp://mail.example" }), "x")).toThrow("belong together");
    expect(smtpIn(configured({ "smtp-url": undefined, "smtp-from": undefined }), "x")).toBeUndefined();
  });

  it.each([
    ["smtps://a%40example.org@[::1]:2465/", { host: "::1", port: 2465, isTlsAtOnce: true, userName: "a@example.org" }],
    ["smtps://mail.example", { host: "mail.example", port: 465, isTlsAtOnce: true, userName: undefined }],
    ["smtp://10.0.0.7:25", { host: "10.0.0.7", port: 25, isTlsAtOnce: false, userName: undefined }],
  ])("may be %s", (url, meant) => {
    expect(configured({ "smtp-url": url }).smtpUrl).toEqual(meant);
  });

  it("has roots of its own where it is told so", async () => {
    const { rootFile, keyFile } = await makeServerPair(folder);
    const plain = { "smtp-url": "smtp://mail.example" };
    const { ca } = smtpIn(configured({ ...plain, "smtp-ca-file": rootFile }), undefined)!;
    expect(ca).toContain("BEGIN CERTIFICATE");
    expect(() => smtpIn(configured({ ...plain, "smtp-ca-file": keyFile }), undefined)).toThrow("no certificate");
    expect(() => smtpIn(configured({ ...plain, "smtp-ca-file": join(folder, "none") }), undefined)).toThrow("ENOENT");
  });

  it.each([
    [{ "smtp-from": undefined }, "belong together"],
    [{ "smtp-url": undefined }, "belong together"],
    [{ "smtp-url": "smtp://flipside:hunter2@mail.example" }, "without its password"],
    [{ "smtp-url": "mail.example:587" }, "an address such as smtp://"],
    [{ "smtp-url": "https://mail.example" }, "an address such as smtp://"],
    [{ "smtp-url": "smtp://" }, "an address such as smtp://"],
    [{ "smtp-url": "smtp://mail.example/queue" }, "an address such as smtp://"],
    [{ "smtp-url": "smtp://mail.example?tls=no" }, "without ?"],
    [{ "smtp-url": "smtp://a%0d%0ab@mail.example" }, "not seen"],
    [{ "smtp-url": "smtp://a%zz@mail.example" }, "%25"],
    [{ "smtp-tls": "none" }, "nobody signs in"],
    [{ "smtp-tls": "none", "smtp-url": "smtps://mail.example" }, "with TLS"],
    [{ "smtp-tls": "maybe" }, "required or none"],
    [{ "smtp-from": "Flipside" }, "a sender such as"],
    [{ "smtp-from": "Flip\nBcc: x <flipside@example.org>" }, "a sender such as"],
    [{ "smtp-from": "a@example.org, b@example.org" }, "a sender such as"],
  ])("is refused with %j", (more, why) => {
    expect(() => configured(more)).toThrow(why);
    expect(() => configured(more)).not.toThrow("hunter2");
  });
});
