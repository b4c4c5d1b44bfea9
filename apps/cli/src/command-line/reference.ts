// The reference in docs/command-line.md, from the table of commands.

import { type Command, exitsOf, optionsOf } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { lineOf, optionLine, optionText } from "./help.ts";

export const referenceBegin = "<!-- made from apps/cli/src/commands.ts; `npm run reference` writes it anew -->";
export const referenceEnd = "<!-- end of what is made -->";

/** A bar would end a cell. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const common = new Set(["json", "print", "help", "server"]);

function sectionOf(command: Command): string {
  const rows = [
    ...(command.arguments ?? []).map(({ name, what }) => `| \`${name}\` | ${cell(what)} |`),
    ...Object.entries(optionsOf(command))
      .filter(([name]) => !common.has(name) || Object.hasOwn(command.options, name))
      .map(([name, spec]) => `| \`${optionLine(name, spec)}\` | ${cell(optionText(spec))} |`),
  ];
  const codes = exitsOf(command).map((name) => exitCodes[name].code);
  const own = command.handsOn === undefined ? "" : " Reads its own line: no `--json`, `--print`.";
  return [
    `### ${command.name}`,
    `\`${lineOf(command)}\``,
    `${command.summary}.${command.about === undefined ? "" : ` ${command.about.replaceAll("\n", " ")}`}${own}`,
    ...(rows.length === 0 ? [] : [`| | |\n|---|---|\n${rows.join("\n")}`]),
    `\`\`\`\n${command.examples.join("\n")}\n\`\`\``,
    `Exit status: ${codes.join(", ")}.`,
  ].join("\n\n");
}

export function referenceOf(commands: readonly Command[]): string {
  const codes = Object.values(exitCodes).map(({ code, means }) => `| ${code} | ${cell(means)} |`);
  return [
    referenceBegin,
    `## Exit status\n\n| | |\n|---|---|\n${codes.join("\n")}`,
    `## Commands`,
    ...commands.map(sectionOf),
    referenceEnd,
  ].join("\n\n");
}
