import { assertEquals } from "@std/assert";
import { links } from "../../lib/files/links.ts";
import { makeDirectory } from "../support/directory.ts";

/** A time that no origin names, and one that it might. */
const [ODD, EVEN] = [1_700_000_000_123, 1_700_000_000_000];

/** A file of some bytes, last modified at `modified`. */
async function write(path: string, text: string, modified: number) {
  await Deno.writeTextFile(path, text);
  await Deno.utime(path, new Date(), new Date(modified));
  return await Deno.stat(path);
}

Deno.test("a file is itself after it was written to, renamed, or copied with its time", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/a`;
  const first = await write(path, "one", ODD);
  const identity = links.identityOf(first);
  assertEquals(links.hasIdentity(first, identity), true);
  const changed = await write(path, "three", ODD + 1);
  assertEquals(links.hasIdentity(changed, identity), true, "written to");
  await Deno.rename(path, `${path}2`);
  const renamed = await Deno.stat(`${path}2`);
  assertEquals(links.hasIdentity(renamed, identity), true, "renamed");
  const copied = await write(path, "one", ODD);
  assertEquals(links.hasIdentity(copied, identity), true, "copied");
});

Deno.test("a file of another time or size, or of a time that many have, is another", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/a`;
  const [odd, even] = [
    links.identityOf(await write(path, "one", ODD)),
    links.identityOf(await write(path, "one", EVEN)),
  ];
  const other = `${directory.path}/b`;
  const later = await write(other, "one", ODD + 1);
  assertEquals(links.hasIdentity(later, odd), false, "later");
  const longer = await write(other, "three", ODD);
  assertEquals(links.hasIdentity(longer, odd), false, "longer");
  const same = await write(other, "one", EVEN);
  assertEquals(links.hasIdentity(same, even), false, "whole seconds");
});

Deno.test("an old identity is of the inode only", async () => {
  await using directory = await makeDirectory();
  const info = await write(`${directory.path}/a`, "one", ODD);
  const { ino, birthtime } = info;
  const identity = `${ino} ${birthtime?.getTime() ?? ""}`;
  assertEquals(links.hasIdentity(info, identity), true);
  assertEquals(links.hasIdentity(info, `1${identity}`), false);
});

Deno.test("where no time of birth is kept, a later file of an inode is another one", async () => {
  await using directory = await makeDirectory();
  const info = {
    ...await write(`${directory.path}/file`, "one", ODD),
    birthtime: null,
  };
  const identity = links.identityOf(info);
  assertEquals(links.hasIdentity(info, identity), true);
  assertEquals(links.hasIdentity({ ...info, size: 9 }, identity), false);
  const mtime = new Date(1_000);
  assertEquals(links.hasIdentity({ ...info, mtime }, identity), false);
});
