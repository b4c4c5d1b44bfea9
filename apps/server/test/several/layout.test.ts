// The layout that docs/scaling.md gives is one that HAProxy and systemd take, and names options that there are.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { options } from "../../src/configuration.ts";
import { haproxyMissing } from "./haproxy.ts";

const document = readFileSync(new URL("../../../../docs/scaling.md", import.meta.url), "utf8");

function blockOf(language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "m").exec(document) ?? [];
  if (block === undefined) throw new Error(`docs/scaling.md has no block of ${language}`);
  return block;
}

const analyzer = "/usr/bin/systemd-analyze";
if (haproxyMissing !== undefined) console.warn(`skipped: HAProxy's configuration: ${haproxyMissing}`);
if (!existsSync(analyzer)) console.warn(`skipped: the systemd unit: there is no ${analyzer}`);

describe("the layout in docs/scaling.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-layout-"));

  it.skipIf(haproxyMissing !== undefined)("is one that HAProxy takes without a warning", () => {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(file, blockOf("haproxy"));
    const environment = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
    // -dW: warnings are errors.
    execFileSync("haproxy", ["-c", "-dW", "-f", file], { env: environment, stdio: "pipe" });
  });

  it.skipIf(!existsSync(analyzer))("is one that systemd takes", () => {
    const file = join(folder, "flipside@a.service");
    const unit = blockOf("ini");
    // Whether it is installed here is not what is asked.
    const here = unit.replace("/usr/bin/node", process.execPath).replace("User=flipside\n", "");
    writeFileSync(file, here);
    execFileSync(analyzer, ["verify", "--man=no", file], { stdio: "pipe" });
    expect(unit).toContain("--member %i");
  });

  it("gives options and variables that there are", () => {
    const known = Object.values(options);
    const flags = [...blockOf("ini").matchAll(/--([a-z-]+) /g)]
      .map(([, flag]) => flag)
      .filter((flag) => flag !== "import");
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(known.map((each) => each.flag)).toContain(flag);
    const variables = [...blockOf("yaml").matchAll(/^ {6}([A-Z_]+): /gm)].map(([, variable]) => variable);
    expect(variables.length).toBeGreaterThan(0);
    for (const variable of variables) expect(known.map((each) => each.variable)).toContain(variable);
  });
});
