/** Metalink documents on the command line. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import { inUtf16, metalinkOf, startGet } from "../support/metalink.ts";

const WHOLE = file(300_000, 3);

for (
  const [how, flag] of [["--metalink", true], ["its name", false]] as const
) {
  Deno.test(`get takes what a document tells of, by ${how}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const path = `${directory.path}/x.meta4`;
    const urls = [origin.serve("/gone", null), origin.serve("/b", WHOLE)];
    await Deno.writeTextFile(
      path,
      metalinkOf({ name: "disk.img", content: WHOLE, urls }),
    );
    const args = flag ? ["--metalink", path] : [path];
    const { code, stdout, stderr } = await startGet(directory.path, args).ended;
    assertEquals([code, stderr.includes("disk.img")], [0, true], stderr);
    assertEquals(stdout, `${directory.path}/disk.img\n`);
    assertEquals(await firstDifference(stdout.trim(), WHOLE), null);
  });
}

Deno.test("a file of another size or hash than a document's is refused", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const path = `${directory.path}/x.meta4`;
  const url = origin.serve("/a", WHOLE);
  const wrong = { ...WHOLE, size: WHOLE.size + 1 };
  const other = file(WHOLE.size, 4);
  const of = (name: string, content: typeof WHOLE) =>
    metalinkOf({ name, content, urls: [url] });
  for (
    const [document, said] of [
      [of("size", wrong), /300000 bytes, and should have 300001/],
      [of("hash", other), /The file's sha256 is/],
    ] as const
  ) {
    await Deno.writeTextFile(path, document);
    const { code, stderr } = await startGet(directory.path, [path]).ended;
    assertEquals(code, 1);
    assertMatch(stderr, said);
  }
  assert(!directory.names().includes("size"));
});

Deno.test("names' directories are below get's own, in UTF-16, too", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const urls = [origin.serve("/a", WHOLE)];
  const of = (name: string) => metalinkOf({ name, content: WHOLE, urls });
  for (
    const [name, path] of [
      ["iso/ü/disk.img", "iso/ü/disk.img"],
      ["../../disk.img", "disk.img"],
    ] as const
  ) {
    const document = `${directory.path}/x.meta4`;
    await Deno.writeFile(document, inUtf16(of(name)));
    const get = startGet(directory.path, [document]);
    const { code, stdout, stderr } = await get.ended;
    assertEquals([code, stdout], [0, `${directory.path}/${path}\n`], stderr);
    assertEquals(await firstDifference(stdout.trim(), WHOLE), null);
  }
});

Deno.test("a document that makes no sense is named", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/x.meta4`;
  await Deno.writeTextFile(path, "<html></html>");
  const { code, stderr } = await startGet(directory.path, [path]).ended;
  assertEquals(code, 2);
  assertMatch(stderr, /x\.meta4: The Metalink document has no element/);
});
