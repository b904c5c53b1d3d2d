import { assert, assertEquals, assertMatch } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { type Ran, start, startServer } from "../support/process.ts";
import { connect, startSluice, taskArguments } from "../support/sluice.ts";

type Task =
  | "add"
  | "list"
  | "pause"
  | "resume"
  | "retry"
  | "refresh"
  | "relocate"
  | "limit"
  | "move"
  | "prioritize"
  | "remove"
  | "verify";

function ask(url: string, task: Task, ...args: string[]): Promise<Ran> {
  return start([...taskArguments(task, ""), "--server", url, ...args]).ended;
}

Deno.test("add names a directory below the server's, and list shows it", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a", file(1000));
  const list = `${url}\n  pause=true\n${url}?2\n  dir=other/\n`;
  const args = ["-P", "films/2026", "-i", "-"];
  const added = await start(
    [...taskArguments("add", ""), "--server", server.url, ...args],
    { stdin: list },
  ).ended;
  assertEquals([added.code, added.stderr], [0, ""]);
  const [paused = "", other = ""] = added.stdout.trim().split("\n");
  await server.printed(/ downloaded id=/);
  const shown = await ask(server.url, "list");
  const line = (id: string, rest: string) =>
    RegExp(`^${id.slice(0, 8)}  ${rest}$`, "m");
  assertMatch(shown.stdout, line(paused, "Paused .* films/2026/a"));
  assertMatch(shown.stdout, line(other, "Downloaded .* other/a"));
  const json = await ask(server.url, "list", "--json", "--status=Paused");
  assertEquals(JSON.parse(json.stdout).directory, "films/2026");
  const moved = await ask(server.url, "relocate", ".", other);
  assertEquals(moved, { code: 0, stdout: `${other}\n`, stderr: "" });
  assertEquals(filesIn(directory.path), ["a", "other"]);
  const up = await ask(server.url, "relocate", "..", other);
  assertEquals(up.code, 1);
  assertMatch(up.stderr, /"directory" may not lead up/);
  const wrong = await ask(server.url, "add", "--directory", "/films", url);
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /"directory" must be below the content directory/);
});

Deno.test("a list whose mirrors are long is added in several messages", async () => {
  await using origin = await startOrigin();
  await using server = await startSluice({
    environment: { MESSAGE_LENGTH: "2MiB" },
  });
  const url = origin.serve("/a", file(10));
  const line = (n: number) =>
    Array.from({ length: 17 }, (_, m) => `${url}?${n}.${m}${"a".repeat(1500)}`)
      .join("\t");
  const list = Array.from(
    { length: 100 },
    (_, n) => `${line(n)}\n  pause=true`,
  );
  const added = await start(
    [...taskArguments("add", ""), "--server", server.url, "-i", "-"],
    { stdin: list.join("\n") },
  ).ended;
  assertEquals([added.code, added.stderr], [0, ""]);
  assertEquals(new Set(added.stdout.trim().split("\n")).size, 100);
});

Deno.test("a server that takes shorter messages than a list has says so", async () => {
  await using server = await startSluice({
    environment: { MESSAGE_LENGTH: "10000" },
  });
  const urls = Array.from({ length: 99 }, (_, n) => `http://h.test/${n}/`);
  const list = urls.map((url) => url + "a".repeat(200)).join("\n");
  const added = await start(
    [...taskArguments("add", ""), "--server", server.url, "-i", "-"],
    { stdin: list },
  ).ended;
  assertEquals([added.code, added.stdout], [1, ""]);
  assertMatch(added.stderr, /may have 10000 characters; .* send fewer URLs/);
});

Deno.test("a server is asked from the command line", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const gate = Promise.withResolvers<void>();
  const slow = origin.serve("/slow.bin", file(1000), {
    gates: { head: () => gate.promise },
  });

  const added = await ask(server.url, "add", slow, origin.url("/none"));
  const [slowId = "", noneId = ""] = added.stdout.trim().split("\n");
  assertEquals([added.code, added.stderr], [0, ""]);
  await origin.request(({ path }) => path === "/none");
  await origin.request(({ path }) => path === "/slow.bin");

  const paused = await ask(server.url, "pause", slowId.slice(0, 6));
  assertEquals(paused, { code: 0, stdout: `${slowId}\n`, stderr: "" });
  const again = await ask(server.url, "pause", slowId);
  assertEquals([again.code, again.stdout], [1, ""]);
  assertMatch(again.stderr, /Cannot pause: the download is paused/);

  const list = await ask(server.url, "list");
  assertMatch(list.stdout, new RegExp(`^${noneId.slice(0, 8)}  Failed .*404`));
  assertMatch(
    list.stdout,
    new RegExp(`^${slowId.slice(0, 8)}  Paused .* slow.bin$`, "m"),
  );
  const short = await ask(server.url, "list", "--limit=1");
  assertMatch(short.stderr, /1 more: see --limit/);
  const json = await ask(
    server.url,
    "list",
    "--json",
    "--status=PAUSED",
    "slow",
  );
  const [line = "", ...none] = json.stdout.trim().split("\n");
  assertEquals([JSON.parse(line).id, none], [slowId, []]);

  gate.resolve();
  assertEquals(
    (await ask(server.url, "resume", "--all")).stdout,
    `${slowId}\n`,
  );
  assertEquals((await ask(server.url, "retry", "--all")).stdout, `${noneId}\n`);
  await origin.request(({ path, nth }) => path === "/none" && nth === 1);
  const removed = await ask(server.url, "remove", slowId, noneId);
  assertEquals(removed.stdout, `${slowId}\n${noneId}\n`);
  assertEquals((await ask(server.url, "list")).stdout, "");
  const unknown = await ask(server.url, "remove", "12345678");
  assertEquals(unknown.code, 1);
  assertMatch(unknown.stderr, /There is no download of this id/);
});

Deno.test("add gives a time to start at, and resume another, or none", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a", file(1000));
  const added = await ask(
    server.url,
    "add",
    "--start-at",
    "2090-01-02T18:00",
    url,
  );
  const id = added.stdout.trim();
  async function shown() {
    return (await ask(server.url, "list")).stdout;
  }
  assertMatch(await shown(), /Paused .* a {2}\(starts 2090-01-02 18:00\)\n$/);
  const at = ["--start-at", "2091-01-02 18:00"];
  assertEquals((await ask(server.url, "resume", id, ...at)).code, 0);
  assertMatch(await shown(), /starts 2091-01-02 18:00/);
  for (const word of ["18:00", "2090-01-02", "2090-13-02T18:00"]) {
    const wrong = await ask(server.url, "add", "--start-at", word, url);
    assertEquals(wrong.code, 2);
    assertMatch(wrong.stderr, /--start-at must be a time such as 2026-/);
  }
  assertEquals((await ask(server.url, "resume", id)).code, 0);
  await server.printed(/ downloaded id=/);
});

Deno.test("rates are given with add, and set for downloads and the server", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a", file(1_000_000));
  const slow = ["--limit-rate", "1k", "--sequential"];
  const added = await ask(server.url, "add", ...slow, url);
  const id = added.stdout.trim();
  async function shown() {
    const { stdout } = await ask(server.url, "list", "--json");
    const { limit_rate, limited_by, order } = JSON.parse(stdout);
    assertEquals(order, "sequential");
    return [limit_rate, limited_by];
  }
  await origin.request(({ path }) => path === "/a");
  assertEquals(await shown(), [1024, "download"]);
  const limited = await ask(server.url, "limit", "2k", id.slice(0, 8));
  assertEquals([limited.code, limited.stdout], [0, `${id}\n`]);
  assertEquals(await shown(), [2048, "download"]);
  assertEquals((await ask(server.url, "limit", "--per-host", "1500")).code, 0);
  assertEquals(await shown(), [2048, "host"]);
  assertEquals((await ask(server.url, "limit", "1000")).code, 0);
  assertEquals(await shown(), [2048, "server"]);
  for (const args of [["none"], ["--per-host", "none"], ["none", id]]) {
    assertEquals((await ask(server.url, "limit", ...args)).stderr, "");
  }
  await server.printed(/ downloaded id=/);
  const limits = async (...args: string[]) => {
    assertEquals((await ask(server.url, "limit", ...args)).stderr, "");
    const url = server.url.replace("ws:", "http:");
    return await (await fetch(`${url}api/limits`)).json();
  };
  const none = { limit_rate: null, limit_rate_per_host: null };
  assertEquals(await limits("--max-downloads", "2"), {
    ...none,
    max_downloads: 2,
  });
  assertEquals(await limits("2k", "--max-downloads=none"), {
    ...none,
    limit_rate: 2048,
    max_downloads: null,
  });
  for (
    const [args, says] of [
      [[], /limit takes a rate, such as .* or --max-downloads/],
      [["--max-downloads", "3", "--per-host"], /--per-host goes with a rate/],
      [["--max-downloads", "0"], /takes a number from 1 to 1024, or none/],
      [["--max-downloads", "3", "2k", id], /--max-downloads goes without an/],
      [["fast"], /The rate must be bytes a second from 1000/],
      [["--per-host", "2k", id], /--per-host goes without an id/],
    ] as const
  ) {
    const { code, stderr } = await ask(server.url, "limit", ...args);
    assertEquals(code, 2);
    assertMatch(stderr, says);
  }
});

Deno.test("the queue's order is shown, and changed", async () => {
  await using origin = await startOrigin();
  await using server = await startSluice({
    environment: { MAX_DOWNLOADS: "1" },
  });
  const gate = Promise.withResolvers<void>();
  const [first = "", ...urls] = ["a", "b", "c", "d"].map((name) =>
    origin.serve(`/${name}`, file(1000), {
      gates: { head: () => gate.promise },
    })
  );
  await ask(server.url, "add", first);
  await origin.request(({ path }) => path === "/a");
  const added = await ask(server.url, "add", ...urls);
  const [b = "", c = "", d = ""] = added.stdout.trim().split("\n");
  const low = await ask(server.url, "add", "--priority", "low", `${first}?2`);
  async function waiting() {
    const args = ["--status", "Queued", "--order", "queue"];
    return (await ask(server.url, "list", ...args)).stdout.trim().split("\n");
  }
  const short = (id: string) => id.slice(0, 8);
  const moved = await ask(server.url, "move", short(d), c, "--to", "top");
  assertEquals(moved, { code: 0, stdout: `${d}\n${c}\n`, stderr: "" });
  assertEquals((await waiting()).map(short), [c, d, b, low.stdout].map(short));
  assertEquals((await ask(server.url, "move", c, "--to=3")).code, 0);
  const given = await ask(server.url, "prioritize", "high", short(b));
  assertEquals(given, { code: 0, stdout: `${b}\n`, stderr: "" });
  const lines = await waiting();
  assertEquals(lines.map(short), [b, d, c, low.stdout].map(short));
  assertMatch(lines[0] ?? "", / {2}b {2}\(high priority\)$/);
  assertMatch(lines[1] ?? "", / {2}d$/);
  const unknown = await ask(server.url, "move", "12345678", "--to", "up");
  assertEquals(unknown.code, 1);
  assertMatch(unknown.stderr, /There is no download of this id/);
  for (
    const [task, args, says] of [
      ["move", [d], /--to top, up, down, bottom, or a number/],
      ["move", [d, "--to=0"], /--to top, up/],
      ["move", ["--to=top"], /move takes ids/],
      ["prioritize", ["higher", d], /did you mean high\?/],
      ["prioritize", ["low"], /There is no id/],
      ["list", ["--order=que"], /did you mean queue\?/],
      ["add", ["--priority=urgent", first], /"priority" must be one of high/],
    ] as const
  ) {
    const { code, stderr } = await ask(server.url, task, ...args);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, says);
  }
  gate.resolve();
});

Deno.test("what is added paused is not asked for before it is resumed", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const [later, now] = ["/later", "/now"].map((path) =>
    origin.serve(path, file(1000))
  );
  assert(later && now);
  const added = await ask(server.url, "add", "--paused", later);
  await ask(server.url, "add", now);
  // The queue goes in order: the first would have been asked for by now.
  await origin.request(({ path }) => path === "/now");
  assertEquals(origin.requests.filter(({ path }) => path === "/later"), []);
  const id = added.stdout.trim();
  const list = await ask(server.url, "list", "--status=Paused", "--json");
  assertEquals(JSON.parse(list.stdout).id, id);
  await ask(server.url, "resume", id);
  await origin.request(({ path }) => path === "/later");
});

Deno.test("all, or all that were searched for, are removed once told so", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const names = ["a.iso", "b.iso", "none.iso", "c.bin"];
  const urls = names.map((name) =>
    origin.serve(`/${name}`, name.startsWith("none") ? null : file(100))
  );
  const added = await ask(server.url, "add", ...urls);
  const [a = "", b = "", none = "", c = ""] = added.stdout.trim().split("\n");
  const client = await connect(server.url);
  await Promise.all([a, b, none, c].map(client.end));
  await client[Symbol.asyncDispose]();

  const all = ["remove", "--all", "--search=ISO"] as const;
  const asked = await ask(server.url, ...all);
  assertEquals([asked.code, asked.stdout], [2, ""]);
  assertMatch(asked.stderr, /That removes 3 downloads: add --yes to do it/);
  const done = ["--status=downloaded", "--yes"];
  const removed = await ask(server.url, ...all, ...done, "--delete-file");
  assertEquals(removed, { code: 0, stdout: `${b}\n${a}\n`, stderr: "" });
  assertEquals(directory.names(), [".sluice", "c.bin"]);
  const rest = await ask(server.url, "remove", "--all", "--yes");
  assertEquals(rest.stdout, `${c}\n${none}\n`);
  assertEquals(directory.names(), [".sluice", "c.bin"]);
  assertEquals((await ask(server.url, "remove", "--all")).code, 0);
});

for (
  const [command, value] of [["limit", "2k"], ["relocate", "films"]] as const
) {
  Deno.test(`${command} names each id that is refused, and does the others`, async () => {
    await using origin = await startOrigin();
    await using server = await startSluice();
    const urls = ["/a", "/b"].map((path) =>
      origin.serve(path, file(1000), command === "limit" ? { rate: 100 } : {})
    );
    const added = await ask(server.url, "add", ...urls);
    const [first = "", last = ""] = added.stdout.trim().split("\n");
    if (command === "relocate") {
      await server.printed(/ downloaded id=[^]* downloaded id=/);
    }
    const [gone, lost] = [crypto.randomUUID(), crypto.randomUUID()];
    const ids = [gone, first, lost, last];
    const { code, stdout, stderr } = await ask(
      server.url,
      command,
      value,
      ...ids,
    );
    assertEquals([code, stdout], [1, `${first}\n${last}\n`], stderr);
    const lines = stderr.trim().split("\n");
    assertEquals(lines.length, 2, stderr);
    for (const id of [gone, lost]) {
      const line = lines.find((line) => line.startsWith(`sluice: ${id}: `));
      assertMatch(line ?? "", /There is no download of this id/);
    }
    const { stdout: listed } = await ask(server.url, "list", "--json");
    for (const line of listed.trim().split("\n")) {
      const { limit_rate, path_to_file } = JSON.parse(line);
      if (command === "limit") assertEquals(limit_rate, 2048);
      else assertMatch(path_to_file, /\/films\/[ab]$/);
    }
  });
}

Deno.test("a download whose URL has expired goes on with another", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const expired = origin.serve("/old", null, { status: 403 });
  const added = await ask(server.url, "add", "-o", "a.bin", expired);
  const id = added.stdout.trim();
  const fresh = origin.serve("/new", file(1000));
  const refreshed = await ask(server.url, "refresh", id.slice(0, 6), fresh);
  assertEquals(refreshed, { code: 0, stdout: `${id}\n`, stderr: "" });
  await origin.request(({ path }) => path === "/new");
  const { stdout } = await ask(server.url, "list", "--json");
  assertEquals(JSON.parse(stdout).url, fresh);
});

Deno.test("what makes no sense is refused before anything is done", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a", file(1000));
  const added = await ask(server.url, "add", url);
  await origin.request(({ path }) => path === "/a");
  for (
    const [task, args, line] of [
      ["remove", ["--delete-file", ""], /An id is empty/],
      ["pause", ["--all", "3f2a"], /--all takes all/],
      ["remove", [], /remove --all takes all/],
      ["remove", ["--yes", "3f2a"], /--yes goes with --all/],
      ["pause", ["--search", "a", "3f2a"], /--search goes with --all/],
      ["remove", ["--all"], /That removes 1 download: add --yes/],
      ["refresh", ["3f2a"], /refresh takes an id and a URL/],
      ["refresh", ["3f2a", url, url], /refresh takes an id and a URL/],
      ["relocate", ["films"], /relocate takes a directory, and ids/],
      ["relocate", ["films", ""], /An id is empty/],
      ["limit", ["2k", ""], /An id is empty/],
      ["verify", [""], /An id is empty/],
      ["prioritize", ["high", ""], /An id is empty/],
      ["refresh", ["3f2a", "none"], /The URL must be whole/],
      [
        "add",
        ["--start-at=2027-02-30T18:00", url],
        /--start-at must be a time/,
      ],
      ["resume", ["--start-at=2027-06-31T18:00Z", "3f2a"], /must be a time/],
      ["add", ["--threads", "few", url], /--threads must be a whole number/],
      ["list", ["--status", "Faild"], /no status Faild: did you mean Failed\?/],
      ["list", ["--status=paused,x"], /no status x: they are Queued, Downl/],
      ["add", [url, "none", url], /URL number 2: The URL must be whole/],
      ["add", ["-H", "A: 1", "-H", "a: 2", url], /--header names a twice/],
    ] as const
  ) {
    const { code, stdout, stderr } = await ask(server.url, task, ...args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, line);
  }
  const list = await ask(server.url, "list", "--json");
  const ids = list.stdout.trim().split("\n").map((line) => JSON.parse(line).id);
  assertEquals(ids, [added.stdout.trim()]);
});

Deno.test("without a server, one line says what to do", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  taken.close();
  const url = `ws://127.0.0.1:${port}/?token=secret`;
  const { code, stdout, stderr } = await ask(url, "list");
  assertEquals([code, stdout], [1, ""]);
  assertEquals(
    stderr,
    `sluice: There is no server at ws://127.0.0.1:${port}/: start one with ` +
      "sluice serve, or name another with --server.\n",
  );
});

Deno.test("the token is given, and what is refused is said", async () => {
  const seen: (string | null)[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ headers }) => {
      seen.push(headers.get("sec-websocket-protocol"));
      return new Response(null, { status: 401 });
    },
  );
  const url = `127.0.0.1:${server.addr.port}`;
  const args = [...taskArguments("list", ""), "--server", url];
  const byEnvironment = await start(args, { env: { SLUICE_TOKEN: "t0ken" } })
    .ended;
  const byFlag = await start([...args, "--token", "-fl4g"]).ended;
  assertEquals(seen, [
    `sluice, sluice.token.${btoa("t0ken").replace(/=+$/, "")}`,
    `sluice, sluice.token.${btoa("-fl4g").replace(/=+$/, "")}`,
  ]);
  for (const { code, stderr } of [byEnvironment, byFlag]) {
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /does not know this token: give its own in SLUICE_TOKEN/,
    );
    assert(!/t0ken|fl4g/.test(stderr));
  }
});

Deno.test("watch can be stopped while a server does not answer", async () => {
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = mute.addr;
  const server = `ws://127.0.0.1:${port}/`;
  await using watching = start([
    ...taskArguments("watch", ""),
    "--server",
    server,
  ]);
  using _connection = await mute.accept();
  watching.kill("SIGINT");
  assertEquals((await watching.ended).code, 130);
});

Deno.test("watch outlives the server, and says so", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const first = await startServer(directory.path);
  await using watch = start([
    ...taskArguments("watch", ""),
    "--server",
    first.url,
  ]);
  await watch.printed(/connected to ws:/);
  await ask(first.url, "add", origin.serve("/a.bin", file(1000)));
  await watch.printed(/^a\.bin: done, 1000 B$/m);
  first.kill("SIGKILL");
  await first.ended;
  await watch.printed(/Trying again/);
  await using second = await startServer(directory.path, first.port);
  await watch.printed(/connected to .*[^]*Trying again[^]*connected to /);
  await ask(second.url, "add", origin.serve("/b.bin", file(10)));
  await watch.printed(/^b\.bin: done, 10 B$/m);
  watch.kill("SIGTERM");
  assertEquals((await watch.ended).code, 143);
});

Deno.test("whoever has the token is let in", async () => {
  const environment = { AUTH_TOKEN: "0123456789-abcdef~" };
  await using sluice = await startSluice({ environment });
  const args = [...taskArguments("list", ""), "--server", sluice.url];
  const token = { SLUICE_TOKEN: environment.AUTH_TOKEN };
  assertEquals((await start(args, { env: token }).ended).code, 0);
  assertEquals((await start(args).ended).code, 1);
});
