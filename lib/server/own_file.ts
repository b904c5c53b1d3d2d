/** Files with secrets. */

/**
 * Reads a file that is its owner's alone.
 *
 * @throws {Error} saying what keeps it from being used.
 */
export async function readOwnFile(path: string): Promise<string> {
  const { mode, gid } = await Deno.stat(path);
  // Who is of root's group reads everything anyway; and systemd's credentials
  // are root's, with a list of who else may read them in their group's place.
  const others = gid === 0 ? 0o007 : 0o077;
  if (((mode ?? 0) & others) !== 0) {
    throw new Error(`others may read ${path}: chmod 600 ${path}`);
  }
  return await Deno.readTextFile(path);
}
