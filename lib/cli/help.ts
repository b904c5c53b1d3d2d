/** The help of the program, and of each command. Pure. */

import type { CommandUsage, Flag } from "./commands.ts";
import type { Habit } from "./habits.ts";

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
  const { name, operands, summary, notes, flags, settings, habits, examples } =
    command;
  const sections = [
    [`${summary}.`, ...notes],
    [`Usage: ${["sluice", name, "[flags]", operands].join(" ").trim()}`],
    ["Flags:", ...renderFlags(flags)],
    settings.length > 0
      ? [
        "Settings, each also a variable of the environment (--port is PORT):",
        ...renderFlags(settings),
      ]
      : [],
    renderHabits(habits),
    ["Examples:", ...examples.map((example) => `  ${example}`)],
  ];
  return sections.filter((section) => section.length > 0)
    .map((section) => `${section.join("\n")}\n`).join("\n");
}

/** What is named here is understood; what is not, an error line explains. */
function renderHabits(habits: readonly Habit[]): string[] {
  const lines = habits.flatMap(({ typed, means }) => {
    const names = typed.join(", ");
    if (means.kind === "anyway") return `  ${names}: done anyway`;
    return means.kind === "flag" ? `  ${names}: --${means.names[0]}` : [];
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
