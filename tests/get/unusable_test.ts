/** Content directories in which nothing can be made. */

import { assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startGet } from "../support/process.ts";

const CASES: readonly [
  what: string,
  spoil: (directory: string) => Promise<unknown>,
][] = [
  [
    "Sluice's directory is a symlink to nothing",
    (path) => Deno.symlink(`${path}/gone`, `${path}/.sluice`),
  ],
  [
    "Sluice's directory is a file",
    (path) => Deno.writeTextFile(`${path}/.sluice`, ""),
  ],
  [
    "the directory of parts is a file",
    async (path) => {
      await Deno.mkdir(`${path}/.sluice`);
      await Deno.writeTextFile(`${path}/.sluice/get`, "");
    },
  ],
  [
    "the content directory is a symlink to nothing",
    async (path) => {
      await Deno.remove(path);
      await Deno.symlink(`${path}-gone`, path);
    },
  ],
];

for (const [what, spoil] of CASES) {
  Deno.test(`get says that nothing can be written where ${what}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const path = `${directory.path}/content`;
    await Deno.mkdir(path);
    await spoil(path);
    const url = origin.serve("/a", file(1000));
    assertRefused(await ended(path, url), path);
    assertEquals(origin.requests, []);
  });
}

/** How a `get` into a directory ended; it is killed if it takes too long. */
async function ended(directory: string, url: string) {
  await using get = startGet(directory, [
    ...["--content-directory", directory],
    url,
  ]);
  const late = setTimeout(() => get.kill("SIGKILL"), 20_000);
  return await get.ended.finally(() => clearTimeout(late));
}

function assertRefused(
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  directory: string,
): void {
  assertEquals([code, stdout], [1, ""], stderr);
  const line = `Nothing can be written to ${directory}: make that possible, `;
  assertMatch(stderr, RegExp(`^[^\\n]*${line}[^\\n]*\\n$`));
}
