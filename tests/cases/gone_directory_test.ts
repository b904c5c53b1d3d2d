/** A content directory that goes away under a server, as with its disk. */

import type { Status } from "../../lib/status/status.ts";
import { assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const MiB = 2 ** 20;

Deno.test("a server ends with its content directory, and goes on where it was", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = `${temporary.path}/content`;
  const elsewhere = `${temporary.path}/elsewhere`;
  await Deno.mkdir(directory);
  const environment = { BYTES_AMOUNT: "1MiB", MAX_DOWNLOADS: "2" };
  const big = file(8 * MiB, 1);
  const small = file(20_000, 2);
  const further = Promise.withResolvers<void>();
  const urls = [
    // Its first half comes; then nothing does until the directory is back.
    origin.serve("/big", big, ({ range }) => ({
      gates: (range?.start ?? 0) >= 4 * MiB
        ? { head: () => further.promise }
        : {},
    })),
    ...Array.from(
      { length: 6 },
      (_, n) => origin.serve(`/small-${n}`, small, { rate: 20_000 }),
    ),
  ];
  let ids: string[];
  {
    await using server = await startSluice({ directory, environment });
    await using client = await server.connect();
    ids = await Promise.all(urls.map((url) => client.add({ url })));
    const [id = ""] = ids;
    const half = ({ downloaded: n, threads }: Status) =>
      n >= 4 * MiB && threads > 0;
    await client.until(id, half);
    // A pause records what has come.
    await client.request({ action: "pause", id });
    await client.until(id, ({ process_status: now }) => now === "Paused");
    await client.request({ action: "resume", id });
    await client.until(id, half);
    await Deno.rename(directory, elsewhere);
    const { code } = await server.ended;
    assertEquals(code, 1);
    assertMatch(
      (await server.printed(/^sluice: .*/m))[0],
      /content is not there any more: bring its disk back, then start again/,
    );
  }
  await Deno.rename(elsewhere, directory);
  further.resolve();
  await using server = await startSluice({ directory, environment });
  await using client = await server.connect();
  const ends = await Promise.all(ids.map((id) => client.end(id)));
  const [first, ...others] = ends;
  await assertDownloaded(first!, big);
  for (const one of others) await assertDownloaded(one, small);
  await server.printed(/ verified .* bytes=4\d{6} lost=0/);
});
