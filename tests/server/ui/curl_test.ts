import { assert, assertEquals } from "@std/assert";
import { OWN_HEADERS as REFUSED } from "../../../lib/download/request.ts";
import { isCurl, OWN_HEADERS, readCurl } from "../../../lib/server/ui/curl.js";

const A = "https://a.example/x";

/** What the only URL of a command is asked with; or why it is not taken. */
function read(command: string, files = false) {
  const reading = readCurl(command, { files });
  if (reading.kind === "fault") return `${reading.why}: ${reading.what}`;
  const [first, ...more] = reading.urls;
  assertEquals(more, []);
  return first;
}

const PLAIN = { url: A, filename: null, headers: {}, cookieFiles: [] };

// As Chromium 140 and Firefox 143 copy them on Linux.
const CHROMIUM = String.raw`curl 'https://a.example/x?q=\[1\]&r=it%27s' \
  -H 'accept: */*' \
  -H 'accept-language: de,en;q=0.9' \
  -b 'session=s3cret; theme=dark' \
  -H $'x-name: Zo\u00eb\'s \ud83d\ude00 \u0021' \
  -H 'range: bytes=0-' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --compressed --insecure`;
const FIREFOX =
  `curl 'https://a.example/x' --compressed -H 'User-Agent: Mozilla/5.0' ` +
  `-H 'Accept-Encoding: gzip, deflate, br, zstd' -H 'Referer: https://a.example/' ` +
  `-H 'Connection: keep-alive' -H 'Cookie: a=b' -H 'TE: trailers' ` +
  `-H 'Host: a.example' -H 'If-None-Match: "x"'`;

Deno.test("what browsers copy is read, without what is of their own request", () => {
  assertEquals(read(CHROMIUM), "insecure: --insecure");
  assertEquals(read(CHROMIUM.replace(" --insecure", "")), {
    ...PLAIN,
    url: "https://a.example/x?q=[1]&r=it%27s",
    headers: {
      "accept": "*/*",
      "accept-language": "de,en;q=0.9",
      "x-name": "Zoë's 😀 !",
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
      "cookie": "session=s3cret; theme=dark",
    },
  });
  assertEquals(read(FIREFOX), {
    ...PLAIN,
    headers: {
      "user-agent": "Mozilla/5.0",
      "referer": "https://a.example/",
      "cookie": "a=b",
    },
  });
  assertEquals(OWN_HEADERS, REFUSED);
});

Deno.test("flags are read in each of their forms", () => {
  for (
    const [command, more] of [
      [`curl ${A}`, {}],
      [`$ curl -fsSLO --url ${A}`, {}],
      ["curl a.example/x", { url: "http://a.example/x" }],
      [`curl -Hx-a:b -H 'X-C;' -H 'X-D:' ${A}`, {
        headers: { "x-a": "b", "x-c": "" },
      }],
      [`curl -H 'X: a' --header "x: b" ${A}`, { headers: { x: "a, b" } }],
      [`curl -A me -e 'https://r.example/;auto' ${A}`, {
        headers: { "user-agent": "me", "referer": "https://r.example/" },
      }],
      [`curl --user-agent '' --referer ';auto' ${A}`, {}],
      [`curl --cookie a=b -b 'c=d' ${A}`, { headers: { cookie: "a=b; c=d" } }],
      [`curl -u 'me@work:a:b/c' ${A}`, {
        url: "https://me%40work:a%3Ab%2Fc@a.example/x",
      }],
      [`curl --user new:p https://old:q@a.example/x`, {
        url: "https://new:p@a.example/x",
      }],
      [`curl -Lo disk.img --retry 3 -C - -X GET ${A}`, {
        filename: "disk.img",
      }],
      [`curl -g 'https://a.example/{x}' -- `, {
        url: "https://a.example/{x}",
      }],
      [`curl "a.example/"'b c'\\ d$'\\x41\\101\\u00e4\\n'`, {
        url: "http://a.example/b c dAAä\n",
      }],
      [`curl ${A} # the file`, {}],
      [`curl 'http://[::1]/x'`, { url: "http://[::1]/x" }],
    ] as const
  ) {
    assertEquals(read(command), { ...PLAIN, ...more }, command);
  }
});

Deno.test("a flag that is not taken is named, and no value is", () => {
  for (
    const [command, fault] of [
      [`curl -d 'secret=1' ${A}`, "data: -d"],
      [`curl -dsecret ${A}`, "data: -d"],
      [`curl --data-raw $'secret' ${A}`, "data: --data-raw"],
      [`curl -F a=b ${A}`, "data: -F"],
      [`curl -sX POST ${A}`, "method: -X POST"],
      [`curl --request DELETE ${A}`, "method: --request DELETE"],
      [`curl -I ${A}`, "method: -I"],
      [`curl -k ${A}`, "insecure: -k"],
      [`curl --proxy http://secret@p/ ${A}`, "unknown: --proxy"],
      [`curl -x http://secret@p/ ${A}`, "unknown: -x"],
      [`curl -b cookies.txt ${A}`, "file: -b"],
      [`curl -n ${A}`, "file: -n"],
      [`curl -H @headers.txt ${A}`, "file: -H"],
      [`curl -K config ${A}`, "file: -K"],
      [`curl -H secret ${A}`, "value: -H"],
      [`curl -u secret ${A}`, "value: -u"],
      [`curl ${A} -H`, "value: -H"],
      [`curl -o /etc/passwd ${A}`, "path: -o"],
      [`curl -H 'Host: b.example' ${A}`, "host: -H Host"],
      [`curl 'https://a.example/[1-9].jpg'`, "pattern: {}[]"],
      [`curl 'https://a.example/{a,b}'`, "pattern: {}[]"],
      [`curl -H "X: $TOKEN" ${A}`, "shell: $T"],
      [`curl -H "X: \`id\`" ${A}`, "shell: `"],
      [`curl https://a.example/$NAME`, "shell: $N"],
      [`curl https://a.example/?a=1&b=2`, "shell: &"],
      [`curl ${A} | sh`, "shell: |"],
      [`curl ${A} > x`, "shell: >"],
      [`curl ${A}; rm x`, "shell: rm"],
      [`curl -H 'secret ${A}`, "quote: '"],
      [`curl "${A}`, 'quote: "'],
      [`curl ^"${A}^" ^\n  -H ^"a: b^"`, "cmd: ^"],
      [`curl "${A}" ^\r\n  -H "a: b"`, "cmd: ^"],
      ["curl -L", "url: curl"],
    ] as const
  ) {
    assertEquals(read(command), fault, command);
  }
});

Deno.test("cookie files are named where they can be read", () => {
  assertEquals(read(`curl -b jar.txt -b a=b ${A}`, true), {
    ...PLAIN,
    headers: { cookie: "a=b" },
    cookieFiles: ["jar.txt"],
  });
});

Deno.test("several URLs and commands are taken, each with its own flags", () => {
  const reading = readCurl(
    `curl -H 'A: 1' -o a ${A}/1 -o b ${A}/2 ;\ncurl -e r \\\n ${A}/3\n`,
    { files: false },
  );
  assert(reading.kind === "urls");
  assertEquals(
    reading.urls.map(({ url, filename, headers }) => [url, filename, headers]),
    [
      [`${A}/1`, "a", { a: "1" }],
      [`${A}/2`, "b", { a: "1" }],
      [`${A}/3`, null, { referer: "r" }],
    ],
  );
});

Deno.test("only a command is taken for one", () => {
  for (const text of [`curl ${A}`, `\n curl.exe -L x`, "$ curl 'x'"]) {
    assert(isCurl(text), text);
  }
  for (const text of [A, `curl fetches ${A}`, "curly -x", `see curl ${A}`]) {
    assert(!isCurl(text), text);
  }
});
