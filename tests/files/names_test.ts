import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { findNames, giveName } from "../../lib/files/names.ts";
import { makeDirectory } from "../support/directory.ts";

/** A directory for finished files, beside the parts that they come from. */
async function withDirectory(
  test: (directory: string, part: (text: string) => string) => void,
): Promise<void> {
  await using root = await makeDirectory();
  await Deno.mkdir(`${root.path}/files`);
  let count = 0;
  test(`${root.path}/files`, (text) => {
    const path = `${root.path}/part${count++}`;
    Deno.writeTextFileSync(path, text);
    return path;
  });
}

Deno.test("files of one name are numbered in turn, and all are kept", () =>
  withDirectory((directory, part) => {
    const names = Array.from({ length: 40 }, (_, n) => {
      const { name, path } = giveName(part(`${n}`), directory, "a.tar.gz");
      assertEquals(path, `${directory}/${name}`);
      assertEquals(Deno.readTextFileSync(path), `${n}`);
      return name;
    });
    assertEquals(names.slice(0, 3), [
      "a.tar.gz",
      "a (1).tar.gz",
      "a (2).tar.gz",
    ]);
    assertEquals(names.at(-1), "a (39).tar.gz");
    assertEquals([...Deno.readDirSync(directory)].length, 40);
  }));

Deno.test("whatever is taken, a name is found, and nothing is touched", () =>
  withDirectory((directory, part) => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), (numbers) => {
        for (const { name } of Deno.readDirSync(directory)) {
          Deno.removeSync(`${directory}/${name}`);
        }
        for (const number of numbers) {
          const name = number === 0 ? "a" : `a (${number})`;
          Deno.symlinkSync("/nowhere", `${directory}/${name}`);
        }
        const mine = part("mine");
        const { path } = giveName(mine, directory, "a");
        assertEquals(Deno.readTextFileSync(path), "mine");
        const links = [...Deno.readDirSync(directory)]
          .filter(({ isSymlink }) => isSymlink);
        assertEquals(links.length, numbers.length);
        assertEquals(findNames(directory, [mine]).get(mine)?.path, path);
      }),
      { numRuns: 50 },
    );
  }));
