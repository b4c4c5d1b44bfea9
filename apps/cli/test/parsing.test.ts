// One parser, by the table of commands: what it refuses, and in which words.

import { expect, it } from "vitest";
import { helpOf } from "../src/command-line/help.ts";
import { commandMeant, parseLine } from "../src/command-line/parse.ts";
import { commands } from "../src/commands.ts";
import { commandLine } from "./command-line.ts";

const flipside = commandLine();

it.each([
  [["rolout", "list"], "there is no command rolout. Did you mean rollout?"],
  [["rollout", "crate"], "there is no command rollout crate. Did you mean create?"],
  [["--json", "device", "list"], "--json stands before the command: options stand behind it"],
  [["device", "list", "--fitler", "online"], "there is no option --fitler. Did you mean --filter?"],
  [["device", "list", "--filter"], "--filter wants a value: --filter FILTER"],
  [["device", "list", "--filter", "--json"], "--filter wants a value, and --json looks like an option"],
  [["device", "list", "--json=yes"], "--json is a switch and takes no value"],
  [["device", "list", "--limit", "5", "--limit", "6"], "--limit is given twice"],
  [["device", "list", "--limit", "many"], "--limit many: a whole number from 1 to 1000000 is meant"],
  [["device", "list", "--filter", "health = helthy"], "Did you mean healthy?"],
  [["device", "list", "extra"], "extra is one too many: device list takes no argument"],
  [["device", "show"], "DEVICE is missing: its id"],
  [["device", "command", "a", "rebot"], "Did you mean reboot?"],
  [["rollout", "create", "--soak", "10"], "--soak 10: a duration with its unit is meant"],
  [["rollout", "create", "--wave", "0%"], "--wave 0%: a percentage above 0"],
  [
    ["rollout", "create", "--order", "rnadom"],
    "--order rnadom: one of online-first, as-listed, random. Did you mean random?",
  ],
  [["rollout", "watch", "1", "--until", "wave:0"], "--until wave:0: a wave's number is meant, from 1"],
  [["pack", "x", "--revisions", "4-1"], "--revisions 4-1: revisions from 0 to 65535 are meant"],
])("%s can't be used, which is said with what would be right, and ends with 2", async (line, why) => {
  const { code, said, complained } = await flipside(...line);
  expect([code, said]).toEqual([2, ""]);
  if (line.includes("--json")) expect(JSON.parse(complained)).toMatchObject({ code: "usage", exit: 2 });
  else expect(complained).toMatch(/--help says more\n$/);
  expect(complained).toContain(why);
});

it("says its version", async () => {
  expect((await flipside("--version")).said).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it("a value that begins with a dash is given with an equals sign, and what follows -- is an argument", () => {
  const [show, list] = ["device show", "device list"].map((name) => commands.find((each) => each.name === name)!);
  expect(parseLine(list!, ["--search=-x"]).options).toMatchObject({ search: "-x" });
  expect(parseLine(show!, ["--json", "--", "--odd"])).toMatchObject({ json: true, words: ["--odd"] });
});

it("an overview, and a group's, name every command of theirs", async () => {
  const { said } = await flipside();
  for (const { name, summary } of commands)
    expect(said).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 20)}`, "m"));
  const group = await flipside("rollout");
  expect(group.said).toContain("rollout watch");
  expect(group.said).not.toContain("device list");
});

/** As a shell splits it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);

it.each(commands.map((command) => [command.name, command] as const))(
  "%s has a help with an example that is understood as it stands there",
  async (name, command) => {
    const { code, said } = await flipside(...name.split(" "), "--help");
    expect([code, said]).toEqual([0, helpOf(command)]);
    expect(await flipside("help", ...name.split(" "))).toMatchObject({ code: 0, said });
    for (const example of command.examples) {
      expect(said).toContain(example);
      const [, program, words] = /(?:^|\()(flipside) ([^)]*)/.exec(example)!;
      expect(program).toBe("flipside");
      const meant = commandMeant(commands, wordsOf(words!));
      expect(meant).toMatchObject({ kind: "command", command: { name } });
      expect(parseLine(command, meant.kind === "command" ? meant.argv : [])).toMatchObject({ help: false });
    }
  },
);

it("options of a command never take the place of those that all have", () => {
  for (const { options, handsOn, name } of commands)
    for (const option of ["json", "print", "help"])
      expect(handsOn === undefined && Object.hasOwn(options, option), `${name} --${option}`).toBe(false);
});
