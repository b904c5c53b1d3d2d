import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { parseList } from "../../lib/cli/lists.ts";
import { parseSession } from "../../lib/cli/session_file.ts";
import { linesOf } from "../../lib/cli/export.ts";
import { createDownload } from "../../lib/download/download.ts";
import { fieldsOf, parseDownload } from "../../lib/download/request.ts";
import { statusOf } from "../../lib/status/status.ts";
import { makeDirectory } from "../support/directory.ts";
import { literal, startOrigin } from "../support/origin.ts";
import { type Ran, start, startServer } from "../support/process.ts";
import { connect, taskArguments } from "../support/sluice.ts";

function ask(
  url: string,
  task: "import" | "export" | "add" | "list",
  args: readonly string[],
  stdin = "",
): Promise<Ran> {
  const words = [...taskArguments(task, ""), "--server", url, ...args];
  return start(words, { stdin }).ended;
}

/** What asks for one with all that a list can say, but for headers. */
const ALL = {
  url: "https://a.test/x.iso",
  mirrors: ["https://mirror.test/x.iso"],
  filename: "disk.img",
  directory: "films/2026",
  headers: {},
  sha256: "0".repeat(64),
  threads: 3,
  limit_rate: 5000,
  size: 3,
  order: "sequential",
  priority: "high",
  proxy: "home",
};

/** The list of a download that was asked for so. */
function listOf(fields: { url: string; [name: string]: unknown }): string {
  const request = parseDownload(fields, { urlLength: 1_000 });
  const status = statusOf(createDownload(request, 0));
  const listed = { ...status, request: fieldsOf(request) };
  return linesOf(listed, "list", true).map((line) => `${line}\n`).join("");
}

for (
  const [how, more] of [
    ["that is paused", { paused: true }],
    ["that waits for its time", { start_at: "2099-01-02T03:04:05.000Z" }],
    ["of low priority", { priority: "low" }],
  ] as const
) {
  Deno.test(`a list says all of a download ${how}, to add and to import`, () => {
    const asked = { ...ALL, ...more };
    const list = listOf(asked);
    const [added, ...others] = parseList(list);
    assertEquals(others, []);
    const { headers: _, ...fields } = asked;
    assertEquals(added, { kind: "download", line: 1, fields });
    const { downloads, left } = parseSession(list);
    assertEquals([downloads, left], [[asked], []]);
  });
}

Deno.test("aria2c takes a list that was exported", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const content = literal("abc");
  const { mirrors: _, sha256: __, ...asked } = ALL;
  const list = listOf({
    ...asked,
    url: origin.serve("/a", content),
    // aria2c takes its directory as it is.
    directory: "films",
    checksum_from: "auto",
    start_at: "2099-01-02T03:04:05.000Z",
  });
  const path = join(directory.path, "list.txt");
  await Deno.writeTextFile(path, list);
  const { code, stdout } = await new Deno.Command("aria2c", {
    args: ["--no-conf", "--console-log-level=warn", "-i", path],
    cwd: directory.path,
  }).output();
  const said = new TextDecoder().decode(stdout);
  assertEquals(code, 0, said);
  const file = join(directory.path, "films", "disk.img");
  assertEquals(await Deno.readTextFile(file), "abc");
  // It names what is not its own, and goes on.
  const own = ["checksum-from", "size", "priority", "proxy", "start-at"];
  for (const name of own) {
    assertMatch(said, RegExp(`Unknown option: *${name}=`));
  }
});

// As aria2 1.36 saves it.
const SESSION = `https://a.test/x.iso\thttps://mirror.test/x.iso\t
 gid=2089b05ecca3d829
 pause=true
 allow-overwrite=true
 dir=/home/me/dl/films/2026
 out=disk.img
 header=X-Key: k
 header=Cookie: a=b; c=d
 split=8
 max-connection-per-server=4
 max-download-limit=512000
 checksum=sha-1=${"0".repeat(40)}
magnet:?xt=urn:btih:0123456789abcdef\t
 gid=2089b05ecca3d830
 dir=/home/me/dl
ftp://a.test/y\thttp://a.test/y\t
 dir=/home/me/dl
 http-user=me
 http-passwd=pw
https://a.test/z\t
 dir=/home/me/dl/../x
`;

Deno.test("a session of aria2's is read, and what is not for Sluice is named", () => {
  const { downloads, left, root } = parseSession(SESSION);
  assertEquals(root, "/home/me/dl");
  assertEquals(downloads, [{
    url: "https://a.test/x.iso",
    mirrors: ["https://mirror.test/x.iso"],
    filename: "disk.img",
    directory: "films/2026",
    headers: { "x-key": "k", "cookie": "a=b; c=d" },
    threads: 4,
    limit_rate: 512000,
    sha1: "0".repeat(40),
    paused: true,
  }, {
    url: "http://a.test/y",
    headers: { authorization: `Basic ${btoa("me:pw")}` },
    limit_rate: null,
  }]);
  assertEquals(left.map(({ line }) => line), [13, 20]);
  assertMatch(left[1]?.why ?? "", /may not lead up/);
  assertEquals(parseSession("https://a.test/x\n dir=C:\\dl\n").root, "C:/dl");
  assertEquals(parseSession("https://a.test/x").root, null);
});

Deno.test("what aria2 has saved is imported", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  const url = origin.serve("/a", literal("a"));
  const session = `${url}\n dir=/x/dl/sub\n out=b\n${url}?2\n dir=/x/dl\n`;
  const zipped = new Response(
    new Blob([session]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const path = join(directory.path, "session.gz");
  await Deno.writeFile(path, await zipped.bytes());
  const words = taskArguments("import", "").map((word) =>
    word === "main.ts" ? [`--allow-read=${directory.path}`, word] : [word]
  ).flat();
  const done = await start([...words, "--server", server.url, path]).ended;
  assertEquals(done.code, 0, done.stderr);
  assertEquals(
    done.stderr,
    "sluice: what is below /x/dl goes below the server's directory\n",
  );
  assertEquals(done.stdout.trim().split("\n").length, 2);
  await server.printed(/ downloaded id=[^]* downloaded id=/);
  assertEquals(await Deno.readTextFile(join(directory.path, "sub/b")), "a");

  const half = await ask(server.url, "import", ["-"], `${url}?3\nmagnet:?x\n`);
  assertEquals([half.code, half.stdout.trim().length], [1, 36]);
  assertEquals(
    half.stderr,
    "sluice: standard input:2: left out: Sluice fetches by http and https alone.\n",
  );
  const none = await ask(server.url, "import", ["-"], "# nothing\n");
  assertEquals(none.code, 2);
});

Deno.test("downloads are exported, without secrets unless they are asked for", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using server = await startServer(directory.path);
  await using client = await connect(server.url);
  const url = origin.serve("/a", literal("a"));
  const secret = url.replace("//", "//me:pw@");
  const id = await client.add({ url, filename: "=1+1,.bin" });
  await client.end(id);
  await client.add({
    url: `${secret}?b c`,
    mirrors: [`${secret}?d`],
    checksum_from: `${secret}?e`,
    filename: "x/y",
    directory: "films",
    headers: { "X-A": "1", "Authorization": "Bearer t", "X-Token": "t" },
    threads: 3,
    limit_rate: 5000,
    order: "sequential",
    paused: true,
  });
  const [json, csv, list, whole] = await Promise.all(
    [[], ["--format=csv"], ["--format", "list"], [
      "--secrets",
      "--status",
      "Paused",
      "--format=list",
    ]].map((args) => ask(server.url, "export", args)),
  );
  assert(json && csv && list && whole);
  const [first, second, ...more] = JSON.parse(json.stdout);
  assertEquals(more, []);
  assertEquals([first.id, first.process_status], [id, "Downloaded"]);
  assertEquals(second.request, {
    url: `${url}?b%20c`,
    mirrors: [`${url}?d`],
    filename: "x/y",
    directory: "films",
    headers: { "x-a": "1" },
    checksum_from: `${url}?e`,
    threads: 3,
    limit_rate: 5000,
    order: "sequential",
  });
  const left =
    "sluice: Secrets are left out: 1 with a name and password in a URL, " +
    "1 with a header authorization, 1 with a header x-token. " +
    "--secrets writes them, too.\n";
  assertEquals([json.stderr, list.stderr], [left, left]);
  for (const { stdout } of [json, csv, list]) {
    assertNotMatch(stdout, /Bearer|pw|x-token/i);
  }
  const [titles, row = ""] = csv.stdout.split("\r\n");
  assertMatch(titles ?? "", /^id,url,process_status,filename,.*,error$/);
  assertMatch(row, RegExp(`^${id},${url},Downloaded,"'=1\\+1,.bin",,1,1,`));

  const lines = parseList(whole.stdout);
  assertEquals(whole.stderr, "");
  assertEquals(lines.map((line) => line.kind === "download" && line.fields), [{
    url: `${secret}?b%20c`,
    mirrors: [`${secret}?d`],
    filename: "y",
    directory: "films",
    headers: { "x-a": "1", "authorization": "Bearer t", "x-token": "t" },
    checksum_from: `${secret}?e`,
    threads: 3,
    limit_rate: 5000,
    order: "sequential",
    paused: true,
  }]);
  assertEquals(parseList(list.stdout).length, 2);
  const wrong = await ask(server.url, "export", ["--format=cvs"]);
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertMatch(wrong.stderr, /did you mean csv\?/);
  const empty = await ask(server.url, "export", ["nothing of this name"]);
  assertEquals(JSON.parse(empty.stdout), []);
});
