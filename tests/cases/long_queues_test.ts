/** Many downloads at once. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { assertServes } from "../support/health.ts";
import { file, forever, startOrigin } from "../support/origin.ts";
import { connectRawSocket, frameOf, TEXT } from "../support/raw.ts";
import { addAll, codeOf, waitingDownloads } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;

Deno.test("the same URL twice is two downloads and two files", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await using other = await sluice.connect();
  const whole = file(500 * KiB, 25);
  const url = origin.serve("/same.bin", whole);
  const ids = await Promise.all([
    client.add({ url }),
    client.add({ url }),
    other.add({ url }),
    addAll(client, [url, url]),
  ]);
  const ends = await Promise.all(ids.flat().map((id) => client.end(id)));
  const paths = ends.map(({ path_to_file }) => path_to_file);
  assertEquals(new Set(paths).size, 5);
  for (const end of ends) await assertDownloaded(end, whole);
});

Deno.test("10,000 URLs at once, and one by one, outlive a kill", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const urls = waitingDownloads(origin, 10_000, forever());
  const options = { directory, environment: { THREADS_PER_HOST: "4" } };
  const ids = new Set<string>();
  {
    await using sluice = await startSluice(options);
    await using client = await sluice.connect();
    const started = performance.now();
    for (const id of await addAll(client, urls)) ids.add(id);
    assertEquals(ids.size, 10_000);
    using socket = await connectRawSocket(sluice);
    const frames = urls.map((url, n) =>
      frameOf(TEXT, JSON.stringify({ url, request_id: n }))
    );
    const writing = (async () => {
      for (const frame of frames) await socket.write(frame);
    })();
    const answered = new Set<unknown>();
    while (answered.size < urls.length) {
      const message = await socket.message();
      assert(message !== null);
      if (message.request_id === undefined) continue;
      assert("data" in message && "id" in message.data);
      answered.add(message.request_id);
      ids.add(message.data.id ?? "");
    }
    sluice.kill("SIGKILL");
    await writing;
    assertLess(performance.now() - started, 30_000);
    await sluice.ended;
  }
  assertEquals(ids.size, 20_000);
  await using sluice = await startSluice(options);
  await using client = await sluice.connect();
  const found = new Set<string>();
  for (let offset = 0; offset < 20_000; offset += 1_000) {
    const page = await client.request({
      action: "list",
      offset,
      limit: 1_000,
    });
    assert("data" in page && Array.isArray(page.data));
    for (const { id } of page.data) found.add(id);
  }
  assertEquals(found.size, 20_000);
  assertEquals(found.difference(ids).size, 0);
  await assertServes(sluice, origin, client);
});

Deno.test("a flood adds no more than QUEUE_LENGTH, in one write too", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { QUEUE_LENGTH: "100" },
  });
  await using client = await sluice.connect();
  const urls = waitingDownloads(origin, 300, forever());
  const replies = await Promise.all(urls.map((url) => client.request({ url })));
  assertEquals(replies.filter((reply) => "data" in reply).length, 100);
  const codes = new Set(replies.map(codeOf));
  assertEquals([...codes].sort(), ["TOO_MUCH", "no error"]);
  assertEquals(codeOf(await client.request({ urls })), "TOO_MUCH");
});
