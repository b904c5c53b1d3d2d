/** The help of the program, and of each command. Pure. */

import type { CommandUsage, Flag } from "./commands.ts";

/** The help of the program. */
export function renderHelp(commands: readonly CommandUsage[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands
    .map(({ name, summary }) => `  ${name.padEnd(width + 2)}${summary}`);
  return `Sluice fetches files with many download threads at once.

Usage: sluice [command] [flags]

Commands:
${lines.join("\n")}

sluice COMMAND --help says more of each.
`;
}

/** The help of one command. */
export function renderCommandHelp(command: CommandUsage): string {
  const { name, operands, summary, notes, flags, settings, examples } = command;
  const sections = [
    [`${summary}.`, ...notes],
    [`Usage: ${["sluice", name, "[flags]", operands].join(" ").trim()}`],
    ["Flags:", ...renderFlags(flags)],
    settings.length > 0
      ? [
        "Settings, each also a variable of the environment (--port is PORT), and a",
        "line of the file of CONFIG_FILE (PORT = 9000):",
        ...renderFlags(settings),
      ]
      : [],
    renderHabits(command),
    ["Examples:", ...examples.map((example) => `  ${example}`)],
  ];
  return sections.filter((section) => section.length > 0)
    .map((section) => `${section.join("\n")}\n`).join("\n");
}

/**
 * Flags of other tools that a command understands, as lines under a head. What is
 * not named here is explained by an error line, or unknown.
 */
export function renderHabits(
  { habits, flags, settings }: CommandUsage,
): string[] {
  const known = [...flags, ...settings].map(({ name }) => name);
  const lines = habits.flatMap(({ typed, value, means }) => {
    const names = typed.join(", ") + (value === null ? "" : " …");
    if (means.kind === "anyway") return `  ${names}: done anyway`;
    if (means.kind === "none") return [];
    const own = means.names.find((name) => known.includes(name));
    return own === undefined ? [] : `  ${names}: --${own}`;
  });
  return lines.length === 0
    ? []
    : ["From curl, wget, aria2c and axel, too:", ...lines];
}

function renderFlags(flags: readonly Flag[]): string[] {
  const heads = flags.map(({ name, short, value }) =>
    `  ${short === null ? "    " : `-${short}, `}--${name}` +
    (value === null ? "" : ` ${value}`)
  );
  const width = Math.max(...heads.map((head) => head.length));
  return flags.map(({ meaning }, n) =>
    `${heads[n]?.padEnd(width)}  ${meaning}`
  );
}
