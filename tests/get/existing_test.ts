import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  type OriginRequest,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { canMount, fill, mountDisk } from "../support/small_disk.ts";

/** A sparse file's size, in bytes, which takes longer to read than a test may. */
const HOURS_OF_READING = 2 ** 42;

/** Answers 304 where a request names the file that is there still. */
function conditional({ headers }: OriginRequest, etag: string): Behaviour {
  return headers.get("if-none-match") === etag ? { status: 304 } : {};
}

Deno.test("--skip-existing asks for no file that is there", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a.bin", file(1000, 1));
  const path = join(directory.path, "a.bin");
  await Deno.writeTextFile(path, "mine");
  const flags = ["--skip-existing", url];
  const { code, stdout, stderr } = await startGet(directory.path, flags).ended;
  assertEquals([code, stdout], [0, `${path}\n`]);
  assertEquals(stderr, "a.bin is there already\n");
  assertEquals(origin.requests, []);
  assertEquals(await Deno.readTextFile(path), "mine");
  const json = await startGet(directory.path, ["--json", ...flags]).ended;
  const { process_status: status, path_to_file } = JSON.parse(json.stdout);
  assertEquals([status, path_to_file], ["Downloaded", `file://${path}`]);
});

Deno.test("--skip-existing knows the names that origins gave files", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const headers = { "Content-Disposition": 'attachment; filename="b.zip"' };
  const urls = [
    origin.serve("/get?id=1", file(1000, 1, { headers })),
    // Files of one name, of which none is there before.
    ...Array.from(
      { length: 9 },
      (_, n) => origin.serve(`/${n}/c`, file(1000, n + 2)),
    ),
  ];
  const flags = ["--skip-existing", "--threads-amount", "1", ...urls];
  const numbered = Array.from({ length: 8 }, (_, n) => `c (${n + 1})`);
  const names = ["b.zip", "c", ...numbered];
  for (const requests of [10, 10]) {
    const get = await startGet(directory.path, flags).ended;
    assertEquals(get.code, 0, get.stderr);
    assertEquals(get.stdout.trim().split("\n").length, 10);
    assertEquals(filesIn(directory.path), names);
    assertEquals(origin.requests.length, requests);
  }
});

Deno.test("a file without the checksum asked for does not count as there", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(1000, 1);
  const url = origin.serve("/a", content);
  const path = join(directory.path, "a");
  const digest = await crypto.subtle.digest("SHA-256", bytesOf(content));
  const sha256 = new Uint8Array(digest).toHex();
  for (const flag of ["--skip-existing", "--timestamping"]) {
    const flags = [flag, "--sha256", sha256, url];
    await Deno.writeFile(path, bytesOf(content));
    const kept = await startGet(directory.path, flags).ended;
    assertEquals([kept.code, kept.stdout], [0, `${path}\n`]);
    assertEquals(origin.requests, []);
  }
  await Deno.writeTextFile(path, "another");
  const flags = ["--skip-existing", "--sha256", sha256, url];
  const { code, stdout } = await startGet(directory.path, flags).ended;
  assertEquals([code, stdout], [0, `${path} (1)\n`]);
  assertEquals(await firstDifference(`${path} (1)`, content), null);
  assertEquals(await Deno.readTextFile(path), "another");
});

for (const flag of ["--skip-existing", "-N"]) {
  Deno.test(`with ${flag}, a symlink that leads to no file is none`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const { path } = directory;
    const targets = { itself: "itself", nothing: "none", odd: "plain/x" };
    await Deno.writeTextFile(`${path}/plain`, "");
    for (const [name, target] of Object.entries(targets)) {
      await Deno.symlink(target, `${path}/${name}`);
    }
    const names = Object.keys(targets);
    const content = file(1000, 1);
    const urls = names.map((name) => origin.serve(`/${name}`, content));
    const get = await startGet(path, [flag, ...urls]).ended;
    const paths = names.map((name) => `${path}/${name} (1)`);
    assertEquals(get.code, 0, get.stderr);
    assertEquals(get.stdout.trim().split("\n").sort(), paths);
  });
}

Deno.test("the first Ctrl-C ends the reading of a file that is there", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const small = file(1000, 1);
  const digest = await crypto.subtle.digest("SHA-256", bytesOf(small));
  const sha256 = new Uint8Array(digest).toHex();
  const list = ["small", "big"].map((name) =>
    `${origin.serve(`/${name}`, small)}\n  checksum=sha-256=${sha256}\n`
  ).join("");
  await Deno.writeFile(`${directory.path}/small`, bytesOf(small));
  await Deno.writeFile(`${directory.path}/big`, new Uint8Array());
  await Deno.truncate(`${directory.path}/big`, HOURS_OF_READING);
  const flags = ["--skip-existing", "-i", "-"];
  await using get = startGet(directory.path, flags, list);
  await get.printed(/^small is there already$/m);
  get.kill("SIGINT");
  const late = setTimeout(() => get.kill("SIGKILL"), 20_000);
  const { code, stderr } = await get.ended.finally(() => clearTimeout(late));
  assertEquals(code, 130, stderr);
  assertEquals(directory.names(), ["big", "small"]);
});

for (const knows of [true, false]) {
  const origins = knows ? "knows" : "does not know";
  Deno.test(`-N renews what has changed, where the origin ${origins} conditions`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const path = join(directory.path, "a");
    let current = file(300_000, 1);
    const url = origin.serve("/a", current, (request) => ({
      file: current,
      ...(knows && conditional(request, current.etag ?? "")),
    }));
    async function get(): Promise<string> {
      const { code, stdout, stderr } = await startGet(directory.path, [
        "-N",
        url,
      ]).ended;
      assertEquals([code, stdout], [0, `${path}\n`], stderr);
      assertEquals(filesIn(directory.path), ["a"]);
      assertEquals(await firstDifference(path, current), null);
      return stderr;
    }
    assertMatch(await get(), /^a: 293 KiB in/m);
    const { length } = origin.requests;
    assertEquals(await get(), "a has not changed\n");
    assertEquals(origin.requests.length, length + 1);
    current = file(300_000, 2);
    assertMatch(await get(), /^a: 293 KiB in/m);
    assertEquals(await get(), "a has not changed\n");
  });
}

Deno.test("-N follows redirects with its condition", async () => {
  await using origin = await startOrigin();
  await using other = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(1000, 1);
  const to = other.serve(
    "/real",
    content,
    (request) => conditional(request, content.etag ?? ""),
  );
  const url = origin.serve("/a", content, {
    status: 302,
    headers: { Location: to },
  });
  const flags = ["-N", "-o", "x", url];
  for (const line of [/^x: 1000 B in/m, /^x has not changed$/m]) {
    const { code, stderr } = await startGet(directory.path, flags).ended;
    assertEquals(code, 0, stderr);
    assertMatch(stderr, line);
  }
  const condition = other.requests.at(-1)?.headers.get("if-none-match");
  assertEquals(condition, content.etag);
});

Deno.test("-N leaves a file whose origin calls the new one otherwise", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  let version = 1;
  const content = () => {
    const disposition = `attachment; filename="v${version}.zip"`;
    const headers = { "Content-Disposition": disposition };
    return file(1000, version, { headers });
  };
  const url = origin.serve("/latest", content(), () => ({ file: content() }));
  for (; version < 3; version++) {
    const { code, stdout } = await startGet(directory.path, ["-N", url]).ended;
    assertEquals([code, stdout], [0, `${directory.path}/v${version}.zip\n`]);
  }
  for (const n of [1, 2]) {
    const path = join(directory.path, `v${n}.zip`);
    assertEquals(await firstDifference(path, file(1000, n)), null);
  }
});

Deno.test("-N replaces no file that it did not make", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(1000, 1);
  const url = origin.serve("/a", content);
  const path = join(directory.path, "a");
  await Deno.writeTextFile(path, "mine");
  assertEquals((await startGet(directory.path, ["-N", url]).ended).code, 0);
  assertEquals(filesIn(directory.path), ["a", "a (1)"]);
  // One that was changed since is somebody's own, too.
  await Deno.writeTextFile(`${path} (1)`, "mine, too");
  assertEquals((await startGet(directory.path, ["-N", url]).ended).code, 0);
  assertEquals(filesIn(directory.path), ["a", "a (1)", "a (2)"]);
  assertEquals(await Deno.readTextFile(path), "mine");
  assertEquals(await Deno.readTextFile(`${path} (1)`), "mine, too");
  assertEquals(await firstDifference(`${path} (2)`, content), null);
});

Deno.test("-N knows a file by the time that --remote-time gave it", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const lastModified = "Tue, 04 Mar 2025 05:06:07 GMT";
  const url = origin.serve("/a", file(1000, 1, { lastModified }));
  const first = await startGet(directory.path, ["--remote-time", url]).ended;
  assertEquals(first.code, 0, first.stderr);
  const { code, stderr } = await startGet(directory.path, ["-N", url]).ended;
  assertEquals([code, stderr], [0, "a has not changed\n"]);
  assertEquals(directory.names(), ["a"]);
});

Deno.test("-N of a file that is gone at its origin keeps the old one", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  let gone = false;
  const content = file(1000, 1);
  const url = origin.serve("/a", content, () => gone ? { status: 404 } : {});
  await startGet(directory.path, ["-N", url]).ended;
  gone = true;
  const { code, stderr } = await startGet(directory.path, ["-N", url]).ended;
  assertEquals(code, 1);
  assertMatch(stderr, /^a: failed: The origin answered 404/m);
  assertEquals(
    await firstDifference(join(directory.path, "a"), content),
    null,
  );
});

Deno.test({
  name: "-N leaves no half of a record where the file has filled the disk",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const url = origin.serve("/a", file(1000, 1));
    // A block for the file, and none for what is remembered of it.
    await fill(disk.path, 4096);
    const flags = ["--min-free-space", "0", "-N", url];
    const { code, stdout, stderr } = await startGet(disk.path, flags).ended;
    assertEquals([code, stdout], [0, `${disk.path}/a\n`]);
    assertMatch(stderr, /^sluice: The disk is full: .*$/m);
    const records = [...Deno.readDirSync(`${disk.path}/.sluice/finished`)];
    assertEquals(records, []);
  },
});

Deno.test("-N of many asks for each, and ends", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const names = Array.from({ length: 40 }, (_, n) => `f${n}`);
  const urls = names.map((name, n) => origin.serve(`/${name}`, file(100, n)));
  const flags = ["-N", "--threads-amount", "4", ...urls];
  for (const round of [1, 2]) {
    const { code, stdout, stderr } = await startGet(directory.path, flags)
      .ended;
    assertEquals(code, 0, `${round}: ${stderr}`);
    assertEquals(stdout.trim().split("\n").length, 40);
    assertEquals(filesIn(directory.path), names.toSorted());
  }
});

Deno.test("--skip-existing and -N exclude each other", async () => {
  await using directory = await makeDirectory();
  const flags = ["-N", "--skip-existing", "https://a.example/x"];
  const { code, stderr } = await startGet(directory.path, flags).ended;
  assertEquals(code, 2);
  assertMatch(stderr, /^sluice: --skip-existing asks for no file .*\n$/);
});
