/** Scripts by which shells complete commands, flags and values. Pure. */

import { type CommandUsage, type Flag, SWITCH } from "./commands.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage.ts";

const SHELLS = { bash, zsh, fish };

/**
 * The script for a shell.
 *
 * @throws {UsageError} if it is none of bash, zsh and fish.
 */
export function renderCompletions(
  shell: string,
  commands: readonly CommandUsage[],
): string {
  const names = Object.keys(SHELLS) as (keyof typeof SHELLS)[];
  const known = names.find((name) => name === shell);
  if (known) return SHELLS[known](commands);
  const near = nearest(shell, names);
  throw new UsageError(
    `completions are for ${names.join(", ")}` +
      (near === null ? "." : `: did you mean ${near}?`),
  );
}

function flagsOf({ flags, settings }: CommandUsage): readonly Flag[] {
  return [...flags, ...settings];
}

/** A flag as it may be typed, with one dash and with two. */
function spellings({ name, short }: Flag): string[] {
  return short === null ? [`--${name}`] : [`-${short}`, `--${name}`];
}

/** Flags that say which server's ids are to be listed, and how. */
const SERVER_FLAGS = "--server --token --ca-file";
/** Downloads whose ids are offered. */
const LIST = "sluice list --limit 1000";

function bash(commands: readonly CommandUsage[]): string {
  const byWord = new Map(
    commands.flatMap(flagsOf).filter(({ value }) => value !== null)
      .flatMap((flag) => spellings(flag).map((word) => [word, flag] as const)),
  );
  const values = [...byWord].map(([word, { choices }]) =>
    `    ${word}) ${
      choices === "file"
        ? ""
        : choices === "directory"
        ? "compopt +o default -o dirnames 2>/dev/null; "
        : `_sluice_offer "${choices?.join(" ") ?? ""}"; `
    }return ;;`
  );
  const cases = commands.map((command) => {
    const { name, choices } = command;
    const words = flagsOf(command).map(({ name }) => `--${name}`);
    if (Array.isArray(choices)) words.unshift(...choices);
    const ids = choices !== null && typeof choices === "object" &&
        "ids" in choices
      ? ` ids="${choices.ids.map((status) => `--status=${status}`).join(" ")} "`
      : "";
    return `    ${name}) words="${words.join(" ")}"${ids} ;;`;
  });
  return `# sluice completions bash
_sluice_offer() {
  # Nothing that fits is nothing, not a file's name.
  compopt +o default 2>/dev/null
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_sluice_ids() {
  local flag
  local -a more=()
  for flag in ${SERVER_FLAGS}; do
    [[ $COMP_LINE =~ $flag[=\\ ]+([^ ]+) ]] && more+=("$flag" "\${BASH_REMATCH[1]}")
  done
  # Bash runs what stands in words: these are a server's.
  ${LIST} $1 "\${more[@]}" 2>/dev/null | grep -oE '^[[:alnum:]]+'
}
_sluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" ids=""
  local before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  # A flag, "=" and a value are three words.
  if [ "$current" = "=" ]; then
    current=""
  elif [ "$before" = "=" ]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  # A flag that may go without a value can be followed by another.
  [[ $current == -* ]] || case "$before" in
${values.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ] && [[ $current != -* ]]; then
    _sluice_offer "${commands.map(({ name }) => name).join(" ")}"
    return
  fi
  [[ $command == -* ]] && command=serve
  case "$command" in
${cases.join("\n")}
  esac
  [ -n "$ids" ] && [[ $current != -* ]] && words=$(_sluice_ids "$ids")
  _sluice_offer "$words"
}
complete -o default -F _sluice sluice
`;
}

function zsh(commands: readonly CommandUsage[]): string {
  const quote = (text: string) =>
    text.replaceAll("'", "'\\''").replace(/[[\]:]/g, "\\$&");
  const names = commands
    .map(({ name, summary }) => `    '${name}:${quote(summary)}'`);
  const specOf = (flag: Flag) => {
    const { value, choices, times, meaning } = flag;
    const action = choices === "file"
      ? "_files"
      : choices === "directory"
      ? "_files -/"
      : choices === null
      ? " "
      : `(${choices.join(" ")})`;
    const label = quote(value ?? "").replaceAll("|", " or ");
    const colons = value === SWITCH ? "::" : ":";
    const argument = value === null ? "" : `${colons}${label}:${action}`;
    const words = spellings(flag);
    return words.map((word) => {
      const long = word.startsWith("--");
      const end = value === null ? "" : long ? "=" : "+";
      const others = times === "each" ? "*" : `(${words.join(" ")})`;
      return `'${others}${word}${end}[${quote(meaning)}]${argument}'`;
    }).join(" ");
  };
  const cases = commands.map((command) => {
    const { name, choices } = command;
    const operands = choices === null || typeof choices === "string"
      ? []
      : "ids" in choices
      ? [`'*:id: _sluice_ids ${choices.ids.join(" ")}'`]
      : [`'1:${name}:(${choices.join(" ")})'`];
    const specs = [...flagsOf(command).map(specOf), ...operands];
    return `    ${name}) _arguments ${specs.join(" \\\n      ")} ;;`;
  });
  return `#compdef sluice
_sluice_ids() {
  local flag at
  local -a more ids
  for flag in ${SERVER_FLAGS}; do
    at=\${words[(ie)$flag]}
    (( at < CURRENT - 1 )) && more+=($flag $words[at+1])
    more+=(\${(M)words:#$flag=*})
  done
  ids=(\${(f)"$(${LIST} \${argv/#/--status=} $more 2>/dev/null)"})
  # What follows an id tells what it is of.
  ids=(\${ids/  /:})
  _describe id ids
}
_sluice() {
  local -a commands=(
${names.join("\n")}
  )
  local command=serve
  if [[ $words[2] != -* ]]; then
    if (( CURRENT == 2 )); then
      _describe command commands
      return
    fi
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${cases.join("\n")}
  esac
}
compdef _sluice sluice
`;
}

function fish(commands: readonly CommandUsage[]): string {
  const quote = (text: string) =>
    `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const offer = (when: string, words: string) =>
    `complete -c sluice -n ${quote(when)} -a ${quote(words)}`;
  const lines = commands.flatMap((command) => {
    const { name, choices, summary } = command;
    const when = `__fish_seen_subcommand_from ${name}` +
      (name === "serve" ? "; or __fish_use_subcommand" : "");
    const operands = choices === null || typeof choices === "string"
      ? []
      : "ids" in choices
      ? [offer(when, `(__sluice_ids ${choices.ids.join(" ")})`)]
      : [offer(when, choices.join(" "))];
    return [
      `${offer("__fish_use_subcommand", name)} -d ${quote(summary)}`,
      ...operands,
      ...flagsOf(command).map((flag) => {
        const short = flag.short === null ? "" : ` -s ${flag.short}`;
        return `complete -c sluice -n ${quote(when)} -l ${flag.name}${short}${
          valueOf(flag)
        } -d ${quote(flag.meaning)}`;
      }),
    ];
  });
  function valueOf({ value, choices }: Flag): string {
    if (value === null) return "";
    if (choices === null) return " -x";
    if (choices === "file") return " -r -F";
    if (choices === "directory") {
      return " -x -a '(__fish_complete_directories)'";
    }
    return `${value === SWITCH ? " -f" : " -x"} -a ${quote(choices.join(" "))}`;
  }
  return `# sluice completions fish
function __sluice_ids
  set -l typed (commandline -opc)
  set -l more
  for flag in ${SERVER_FLAGS}
    if set -l at (contains -i -- $flag $typed); and test $at -lt (count $typed)
      set -a more $flag $typed[(math $at + 1)]
    end
    set -a more (string match -- "$flag=*" $typed)
  end
  # What follows an id tells what it is of.
  ${LIST} --status=$argv $more 2>/dev/null | string replace -r ' +' \\t
end
complete -c sluice -f
${lines.join("\n")}
`;
}
