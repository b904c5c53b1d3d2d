/**
 * What the tasks of deno.json grant to the programs that they start.
 *
 * Tried on Deno 2.9.6: a relative path of a permission set is resolved against
 * deno.json, one of a flag against the working directory; so `compile` names
 * its directories by flags. `--allow-x` takes the place of the set's list of x
 * and leaves its denials, `--deny-x` the other way round; flags of one kind add
 * up. A command takes one set, and no set can include another. A set that is
 * not there, or a kind that Deno does not know, ends the program before it
 * starts. Deno warns that sets are experimental, unless `-q` is given; in
 * `deno test`, `-q` also hides what tests print, and `deno compile` builds it
 * in: there, flags or the warning are better.
 */

import config from "../../deno.json" with { type: "json" };

/** A task of deno.json. */
export type Task = keyof typeof config.tasks;

/** What is granted: by kind, the values, or all of that kind. */
export type Grants = Readonly<Record<string, true | readonly string[]>>;

/** The permission sets of deno.json, by name. */
export const PERMISSION_SETS: Readonly<Record<string, Grants>> = config
  .permissions as unknown as Record<string, Grants>;

/** A task's command: what it sets in the environment, and `deno`'s words. */
export function commandOf(
  task: Task,
): { environment: Record<string, string>; words: string[] } {
  const words = config.tasks[task].command.split(" ");
  const variables = words.splice(0, words.indexOf("deno") + 1).slice(0, -1);
  const pairs = variables.map((word) => word.split("=", 2));
  return { environment: Object.fromEntries(pairs), words };
}

/** What a task grants: its set, with what its flags change of it. */
export function grantsOf(task: Task): Grants {
  const { words } = commandOf(task);
  const set = flagValues(words, "-P")[0];
  const grants: Record<string, true | readonly string[]> = {
    ...(set === undefined ? {} : PERMISSION_SETS[set]),
  };
  for (const kind of ["net", "read", "write", "sys", "env", "run"]) {
    const flag = `--allow-${kind}`;
    const values = flagValues(words, flag);
    if (values.length > 0) grants[kind] = values;
    if (words.includes(flag)) grants[kind] = true;
    const granted = grants[kind];
    if (granted === undefined || granted === true) continue;
    const denied = deniedBy(task, kind);
    grants[kind] = granted.filter((value) => !denied.includes(value));
  }
  return grants;
}

/** What a task denies of a kind that it grants otherwise. */
export function deniedBy(task: Task, kind: string): string[] {
  return flagValues(commandOf(task).words, `--deny-${kind}`);
}

function flagValues(words: readonly string[], flag: string): string[] {
  return words.filter((word) => word.startsWith(`${flag}=`))
    .flatMap((word) => word.slice(flag.length + 1).split(","));
}

/**
 * The flags that put another directory in place of `downloads`, and leave all
 * else as the task grants it.
 */
export function flagsFor(directory: string, grants: Grants): string[] {
  return Object.entries(grants).flatMap(([kind, values]) =>
    values !== true && values.includes("downloads")
      ? [
        `--allow-${kind}=` +
        values.map((value) => value === "downloads" ? directory : value)
          .join(","),
      ]
      : []
  );
}

/** A command with more flags of `deno`, in front of its module. */
export function withFlags(
  words: readonly string[],
  flags: readonly string[],
): string[] {
  const at = words.indexOf("main.ts");
  return [...words.slice(0, at), ...flags, ...words.slice(at)];
}
