/** What a `get` leaves that is killed, and what the next one makes of it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import { withFlags } from "../support/permissions.ts";
import { start, type Started, startGet } from "../support/process.ts";
import { taskArguments } from "../support/sluice.ts";
import { makePlace } from "../support/unprivileged.ts";

/** More changes of the disk than such a `get` makes. */
const MOST_CHANGES = 40;

/** A `get` that is killed after so many changes of the disk. */
function startDying(
  directory: string,
  { changes, links = true }: { changes: number; links?: boolean },
  args: readonly string[],
): Started {
  const globals = `Object.assign(globalThis, { changes: ${changes}, links: ` +
    `${links} })`;
  const words = withFlags(taskArguments("get", directory), [
    "--allow-run",
    `--preload=data:text/javascript,${encodeURIComponent(globals)}`,
    "--preload=tests/support/die_at_change.ts",
  ]);
  return start([...words, ...args]);
}

/** The paths of all files in Sluice's own directory of a content directory. */
function ownFiles(directory: string, below = ".sluice"): string[] {
  try {
    return [...Deno.readDirSync(`${directory}/${below}`)].flatMap((entry) => {
      const path = `${below}/${entry.name}`;
      return entry.isDirectory ? ownFiles(directory, path) : [path];
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

for (
  const { first, then, links = true } of [
    { first: [], then: ["--skip-existing"] },
    { first: [], then: ["--skip-existing"], links: false },
    { first: ["-N"], then: ["-N"] },
  ]
) {
  const killed = ["get", ...first, ...(links ? [] : ["without hard links"])];
  const name = `get ${then} removes what a killed ${killed.join(" ")} has left`;
  Deno.test(name, async () => {
    await using origin = await startOrigin();
    const content = file(1000, 1);
    const url = origin.serve("/a", content);
    for (let changes = 0;; changes++) {
      assert(changes < MOST_CHANGES);
      await using directory = await makeDirectory();
      const { path } = directory;
      const killed = await startDying(path, { changes, links }, [
        ...first,
        url,
      ]).ended;
      const again = await startDying(path, { changes: Infinity, links }, [
        ...then,
        url,
      ]).ended;
      assertEquals(again.code, 0, again.stderr);
      assertEquals(filesIn(path), ["a"]);
      assertEquals(await firstDifference(`${path}/a`, content), null);
      const left = ownFiles(path)
        .filter((path) => !/^\.sluice\/finished\/\w+\.json$/.test(path));
      assertEquals(left, [], `after ${changes} changes`);
      if (killed.code === 137) continue;
      assertEquals(killed.code, 0, killed.stderr);
      break;
    }
  });
}

Deno.test("get --skip-existing leaves what another get works with", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const gate = Promise.withResolvers<void>();
  const content = file(1000, 1);
  const url = origin.serve("/a", content, {
    gates: { 500: () => gate.promise },
  });
  const path = `${directory.path}/a`;
  await Deno.writeTextFile(path, "mine");
  await using first = startGet(directory.path, ["--json", url]);
  await first.printed(/"downloaded":500/);
  const flags = ["--skip-existing", url];
  const second = await startGet(directory.path, flags).ended;
  assertEquals([second.code, second.stdout], [0, `${path}\n`]);
  gate.resolve();
  assertEquals((await first.ended).code, 0);
  assertEquals(await firstDifference(`${path} (1)`, content), null);
  assertEquals(directory.names(), ["a", "a (1)"]);
});

Deno.test("get takes apart the locks of two files that a killed get held as one", async () => {
  await using origin = await startOrigin();
  const urls = Array.from(
    { length: 8 },
    (_, n) => origin.serve(`/${n}`, file(1000, n)),
  );
  // Of so many files, the last ones get the locks of the first ones.
  const args = ["--threads-amount", "1", ...urls];
  await using directory = await makeDirectory();
  const { path } = directory;
  const words = withFlags(taskArguments("get", path), [
    "--allow-run",
    "--preload=tests/support/die_with_two_locks.ts",
  ]);
  assertEquals((await start([...words, ...args]).ended).code, 137);
  const { code, stderr } = await startGet(path, args).ended;
  assertEquals(code, 0, stderr);
  assertEquals(ownFiles(path), []);
});

Deno.test("what a killed get left hinders none where it cannot be removed", async () => {
  await using origin = await startOrigin();
  await using place = await makePlace();
  const content = await Deno.realPath(place.content);
  const run = async (args: readonly string[], kill?: Promise<unknown>) => {
    const words = [...taskArguments("get", content), ...args];
    const child = place.start(words, { DENO_DIR: place.denoDir });
    await kill?.then(() => child.kill("SIGKILL"));
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  const url = origin.serve("/a", file(1000), {
    gates: { head: () => new Promise(() => {}) },
  });
  await run([url], origin.request(({ path }) => path === "/a"));
  assertMatch(ownFiles(content)[0] ?? "", /\.lock$/);
  await Deno.writeTextFile(`${content}/a`, "");
  await Deno.chmod(`${content}/.sluice/get`, 0o555);
  const found = await run(["--skip-existing", url]);
  assertEquals(found, {
    code: 0,
    stdout: `${content}/a\n`,
    stderr: "a is there already\n",
  });
  const { code, stderr } = await run([url]);
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^a: failed: Cannot use the content directory: [^\n]+\n$/,
  );
});
