import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { parseClaimsFile } from "../src/features/claims/claims-file.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";

const secret = (fill: number): string => Buffer.alloc(32, fill).toString("base64url");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const taken = (text: string | Uint8Array) => {
  const { claims, refused } = parseClaimsFile(typeof text === "string" ? utf8(text) : text);
  return [claims.map(({ deviceId }) => deviceId), refused.map(({ at, reason }) => `${at}: ${reason}`)];
};

describe("a file of claims", () => {
  const both = [["a", "b"], []];
  it.each([
    [
      "an object with a list",
      JSON.stringify({
        claims: [
          { deviceId: "a", secret: secret(1) },
          { deviceId: "b", secret: secret(2) },
        ],
      }),
    ],
    [
      "a bare list",
      JSON.stringify(
        [
          { deviceId: "a", secret: secret(1) },
          { deviceId: "b", secret: secret(2) },
        ],
        null,
        2,
      ),
    ],
    ["an object a line", `{"deviceId":"a","secret":"${secret(1)}"}\n\n{"deviceId":"b","secret":"${secret(2)}"}\n`],
    ["CSV", `a,${secret(1)}\nb,${secret(2)}\n`],
    ["CSV with a header", `deviceId,secret\r\na,${secret(1)}\r\nb,${secret(2)}\r\n`],
    [
      "CSV with other columns, quotes and semicolons",
      `"Board";"Secret";"Device ID"\n1;"${secret(1)}";"a"\n2;"${secret(2)}";"b"`.replace("Device ID", "device_id"),
    ],
    ["tabs, comments and empty lines", `# from the line\n\na\t${secret(1)}\n\nb\t${secret(2)}`],
  ])("may be %s, with a byte order mark or without", (_name, text) => {
    expect(taken(text)).toEqual(both);
    expect(taken(`\ufeff${text}`)).toEqual(both);
    expect(taken(Buffer.from(`\ufeff${text}`, "utf16le"))).toEqual(both);
  });

  it("is taken but for what can't be, which is named by its line and never with the secret", () => {
    const text = `device,secret\na,${secret(1)}\nNOT AN ID,${secret(2)}\nc,tooshort\nd\nb,${secret(3)},more\n`;
    expect(taken(text)).toEqual([
      ["a", "b"],
      [
        '3: the device id "NOT AN ID" is not 1 to 48 characters of a-z, 0-9 and -',
        "4: the secret of device c is not base64url of 32 bytes (8 characters)",
        "5: device d has no secret",
      ],
    ]);
    expect(
      taken(
        JSON.stringify([
          { deviceId: "a", secret: secret(1) },
          "b",
          null,
          { deviceId: 7 },
          { deviceId: "c", secret: secret(1).slice(1) },
        ]),
      ),
    ).toEqual([
      ["a"],
      [
        "2: it is no object with deviceId and secret",
        "3: it is no object with deviceId and secret",
        "4: it has no device id",
        "5: the secret of device c is not base64url of 32 bytes (42 characters)",
      ],
    ]);
    const broken = parseClaimsFile(utf8(`{"claims":[{"deviceId":"a","secret":"${secret(9)}"`));
    expect(broken.claims).toEqual([]);
    expect(JSON.stringify(broken)).not.toContain(secret(9).slice(0, 8));
    for (const nothing of ["", "\ufeff", "\n\n", "[]"]) expect(taken(nothing)).toEqual([[], []]);
    expect(taken(new Uint8Array([0xc3, 0x28, 0x00]))[0]).toEqual([]);
  });
});

describe("a server that is started with a file of claims", () => {
  let fixture: Fixture | undefined;
  afterEach(() => fixture?.stop());

  it("starts whatever is in it, takes what it can, and says which lines it did not take and why", async () => {
    const folder = await temporaryDirectory();
    const claimsFile = join(folder, "claims.csv");
    await writeFile(claimsFile, `deviceId,secret\nboard-1,${secret(1)}\n`);
    let lines = "";
    const logger = pino(
      { level: "info" },
      new Writable({ write: (text, _encoding, done) => ((lines += text), done()) }),
    );
    fixture = await Fixture.start({ claimsFile, logger });
    await writeFile(
      claimsFile,
      `\ufeffdeviceId,secret\nboard-1,${secret(2)}\nboard 2,${secret(2)}\nboard-3,${secret(3)}\n`,
    );
    await fixture.restart();
    expect(lines).toContain("line 2: device board-1 has a claim with another secret");
    expect(lines).toContain('line 3: the device id \\"board 2\\"');
    expect(lines).not.toContain(secret(2));
    expect(
      (
        await fixture.api.post("/api/v1/claims", {
          claims: [
            { deviceId: "board-3", secret: secret(3) },
            { deviceId: "board-1", secret: secret(1) },
          ],
        })
      ).body,
      "known already",
    ).toEqual({ imported: 0 });
    await expect(Fixture.start({ claimsFile: join(folder, "missing") })).rejects.toThrow(
      /claims file .*missing cannot be read/,
    );
  });
});
