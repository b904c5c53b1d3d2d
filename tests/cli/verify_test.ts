import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { makeDirectory } from "../support/directory.ts";
import { literal, startOrigin } from "../support/origin.ts";
import { start, startServer } from "../support/process.ts";
import { connect, taskArguments } from "../support/sluice.ts";

const sum = (text: string, algorithm = "sha256") =>
  createHash(algorithm).update(text).digest("hex");

Deno.test("finished files are read again, and what is wrong is said", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  await using client = await connect(server.url);
  const verify = (...args: string[]) =>
    start([...taskArguments("verify", ""), "--server", server.url, ...args])
      .ended;
  const added: string[] = [];
  for (const name of ["a", "b", "c"]) {
    const url = origin.serve(`/${name}`, literal(name));
    added.push(
      await client.add({
        url,
        ...(name === "a" && { sha256: sum("a") }),
        ...(name === "b" && { checksum_from: origin.url("/sums") }),
      }),
    );
    if (name === "a") origin.serve("/sums", literal(`${sum("b", "md5")}  b`));
  }
  for (const id of added) await client.end(id);
  const [a = "", b = "", c = ""] = added;

  const right = await verify("--all");
  assertEquals(right.code, 0);
  assertEquals(
    right.stdout.trim().split("\n").sort(),
    [
      `${a}  right: sha256`,
      `${b}  right: md5, as ${origin.url("/sums")} says`,
    ].sort(),
  );
  assertEquals(right.stderr, "sluice: of 1 no checksum is known\n");

  // In place, as a disk that forgets does it.
  await Deno.writeTextFile(join(directory.path, "a"), "A");
  const wrong = await verify(a.slice(0, 8), b);
  assertEquals(wrong.code, 1);
  assertMatch(
    wrong.stdout,
    RegExp(
      `^${a}  WRONG: its sha256 is ${sum("A")}, not ${sum("a")}\n${b}  ri`,
    ),
  );
  const json = await verify("--json", "--sha256", sum("A"), a);
  assertEquals([json.code, JSON.parse(json.stdout)], [0, {
    id: a,
    fits: true,
    checksum: { algorithm: "sha256", digest: sum("A"), from: "request" },
    digest: sum("A"),
  }]);

  await Deno.remove(join(directory.path, "b"));
  const rest = await verify(b, c);
  assertEquals([rest.code, rest.stdout], [1, ""]);
  assertMatch(rest.stderr, RegExp(`${b}: The file is not here any more`));
  assertMatch(rest.stderr, RegExp(`${c}: .*no checksum is known.* Give one`));
  for (
    const args of [[], ["--all", a], ["--md5", "0".repeat(32), a, b]]
  ) assertEquals((await verify(...args)).code, 2);
});
