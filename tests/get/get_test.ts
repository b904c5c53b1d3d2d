import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  bytesOf,
  file,
  firstDifference,
  startOrigin,
} from "../support/origin.ts";
import {
  flagsFor,
  PERMISSION_SETS,
  withFlags,
} from "../support/permissions.ts";
import { start, type Started, startGet } from "../support/process.ts";
import { projectPath, taskArguments } from "../support/sluice.ts";
import { canMount, fill, makeRoom, mountDisk } from "../support/small_disk.ts";

const MiB = 1024 * 1024;

Deno.test("get fetches files, prints their paths, and leaves nothing else", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const [big, small] = [file(3 * MiB, 1), file(1000, 2)];
  const urls = [origin.serve("/big.bin", big), origin.serve("/s", small)];
  const get = startGet(directory.path, ["--bytes-amount", "256KiB", ...urls]);
  const { code, stdout, stderr } = await get.ended;
  assertEquals(code, 0, stderr);
  const paths = [join(directory.path, "big.bin"), join(directory.path, "s")];
  assertEquals(stdout.trim().split("\n").sort(), paths);
  assertEquals(await firstDifference(paths[0] ?? "", big), null);
  assertEquals(await firstDifference(paths[1] ?? "", small), null);
  assertMatch(stderr, /^big\.bin: 3\.0 MiB in [\d.]+ \w+ \(.* [KM]iB\/s\)$/m);
  assertEquals(directory.names(), ["big.bin", "s"]);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`the same command goes on after ${signal}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const content = file(8 * MiB, 3);
    let slow = true;
    const url = origin.serve(
      "/a?key=secret",
      content,
      () => slow ? { rate: MiB } : {},
    );
    const flags = ["--bytes-amount", "1MiB", "--threads-amount", "2", url];
    {
      await using get = startGet(directory.path, flags);
      await recorded(directory.path, get);
      get.kill(signal);
      // A terminal's Ctrl-C reaches the child of a task twice.
      if (signal === "SIGINT") get.kill(signal);
      const { code, stdout, stderr } = await get.ended;
      assertEquals([code, stdout], [signal === "SIGINT" ? 130 : 137, ""]);
      if (signal === "SIGINT") assertMatch(stderr, /the same command goes on/);
      assert(!stderr.includes("secret"));
    }
    assertEquals(directory.names(), [".sluice"]);
    slow = false;
    const asked = origin.requests.length;
    const { code, stderr } = await startGet(directory.path, flags).ended;
    assertEquals(code, 0, stderr);
    const again = origin.requests.slice(asked);
    assert(again.every(({ range }) => (range?.start ?? 0) > 0), "anew");
    assertEquals(await firstDifference(`${directory.path}/a`, content), null);
    assertEquals(directory.names(), ["a"]);
  });
}

for (const flags of [[], ["-o", "b"], ["--sync", "false"]]) {
  Deno.test(`killed before it forgets a named file, get has told of it: ${flags}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const url = origin.serve("/b", file(100_000));
    const words = withFlags(taskArguments("get", directory.path), [
      "--allow-run",
      "--preload=tests/support/die_before_removal.ts",
    ]);
    const killed = await start([...words, ...flags, url]).ended;
    const told = `${directory.path}/b\n`;
    assertEquals([killed.code, killed.stdout], [137, told], killed.stderr);
    const asked = origin.requests.length;
    const again = await startGet(directory.path, [...flags, url]).ended;
    assertEquals([again.code, again.stdout], [0, told], again.stderr);
    assertEquals(origin.requests.length, asked);
    assertEquals(directory.names(), ["b"]);
  });
}

Deno.test("a get of many files of an origin that says nothing gets others' files", async () => {
  await using silent = await startOrigin();
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const never = { gates: { head: () => new Promise(() => {}) } };
  const content = file(1000, 4);
  const urls = Array.from(
    { length: 100 },
    (_, n) => silent.serve(`/silent-${n}`, content, never),
  );
  const paths = ["/1", "/2", "/3"];
  urls.push(...paths.map((path) => origin.serve(path, content)));
  const flags = ["--threads-amount", "4", "--stall-timeout", "1000000"];
  await using get = startGet(directory.path, [...flags, ...urls]);
  for (const path of paths) {
    await get.printed(RegExp(`^${directory.path}${path}$`, "m"));
    const found = await firstDifference(directory.path + path, content);
    assertEquals(found, null);
  }
});

/** What the shell makes of `get`: its output goes where `tail` says. */
async function getInto(
  tail: string,
  directory: string,
  args: readonly string[],
): Promise<{ code: number; stderr: string }> {
  const get = [Deno.execPath(), ...taskArguments("get", directory), ...args];
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", `set -o pipefail; "$@" ${tail}`, "bash", ...get],
    cwd: projectPath("."),
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

for (const json of [false, true]) {
  const flags = json ? ["--json"] : [];
  const words = ["get", ...flags].join(" ");
  Deno.test(`${words} ends when nobody reads its output`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const urls = Array.from(
      { length: 20 },
      (_, n) => origin.serve(`/${n}`, file(1000, n)),
    );
    const args = [...flags, ...urls];
    const { code, stderr } = await getInto("| true", directory.path, args);
    assertEquals(code, 1);
    assert(!/sluice:|Uncaught|^ +at /m.test(stderr), stderr);
  });

  Deno.test(`${words} says that its output cannot be written`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const args = [...flags, origin.serve("/a", file(1000, 1))];
    const full = await getInto("> /dev/full", directory.path, args);
    assertEquals(full.code, 1);
    assertMatch(
      full.stderr,
      /^sluice: Standard output cannot be written: No space .*$/m,
    );
  });
}

Deno.test("without a terminal, get says that it tries again, and what has come", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const busy = origin.serve("/busy", file(1000), { status: 503 });
  const unknown = origin.serve("/unknown", file(100_000), {
    ranges: "ignore",
    framing: "chunked",
    gates: { 50_000: () => new Promise(() => {}) },
  });
  await using get = startGet(directory.path, [busy, unknown]);
  await get.printed(/^busy: trying again: The origin answered 503/m);
  await get.printed(/^unknown: \d.* KiB/m);
});

Deno.test("get goes on only where the disk has room", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(8 * MiB, 5), { rate: MiB });
  const flags = ["--bytes-amount", "1MiB", "--threads-amount", "2", url];
  {
    await using get = startGet(directory.path, flags);
    await recorded(directory.path, get);
    get.kill("SIGINT");
    await get.ended;
  }
  const more = ["--min-free-space", "100TB"];
  const get = await startGet(directory.path, [...more, ...flags]).ended;
  assertEquals(get.code, 1);
  assertMatch(get.stderr, /^a: paused: The disk is full up to MIN_FREE_SPACE/m);
  assertEquals(directory.names(), [".sluice"]);
});

function records(directory: string): string[] {
  try {
    return [...Deno.readDirSync(join(directory, ".sluice", "get"))]
      .map(({ name }) => name).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Resolves once the process has recorded what is in a part file. */
async function recorded(directory: string, get: Started): Promise<void> {
  let over = false;
  get.ended.then(() => over = true);
  while (records(directory).length === 0) {
    if (over) throw new Error("It ended without a record");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A get that is ended once it has recorded something; the record's path. */
async function leaveHalf(
  directory: string,
  flags: readonly string[],
  signal: Deno.Signal,
): Promise<string> {
  await using get = startGet(directory, flags);
  await recorded(directory, get);
  get.kill(signal);
  await get.ended;
  const [record = ""] = records(directory);
  return join(directory, ".sluice", "get", record);
}

Deno.test("one that fails is told, and the others are fetched", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const good = origin.serve("/good", file(1000));
  const get = startGet(directory.path, [
    good,
    origin.url("/none?token=secret"),
  ]);
  const { code, stdout, stderr } = await get.ended;
  assertEquals([code, stdout], [1, `${directory.path}/good\n`]);
  assertMatch(stderr, /^none: failed: The origin answered 404.*\/none\)$/m);
  assertMatch(stderr, /^sluice: 1 of 2 downloads failed$/m);
  assert(!stderr.includes("secret"));
  assertEquals(directory.names(), ["good"]);
});

Deno.test("--quiet says nothing, --json one status per line", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(1000));
  const quiet = await startGet(directory.path, ["-q", url]).ended;
  assertEquals(quiet, { code: 0, stdout: "", stderr: "" });
  const json = await startGet(directory.path, ["--json", url]).ended;
  const last = JSON.parse(json.stdout.trim().split("\n").at(-1) ?? "");
  assertEquals([json.code, json.stderr], [0, ""]);
  assertEquals(
    [last.process_status, last.url, last.path_to_file],
    ["Downloaded", url, `file://${directory.path}/a%20(1)`],
  );
});

Deno.test("headers, a name and a checksum are used", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(1000);
  const bytes = new Uint8Array(content.read(0, content.size));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    .toHex();
  const url = origin.serve("/a", content);
  const flags = ["-H", "X-Key: a=b", "--header", "X-Two: -2", "-o", "c.bin"];
  const { code, stdout } = await startGet(directory.path, [
    ...flags,
    `--sha256=${digest}`,
    url,
  ]).ended;
  assertEquals([code, stdout], [0, `${directory.path}/c.bin\n`]);
  const [request] = origin.requests;
  assertEquals(request?.headers.get("x-key"), "a=b");
  assertEquals(request?.headers.get("x-two"), "-2");
  const wrong = await startGet(directory.path, [
    "--sha256",
    "0".repeat(64),
    url,
  ]).ended;
  assertEquals([wrong.code, wrong.stdout], [1, ""]);
  assertMatch(wrong.stderr, /^a: failed: The file's sha256 is/m);
  assertEquals(directory.names(), ["c.bin"]);
});

Deno.test("a list of URLs comes from standard input", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const names = Array.from({ length: 40 }, (_, n) => `f${n}`);
  const urls = names.map((name, n) => origin.serve(`/${name}`, file(n, n)));
  const list = `# all of them\n\n${urls.join("\r\n")}\n${urls[0]}\n`;
  const flags = ["--threads-amount", "4", "--input-file", "-"];
  const { code, stderr } = await startGet(directory.path, flags, list).ended;
  assertEquals(code, 0, stderr);
  assertEquals(directory.names(), names.sort());
});

Deno.test("lists of URLs come from files, from each that is given", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const flags = ["a", "b"].flatMap((name) => {
    const list = `${directory.path}/${name}.txt`;
    Deno.writeTextFileSync(list, origin.serve(`/${name}`, file(9)));
    return ["-i", list];
  });
  const { code, stderr } = await startGet(directory.path, flags).ended;
  assertEquals(code, 0, stderr);
  assertEquals(directory.names(), ["a", "a.txt", "b", "b.txt"]);
});

Deno.test("two gets of one URL do not disturb each other", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/a", file(1000), {
    gates: { head: () => gate.promise },
  });
  await using first = startGet(directory.path, [url]);
  await origin.request(({ nth }) => nth === 0);
  const second = await startGet(directory.path, [url]).ended;
  assertEquals(second.code, 1);
  assertMatch(second.stderr, /Another sluice get fetches this already/);
  gate.resolve();
  assertEquals((await first.ended).code, 0);
  assertEquals(directory.names(), ["a"]);
});

Deno.test("get finds the file that another one, still busy, has finished", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const path = join(directory.path, "a");
  const gates = { head: () => new Promise(() => {}) };
  const urls = ["/a", "/b"].map((path) =>
    origin.serve(path, file(1000, 1), path === "/b" ? { gates } : {})
  );
  await using busy = startGet(directory.path, urls);
  await busy.printed(RegExp(`^${path}$`, "m"));
  const get = await startGet(directory.path, urls.slice(0, 1)).ended;
  assertEquals([get.code, get.stdout], [0, `${path}\n`], get.stderr);
  assertEquals(get.stderr, "a is there already\n");
  const asked = origin.requests.filter(({ path }) => path === "/a");
  assertEquals(asked.length, 1);
});

Deno.test("get leaves a server's queue in the same directory alone", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await Deno.mkdir(join(directory.path, ".sluice", "parts"), {
    recursive: true,
  });
  const lock = join(directory.path, ".sluice", "lock");
  using held = await Deno.open(lock, { write: true, create: true });
  await held.lock(true);
  const url = origin.serve("/a", file(1000));
  const { code, stderr } = await startGet(directory.path, [url]).ended;
  assertEquals(code, 0, stderr);
  assertEquals(directory.names(), [".sluice", "a"]);
  assertEquals(
    [...Deno.readDirSync(join(directory.path, ".sluice"))]
      .map(({ name }) => name).sort(),
    ["lock", "parts"],
  );
});

for (const own of [".sluice", ".sluice/get"]) {
  Deno.test(`get leaves its user's symlink at ${own}`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const elsewhere = join(directory.path, "elsewhere");
    const content = join(directory.path, "content");
    const link = join(content, own);
    await Deno.mkdir(elsewhere);
    await Deno.mkdir(join(link, ".."), { recursive: true });
    await Deno.symlink(elsewhere, link);
    const url = origin.serve("/a", file(1000, 1));
    const flags = ["--content-directory", content, url];
    const { code, stderr } = await startGet(directory.path, flags).ended;
    assertEquals(code, 0, stderr);
    assertEquals(await Deno.readLink(link), elsewhere);
    assertEquals([...Deno.readDirSync(elsewhere)], []);
  });
}

Deno.test("a damaged record, or one of another file, begins anew", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(2 * MiB, 5);
  const url = origin.serve("/a", content, { rate: MiB / 4 });
  const flags = ["--bytes-amount", "128KiB", "--threads-amount", "2", url];
  const path = await leaveHalf(directory.path, flags, "SIGINT");
  await Deno.writeTextFile(path, '{"file": {"name": "../../x"}');
  origin.serve("/a", content);
  assertEquals((await startGet(directory.path, flags).ended).code, 0);
  assertEquals(await firstDifference(`${directory.path}/a`, content), null);
  assertEquals(directory.names(), ["a"]);
});

Deno.test("get, killed while it wrote a record, leaves nothing to the next one", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = file(2 * MiB, 5);
  const url = origin.serve("/a", content, { rate: MiB / 4 });
  const flags = ["--bytes-amount", "128KiB", "--threads-amount", "2", url];
  const path = await leaveHalf(directory.path, flags, "SIGKILL");
  await Deno.writeTextFile(`${path}.new`, '{"file": {');
  origin.serve("/a", content);
  assertEquals((await startGet(directory.path, flags).ended).code, 0);
  assertEquals(await firstDifference(`${directory.path}/a`, content), null);
  assertEquals(directory.names(), ["a"]);
});

Deno.test({
  name: "get leaves no half of a record on a full disk, and goes on later",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const gate = Promise.withResolvers<void>();
    const content = file(4 * MiB, 1);
    const url = origin.serve("/a", content, {
      gates: { [2 * MiB]: () => gate.promise },
    });
    const flags = ["--min-free-space", "0", "--threads-amount", "1", url];
    {
      await using get = startGet(disk.path, flags);
      await recorded(disk.path, get);
      await fill(disk.path, 0);
      gate.resolve();
      const { code, stderr } = await get.ended;
      assertEquals(code, 1);
      assertMatch(stderr, /^a: paused: The disk is full/m);
    }
    const left = [...Deno.readDirSync(`${disk.path}/.sluice/get`)];
    assertEquals(left.filter(({ name }) => name.endsWith(".new")), []);
    await makeRoom(disk.path);
    assertEquals((await startGet(disk.path, flags).ended).code, 0);
    assertEquals(await firstDifference(`${disk.path}/a`, content), null);
    assertEquals(disk.names(), ["a"]);
  },
});

Deno.test({
  name: "a file that the disk has no room for ends only itself",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const gates = { [MiB]: () => new Promise(() => {}) };
    const big = origin.serve("/big", file(20 * MiB), { gates });
    const names = Array.from({ length: 20 }, (_, n) => `small-${n}`);
    const small = names.map((name) => origin.serve(`/${name}`, file(1000)));
    const flags = ["--min-free-space", "0", "--threads-amount", "1"];
    const { code, stdout, stderr } = await startGet(disk.path, [
      ...flags,
      big,
      ...small,
    ]).ended;
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^big: paused: The file needs \d+ MiB more, and the disk has room for/m,
    );
    assertMatch(stderr, /^sluice: 1 of 21 downloads failed$/m);
    assertEquals(stdout.trim().split("\n").length, names.length);
    assertEquals(filesIn(disk.path), names.toSorted());
  },
});

Deno.test({
  name: "of files that fit alone but not together, the first ones come",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const content = file(3 * MiB);
    const names = ["a", "b", "c", "d"];
    const urls = names.map((name) =>
      origin.serve(`/${name}`, content, { rate: MiB })
    );
    const flags = ["--min-free-space", "0", "--threads-per-host", "4"];
    const get = startGet(disk.path, [...flags, ...urls]);
    const { code, stdout, stderr } = await get.ended;
    assertEquals(code, 1);
    const paths = stdout.trim().split("\n");
    assertEquals(paths.length, 2, stderr);
    for (const path of paths) {
      assertEquals(await firstDifference(path, content), null);
    }
    assertMatch(stderr, /has room for \d MiB beside what is being fetched/);
    assertMatch(stderr, /^sluice: 2 of 4 downloads failed$/m);
  },
});

Deno.test({
  name: "a disk that is full ends all, whatever files are small enough",
  ignore: !await canMount(),
  async fn() {
    await using origin = await startOrigin();
    await using disk = await mountDisk();
    const gate = Promise.withResolvers<void>();
    const gates = { [MiB]: () => gate.promise };
    const first = origin.serve("/first", file(2 * MiB), { gates });
    const names = Array.from({ length: 20 }, (_, n) => `${n}`);
    const others = names.map((name) => origin.serve(`/${name}`, file(MiB)));
    const flags = ["--min-free-space", "0", "--threads-amount", "1"];
    await using get = startGet(disk.path, [...flags, first, ...others]);
    await recorded(disk.path, get);
    await fill(disk.path, 0);
    gate.resolve();
    const { code, stderr } = await get.ended;
    assertEquals(code, 1);
    assertMatch(stderr, /^first: paused: The disk is full/m);
    assertEquals(origin.requests.some(({ path }) => path === "/19"), false);
  },
});

for (const what of ["recorded in part", "not recorded"]) {
  Deno.test(`a file ${what} that had its name before a crash is not fetched again`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    const content = file(2 * MiB, 6);
    const url = origin.serve("/a", content, { rate: MiB / 4 });
    const flags = ["--bytes-amount", "128KiB", "--threads-amount", "2", url];
    const path = await leaveHalf(directory.path, flags, "SIGKILL");
    if (what === "not recorded") await Deno.remove(path);
    const part = path.replace(/\.json$/, "");
    await Deno.writeFile(part, bytesOf(content));
    await Deno.link(part, join(directory.path, "a"));
    const { length } = origin.requests;
    // A get of many finds what a get of one has left.
    const others = Array.from({ length: 120 }, (_, n) => `b${n}`);
    const urls = others.map((name) => origin.serve(`/${name}`, file(10)));
    const get = startGet(directory.path, [...flags, ...urls]);
    const { code, stdout, stderr } = await get.ended;
    assertEquals(code, 0, stderr);
    assertMatch(stdout, RegExp(`^${join(directory.path, "a")}$`, "m"));
    assertEquals(origin.requests.length, length + others.length);
    assertEquals(await firstDifference(`${directory.path}/a`, content), null);
    assertEquals(directory.names(), ["a", ...others].sort());
  });
}

Deno.test("files that would not leave MIN_FREE_SPACE do not come", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const urls = ["/a", "/b", "/c"].map((path) =>
    origin.serve(path, file(4 * MiB), { rate: MiB })
  );
  const flags = ["--min-free-space", "1024TiB", "--threads-amount", "1"];
  for (const some of [urls.slice(0, 1), urls]) {
    const { code, stdout, stderr } = await startGet(directory.path, [
      ...flags,
      ...some,
    ]).ended;
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /The disk is full up to MIN_FREE_SPACE/);
  }
});

Deno.test("a wrong use is one line that says what to do, code 2", async () => {
  const url = "https://example.org/a";
  for (
    const [args, line] of [
      [["get"], /There is no URL: sluice get https/],
      [
        ["get", "--outptu", "x", url],
        /There is no flag --outptu: did you mean --output\?/,
      ],
      [["gte", url], /no command gte: did you mean get\?/],
      [[url], /Say what to do with the URL: sluice get URL/],
      [["get", "file:///etc/passwd"], /must begin with http/],
      [
        ["get", url, url + "2", "-o", "x"],
        /--output is for one URL; there are 2/,
      ],
      [["get", url, "-o", "../x"], /--output is a name, not a path/],
      [["get", url, "-o", "-"], /--output is a name, not a path/],
      [["get", "-i", "-", "-i", "-"], /Standard input can be read once/],
      [["get", "-i", "-", "--curl", "-"], /Standard input can be read once/],
      [
        ["add", "-i", "-", "--metalink", "-"],
        /Standard input can be read once/,
      ],
      [["get", url, "--sha256", "12"], /64 hexadecimal digits/],
      [["get", url, "-H", "secret"], /--header must be "Name: value"/],
      [["get", url, "--threads-amount", "x"], /THREADS_AMOUNT must be/],
      [["get", url, "--output"], /--output needs a value/],
      [
        ["get", url, "--content-directory", "/"],
        /run deno with --allow-read=\//,
      ],
      [["add"], /There is no URL: sluice add/],
      [["pause"], /There is no id/],
      [["list", "--server", "ftp://x/"], /--server must be such as ws:/],
      [["list", "--limit", "x"], /--limit must be a whole number/],
      [["completions", "bsh"], /did you mean bash\?/],
    ] as const
  ) {
    await using directory = await makeDirectory();
    const { code, stdout, stderr } = await start([
      ...["run", "-q", "--no-prompt", "-P=sluice"],
      ...flagsFor(directory.path, PERMISSION_SETS.sluice ?? {}),
      "main.ts",
      ...args,
    ], { env: { CONTENT_DIRECTORY: directory.path } }).ended;
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(stderr, line);
    assertMatch(stderr, /^sluice: [^\n]*\n$/);
    assert(!stderr.includes("secret"));
    assertEquals(directory.names(), []);
  }
});

Deno.test("every command has a help with examples", async () => {
  const { stdout } = await start(["run", "main.ts", "--help"]).ended;
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)]
    .map(([, name = ""]) => name);
  assert(names.includes("get") && names.includes("watch"));
  for (const name of names) {
    const { code, stdout } = await start(["run", "main.ts", name, "-h"]).ended;
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^Usage: sluice ${name}.*\n`, "m"));
    assertMatch(stdout, /\nExamples:\n {2}sluice/);
  }
});
