// Completion for zsh (zshcompsys(1), _describe and _arguments).

import { type CompletedCommand, firstWords } from "./words.ts";

/** Within single quotes; a colon and brackets would end a description. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[:[\]]/g, "\\$&");

const described = (word: string, what: string): string => `'${quoted(word)}:${quoted(what)}'`;

function caseOf({ words, options, oneOf }: CompletedCommand): string {
  const specs = options.map(({ name, what, takesValue, oneOf }) => {
    const value = takesValue ? `:value:${oneOf.length > 0 ? `(${oneOf.join(" ")})` : "_files"}` : "";
    return `'*${name}[${quoted(what)}]${value}'`;
  });
  const rest = oneOf.length > 0 ? `'*:argument:(${oneOf.join(" ")})'` : "'*:argument:_files'";
  return `    '${words.join(" ")}') _arguments ${[...specs, rest].join(" ")} ;;`;
}

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const groups = [...new Set(commands.flatMap(({ words }) => (words.length > 1 ? [words[0]!] : [])))];
  const inGroups = groups.map((group) => {
    const second = commands.filter(({ words }) => words[0] === group);
    const words = second.map(({ words, summary }) => described(words[1]!, summary));
    return `    ${group}) choices=(${words.join(" ")}) ;;`;
  });
  const first = firstWords(commands).map(([word, what]) => described(word, what));
  return `#compdef flipside
# zsh completion of flipside. For this shell: source <(flipside completion zsh)
_flipside() {
  local -a choices
  local command="\${words[2]}" skip=1
  if (( CURRENT == 2 )); then
    choices=(${first.join(" ")})
    _describe command choices
    return
  fi
  case "$command" in
    ${groups.join("|")}) command="$command \${words[3]}" skip=2 ;;
  esac
  if (( skip == 2 && CURRENT == 3 )); then
    case "\${words[2]}" in
${inGroups.join("\n")}
    esac
    _describe command choices
    return
  fi
  shift $skip words
  (( CURRENT -= skip ))
  case "$command" in
${commands.map(caseOf).join("\n")}
  esac
}
compdef _flipside flipside
`;
}
