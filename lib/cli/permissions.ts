/** Permissions of the program, checked before they are needed. */

import { UsageError } from "./usage.ts";

/**
 * Refuses to go on without permissions, and names all flags that give them.
 *
 * @throws {UsageError}
 */
export function refuseWithout(
  needed: readonly Deno.PermissionDescriptor[],
): void {
  const missing = new Map<string, string[]>();
  for (const descriptor of needed) {
    const { state } = Deno.permissions.querySync(descriptor);
    if (state === "granted") continue;
    const flag = `--allow-${descriptor.name}`;
    const values = missing.get(flag) ?? [];
    missing.set(flag, [...values, ...valuesOf(descriptor)]);
  }
  if (missing.size === 0) return;
  const flags = missing.entries().map(([flag, values]) =>
    values.length > 0 ? `${flag}=${values.join(",")}` : flag
  );
  throw new UsageError(
    `Permission is missing: run deno with ${[...flags].join(" ")}`,
  );
}

function valuesOf(descriptor: Deno.PermissionDescriptor): string[] {
  const none = { path: null, variable: null, kind: null };
  const { path, variable, kind } = { ...none, ...descriptor };
  return [path, variable, kind].filter((value) => value !== null).map(String);
}
