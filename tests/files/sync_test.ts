import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  syncDirectory,
  syncDirectorySync,
  syncFile,
} from "../../lib/files/sync.ts";
import { makeDirectory } from "../support/directory.ts";

/** A pipe, which the system refuses to sync as some refuse it for directories. */
async function makeUnable(directory: string) {
  const path = `${directory}/pipe`;
  const { success } = await new Deno.Command("mkfifo", { args: [path] })
    .output();
  assert(success);
  // Open both ways: a pipe is only opened once there is somebody at its other end.
  const file = await Deno.open(path, { read: true, write: true });
  return { path, file, [Symbol.dispose]: () => file.close() };
}

Deno.test("a directory that cannot be synced is left as it is", async () => {
  await using directory = await makeDirectory();
  using unable = await makeUnable(directory.path);
  // The system does refuse it.
  await assertRejects(() => unable.file.syncData(), Error, "os error 22");
  await syncDirectory(unable.path);
  syncDirectorySync(unable.path);
});

Deno.test("a directory that is not there is an error", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/none`;
  await assertRejects(() => syncDirectory(path), Deno.errors.NotFound);
  assertThrows(() => syncDirectorySync(path), Deno.errors.NotFound);
});

Deno.test("a file's bytes are on disk, or why not is told", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/file`;
  await Deno.writeTextFile(path, "bytes");
  using file = await Deno.open(path, { read: true });
  assertEquals(await syncFile(file), null);
  using unable = await makeUnable(directory.path);
  assertEquals((await syncFile(unable.file))?.code, "DISK");
});
