/** The environment that the program is started in. */

import { UsageError } from "./usage.ts";

/**
 * The value of a variable; undefined if it is not set.
 *
 * @throws {UsageError} naming one that is no text; never its value, which may be
 * a secret.
 */
export function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new UsageError(`${name} must be text in UTF-8, not what it is.`);
  }
}
