/** Permissions of the program, checked before they are needed. */

import { join } from "@std/path/join";
import { UsageError } from "./usage.ts";

/**
 * All that was asked for so far: what is found to be needed only later, such as a
 * file of cookies that a list names, must not take the place of it.
 */
const asked: Deno.PermissionDescriptor[] = [];

/**
 * Refuses to go on without permissions, and names all flags that give them, in
 * one line. A flag names all that is needed of its kind, also what is granted: on
 * the command line it takes the place of the list that a permission set of
 * deno.json has of that kind.
 *
 * @throws {UsageError}
 */
export function refuseWithout(
  needed: readonly Deno.PermissionDescriptor[],
): void {
  asked.push(...needed);
  const missing = new Set(
    needed.filter((one) => Deno.permissions.querySync(one).state !== "granted")
      .map(({ name }) => name),
  );
  if (missing.size === 0) return;
  const flags = [...missing].map((kind) => {
    const all = asked.filter(({ name }) => name === kind).flatMap(valuesOf);
    const values = [...new Set(all)];
    const flag = `--allow-${kind}`;
    return values.length > 0 ? `${flag}=${values.join(",")}` : flag;
  });
  throw new UsageError(
    `Permission is missing: run deno with ${flags.join(" ")}`,
  );
}

function valuesOf(descriptor: Deno.PermissionDescriptor): string[] {
  const none = { path: null, variable: null, kind: null };
  const { path, variable, kind } = { ...none, ...descriptor };
  return [path, variable, kind].filter((value) => value !== null).map(String);
}

/** The files of Sluice's own that are read while it runs. */
export function ownFiles(): string[] {
  const { dirname } = import.meta;
  return Deno.build.standalone || dirname === undefined
    ? []
    : [join(dirname, "..")];
}
