import { assertEquals, assertMatch } from "@std/assert";
import { decodeText } from "../../lib/base/decode_text.ts";
import { parseList } from "../../lib/cli/lists.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { run, startSluice } from "../support/sluice.ts";

/** The URLs of a list, or what is wrong with its lines. */
function read(text: string): string[] {
  return parseList(text).map((line) =>
    line.kind === "fault" ? `${line.line}: ${line.fault}` : line.fields.url
  );
}

Deno.test("lines end as on any system, and comments are left out", () => {
  const [a, b] = ["https://a.example/x#y", "http://b.example/"];
  for (const end of ["\n", "\r\n", "\r"]) {
    const list = [`\t${a}\t# the first`, "# none", "", `  ${b}  `].join(end);
    assertEquals(read(list), [a, b]);
  }
});

Deno.test("a list is read in UTF-8 and UTF-16", () => {
  const text = "https://a.example/ä\r\nhttps://b.example/\n";
  const little = new Uint8Array(
    new Uint16Array(
      Array.from(text, (char) => char.charCodeAt(0)),
    ).buffer,
  );
  const big = new Uint8Array(new Uint8Array(little.toReversed().buffer))
    .toReversed().map((_, n, all) => all[n ^ 1] ?? 0);
  for (
    const bytes of [
      new TextEncoder().encode(text),
      new TextEncoder().encode(`\uFEFF${text}`),
      new Uint8Array([0xff, 0xfe, ...little]),
      new Uint8Array([0xfe, 0xff, ...big]),
      little,
      big,
    ]
  ) {
    assertEquals(decodeText(bytes), text);
  }
});

Deno.test("options as aria2 takes them belong to the URL above", () => {
  const list = `https://a.example/x
  out=a b.bin
  dir=films/2026
  header=Cookie: a=b # c
\tuser-agent=me
  referer=https://b.example/
  checksum=sha-1=0123456789abcdef0123456789abcdef01234567
  split=3
  max-download-limit=500K
  gid=2089b05ecca3d829
  pause=true
  checksum-from=auto
  size=12
  priority=high
  proxy=home
https://c.example/?out=d
  start-at=2026-11-29T18:00:00Z
https://d.example/x\t e.example/x\thttps://f.example/x # mirrors
`;
  assertEquals(
    parseList(list).map((line) => line.kind === "fault" ? line : line.fields),
    [
      {
        url: "https://a.example/x",
        filename: "a b.bin",
        directory: "films/2026",
        headers: {
          "cookie": "a=b # c",
          "user-agent": "me",
          "referer": "https://b.example/",
        },
        sha1: "0123456789abcdef0123456789abcdef01234567",
        threads: 3,
        limit_rate: 512_000,
        paused: true,
        checksum_from: "auto",
        size: 12,
        priority: "high",
        proxy: "home",
      },
      {
        url: "https://c.example/?out=d",
        start_at: "2026-11-29T18:00:00Z",
      },
      {
        url: "https://d.example/x",
        mirrors: ["http://e.example/x", "https://f.example/x"],
      },
    ],
  );
});

for (
  const [what, list, fault] of [
    ["two mirrors glued", "http://a/\thttp://b/xhttp://c/", /^1: .*mirrors/],
    ["two URLs", "#\nhttps://a/x https://b/x", /^2: .*more than one URL/],
    ["glued URLs", "https://a/x.binhttps://b/x", /^1: .*more than one URL/],
    ["another encoding", "http://a/\uFFFD", /^1: It is not in UTF-8/],
    ["an option first", " out=x", /^1: There is no URL above out=/],
    ["a directory", "http://a/\n dir=/x", /^2: dir= must be below the con/],
    ["a way up", "http://a/\n dir=../x", /^2: dir= may not lead up/],
    ["an odd pause", "http://a/\n pause=1", /^2: pause= must be true or false/],
    ["a path", "http://a/\n out=b/c", /^2: out= is a name/],
    ["no header", "http://a/\n header=x", /^2: header= must be/],
    ["an odd checksum", "http://a/\n checksum=crc=1", /^2: .*sha-256=/],
    ["another option", "http://a/\n seed-time=1", /^2: Sluice takes no seed-/],
  ] as const
) {
  Deno.test(`a list's line with ${what} is named`, () => {
    assertMatch(read(list).at(-1) ?? "", fault);
  });
}

Deno.test("a list with wrong lines is refused as a whole", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/good", file(10));
  const list =
    `${url}\nnot a URL\n${url}?2\nhttps://a/\n  split=x\n x=\nfile:///x\n`;
  const path = `${directory.path}/links.txt`;
  await Deno.writeTextFile(path, list);
  const { code, stderr } = await startGet(directory.path, ["-i", path]).ended;
  assertEquals(code, 2);
  assertEquals(
    stderr,
    `sluice: ${path}:2: The URL must be whole, such as https://example.org/file. ` +
      `Wrong, too: ${path}:4, ${path}:6, ${path}:7.\n`,
  );
  const piped = await startGet(directory.path, ["-i", "-"], list).ended;
  assertMatch(piped.stderr, /^sluice: standard input:2: /);
  assertEquals(origin.requests, []);
  assertEquals(directory.names(), ["links.txt"]);
});

Deno.test("get fetches what a list names, under the names in it", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const [a, b] = [file(10, 1), file(10, 2)];
  const list = `${origin.serve("/a", a)} # the first\r\n` +
    `  out=c.bin\r\n  header=X-Key: own\r\n${origin.serve("/b", b)}\r\n`;
  const flags = ["-i", "-", "-H", "X-Key: all", "-H", "X-More: 1"];
  const get = await startGet(directory.path, flags, list).ended;
  assertEquals(get.code, 0, get.stderr);
  assertEquals(directory.names(), ["b", "c.bin"]);
  const keys = origin.requests.map(({ path, headers }) =>
    [path, headers.get("x-key"), headers.get("x-more")].join()
  );
  assertEquals(keys.sort(), ["/a,own,1", "/b,all,1"]);
});

Deno.test("a list may come from an editor of Windows", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const text = ["/a", "/b"].map((path) => origin.serve(path, file(10)))
    .join("\r\n");
  const list = Uint16Array.from(`\uFEFF${text}`, (char) => char.charCodeAt(0));
  const path = `${directory.path}/links.txt`;
  await Deno.writeFile(path, new Uint8Array(list.buffer));
  const { code, stderr } = await startGet(directory.path, ["-i", path]).ended;
  assertEquals(code, 0, stderr);
  assertEquals(directory.names(), ["a", "b", "links.txt"]);
});

Deno.test("get and add take patterns and URLs without a scheme", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  for (const path of ["/1a", "/1b", "/%7Bc%7D"]) origin.serve(path, file(10));
  const typed = origin.url("/").replace("http://", "");
  const get = await startGet(directory.path, [
    ...["--output", "#2.bin"],
    `${typed}[1-1]{a,b}`,
  ]).ended;
  assertEquals(get.code, 0, get.stderr);
  const plain = await startGet(directory.path, ["--no-glob", `${typed}{c}`])
    .ended;
  assertEquals(plain.code, 0, plain.stderr);
  assertEquals(directory.names(), ["a.bin", "b.bin", "{c}"]);
  await using server = await startSluice();
  const { stdout } = await run([
    ...["run", "-q", "--no-prompt", "-P=remote", "main.ts", "add", "--json"],
    ...["--server", server.url, `${typed}[1-1]{a,b}`],
  ]);
  const urls = stdout.trim().split("\n").map((line) => JSON.parse(line).url);
  assertEquals(urls, ["1a", "1b"].map((path) => `http://${typed}${path}`));
});

Deno.test("a name for many must take something of each", async () => {
  await using directory = await makeDirectory();
  const get = await startGet(directory.path, ["-o", "x", "a.example/{a,b}"])
    .ended;
  assertEquals(get.code, 2);
  assertMatch(get.stderr, /--output is for one URL; there are 2: .*"#1\.bin"/);
});
