/** A server's copy of the queue on a disk that is full for a while. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { add, ask } from "../support/api.ts";
import { startBroker } from "../support/broker.ts";
import { LONG_LEASE, startNode } from "../support/cluster.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { canMount, fill, makeRoom, mountDisk } from "../support/small_disk.ts";

/** More than are read at a time as the copy is repaired. */
const MANY = 150;

Deno.test({
  name:
    "what is added while the disk of the copy is full is shown once it is not",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using broker = await startBroker();
    await using content = await makeDirectory();
    await using disk = await mountDisk();
    const start = () =>
      startNode({
        ...{ broker: broker.address, name: "one", directory: content.path },
        environment: { ...LONG_LEASE, STATE_DIRECTORY: disk.path },
        deno: [`--allow-read=${disk.path}`, `--allow-write=${disk.path}`],
      });
    await using one = await start();
    await using client = await one.connect();
    const paused = { url: "http://127.0.0.1:9/paused", paused: true };
    const removed = await add(one, paused);
    const kept = await add(one, paused);
    await fill(disk.path, 0);
    const url = origin.serve("/a.bin", file(1_000));
    const refused = await ask(one, "POST /downloads", { url });
    assertEquals(refused.status, 503);
    assertMatch(refused.body.detail, /is in the queue.*do not add it again/);
    const urls = Array.from({ length: MANY }, (_, n) => ({
      ...paused,
      url: `http://127.0.0.1:9/${n}`,
    }));
    const reply = await client.request({ urls });
    assert("data" in reply && "ids" in reply.data && reply.data.ids);
    const ids = [...reply.data.ids];
    await ask(one, `DELETE /downloads/${removed.id}`);
    await makeRoom(disk.path);
    await one.printed(/copy whole/);
    await one.printed(/ downloaded id=/);
    async function assertListed(node: typeof one): Promise<void> {
      const { body } = await ask(node, "GET /downloads?limit=1000");
      const found = body.data.map(({ id }: { id: string }) => id);
      const [added] = found.filter((id: string) =>
        id !== kept.id && !ids.includes(id)
      );
      assertEquals(
        found.toSorted(),
        [kept.id, added, ...ids].toSorted(),
      );
      const { body: totals } = await ask(node, `GET /downloads/${added}`);
      assertEquals(totals.process_status, "Downloaded");
    }
    await assertListed(one);
    assertEquals(one.output().match(/copy lags/g)?.length, 1);
    // What the copy says is no less after a start.
    one.kill("SIGKILL");
    await one.ended;
    await using again = await start();
    await again.printed(/caught up/);
    await assertListed(again);
  },
});
