import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { findDirectory, makeDirectory } from "../../lib/files/directories.ts";
import { makeDirectory as temporary } from "../support/directory.ts";

Deno.test("a directory is made with all on the way, once", async () => {
  await using root = await temporary();
  const path = `${root.path}/a/b c/ж`;
  assertEquals(findDirectory(root.path, "a/b c/ж"), null);
  assertEquals(makeDirectory(root.path, "a/b c/ж"), path);
  await Deno.writeTextFile(`${path}/file`, "mine");
  assertEquals(makeDirectory(root.path, "a/b c/ж"), path);
  assertEquals(findDirectory(root.path, "a/b c/ж"), path);
  assertEquals(await Deno.readTextFile(`${path}/file`), "mine");
});

Deno.test("without a directory, it is the content directory itself", async () => {
  await using root = await temporary();
  assertEquals(makeDirectory(root.path, undefined), root.path);
  assertEquals(findDirectory(root.path, undefined), root.path);
  assertEquals(root.names(), []);
});

Deno.test("a content directory that is a symlink itself is used", async () => {
  await using root = await temporary();
  await Deno.mkdir(`${root.path}/real`);
  await Deno.symlink("real", `${root.path}/link`);
  assertEquals(makeDirectory(`${root.path}/link`, "a"), `${root.path}/link/a`);
  assertEquals(Deno.statSync(`${root.path}/real/a`).isDirectory, true);
});

for (
  const [what, put] of [
    ["a symlink that leads out", (path) => Deno.symlinkSync("/tmp", path)],
    ["a symlink that stays inside", (path) => {
      Deno.mkdirSync(`${path}2`);
      Deno.symlinkSync(`${path}2`, path);
    }],
    ["a symlink to nothing", (path) => Deno.symlinkSync("/nowhere", path)],
    ["a file", (path) => Deno.writeTextFileSync(path, "")],
  ] as [string, (path: string) => void][]
) {
  for (const directory of ["a", "a/b", "c/a/b"]) {
    Deno.test(`${what} is not taken for the directory on the way to ${directory}`, async () => {
      await using root = await temporary();
      if (directory.startsWith("c")) await Deno.mkdir(`${root.path}/c`);
      const path = `${root.path}/${directory.replace(/\/b$/, "")}`;
      put(path);
      const error = assertThrows(
        () => makeDirectory(root.path, directory),
        DownloadError,
      );
      assertEquals(error.code, "DISK");
      assertMatch(error.message, RegExp(`${path}, where .* move it away`));
      assertEquals(findDirectory(root.path, directory), null);
      assertEquals(root.names().includes("b"), false);
    });
  }
}
