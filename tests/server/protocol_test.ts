import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createDownload } from "../../lib/download/download.ts";
import * as fc from "../support/fast_check.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseDownload } from "../../lib/download/request.ts";
import {
  type ClientRequest,
  idOfUnread,
  parseMessage,
  parseRequest,
  requestIdOf,
} from "../../lib/server/protocol.ts";

const LIMITS = { messageLength: 200_000, jsonDepth: 5, urlLength: 8192 };
const PLAIN = { filename: null, headers: {}, checksum: null, threads: null };
const url = "https://h.test/f";

/** What a client's message asks for. */
function parse(message: unknown): ClientRequest {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return parseRequest(parseMessage(text, LIMITS), LIMITS);
}

function assertWrong(message: unknown, code: string, says: string): void {
  const error = assertThrows(() => parse(message), DownloadError, says);
  assertEquals(error.code, code);
}

// What is accepted

Deno.test("the ancestor's message adds a URL", () => {
  assertEquals(parse('{"url": "https://example.org/file.bin"}'), {
    kind: "add",
    form: "url",
    requests: [{ url: "https://example.org/file.bin", ...PLAIN }],
  });
});

Deno.test("a download may have a name, headers, a checksum and a number of threads", () => {
  const digest = "AB".repeat(32);
  const headers = { "X-Key": "k" };
  const message = { url, filename: "f", headers, sha256: digest, threads: 4 };
  assertEquals(parseDownload(message, LIMITS), {
    url,
    filename: "f",
    headers: { "x-key": "k" },
    checksum: { algorithm: "sha256", digest: digest.toLowerCase() },
    threads: 4,
  });
});

Deno.test("a download may be added paused", () => {
  const paused = parseDownload({ url, paused: true }, LIMITS);
  assertEquals(paused, { url, ...PLAIN, paused: true });
  assertEquals(createDownload(paused, 0).state, {
    kind: "Paused",
    error: null,
  });
  const begun = parseDownload({ url, paused: false }, LIMITS);
  assertEquals(begun, { url, ...PLAIN });
  assertEquals(createDownload(begun, 0).state, { kind: "Queued" });
});

Deno.test("a list may be of the downloads of some URLs", () => {
  const asked = parse({ action: "list", urls: [url, "https://h.test/g"] });
  assert(asked.kind === "list");
  assertEquals(asked.urls, [url, "https://h.test/g"]);
});

Deno.test("what is null is not asked for", () => {
  const message = { url, filename: null, threads: null, paused: null };
  assertEquals(parseDownload(message, LIMITS), { url, ...PLAIN });
});

Deno.test("many are added at once, as URLs or as objects", () => {
  assertEquals(parse({ urls: [url, { url, filename: "f" }] }), {
    kind: "add",
    form: "urls",
    requests: [{ url, ...PLAIN }, { url, ...PLAIN, filename: "f" }],
  });
});

Deno.test("a URL may hold credentials, and spaces around it", () => {
  const message = { url: " http://u:p@h.test:81/?q#f\n" };
  assertEquals(parseDownload(message, LIMITS).url, "http://u:p@h.test:81/?q#f");
});

Deno.test("a command is for one download", () => {
  for (
    const [fields, command] of [
      [{ action: "pause" }, { kind: "pause" }],
      [{ action: "resume" }, { kind: "resume" }],
      [{ action: "retry" }, { kind: "retry" }],
      [{ action: "refresh", url }, { kind: "refresh", url }],
      [{ action: "limit", limit_rate: 1000 }, {
        kind: "limit",
        limitRate: 1000,
      }],
      [{ action: "limit", limit_rate: null }, {
        kind: "limit",
        limitRate: null,
      }],
      [{ action: "prioritize", priority: "high" }, {
        kind: "prioritize",
        priority: "high",
      }],
      [{ action: "remove" }, { kind: "remove", deleteFile: false }],
      [{ action: "remove", delete_file: true }, {
        kind: "remove",
        deleteFile: true,
      }],
    ] as const
  ) {
    const asked = parse({ ...fields, id: "1", request_id: 2 });
    assertEquals(asked, { kind: "command", id: "1", command });
  }
});

Deno.test("a move is of one download or some, to a place or before another", () => {
  for (
    const [fields, to] of [
      [{ to: "top" }, "top"],
      [{ to: "up" }, "up"],
      [{ to: "down" }, "down"],
      [{ to: "bottom" }, "bottom"],
      [{ to: 1 }, 1],
      [{ before: "2" }, { before: "2" }],
    ] as const
  ) {
    const action = "move";
    const one = { kind: "move", ids: ["1"], to, form: "id" } as const;
    assertEquals(parse({ action, id: "1", ...fields }), one);
    assertEquals(
      parse({ action, ids: ["3", "1", "3"], ...fields }),
      { ...one, ids: ["3", "1"], form: "ids" },
    );
  }
});

Deno.test("a priority is asked for with a URL; a normal one is not recorded", () => {
  const priorityOf = (priority: unknown) =>
    parseDownload({ url, priority }, LIMITS).priority;
  assertEquals(priorityOf("high"), "high");
  assertEquals(priorityOf("low"), "low");
  assertEquals(parseDownload({ url, priority: "normal" }, LIMITS), {
    url,
    ...PLAIN,
  });
});

Deno.test("without an id, a limit is for all downloads together", () => {
  for (
    const [fields, limits] of [
      [{ limit_rate: 2000 }, { rates: { server: 2000 } }],
      [{ limit_rate_per_host: null }, { rates: { host: null } }],
      [
        { limit_rate: null, limit_rate_per_host: 5000 },
        { rates: { server: null, host: 5000 } },
      ],
      [{ max_downloads: 3 }, { rates: {}, maxDownloads: 3 }],
      [{ max_downloads: null }, { rates: {}, maxDownloads: null }],
    ] as const
  ) {
    assertEquals(parse({ action: "limit", ...fields }), {
      kind: "limit",
      ...limits,
    });
  }
});

Deno.test("a command is for many downloads, named or found", () => {
  assertEquals(parse({ action: "pause", ids: ["1", "2", "1"] }), {
    kind: "many",
    command: { kind: "pause" },
    which: { kind: "these", ids: ["1", "2"] },
  });
  const found = { status: "Failed", search: "iso", except: ["1"] };
  const message = { action: "remove", all: true, delete_file: true, ...found };
  assertEquals(parse(message), {
    kind: "many",
    command: { kind: "remove", deleteFile: true },
    which: { kind: "all", statuses: ["Failed"], search: "iso", except: ["1"] },
  });
  assertEquals(parse({ action: "ping", request_id: 1 }), { kind: "ping" });
});

Deno.test("a list is a page of the downloads in some states, with some words", () => {
  const asked = {
    offset: 5,
    limit: 7,
    search: "iso",
    order: "oldest",
  } as const;
  const message = { action: "list", ...asked, status: ["Failed", "Queued"] };
  const statuses = ["Queued", "Failed"] as const;
  assertEquals(parse(message), { kind: "list", ...asked, statuses });
  const all = parse({ action: "list" });
  assert(all.kind === "list" && all.statuses.length === 5);
  assertEquals(all.order, "latest");
});

Deno.test("a request_id is text or a number, and not too long", () => {
  for (const id of ["", "a", 0, -1.5]) {
    assertEquals(requestIdOf({ request_id: id }), id);
  }
  for (const id of [null, undefined, {}, [], true, Infinity, "a".repeat(201)]) {
    assertEquals(requestIdOf({ request_id: id }), undefined);
  }
});

// What is not

Deno.test("a message must be text, JSON and an object", () => {
  for (const data of [new ArrayBuffer(1), new Blob(), null, 1]) {
    const error = assertThrows(() => parseMessage(data, LIMITS), DownloadError);
    assertStringIncludes(error.message, "must be text");
  }
  for (
    const text of [
      "",
      "hello",
      "{",
      '{"url": }',
      "{'url': 1}",
      '{"a":1}{}',
      "\0",
    ]
  ) {
    assertWrong(text, "BAD_REQUEST", "must be JSON");
  }
  for (const text of ["null", "1", '"url"', "[]", "true"]) {
    assertWrong(text, "BAD_REQUEST", "must be an object");
  }
});

Deno.test("a message has a greatest length", () => {
  const long = JSON.stringify({ url: "https://h.test/" + "a".repeat(200_000) });
  assertWrong(long, "TOO_MUCH", "200000 characters");
});

Deno.test("a message that is not read tells its id at either end", () => {
  const long = "a".repeat(300_000);
  for (
    const [text, id] of [
      [JSON.stringify({ url: long, request_id: 7 }), 7],
      [JSON.stringify({ url: long, request_id: "a b" }), "a b"],
      [JSON.stringify({ request_id: 7, url: long }), 7],
      [`{ "request_id" : "ü" , "url": "${long}`, "ü"],
      [`{"url": ${"[".repeat(9)}, "request_id": 0 }\n`, 0],
      [JSON.stringify({ url: long, in: { request_id: 7 } }), undefined],
      [JSON.stringify({ url: `${long},"request_id":7}` }), undefined],
      [`{"url": "${long}", "request_id": "${"a".repeat(201)}"}`, undefined],
      [`{"url": "${long}", "request_id": "\\x"}`, undefined],
      [`{"url": "${long}", "request_id": null}`, undefined],
      [new Uint8Array(9), undefined],
    ] as const
  ) {
    assertEquals(idOfUnread(text), id, String(text).slice(-40));
  }
});

Deno.test("a message may be nested so deep, and no deeper", () => {
  const nested = (depth: number) =>
    '{"a":'.repeat(depth - 1) + "{}" + "}".repeat(depth - 1);
  assert(parseMessage(nested(5), LIMITS));
  const lists = `{"a":${"[".repeat(5)}${"]".repeat(5)}}`;
  for (const text of [nested(6), lists, "[".repeat(199_999)]) {
    assertWrong(text, "BAD_REQUEST", "nested 5 deep");
  }
});

Deno.test("brackets in a text are no nesting", () => {
  for (const text of ["[[[[[[[[[", '\\"[[[[[[[[', '"{{{{{{{{', "\\"]) {
    const message = { url, filename: text };
    assertEquals(parseMessage(JSON.stringify(message), LIMITS), message);
  }
});

Deno.test("brackets after a text that ends in a backslash are nesting", () => {
  const text = `{"a": "\\\\", "b": ${"[".repeat(5)}${"]".repeat(5)}}`;
  assertWrong(text, "BAD_REQUEST", "nested");
});

Deno.test("the longest message that can be allowed is read, and at once", () => {
  const limits = { ...LIMITS, messageLength: 64 * 1024 * 1024 };
  const time = (read: () => unknown) => {
    const start = performance.now();
    assert(read());
    return performance.now() - start;
  };
  for (const filling of ["a", "\\\\"]) {
    const long = `{"a":"${filling.repeat(60_000_000 / filling.length)}"}`;
    const plain = time(() => JSON.parse(long));
    const read = time(() => parseMessage(long, limits));
    assertLess(read, 20 * plain + 100, `JSON.parse alone: ${plain} ms`);
  }
});

Deno.test("a URL must be whole, of HTTP and not too long", () => {
  for (
    const [url, says] of [
      ["", "must be whole"],
      ["example.org/file", "must be whole"],
      ["//example.org/file", "must be whole"],
      ["http://", "must be whole"],
      ["http://h.test/caf\uFFFD", "not sent in UTF-8"],
      ["http://h.test/?q=\ud83d", "not sent in UTF-8"],
      ["http://a b/", "must be whole"],
      ["http://h.test:99999/", "must be whole"],
      ["http://[fe80::1%25eth0]/", "names a network interface"],
      ["file:///etc/passwd", "http:// or https://"],
      ["data:text/plain,x", "http:// or https://"],
      ["ftp://h.test/x", "http:// or https://"],
      ["javascript:alert(1)", "http:// or https://"],
      ["https://h.test/" + "a".repeat(100_000), "longer than 8192"],
    ] as const
  ) {
    assertWrong({ url }, "BAD_URL", says);
    assertWrong({ urls: ["https://h.test/", url] }, "BAD_URL", says);
    assertWrong({ urls: ["https://h.test/", url] }, "BAD_URL", '"urls"[1]: ');
  }
});

Deno.test("what is wrong with a download is named", () => {
  for (
    const [fields, says] of [
      [{}, '"url"'],
      [{ url: 1 }, '"url"'],
      [{ url: null }, '"url"'],
      [{ url, filename: "" }, '"filename"'],
      [{ url, filename: 1 }, '"filename"'],
      [{ url, headers: [] }, '"headers"'],
      [{ url, headers: null }, '"headers"'],
      [{ url, headers: { a: 1 } }, "value of a"],
      [{ url, headers: { Range: "bytes=0-" } }, "Range"],
      [{ url, headers: { "a b": "c" } }, '"a b"'],
      [{ url, headers: { a: "b\r\nc" } }, '"a"'],
      [{ url, threads: 0 }, '"threads"'],
      [{ url, threads: 1.5 }, '"threads"'],
      [{ url, threads: "4" }, '"threads"'],
      [{ url, paused: "yes" }, '"paused"'],
      [{ url, threads: 1001 }, "from 1 to 1000"],
      [{ url, sha256: "ab" }, "64 hexadecimal digits"],
      [{ url, md5: "g".repeat(32) }, "32 hexadecimal digits"],
      [{ url, sha1: null }, "40 hexadecimal digits"],
      [{ url, sha1: "a".repeat(40), md5: "a".repeat(32) }, "sha1 and md5"],
      [{ url, file_name: "f" }, '"file_name"'],
      [{ url, urls: [url] }, '"url"'],
    ] as const
  ) assertWrong(fields, "BAD_REQUEST", says);
  assertWrong(
    '{"__proto__": {"url": "https://h.test/"}}',
    "BAD_REQUEST",
    "__proto__",
  );
});

Deno.test("what is wrong with a list of downloads is named", () => {
  for (const urls of [[], {}, url, null]) {
    assertWrong({ urls }, "BAD_REQUEST", '"urls"');
  }
  for (const entry of [null, 1, [url]]) {
    assertWrong({ urls: [url, entry] }, "BAD_REQUEST", '"url"');
  }
  assertWrong({ urls: [url], filename: "f" }, "BAD_REQUEST", '"filename"');
});

Deno.test("what is wrong with a command is named", () => {
  for (
    const [fields, says] of [
      [{ action: "add", url }, "to add a URL, leave it out"],
      [{ action: "stop" }, '"action"'],
      [{ action: null }, '"action"'],
      [{ action: ["pause"], id: "1" }, '"action"'],
      [{ action: "pause" }, '"id"'],
      [{ action: "pause", id: 1 }, '"id"'],
      [{ action: "pause", id: "1", delete_file: true }, '"delete_file"'],
      [{ action: "remove", id: "1", delete_file: 1 }, '"delete_file"'],
      [{ action: "pause", id: "1", url }, '"url"'],
      [{ action: "limit" }, '"limit_rate"'],
      [{ action: "limit", id: "1" }, '"limit_rate"'],
      [{ action: "limit", limit_rate: 999 }, "from 1000"],
      [{ action: "limit", max_downloads: 0 }, "from 1 "],
      [{ action: "limit", max_downloads: 1025 }, "1024"],
      [{ action: "limit", id: "1", max_downloads: 2 }, "max_downloads"],
      [{ action: "limit", id: "1", limit_rate: "2M" }, '"limit_rate"'],
      [{ action: "limit", id: "1", limit_rate_per_host: 2000 }, "_per_host"],
      [{ action: "prioritize", id: "1" }, "high, normal, low"],
      [{ action: "prioritize", id: "1", priority: 1 }, '"priority"'],
      [{ url, priority: "urgent" }, '"priority"'],
      [{ action: "move", id: "1" }, '"to"'],
      [{ action: "move", to: "top" }, '"ids"'],
      [{ action: "move", id: "1", ids: ["2"], to: "top" }, '"ids"'],
      [{ action: "move", all: true, to: "top" }, '"all"'],
      [{ action: "move", id: "1", to: "top", before: "2" }, '"before"'],
      [{ action: "move", id: "1", to: 0 }, "from 1 on"],
      [{ action: "move", id: "1", to: 1.5 }, "from 1 on"],
      [{ action: "move", id: "1", to: "first" }, "top, up, down, bottom"],
      [{ action: "move", id: "1", before: 2 }, '"before"'],
      [{ action: "list", offset: -1 }, '"offset"'],
      [{ action: "list", limit: 0 }, '"limit"'],
      [{ action: "list", limit: 1001 }, "from 1 to 1000"],
      [{ action: "list", id: "1" }, '"id"'],
      [{ action: "list", status: "Done" }, '"status"'],
      [{ action: "list", status: [] }, '"status"'],
      [{ action: "list", status: ["Failed", 1] }, '"status"'],
      [{ action: "list", search: 1 }, '"search"'],
      [{ action: "list", urls: url }, '"urls"'],
      [{ action: "list", urls: [url, 1] }, '"urls"'],
      [{ action: "list", order: "by name" }, '"order"'],
      [{ action: "refresh", id: "1" }, '"url"'],
      [{ action: "ping", id: "1" }, '"id"'],
      [{ action: "pause", ids: "1" }, '"ids"'],
      [{ action: "pause", ids: [1] }, '"ids"'],
      [{ action: "pause", ids: Array(1_001).fill("1") }, "at most 1000"],
      [{ action: "pause", ids: ["1"], id: "1" }, '"id"'],
      [{ action: "remove", ids: ["1"], all: true }, '"all"'],
      [{ action: "remove", ids: ["1"], search: "a" }, '"search"'],
      [{ action: "remove", ids: ["1"], except: ["2"] }, '"except"'],
      [{ action: "remove", all: false }, '"all"'],
      [{ action: "remove", all: true, search: 1 }, '"search"'],
      [{ action: "remove", all: true, status: "Done" }, '"status"'],
      [{ action: "refresh", ids: ["1"], url }, '"ids"'],
    ] as const
  ) assertWrong(fields, "BAD_REQUEST", says);
});

Deno.test("the name of an unknown field is told, however long, in a short message", () => {
  const field = "a".repeat(100_000);
  const error = assertThrows(() => parse({ url, [field]: 1 }), DownloadError);
  assert(error.message.length < 300);
});

const field = fc.constantFrom(
  ...[
    "url",
    "urls",
    "action",
    "id",
    "filename",
    "headers",
    "threads",
    "paused",
    "sha256",
  ],
  ...[
    "offset",
    "limit",
    "delete_file",
    "request_id",
    "__proto__",
    "constructor",
  ],
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(url, [url], "list", "pause", "remove", "1", { a: "b" }, 4),
);

function assertReadable(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert(error instanceof DownloadError, String(error));
    assert(["BAD_REQUEST", "BAD_URL", "TOO_MUCH"].includes(error.code));
  }
}

Deno.test("whatever a client sends, it is understood or told what is wrong", () => {
  const message = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(field, value).map((fields) => JSON.stringify(fields)),
  );
  fc.assert(
    fc.property(message, (message) => {
      assertReadable(() => parse(message));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.anything(), (data) => {
      assertReadable(() => parseMessage(data, LIMITS));
      assertReadable(() => parseDownload(data, LIMITS));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("what is accepted is of HTTP, and can be sent", () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("__proto__", "X-Key"));
  const headers = fc.dictionary(name, fc.string({ unit: "binary" }));
  fc.assert(fc.property(fc.webUrl(), headers, (url, headers) => {
    let request;
    try {
      request = parseDownload({ url, headers }, LIMITS);
    } catch {
      return;
    }
    assert(new URL(request.url).protocol.startsWith("http"));
    assertEquals(
      new Set(new Headers(request.headers).keys()),
      new Set(Object.keys(request.headers)),
    );
  }));
});
