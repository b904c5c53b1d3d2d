/** Files with secrets. */

/**
 * Reads a file that is its owner's alone.
 *
 * @throws {Error} saying what keeps it from being used.
 */
export async function readOwnFile(path: string): Promise<string> {
  if (await mayOthersRead(path)) {
    throw new Error(`others may read ${path}: chmod 600 ${path}`);
  }
  return await Deno.readTextFile(path);
}

/** Whether others than its owner may read a file. */
export async function mayOthersRead(path: string): Promise<boolean> {
  const { mode, gid } = await Deno.stat(path);
  // Who is of root's group reads everything anyway; and systemd's credentials
  // are root's, with a list of who else may read them in their group's place.
  const others = gid === 0 ? 0o007 : 0o077;
  return ((mode ?? 0) & others) !== 0;
}
