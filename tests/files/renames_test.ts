/** Names without hard links: killed at each step, and raced for. */

import { assert, assertEquals } from "@std/assert";
import { namingOf } from "../../lib/files/find_naming.ts";
import { makeDirectory } from "../support/directory.ts";
import { nameAndDie, steps } from "../support/name_and_die.ts";

const naming = namingOf("renames");

Deno.test("killed at any step, a part gets one name, and nothing is overwritten", async () => {
  let done = false;
  for (const n of steps) {
    if (done) break;
    await using root = await makeDirectory();
    const [part, directory] = [`${root.path}/part`, `${root.path}/files`];
    await Deno.mkdir(directory);
    await Deno.writeTextFile(part, "whole");
    done = await nameAndDie(n, part, directory, "a");
    // The part is there, or its name is known: never both, never neither.
    const found = naming.find(directory, [part]).get(part);
    const there = naming.isBegun(part) && root.names().includes("part");
    assertEquals(there, found === undefined);
    const named = found ??
      await naming.give(part, directory, "a", { sync: true });
    await Deno.remove(naming.evidence(part));
    assertEquals(root.names(), ["files"]);
    assertEquals(await Deno.readTextFile(named.path), "whole");
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    assertEquals(names, ["a"], `after ${n} changes`);
  }
  assert(done);
});

Deno.test("killed at any step and then given up, a part leaves nothing of its own", async () => {
  let done = false;
  for (const n of steps) {
    if (done) break;
    await using root = await makeDirectory();
    const [part, directory] = [`${root.path}/part`, `${root.path}/files`];
    await Deno.mkdir(directory);
    await Deno.writeTextFile(part, "whole");
    done = await nameAndDie(n, part, directory, "a");
    const named = naming.find(directory, [part]).has(part);
    naming.withdraw(part, directory);
    const left = [...Deno.readDirSync(directory)]
      .map(({ name }) => Deno.readTextFileSync(`${directory}/${name}`));
    assertEquals(left, named ? ["whole"] : []);
    assertEquals(root.names().includes("part.name"), false);
  }
  assert(done);
});

for (
  const [what, theirs] of [
    ["an empty file", (path) => Deno.writeTextFileSync(path, "")],
    [
      "a file of the same size",
      (path) => Deno.writeTextFileSync(path, "THEIR"),
    ],
    ["a symlink", (path) => Deno.symlinkSync("/nowhere", path)],
    ["a directory", (path) => Deno.mkdirSync(path)],
  ] as [string, (path: string) => void][]
) {
  Deno.test(`${what} that came by the intended name after a crash stays`, async () => {
    await using root = await makeDirectory();
    const [part, directory] = [`${root.path}/part`, `${root.path}/files`];
    await Deno.mkdir(directory);
    await Deno.writeTextFile(part, "whole");
    const intent = JSON.stringify({ name: "a", size: 5 });
    await Deno.writeTextFile(`${part}.name`, intent);
    const before = Date.now() / 1000 - 10;
    await Deno.utime(`${part}.name`, before, before);
    theirs(`${directory}/a`);
    const { ino, size } = Deno.lstatSync(`${directory}/a`);
    assertEquals(naming.find(directory, [part]).size, 0);
    const { name } = await naming.give(part, directory, "a", { sync: true });
    assertEquals(name, "a (1)");
    const after = Deno.lstatSync(`${directory}/a`);
    assertEquals([after.ino, after.size], [ino, size]);
  });
}

for (const text of ["", "{", "null", `{"name":"../a","size":5}`]) {
  Deno.test(`an intent that says ${JSON.stringify(text)} says nothing`, async () => {
    await using root = await makeDirectory();
    const [part, directory] = [`${root.path}/part`, `${root.path}/files`];
    await Deno.mkdir(directory);
    await Deno.writeTextFile(`${root.path}/a`, "THEIR");
    await Deno.writeTextFile(`${part}.name`, text);
    assertEquals(naming.find(directory, [part]).size, 0);
    await Deno.writeTextFile(part, "whole");
    await naming.give(part, directory, "a", { sync: true });
    assertEquals(await Deno.readTextFile(`${root.path}/a`), "THEIR");
  });
}
