/** Names without hard links, given by a process that kills itself meanwhile. */

import { assert } from "@std/assert";
import { dirname } from "@std/path";
import { namingOf } from "../../lib/files/find_naming.ts";
import { run } from "./sluice.ts";
import { count } from "./count_calls.ts";

/** More changes of the disk than one name takes. */
const MOST_STEPS = 20;

/** The numbers of changes after which a process can be killed. */
export const steps = Array.from({ length: MOST_STEPS }, (_, n) => n);

/**
 * Gives a part a name in a process that kills itself just before it changes the
 * disk for the n-th time, counted from 0. Returns whether it came to its end.
 */
export async function nameAndDie(
  n: number,
  part: string,
  directory: string,
  name: string,
): Promise<boolean> {
  const paths = `${dirname(part)},${directory}`;
  const { code, stderr } = await run([
    "run",
    "--no-prompt",
    "--allow-run",
    `--allow-read=${paths}`,
    `--allow-write=${paths}`,
    "tests/support/name_and_die.ts",
    ...[String(n), part, directory, name],
  ]);
  assert(code === 0 || code === 137, stderr);
  return code === 0;
}

if (import.meta.main) {
  const [n = "", part = "", directory = "", name = ""] = Deno.args;
  let left = Number(n);
  const onChange = () => {
    if (left-- === 0) Deno.kill(Deno.pid, "SIGKILL");
  };
  const isWrite = (_: unknown, options: unknown) =>
    Object(options).write === true;
  count(Deno, "openSync", onChange, isWrite);
  count(Deno, "renameSync", onChange);
  count(Deno, "removeSync", onChange);
  count(Deno.FsFile.prototype, "writeSync", onChange);
  await namingOf("renames").give(part, directory, name, { sync: true });
}
