/** Lists that name directories, as aria2 does with `dir=`. */

import { assertEquals, assertMatch } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  bytesOf,
  file,
  firstDifference,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";

const LIST = ["-i", "-"];

Deno.test("get fetches to the directories that a list names, below its own", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(1000, 1));
  const list =
    `${url}\n  dir=x/y\n${url}\n  dir=x\n  pause=true\n${url}\n  start-at=2099-01-02T03:04:05Z\n`;
  const { code, stdout, stderr } = await startGet(directory.path, LIST, list)
    .ended;
  assertEquals(code, 0, stderr);
  const paths = ["a", "x/a", "x/y/a"].map((path) =>
    `${directory.path}/${path}`
  );
  assertEquals(stdout.trim().split("\n").sort(), paths);
  for (const path of paths) {
    assertEquals(await firstDifference(path, file(1000, 1)), null);
  }
});

for (const [flag, asked] of [["--skip-existing", 0], ["-N", 2]] as const) {
  Deno.test(`with ${flag}, what is in a list's directories is there already`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const content = file(1000, 1);
    const url = origin.serve(
      "/a",
      content,
      ({ headers }) =>
        headers.get("if-none-match") === content.etag ? { status: 304 } : {},
    );
    const list = `${url}\n  dir=x/y\n${url}\n  dir=z\n`;
    const flags = [flag, ...LIST];
    const first = await startGet(directory.path, flags, list).ended;
    assertEquals(first.code, 0, first.stderr);
    const { length } = origin.requests;
    const second = await startGet(directory.path, flags, list).ended;
    assertEquals(second.code, 0, second.stderr);
    const lines = (text: string) => text.trim().split("\n").sort();
    assertEquals(lines(second.stdout), lines(first.stdout));
    assertEquals(origin.requests.length, length + asked);
    assertEquals(filesIn(`${directory.path}/x/y`), ["a"]);
    assertEquals(filesIn(directory.path), ["x", "z"]);
  });
}

Deno.test("--skip-existing finds what somebody else put in a list's directory", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(1000, 1));
  await Deno.mkdir(`${directory.path}/x`);
  await Deno.writeTextFile(`${directory.path}/x/a`, "mine");
  const list = `${url}\n  dir=x\n${url}\n  dir=z\n${url}?\n  dir=z\n`;
  const flags = ["--skip-existing", ...LIST];
  const { code, stdout } = await startGet(directory.path, flags, list).ended;
  assertEquals(code, 0);
  const paths = ["x/a", "z/a", "z/a (1)"];
  const expected = paths.map((path) => `${directory.path}/${path}`);
  assertEquals(stdout.trim().split("\n").sort(), expected);
  assertEquals(await Deno.readTextFile(`${directory.path}/x/a`), "mine");
});

Deno.test("get, killed after it gave a name in a directory, does not fetch again", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(500_000, 6);
  const url = origin.serve("/a", content, { rate: 100_000 });
  const list = `${url}\n  dir=x\n`;
  const own = `${directory.path}/.sluice/get`;
  const parts = () =>
    [...Deno.readDirSync(own)].map(({ name }) => name)
      .filter((name) => /^[0-9a-f]{32}$/.test(name));
  {
    await using get = startGet(directory.path, LIST, list);
    await origin.request(({ path }) => path === "/a");
    while (parts().length === 0) await new Promise((go) => setTimeout(go, 5));
    get.kill("SIGKILL");
    await get.ended;
  }
  const [part = ""] = parts();
  await Deno.writeFile(`${own}/${part}`, bytesOf(content));
  await Deno.mkdir(`${directory.path}/x`);
  await Deno.link(`${own}/${part}`, `${directory.path}/x/a`);
  const { length } = origin.requests;
  const { code, stdout } = await startGet(directory.path, LIST, list).ended;
  assertEquals([code, stdout], [0, `${directory.path}/x/a\n`]);
  assertEquals(origin.requests.length, length);
  assertEquals(directory.names(), ["x"]);
});

for (const dir of ["x", "x/y"]) {
  Deno.test(`get asks for nothing that is to go to a file's place: ${dir}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    await Deno.writeTextFile(`${directory.path}/x`, "mine");
    const [a, b] = ["/a", "/b"].map((path) => origin.serve(path, file(1000)));
    const list = `${a}\n  dir=${dir}\n${b}\n`;
    const { code, stdout, stderr } = await startGet(directory.path, LIST, list)
      .ended;
    assertEquals([code, stdout], [1, `${directory.path}/b\n`]);
    assertMatch(stderr, /^a: failed: There is a file at .*\/x, where a dir/m);
    assertEquals(origin.requests.map(({ path }) => path), ["/b"]);
    assertEquals(filesIn(directory.path), ["b", "x"]);
  });
}

Deno.test("get follows no symlink in a directory's place", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using outside = await makeDirectory();
  await Deno.symlink(outside.path, `${directory.path}/x`);
  const list = `${origin.serve("/a", file(1000, 1))}\n  dir=x\n`;
  const { code, stderr } = await startGet(directory.path, LIST, list).ended;
  assertEquals(code, 1);
  assertMatch(stderr, /a: failed: There is a symlink, which is not followed/);
  assertEquals(outside.names(), []);
});
