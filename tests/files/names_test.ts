import { assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { namingOf } from "../../lib/files/find_naming.ts";

/** A directory for finished files, beside the parts that they come from. */
async function withDirectory(
  test: (
    directory: string,
    part: (text: string) => string,
  ) => void | Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/files`);
    let count = 0;
    await test(`${root}/files`, (text) => {
      const path = `${root}/part${count++}`;
      Deno.writeTextFileSync(path, text);
      return path;
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

for (const kind of ["links", "renames"] as const) {
  const naming = namingOf(kind);
  const options = { sync: true };

  Deno.test(`files of one name are numbered in turn, and all are kept, by ${kind}`, () =>
    withDirectory(async (directory, part) => {
      const names: string[] = [];
      for (let n = 0; n < 40; n++) {
        const mine = part(`${n}`);
        const { name, path } = await naming
          .give(mine, directory, "a.tar.gz", options);
        assertEquals(path, `${directory}/${name}`);
        assertEquals(Deno.readTextFileSync(path), `${n}`);
        names.push(name);
      }
      assertEquals(names.slice(0, 3), [
        "a.tar.gz",
        "a (1).tar.gz",
        "a (2).tar.gz",
      ]);
      assertEquals(names.at(-1), "a (39).tar.gz");
      assertEquals([...Deno.readDirSync(directory)].length, 40);
    }));

  Deno.test(`files that want one name at once all get one, by ${kind}`, () =>
    withDirectory(async (directory, part) => {
      const texts = Array.from({ length: 20 }, (_, n) => `${n}`);
      const names = await Promise.all(
        texts.map((text) => naming.give(part(text), directory, "a", options)),
      );
      const found = names.map(({ path }) => Deno.readTextFileSync(path));
      assertEquals(found, texts);
      assertEquals([...Deno.readDirSync(directory)].length, 20);
    }));

  Deno.test(`whatever is taken, a name is found, and nothing is touched, by ${kind}`, () =>
    withDirectory(async (directory, part) => {
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(fc.nat(40)), async (numbers) => {
          for (const { name } of Deno.readDirSync(directory)) {
            Deno.removeSync(`${directory}/${name}`);
          }
          for (const number of numbers) {
            const name = number === 0 ? "a" : `a (${number})`;
            Deno.symlinkSync("/nowhere", `${directory}/${name}`);
          }
          const mine = part("mine");
          const { path } = await naming.give(mine, directory, "a", options);
          assertEquals(Deno.readTextFileSync(path), "mine");
          const links = [...Deno.readDirSync(directory)]
            .filter(({ isSymlink }) => isSymlink);
          assertEquals(links.length, numbers.length);
          assertEquals(naming.find(directory, [mine]).get(mine)?.path, path);
        }),
        { numRuns: 50 },
      );
    }));
}
