/**
 * Preloaded by a `get`: it is killed just before it changes the disk once more
 * than the global `changes` says, and has no hard links where `links` is false.
 */

import { count } from "./count_calls.ts";

const { changes, links } = globalThis as unknown as {
  readonly changes: number;
  readonly links: boolean;
};
let left = changes;

function onChange(): void {
  if (left-- === 0) Deno.kill(Deno.pid, "SIGKILL");
}

const isWrite = (_: unknown, options: unknown) =>
  Object(options).write === true;

if (!links) {
  Deno.linkSync = () => {
    throw new Error("Operation not permitted (os error 1)");
  };
}
for (const key of ["openSync", "open"]) count(Deno, key, onChange, isWrite);
for (
  const key of [
    ...["mkdirSync", "linkSync", "removeSync", "renameSync"],
    ...["writeTextFileSync", "remove", "utime"],
  ]
) {
  count(Deno, key, onChange);
}
count(Deno.FsFile.prototype, "writeSync", onChange);
