// docs/command-line.md says what the table of commands says, and docs/api-reference.md what the route objects say.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { usage as powerCutUsage } from "../../power-cut/src/campaign/options.ts";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { apiReference } from "@flipside/api/reference";
import { referenceOf } from "../src/command-line/reference.ts";
import { commands } from "../src/commands.ts";
import { checks } from "../src/conformance/checks.ts";
import { tableOf } from "../src/conformance/table-in-docs.ts";

const page = readFileSync(join(repositoryRoot, "docs/command-line.md"), "utf8");

it("the reference is what would be made now", () => {
  expect(page.includes(referenceOf(commands)), "`npm run reference` writes it anew").toBe(true);
});

it("so is the list of the conformance kit's checks, and the sections that they name are there", () => {
  const said = readFileSync(join(repositoryRoot, "docs/conformance.md"), "utf8");
  expect(said.includes(tableOf(checks)), "`npm run reference` writes it anew").toBe(true);
  const protocol = readFileSync(join(repositoryRoot, "docs/protocol.md"), "utf8");
  const headings = [...protocol.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  expect(checks.map(({ section }) => section).filter((section) => !headings.includes(section))).toEqual([]);
});

it("so is the reference of the REST interface", () => {
  const said = readFileSync(join(repositoryRoot, "docs/api-reference.md"), "utf8");
  expect(said === apiReference(), "`npm run reference` writes it anew").toBe(true);
});

it("commands of other programs name the options that those have", () => {
  const sources: Record<string, string> = {
    "power-cut": powerCutUsage,
    recover: readFileSync(join(repositoryRoot, "packages/machine/serial/recover-main.ts"), "utf8"),
    "trust make": readFileSync(join(repositoryRoot, "apps/agent/build/trust-main.ts"), "utf8"),
  };
  const handingOn = commands.filter(({ handsOn }) => handsOn !== undefined);
  expect(handingOn.map(({ name }) => name).sort()).toEqual(Object.keys(sources).sort());
  for (const { name, options } of handingOn) {
    const said = [...sources[name]!.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, option]) => option!);
    expect(Object.keys(options).sort(), name).toEqual(said.filter((option) => option !== "help").sort());
  }
});
