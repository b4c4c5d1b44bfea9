// What is configured away is not in the image, and what is not asked for neither.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { memoryPages } from "@flipside/machine/factory/targets";
import { compileWasm } from "../../build/compile-module.ts";
import { type FeatureChoice, featureNames, features, featureTexts } from "../../build/features.ts";
import { agentSources } from "../../build/paths.ts";

const COMPILES_MS = 300_000;

function exportedNames(file: string): string[] {
  const text = readFileSync(join(agentSources, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return source.statements
    .filter(
      (statement) =>
        ts.canHaveModifiers(statement) && statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword),
    )
    .flatMap((statement) =>
      ts.isVariableStatement(statement)
        ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
        : [(statement as ts.FunctionDeclaration | ts.ClassDeclaration).name!.getText()],
    )
    .sort();
}

it.each(featureNames)("%s: both files that it is one of have the same exports", (name) => {
  const { file, other } = features[name];
  expect(exportedNames(other)).toEqual(exportedNames(file));
});

const agentWith = async (choice: FeatureChoice): Promise<Buffer> =>
  readFileSync(
    await compileWasm({
      name: "agent",
      entry: join(agentSources, "agent/main.ts"),
      memoryPages: memoryPages.agent,
      texts: featureTexts("image", choice),
    }),
  );
/** As AssemblyScript keeps text. */
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");

describe("the agent", () => {
  it("has nothing of http unless it is asked for", { timeout: COMPILES_MS }, async () => {
    const phrase = utf16("Misdirected Request");
    expect((await agentWith({})).includes(phrase)).toBe(false);
    expect((await agentWith({ with: ["http"] })).includes(phrase)).toBe(true);
  });
  it("is smaller without each feature that it has", { timeout: COMPILES_MS }, async () => {
    const whole = (await agentWith({})).length;
    for (const name of ["dhcp", "dns", "icmp"] as const)
      expect((await agentWith({ without: [name] })).length, name).toBeLessThan(whole);
  });
  it("is the same bytes when it is asked for what it has", { timeout: COMPILES_MS }, async () => {
    expect((await agentWith({ with: ["dhcp", "dns"], without: ["http"] })).equals(await agentWith({}))).toBe(true);
  });
});

describe("a choice", () => {
  const address = { address: "192.0.2.7", mask: "255.255.255.0", router: "192.0.2.1" };
  it("writes the address of a build without dhcp in host order", () => {
    const texts = featureTexts("image", { without: ["dhcp"], address });
    expect(texts.get("apps/agent/src/net/static-address.ts")).toBe(
      [
        "export const ADDRESS: u32 = 3221225991;",
        "export const MASK: u32 = 4294967040;",
        "export const ROUTER: u32 = 3221225985;",
        "export const NAME_SERVER: u32 = 0;",
        "",
      ].join("\n"),
    );
  });
  it("is refused where it contradicts itself, is about something else, or is no address", () => {
    const refused: [FeatureChoice, "image" | "loader", RegExp][] = [
      [{ with: ["http"], without: ["http"] }, "image", /http is asked for and not asked for/],
      [{ without: ["recovery"] }, "image", /recovery is a feature of the loader, not of the image/],
      [{ without: ["dns"] }, "loader", /dns is a feature of the image, not of the loader/],
      [{ address }, "image", /an address is for a build without dhcp/],
      [{ without: ["dhcp"], address: { ...address, router: "192.0.2" } }, "image", /192\.0\.2 is no IPv4 address/],
      [{ without: ["dhcp"], address: { ...address, address: "192.0.2.256" } }, "image", /192\.0\.2\.256 is no IPv4/],
      [{ without: ["dhcp"], address: { ...address, mask: "255.0.255.0" } }, "image", /255\.0\.255\.0 is no mask/],
    ];
    for (const [choice, of, why] of refused) expect(() => featureTexts(of, choice)).toThrow(why);
  });
});
