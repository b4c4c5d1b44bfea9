// Completion for fish (complete(1) of fish).

import { type CompletedCommand, firstWords } from "./words.ts";

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function linesOf({ words, options, oneOf }: CompletedCommand): string[] {
  const condition = quoted(words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and "));
  return [
    ...options.map(({ name, what, takesValue, oneOf }) => {
      const value = !takesValue ? "" : oneOf.length > 0 ? ` -x -a ${quoted(oneOf.join(" "))}` : " -r";
      return `complete -c flipside -n ${condition} -l ${name.slice(2)}${value} -d ${quoted(what)}`;
    }),
    ...oneOf.map((word) => `complete -c flipside -n ${condition} -a ${quoted(word)}`),
  ];
}

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const first = firstWords(commands).map(
    ([word, what]) => `complete -c flipside -n __fish_use_subcommand -f -a ${quoted(word)} -d ${quoted(what)}`,
  );
  const second = commands
    .filter(({ words }) => words.length > 1)
    .map(({ words, summary }) => {
      const siblings = commands.filter((each) => each.words[0] === words[0]).map((each) => each.words[1]);
      const condition = `__fish_seen_subcommand_from ${words[0]}; and not __fish_seen_subcommand_from ${siblings.join(" ")}`;
      return `complete -c flipside -n ${quoted(condition)} -f -a ${quoted(words[1]!)} -d ${quoted(summary)}`;
    });
  return [
    "# fish completion of flipside. For this shell: flipside completion fish | source",
    ...first,
    ...second,
    ...commands.flatMap(linesOf),
    "",
  ].join("\n");
}
