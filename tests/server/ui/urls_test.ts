import { assertEquals, assertLess } from "@std/assert";
import { findHrefs, findUrls, inBatches } from "../../../lib/server/ui/urls.js";

Deno.test("links are found in what people paste, each once", () => {
  assertEquals(
    findUrls("https://a.example/1\r\n\n  http://b.example/2  \n# a comment"),
    {
      urls: ["https://a.example/1", "http://b.example/2"],
      rejected: [],
      twice: 0,
    },
  );
  assertEquals(findUrls("HTTPS://a.example/1\nHTTPS://a.example/1"), {
    urls: ["HTTPS://a.example/1"],
    rejected: [],
    twice: 1,
  });
});

Deno.test("links end where people mean them to", () => {
  const a = "https://a.example/1.zip";
  const b = "https://b.example/2.zip";
  const wiki = "https://en.wikipedia.org/wiki/Sluice_(disambiguation)";
  for (
    const [text, ...urls] of [
      // Sentences
      [`see ${a}, then ${b}.`, a, b],
      [`Is it ${a}? No: ${b}!`, a, b],
      [`(see ${a})`, a],
      [`(see ${wiki})`, wiki],
      [`(see ${wiki}).`, wiki],
      [`${a}…`, a],
      [`${a};${b}`, a, b],
      [`${a},${b}`, a, b],
      [`${a}${b}`, a, b],
      [`${a}|${b}|`, a, b],
      // Quotes
      [`"${a}", '${b}'`, a, b],
      [`curl -O '${a}'`, a],
      [`\u201c${a}\u201d and \u00ab${b}\u00bb`, a, b],
      ["`" + a + "`", a],
      ["https://a.example/it's.zip", "https://a.example/it's.zip"],
      // Wide marks
      [`\u8bf7\u770b\uff08${a}\uff09\u3002`, a],
      [`\u300c${a}\u300d\u3001${b}\u3002`, a, b],
      [`${a}\uff0c${b}\uff1b`, a, b],
      // Markdown and the like
      [`[the file](${a}) and [${a}](${b})`, a, b],
      [`[a page](${wiki})`, wiki],
      [`[text](${a} "its title")`, a],
      [`[![image](https://a.example/i.png)](${a})`, a],
      [`![image](${a})`, a],
      [
        `[text](<https://a.example/two words.zip>)`,
        "https://a.example/two%20words.zip",
      ],
      [`**${a}**, *${b}*`, a, b],
      [`_${a}_ ~~${b}~~`, a, b],
      [`- ${a}`, a],
      [`1. <${a}>`, a],
      [`[1]: ${a}`, a],
      [`[${a} the file]`, a],
      [`[url=${a}]the file[/url] [url]${b}[/url]`, a, b],
      [`<a href="${a}?x=1&amp;y=2">${b}</a>`, `${a}?x=1&y=2`, b],
      [`{"url": "${a}"}`, a],
      [`url=${a}`, a],
      // What looks like an end, and is none
      [
        "https://a.example/x_(1)_[b]{c}.zip",
        "https://a.example/x_(1)_[b]{c}.zip",
      ],
      ["https://a.example/?a[]=1&b=(2)", "https://a.example/?a[]=1&b=(2)"],
      ["http://[2001:db8::1]:8080/f", "http://[2001:db8::1]:8080/f"],
      ["https://a.example/x;y,z:1.2", "https://a.example/x;y,z:1.2"],
      ["https://a.example/~me/a_", "https://a.example/~me/a_"],
      ["https://a.example/?a=1&amp;b", "https://a.example/?a=1&amp;b"],
      // A link in another one
      [
        "https://web.example/2020/https://a.example/1.zip",
        "https://web.example/2020/https://a.example/1.zip",
      ],
      [
        "http://a.example/?from=http://b.example/2",
        "http://a.example/?from=http://b.example/2",
      ],
      // Spaces in a name, if the line is a link and nothing else
      [
        "https://a.example/My Files/The File (1).zip",
        "https://a.example/My%20Files/The%20File%20(1).zip",
      ],
      [`${a} the latest version.zip`, a],
      [`${a} ${b}`, a, b],
      ["https://a.example/page is what I mean", "https://a.example/page"],
    ]
  ) {
    const { rejected, urls: found } = findUrls(text ?? "");
    assertEquals({ text, found, rejected }, {
      text,
      found: urls,
      rejected: [],
    });
  }
});

Deno.test("a line may leave the scheme out", () => {
  for (
    const line of [
      "example.org/file.zip",
      "www.example.org/x.iso",
      "mirror.example.co.uk:8080/a/b",
      "b\u00fccher.example/x",
      "xn--bcher-kva.example/x",
      "localhost:8000/x",
      "192.168.1.5/x.iso",
      "[::1]:8080/x",
    ]
  ) {
    assertEquals(findUrls(line).urls, [`http://${line}`]);
    assertEquals(findUrls(`* ${line},`).urls, [`http://${line}`]);
  }
  assertEquals(findUrls("go to www.example.org/x, please").urls, [
    "http://www.example.org/x",
  ]);
});

Deno.test("what is no link is told", () => {
  for (
    const line of [
      "javascript:alert(1)",
      "file:///etc/passwd",
      "ftp://a.example/1",
      "magnet:?xt=urn:btih:1",
      "http://",
      "https:///x",
      "https:a.example/x",
      "notes.txt",
      "src/main.rs",
      "v1.2/notes",
      "1.2.3/x",
      "me@example.org/x",
      "and/or",
      "a.b",
      "example.org is a site",
      "https://a.example:99999/",
      "https://a.example/a/../b",
      "https://a.example/%2e%2e/b",
      "https://a.example/a\\b",
    ]
  ) assertEquals(findUrls(line), { urls: [], rejected: [line], twice: 0 });
  assertEquals(findUrls("https://a.example/1\nnone\nhttps://a.example/1 too"), {
    urls: ["https://a.example/1"],
    rejected: ["none"],
    twice: 1,
  });
});

Deno.test("rich text gives the links behind its words", () => {
  const html = `<meta charset="utf-8"><base href="https://no.example/">
    <p>See <a class="x" href="https://a.example/1?b=1&amp;c=2">one</a>,
    <A HREF='https://a.example/2'>two</A>, <a href="https://a.example/2">it</a>,
    <a href="mailto:a@a.example">mail</a>, <a href="javascript:void 0">no</a>,
    <a href="#top">up</a>, <a href="https://a.example/&#x27;3&#39;">3</a></p>`;
  assertEquals(findHrefs(html), [
    "https://a.example/1?b=1&c=2",
    "https://a.example/2",
    "https://a.example/'3'",
  ]);
  assertEquals(findHrefs("no links & nothing <a>else</a> &#99999999;"), []);
});

Deno.test("a long text takes as long as it is long", () => {
  for (
    const text of [
      "https://a.example/some/path/file-1234.tar.gz?token=1\n".repeat(12_000),
      "(".repeat(200_000),
      "https://a.example/" + "(".repeat(100_000),
      "https://a.example/" + "a.".repeat(100_000),
      "[".repeat(20_000) + "](https://a.example/",
      "<https://a.example/a".repeat(10_000),
      "https://a.example/ " + "a ".repeat(50_000),
      "a.".repeat(100_000),
      "a" + ",".repeat(100_000) + "a",
      "-".repeat(100_000),
      "a-".repeat(100_000) + "/",
    ]
  ) {
    const before = performance.now();
    findUrls(text);
    findHrefs("<a ".repeat(50_000) + text);
    assertLess(performance.now() - before, 2_000, text.slice(0, 30));
  }
});

Deno.test("long lists go in batches that are never too long", () => {
  const most = { count: 2, characters: 10 };
  assertEquals(inBatches(["aaaa", "bbbb", "cc"], most), [
    ["aaaa", "bbbb"],
    ["cc"],
  ]);
  assertEquals(inBatches(["aaaaaaaa", "bbbb"], most), [["aaaaaaaa"], ["bbbb"]]);
  assertEquals(inBatches(["a".repeat(99)], most), [["a".repeat(99)]]);
  assertEquals(inBatches([], most), []);
});
