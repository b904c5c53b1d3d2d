/** Content directories that are somewhere else at the next start. */

import { assertEquals } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startServer } from "../support/process.ts";
import { run, taskArguments } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const WHOLE = file(100_000);

Deno.test("a content directory that was moved takes its finished files along", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const [before, after] = ["before", "after"]
    .map((name) => `${temporary.path}/${name}`) as [string, string];
  let id = "";
  let below = "";
  {
    await using downloads = await startDownloads({ directory: before });
    const url = origin.serve("/a%20b.bin", WHOLE);
    id = await downloads.add({ url });
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.path_to_file, `file://${before}/a%20b.bin`);
    below = await downloads.add({ url, directory: "x y" });
    await downloads.end(below);
  }
  await Deno.rename(before, after);
  await using downloads = await startDownloads({ directory: after });
  const { coordinator } = downloads;
  const link = `file://${after}/a%20b.bin`;
  assertEquals(coordinator.get(id)?.path_to_file, link);
  assertEquals(coordinator.pathOf(id), `${after}/a b.bin`);
  assertEquals(coordinator.pathOf(below), `${after}/x y/a b.bin`);
  await coordinator.command(id, { kind: "remove", deleteFile: true });
  assertEquals(filesIn(after), ["x y"]);
});

Deno.test("remove --delete-file says what it did not delete, with exit code 1", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const { url } = server;
  async function remote(...args: string[]) {
    const [command = ""] = args;
    const words = taskArguments("list", "").map((word) =>
      word === "list" ? command : word
    );
    return await run([...words, ...args.slice(1), "--server", url]);
  }
  const added = await remote("add", origin.serve("/a", WHOLE));
  const id = added.stdout.trim();
  await server.printed(/ downloaded id=/);
  await Deno.remove(`${directory.path}/a`);
  const removed = await remote("remove", "--delete-file", id);
  assertEquals(removed, {
    code: 1,
    stdout: "",
    stderr: `sluice: ${id}: The download is off the list, but its file was ` +
      `not deleted: it was not at ${directory.path}/a any more.\n`,
  });
  const list = await remote("list", "--json");
  assertEquals([list.code, list.stdout], [0, ""]);
});
