import { assertEquals } from "@std/assert";
import { connect } from "../../lib/cli/client.ts";
import { allPages } from "../../lib/cli/ids.ts";
import { addAll } from "../../lib/cli/remote.ts";
import { makeDirectory } from "../support/directory.ts";
import { startServer } from "../support/process.ts";

Deno.test("all pages have each download once, whatever leaves the list meanwhile", async () => {
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const address = { url: server.url, token: null, caCerts: [] };
  using client = await connect(address);
  const ids: string[] = [];
  const add = (amount: number) => {
    const asked = Array.from({ length: amount }, (_, n) => (
      { url: `http://h.test/${n}`, paused: true }
    ));
    return addAll(asked, address, false, {
      line: (id) => ids.push(id),
      width: Infinity,
    });
  };
  await add(100);
  const read: string[] = [];
  const filter = { order: "oldest" };
  for await (const statuses of allPages(client, filter, 10)) {
    read.push(...statuses.map(({ id }) => id));
    // What is read is removed: one by one, page by page, and at last nearly all.
    const gone = read.length < 40
      ? read.slice(-1)
      : read.length < 80
      ? read.slice(-10)
      : read.filter((id) => id !== ids[0]);
    await client.request({ action: "remove", ids: gone });
    if (ids.length === 100) await add(3);
  }
  assertEquals(read, ids);
  assertEquals(new Set(read).size, 103);
});
