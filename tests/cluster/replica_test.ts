import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path/join";
import { newEntry } from "../../lib/cluster/entry.ts";
import { openReplica } from "../../lib/cluster/replica.ts";
import { createDownload } from "../../lib/download/download.ts";
import { STEPS } from "../../lib/store/migrations.ts";
import { makeDirectory } from "../support/directory.ts";
import { REQUEST } from "../support/transfers.ts";

Deno.test("a copy of an older version has its downloads where their entries say", async () => {
  await using directory = await makeDirectory();
  const path = join(directory.path, "replica.db");
  const ids = ["c", "a", "b"];
  {
    using replica = openReplica(path, directory.path);
    await Promise.all(ids.map((id, n) => {
      const download = createDownload(REQUEST, 0, id);
      const order = 10 + id.charCodeAt(0);
      return replica.apply(id, { ...newEntry(download), order }, 500 + n);
    }));
  }
  {
    using db = new DatabaseSync(path);
    // As the step makes it that gives downloads their places.
    const [, step = ""] =
      STEPS.join().match(/;\s*(UPDATE downloads SET place = [^;]*)/) ?? [];
    db.exec(step);
  }
  for (const _ of ["first", "second"]) {
    using replica = openReplica(path, directory.path);
    const { store } = replica;
    assertEquals(store.waiting([], 9), ["a", "b", "c"]);
    assertEquals(store.open(9).map(({ id }) => id), ["a", "b", "c"]);
  }
});

Deno.test("a copy that cannot be emptied for another bucket is emptied later", async () => {
  await using directory = await makeDirectory();
  const path = join(directory.path, "replica.db");
  using replica = openReplica(path, directory.path);
  await replica.reset("before");
  await replica.apply("a", newEntry(createDownload(REQUEST, 0, "a")), 5);
  replica.reach(5);
  using db = new DatabaseSync(path);
  const refused = ["downloads", "entries"].map((table) => `refused_${table}`);
  for (const name of refused) {
    const table = name.replace("refused_", "");
    db.exec(
      `CREATE TRIGGER ${name} BEFORE DELETE ON ${table}
       BEGIN SELECT RAISE(FAIL, 'full'); END`,
    );
  }
  await assertRejects(() => replica.reset("after"));
  assertEquals([replica.bucket(), replica.count()], ["", 0]);
  for (const name of refused) db.exec(`DROP TRIGGER ${name}`);
  assertEquals(await replica.reset("after"), ["a"]);
  assertEquals([replica.bucket(), replica.position()], ["after", 0]);
  assertEquals(replica.store.get("a"), null);
});
