/** Finished files, moved by a process that kills itself meanwhile. */

import { assert } from "@std/assert";
import type { Download } from "../../lib/download/download.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import type { NamingKind } from "../../lib/files/naming.ts";
import { recover } from "../../lib/store/recovery.ts";
import { relocate } from "../../lib/store/relocation.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { run } from "./sluice.ts";
import { count } from "./count_calls.ts";

/**
 * Moves a download's file in a process that kills itself just before it changes
 * the disk for the n-th time, counted from 0. Returns whether it came to its end.
 */
export async function moveAndDie(
  n: number,
  kind: NamingKind,
  directory: string,
  id: string,
  to: string,
): Promise<boolean> {
  const { code, stderr } = await run([
    ...["run", "--no-prompt", "--no-check", "--allow-run", "--allow-sys"],
    ...[`--allow-read=.,${directory}`, `--allow-write=${directory}`],
    "--lock=tests/deno.lock",
    "tests/support/move_and_die.ts",
    ...[String(n), kind, directory, id, to],
  ]);
  assert(code === 0 || code === 137, stderr);
  return code === 0;
}

/** What a server finds at its start, and the download's record then. */
export async function recovered(
  kind: NamingKind,
  directory: string,
  id: string,
): Promise<Download | null> {
  using home = await open(kind, directory);
  await recover({ ...home, catalogue: home.store, records: home.store });
  return home.store.get(id);
}

/** A content directory, and what is recorded of it. */
export type Home = Awaited<ReturnType<typeof open>>;

/** Opens a content directory as if its disk had hard links, or had none. */
export async function open(kind: NamingKind, directory: string) {
  const { linkSync } = Deno;
  if (kind === "renames") {
    Deno.linkSync = () => {
      throw new Error("Operation not permitted (os error 1)");
    };
  }
  using opened = new DisposableStack();
  try {
    const parts = opened.use(
      await openContentDirectory(directory, { sync: false }),
    );
    const store = opened.use(openStore(parts.statePath, { sync: false }));
    const held = opened.move();
    return { parts, store, [Symbol.dispose]: () => held.dispose() };
  } finally {
    Deno.linkSync = linkSync;
  }
}

if (import.meta.main) {
  const [n = "", kind = "", directory = "", id = "", to = ""] = Deno.args;
  let left = Number(n);
  const onChange = () => {
    if (left-- === 0) Deno.kill(Deno.pid, "SIGKILL");
  };
  const { parts, store } = await open(kind as NamingKind, directory);
  const catalogue = {
    get: store.get,
    reword: counted(store.reword, onChange),
    settle: counted(store.settle, onChange),
  };
  const isWrite = (_: unknown, options: unknown) =>
    Object(options).write === true;
  const changes = ["linkSync", "renameSync", "removeSync", "mkdirSync"];
  for (const key of changes) count(Deno, key, onChange);
  count(Deno, "openSync", onChange, isWrite);
  count(Deno.FsFile.prototype, "writeSync", onChange);
  const download = store.get(id);
  assert(download !== null);
  await relocate(download, to, { parts, catalogue });
  Deno.exit(0);
}

/** A record that is written counts as a change before, and one after it. */
function counted<Args extends unknown[]>(
  write: (...args: Args) => Promise<void>,
  onChange: () => void,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    onChange();
    await write(...args);
    onChange();
  };
}
