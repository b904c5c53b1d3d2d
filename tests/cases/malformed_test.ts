/** Malformed messages, frames and requests: other clients are served on. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import {
  assertCalm,
  assertServes,
  memoryOf,
  untilSockets,
} from "../support/health.ts";
import { startOrigin } from "../support/origin.ts";
import {
  CLOSE,
  connectRaw,
  connectRawSocket,
  CONTINUATION,
  frameOf,
  HANDSHAKE,
  head,
  PING,
  TEXT,
} from "../support/raw.ts";
import { codeOf } from "../support/requests.ts";
import { startSluice } from "../support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const WRONG: readonly (readonly [what: string, text: string, code: string])[] =
  [
    ["nothing", "", "BAD_REQUEST"],
    ["words", "hello", "BAD_REQUEST"],
    ["half an object", '{"url": "http://a.test/', "BAD_REQUEST"],
    ["single quotes", "{'url': 'http://a.test/'}", "BAD_REQUEST"],
    ["a NUL", "\0", "BAD_REQUEST"],
    ["a lone surrogate, escaped", '{"url": "\\ud800"}', "BAD_URL"],
    ["two objects", "{}{}", "BAD_REQUEST"],
    ["null", "null", "BAD_REQUEST"],
    ["a number", "1e999", "BAD_REQUEST"],
    ["a string", '"http://a.test/"', "BAD_REQUEST"],
    ["a list", '["http://a.test/"]', "BAD_REQUEST"],
    ["an empty object", "{}", "BAD_REQUEST"],
    ["a prototype", '{"__proto__": {"url": "http://a.test/"}}', "BAD_REQUEST"],
    ["a constructor", '{"constructor": "x", "url": "a"}', "BAD_REQUEST"],
    ["an unknown field", '{"url": "http://a.test/", "x": 1}', "BAD_REQUEST"],
    ["no URLs", '{"urls": []}', "BAD_REQUEST"],
    ["URLs that are one", '{"urls": "http://a.test/"}', "BAD_REQUEST"],
    ["a list of lists", '{"urls": [["http://a.test/"]]}', "BAD_REQUEST"],
    ["one null of two", '{"urls": ["http://a.test/", null]}', "BAD_REQUEST"],
    ["a list as headers", '{"url": "http://a/", "headers": []}', "BAD_REQUEST"],
    [
      "a header that ends the line",
      '{"url": "http://a.test/", "headers": {"a": "b\\r\\nRange: x"}}',
      "BAD_REQUEST",
    ],
    [
      "a header of ours",
      '{"url": "http://a.test/", "headers": {"RANGE": "bytes=0-1"}}',
      "BAD_REQUEST",
    ],
    ["half a thread", '{"url": "http://a/", "threads": 0.5}', "BAD_REQUEST"],
    ["a short digest", '{"url": "http://a/", "sha256": "00"}', "BAD_REQUEST"],
    ["an unknown action", '{"action": "format"}', "BAD_REQUEST"],
    ["an action of no type", '{"action": null}', "BAD_REQUEST"],
    ["a pause of nothing", '{"action": "pause"}', "BAD_REQUEST"],
    ["a pause of all", '{"action": "pause", "id": ["*"]}', "BAD_REQUEST"],
    [
      "an id of a megabyte",
      `{"action": "pause", "id": "${"x".repeat(MiB)}"}`,
      "BAD_REQUEST",
    ],
    ["a page before the first", '{"action":"list","offset":-1}', "BAD_REQUEST"],
    ["a page of all", '{"action": "list", "limit": 1e9}', "BAD_REQUEST"],
    ["10 MB", `{"url": "http://a.test/${"a".repeat(10 * MiB)}"}`, "TOO_MUCH"],
    ["10 MB of blanks", " ".repeat(10 * MiB), "TOO_MUCH"],
    ["lists in lists", "[".repeat(1_000_000), "BAD_REQUEST"],
    ["objects in objects", '{"url":'.repeat(100_000), "BAD_REQUEST"],
    [
      "depth behind an escaped quote",
      `{"a": "\\"", "b": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      "BAD_REQUEST",
    ],
  ];

Deno.test("what is no request is answered with an error, on the same socket", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await using witness = await sluice.connect();
  const before = await memoryOf(sluice);
  for (const [what, text, code] of WRONG) {
    const reply = client.message((message) => "error" in message);
    client.socket.send(text);
    assertEquals(codeOf(await reply), code, what);
  }
  for (const bytes of [new Uint8Array(), new Uint8Array(8 * MiB)]) {
    const reply = client.message((message) => "error" in message);
    client.socket.send(bytes);
    assertEquals(codeOf(await reply), "BAD_REQUEST", "binary");
  }
  await assertServes(sluice, origin, client);
  await assertServes(sluice, origin, witness);
  assert(witness.messages.every((message) => !("error" in message)));
  assertLess(Math.max(...witness.messages.map(lengthOf)), 10 * KiB);
  assertLess(await memoryOf(sluice) - before, 200 * MiB);
  assertCalm(sluice);
});

function lengthOf(message: unknown): number {
  return JSON.stringify(message).length;
}

const BROKEN_FRAMES: readonly (readonly [string, Uint8Array])[] = [
  ["a reserved opcode", frameOf(3, "x")],
  ["reserved bits", new Uint8Array([0xf1, 0x80, 0, 0, 0, 0])],
  ["a continuation of nothing", frameOf(CONTINUATION, "x")],
  ["a ping in pieces", frameOf(PING, "x", { fin: false })],
  ["a long ping", frameOf(PING, new Uint8Array(70_000))],
  ["text that is not UTF-8", frameOf(TEXT, new Uint8Array([0xff, 0xfe]))],
  ["a close of one byte", frameOf(CLOSE, new Uint8Array(1))],
  ["a close for no known reason", frameOf(CLOSE, new Uint8Array([0, 1]))],
  ["more than memory", frameOf(TEXT, "", { length: 2 ** 53 })],
  ["more than 64 MiB", frameOf(TEXT, "", { length: 64 * MiB + 1 })],
  ["not a frame at all", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
];

Deno.test("a broken frame ends that socket alone", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  for (const [what, bytes] of BROKEN_FRAMES) {
    using socket = await connectRawSocket(sluice);
    assertEquals(socket.status, 101, what);
    await socket.write(bytes);
    while (await socket.frame() !== null);
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin, client);
  assertCalm(sluice);
});

const BROKEN_REQUESTS: readonly (readonly [string, string])[] = [
  ["not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
  ["no host", head({ Connection: "close" })],
  ["two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"],
  ["a path of nothing", head({ Host: "localhost" }, "GET  HTTP/1.1")],
  ["an asterisk", head({ ...HANDSHAKE }, "OPTIONS * HTTP/1.1")],
  ["a whole URL", head({ ...HANDSHAKE }, "GET http://[ HTTP/1.1")],
  ["another scheme", head({ ...HANDSHAKE }, "GET file:///etc HTTP/1.1")],
  ["a tunnel", head({ Host: "localhost" }, "CONNECT evil:1 HTTP/1.1")],
  ["a host with a path", head({ ...HANDSHAKE, Host: "localhost/x#" })],
  ["a long path", head(HANDSHAKE, `GET /${"a".repeat(MiB)} HTTP/1.1`)],
  ["a thousand headers", head(manyHeaders(1_000))],
  ["no key", head({ Host: "localhost", Upgrade: "websocket" })],
  [
    "a protocol that is none",
    head({ ...HANDSHAKE, "Sec-WebSocket-Protocol": "\x80 @,()" }),
  ],
  ["a post", head({ ...HANDSHAKE, "Content-Length": "0" }, "POST / HTTP/1.1")],
  [
    "chunks of nothing",
    head(
      { Host: "localhost", "Transfer-Encoding": "chunked" },
      "POST /login HTTP/1.1",
    ) + "ZZ\r\n",
  ],
];

function manyHeaders(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, n) => [`X-${n}`, "x"]);
  return { ...HANDSHAKE, ...Object.fromEntries(names) };
}

Deno.test("a broken request is refused, and the next one served", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  for (const [what, text] of BROKEN_REQUESTS) {
    using raw = await connectRaw(sluice);
    await raw.write(text).catch(() => {});
    await raw.conn.closeWrite().catch(() => {});
    const answer = await raw.rest();
    assertMatch(answer, /^($|HTTP\/1\.\d [45]\d\d )/, what);
  }
  await assertServes(sluice, origin);
});

Deno.test("an endless message in fragments costs memory, and nothing else", async () => {
  // Deno gathers fragments with no limit but memory, before we hear of them,
  // and tells nothing of it: it cannot be bounded here, only watched. Whoever
  // can do this has passed the token. See the threat model in the README.
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const mebibytes = 96;
  const before = await memoryOf(sluice);
  {
    using socket = await connectRawSocket(sluice);
    const bytes = new Uint8Array(MiB).fill(0x61);
    await socket.write(frameOf(TEXT, bytes, { fin: false }));
    const more = frameOf(CONTINUATION, bytes, { fin: false });
    for (let n = 1; n < mebibytes; n++) await socket.write(more);
    // The answer to a ping in between says that all before it was read.
    await socket.write(frameOf(PING, "all"));
    for (;;) {
      const frame = await socket.frame();
      assert(frame !== null, "It ended before its pong");
      if (frame.opcode === PING + 1) break;
    }
    const growth = await memoryOf(sluice) - before;
    assertLess(growth / mebibytes, 5 * MiB);
    await assertServes(sluice, origin, client);
    // The message is too long once it ends, and the socket lives on.
    await socket.write(frameOf(CONTINUATION, "end"));
    for (;;) {
      const message = await socket.message();
      assert(message !== null, "It ended before the error");
      if (!("error" in message)) continue;
      assertEquals(message.error.code, "TOO_MUCH");
      break;
    }
    await socket.send({ action: "list", request_id: "after" });
    for (;;) {
      const message = await socket.message();
      assert(message !== null, "It ended before the list");
      if (message.request_id === "after") break;
    }
  }
  await untilSockets(sluice, 1);
  await assertServes(sluice, origin, client);
  assertCalm(sluice);
});
