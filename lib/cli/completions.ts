/** Scripts by which shells complete commands and flags. Pure. */

import type { CommandUsage, Flag } from "./commands.ts";
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

function isPath({ value, name }: Flag): boolean {
  return value === "FILE" || /-(file|directory)$/.test(name);
}

function bash(commands: readonly CommandUsage[]): string {
  const paths = new Set(
    commands.flatMap(flagsOf).filter((flag) => flag.value && isPath(flag))
      .map(({ name }) => `--${name}`),
  );
  const cases = commands.map((command) => {
    const words = flagsOf(command).map(({ name }) => `--${name}`);
    const more = command.name === "completions" ? ["bash", "zsh", "fish"] : [];
    return `    ${command.name}) words="${[...more, ...words].join(" ")}" ;;`;
  });
  return `# sluice completions bash
_sluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${
    [...paths].join("|")
  }|-i) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$COMP_CWORD:\${COMP_WORDS[1]}" in
    1:*) words="${commands.map(({ name }) => name).join(" ")} --help" ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sluice sluice
`;
}

function zsh(commands: readonly CommandUsage[]): string {
  const quote = (text: string) =>
    text.replaceAll("'", "'\\''").replace(/[[\]:]/g, "\\$&");
  const names = commands
    .map(({ name, summary }) => `    '${name}:${quote(summary)}'`);
  const cases = commands.map((command) => {
    const flags = flagsOf(command).map((flag) => {
      const action = isPath(flag) ? "_files" : "";
      const value = flag.value === null ? "" : `:${flag.value}:${action}`;
      const times = flag.times === "each" ? "*" : "";
      return `'${times}--${flag.name}[${quote(flag.meaning)}]${value}'`;
    });
    const operand = command.name === "completions"
      ? "'1:shell:(bash zsh fish)'"
      : "'*::'";
    return `    ${command.name}) _arguments ${
      [...flags, operand].join(" ")
    } ;;`;
  });
  return `#compdef sluice
_sluice() {
  local -a commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
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
  const lines = commands.flatMap((command) => [
    `complete -c sluice -f -n __fish_use_subcommand -a ${command.name} -d ${
      quote(command.summary)
    }`,
    ...flagsOf(command).map((flag) => {
      const when = quote(`__fish_seen_subcommand_from ${command.name}`);
      const short = flag.short === null ? "" : ` -s ${flag.short}`;
      const value = flag.value === null ? "" : isPath(flag) ? " -r -F" : " -x";
      return `complete -c sluice -n ${when} -l ${flag.name}${short}${value} -d ${
        quote(flag.meaning)
      }`;
    }),
  ]);
  const shells =
    "complete -c sluice -n '__fish_seen_subcommand_from completions' -a 'bash zsh fish'";
  return `# sluice completions fish\n${[...lines, shells].join("\n")}\n`;
}
