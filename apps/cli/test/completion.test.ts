// What shells complete, asked of the shells themselves where they are installed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hasCommand } from "../../agent/build/run-tool.ts";
import { commands } from "../src/commands.ts";
import { commandLine } from "./command-line.ts";

const SHELL_TIMEOUT_MS = 20_000;
const flipside = commandLine();

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "flipside-completion-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function scriptOf(shell: string): Promise<string> {
  const { code, said } = await flipside("completion", shell);
  expect(code).toBe(0);
  const path = join(folder, shell);
  writeFileSync(path, said);
  return path;
}

function inShell(shell: string, script: string): string {
  const { status, stdout, stderr } = spawnSync(shell, ["-c", script], { encoding: "utf8", timeout: SHELL_TIMEOUT_MS });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

const missing = ["bash", "zsh", "fish"].filter((shell) => !hasCommand(shell));
if (missing.length > 0) console.warn(`skipped: completion by ${missing.join(" and ")}, not installed here`);

/** Of the last word. */
const lines: [line: string[], offered: string[], notOffered: string[]][] = [
  [[""], ["login", "rollout", "device", "completion"], ["list", "--json"]],
  [["roll"], ["rollout"], ["login"]],
  [
    ["rollout", ""],
    ["create", "watch", "rollback"],
    ["show-all", "login"],
  ],
  [["rollout", "create", "--s"], ["--soak", "--server", "--supersedes", "--start-at"], ["--wave"]],
  [["rollout", "create", "--order", ""], ["online-first", "as-listed", "random"], ["--soak"]],
  [["device", "command", "kitchen-7", "re"], ["reboot"], ["set-connection"]],
  [["device", "command", "kitchen-7", ""], ["identify", "roll-back", "collect-logs"], ["configure"]],
  [["device", "conf"], ["configure", "configuration"], ["command"]],
  [["device", "configure", "--w"], ["--where", "--wait"], ["--yes"]],
  [["completion", ""], ["bash", "zsh", "fish"], ["login"]],
];

it.skipIf(missing.includes("bash"))("bash offers commands, options and values in their places", async () => {
  const script = await scriptOf("bash");
  for (const [line, offered, notOffered] of lines) {
    const words = ["flipside", ...line].map((word) => `'${word}'`).join(" ");
    const said = inShell(
      "bash",
      `source ${script}; COMP_WORDS=(${words}); COMP_CWORD=${line.length}; _flipside; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ).split("\n");
    expect(said, line.join(" ")).toEqual(expect.arrayContaining(offered));
    for (const word of notOffered) expect(said, line.join(" ")).not.toContain(word);
  }
});

it.skipIf(missing.includes("fish"))("fish offers them, too", async () => {
  const script = await scriptOf("fish");
  for (const [line, offered] of lines) {
    const said = inShell("fish", `source ${script}; complete -C 'flipside ${line.join(" ")}'`).split("\n");
    expect(said.map((each) => each.split("\t")[0])).toEqual(expect.arrayContaining(offered));
  }
});

it.skipIf(missing.includes("zsh"))("zsh reads its script", async () => {
  inShell("zsh", `autoload -U compinit && compinit -D && source ${await scriptOf("zsh")} && whence -w _flipside`);
});

it("scripts name every command and every option, whatever stands in their texts", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { said } = await flipside("completion", shell);
    for (const { name, options } of commands) {
      for (const word of name.split(" ")) expect(said).toContain(word);
      for (const option of Object.keys(options))
        expect(said).toContain(shell === "fish" ? `-l ${option}` : `--${option}`);
    }
  }
});
