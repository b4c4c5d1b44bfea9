// Completion for bash (bash(1), Programmable Completion).

import { type CompletedCommand, firstWords } from "./words.ts";

/** The words that may follow, by what stands before. */
function cases(commands: readonly CompletedCommand[]): string {
  return commands
    .map(({ words, options, oneOf }) => {
      const all = [...options.map(({ name }) => name), ...oneOf].join(" ");
      const values = options
        .filter((option) => option.oneOf.length > 0)
        .map(({ name, oneOf }) => `      ${name}) words="${oneOf.join(" ")}" ;;`);
      const free = options.filter((option) => option.takesValue && option.oneOf.length === 0).map(({ name }) => name);
      return [
        `  "${words.join(" ")}")`,
        '    case "$previous" in',
        ...values,
        ...(free.length === 0 ? [] : [`      ${free.join("|")}) words="" ;;`]),
        `      *) words="${all}" ;;`,
        "    esac ;;",
      ].join("\n");
    })
    .join("\n");
}

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const groups = [...new Set(commands.flatMap(({ words }) => (words.length > 1 ? [words[0]!] : [])))];
  const inGroups = groups
    .map((group) => {
      const second = commands.filter(({ words }) => words[0] === group).map(({ words }) => words[1]);
      return `  "${group}") words="${second.join(" ")}" ;;`;
    })
    .join("\n");
  const first = firstWords(commands).map(([word]) => word);
  return `# bash completion of flipside. For this shell: source <(flipside completion bash)
_flipside() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" words=""
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  case "\${before[0]}" in
    ${groups.join("|")}) command="\${before[*]:0:2}" ;;
    *) command="\${before[0]}" ;;
  esac
  case "$command" in
  "") words="${first.join(" ")}" ;;
${inGroups}
${cases(commands)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _flipside flipside
`;
}
