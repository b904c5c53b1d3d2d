import { assertEquals, assertLess } from "@std/assert";
import { createMoveIn } from "../../lib/cluster/move_in.ts";
import { makeDirectory } from "../support/directory.ts";

/** A content directory with a queue of its own, which is moved in by hand. */
async function makeQueue() {
  const directory = await makeDirectory();
  const own = `${directory.path}/.sluice`;
  await Deno.mkdir(`${own}/cluster`, { recursive: true });
  await Deno.writeTextFile(`${own}/state.db`, "a queue");
  return {
    path: directory.path,
    end: () => Deno.renameSync(`${own}/state.db`, `${own}/state.db.migrated`),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

Deno.test("one server at a time moves a queue in, once, and the other waits for that", async () => {
  await using queue = await makeQueue();
  const moved: string[] = [];
  const going = Promise.withResolvers<void>();
  const server = (name: string) =>
    createMoveIn({
      contentDirectory: queue.path,
      log: () => {},
      async migrate() {
        moved.push(name);
        await going.promise;
        queue.end();
      },
    });
  using one = server("one");
  using two = server("two");
  // The second time, as one that has lost its broker meanwhile.
  const begun = [one.begin(), one.begin(), two.begin()];
  const first = await Promise.race([
    ...begun,
    one.done,
    two.done,
    new Promise((resolve) => setTimeout(resolve, 300, "none")),
  ]);
  assertEquals([first, moved.length], ["none", 1]);
  going.resolve();
  await Promise.all([...begun, one.done, two.done]);
  assertEquals(moved.length, 1);
});

Deno.test("what could not be moved in is moved in later, and not done before", async () => {
  await using queue = await makeQueue();
  const said: unknown[] = [];
  let tries = 0;
  let isDone = false;
  using moveIn = createMoveIn({
    contentDirectory: queue.path,
    log: (event) => said.push(event),
    async migrate() {
      await Promise.resolve();
      if (++tries < 3) throw new Error("no broker");
      queue.end();
    },
  });
  const done = moveIn.done.then(() => isDone = true);
  const start = performance.now();
  await moveIn.begin();
  assertLess(performance.now() - start, 1_000);
  assertEquals([tries, isDone], [1, false]);
  await done;
  assertEquals([tries, said], [3, ["not migrated"]]);
});
