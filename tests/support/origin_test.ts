import { assert, assertEquals, assertRejects } from "@std/assert";
import { caCertificate, serverCertificate, serverKey } from "./certificate.ts";
import { makeDirectory } from "./directory.ts";
import {
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  forever,
  literal,
  type Origin,
  redirect,
  startOrigin,
} from "./origin.ts";

const MiB = 1024 * 1024;

/** The answer to a GET of the range from `start` up to `end`. */
function get(url: string, start?: number, end?: number): Promise<Response> {
  const headers: HeadersInit = start === undefined
    ? {}
    : { Range: `bytes=${start}-${end === undefined ? "" : end - 1}` };
  return fetch(url, { headers, redirect: "manual" });
}

async function connect(origin: Origin): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port: origin.port });
}

/** All that the origin writes to a GET until it closes, as Latin-1. */
async function raw(origin: Origin, path: string): Promise<string> {
  using connection = await connect(origin);
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const bytes = await new Response(connection.readable).bytes();
  return new TextDecoder("latin1").decode(bytes);
}

/** Serves 1,000 bytes with a behaviour, and gets the range from 100 to 200. */
async function behaving(behaviour: Behaviour) {
  await using origin = await startOrigin();
  const answer = await get(origin.serve("/", file(1000), behaviour), 100, 200);
  const { status, headers } = answer;
  return { status, headers, bytes: await answer.bytes() };
}

Deno.test("file() has the same bytes however it is read", () => {
  const size = MiB + 7;
  const whole = bytesOf(file(size));
  for (
    const [at, length] of [[0, 1], [262143, 2], [1, MiB], [
      size - 1,
      1,
    ]] as const
  ) {
    assertEquals(file(size).read(at, length), whole.subarray(at, at + length));
  }
});

Deno.test("file() differs at other offsets and with other seeds", () => {
  const huge = file(100 * 1024 * MiB);
  const seen = new Set<string>();
  for (const seed of [0, 1, 2, 12345]) {
    for (const at of [0, 1, 4096, MiB, 16 * MiB, 32 * MiB, 99 * 1024 * MiB]) {
      seen.add(file(huge.size, seed).read(at, 16).toString());
    }
  }
  assertEquals(seen.size, 28);
});

Deno.test("firstDifference() finds any", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/a`;
  const wanted = file(300_000);
  const bytes = bytesOf(wanted);
  await Deno.writeFile(path, bytes);
  assertEquals(await firstDifference(path, wanted), null);
  assertEquals(await firstDifference(path, file(300_001)), 300_000);
  assertEquals(await firstDifference(path, file(299_999)), 299_999);
  bytes[270_000]! ^= 1;
  await Deno.writeFile(path, bytes);
  assertEquals(await firstDifference(path, wanted), 270_000);
});

Deno.test("a range is answered by exactly it, on one connection", async () => {
  await using origin = await startOrigin();
  const big = file(5 * 1024 * MiB, 3);
  const url = origin.serve("/big", big);
  for (const start of [0, 16 * MiB, big.size - MiB]) {
    const end = start + MiB;
    const answer = await get(url, start, end);
    assertEquals(answer.status, 206);
    assertEquals(
      answer.headers.get("content-range"),
      `bytes ${start}-${end - 1}/${big.size}`,
    );
    assertEquals(answer.headers.get("content-length"), `${MiB}`);
    assertEquals(answer.headers.get("etag"), big.etag);
    assertEquals(await answer.bytes(), new Uint8Array(big.read(start, MiB)));
  }
  assertEquals(origin.requests.map((r) => r.connection), [0, 0, 0]);
  assertEquals(origin.requests.map((r) => r.nth), [0, 1, 2]);
  assertEquals(origin.requests[1]!.range, { start: 16 * MiB, end: 17 * MiB });
  assertEquals(origin.sent, 3 * MiB);
  assertEquals(origin.peak, 1);
});

Deno.test("ranges at and beyond the end, and none", async () => {
  await using origin = await startOrigin();
  const small = file(10);
  const url = origin.serve("/", small);
  const beyond = await get(url, 8, 100);
  assertEquals(beyond.headers.get("content-range"), "bytes 8-9/10");
  assertEquals(await beyond.bytes(), bytesOf(small).slice(8));
  const open = await get(url, 4);
  assertEquals(await open.bytes(), bytesOf(small).slice(4));
  const none = await get(url, 10, 20);
  assertEquals([none.status, await none.text()], [416, ""]);
  assertEquals(none.headers.get("content-range"), "bytes */10");
  const empty = await get(origin.serve("/empty", file(0)), 0, 100);
  assertEquals([empty.status, await empty.text()], [416, ""]);
  const whole = await get(url);
  assertEquals(whole.status, 200);
  assertEquals(await whole.bytes(), bytesOf(small));
  const stale = await fetch(url, {
    headers: { Range: "bytes=0-1", "If-Range": '"other"' },
  });
  assertEquals([stale.status, (await stale.bytes()).length], [200, 10]);
  const head = await fetch(url, { method: "HEAD" });
  assertEquals(head.headers.get("content-length"), "10");
  const missing = await get(origin.url("/none"));
  assertEquals([missing.status, await missing.text()], [404, ""]);
});

Deno.test("ranges ignored", async () => {
  const { status, headers, bytes } = await behaving({ ranges: "ignore" });
  assertEquals(status, 200);
  assertEquals(headers.get("content-length"), "1000");
  assertEquals(bytes, bytesOf(file(1000)));
});

Deno.test("another slice, and another version", async () => {
  const { headers, bytes } = await behaving({
    file: file(500, 9),
    slice: { start: 5, end: 10 },
  });
  assertEquals(headers.get("content-range"), "bytes 5-9/500");
  assertEquals(headers.get("etag"), '"9-500"');
  assertEquals(bytes, bytesOf(file(500, 9)).slice(5, 10));
});

Deno.test("a body longer or shorter than its range", async () => {
  for (const surplus of [-1, 1, 900]) {
    const { headers, bytes } = await behaving({ surplus });
    assertEquals(headers.get("content-range"), "bytes 100-199/1000");
    assertEquals(headers.get("content-length"), `${100 + surplus}`);
    assertEquals(bytes.length, 100 + surplus);
  }
});

Deno.test("headers replaced, removed, repeated", async () => {
  const { headers } = await behaving({
    headers: {
      "etag": 'W/"weak"',
      "Accept-Ranges": null,
      "Content-Range": ["bytes 0-1/4", "bytes 2-3/4"],
    },
  });
  assertEquals(headers.get("etag"), 'W/"weak"');
  assertEquals(headers.get("accept-ranges"), null);
  assertEquals(headers.get("content-range"), "bytes 0-1/4, bytes 2-3/4");
});

Deno.test("headers go out as they are spelt, byte by byte", async () => {
  await using origin = await startOrigin();
  origin.serve("/", literal("x", { headers: { "Content-Disposition": "ä" } }), {
    connection: "close",
    headers: { "X-Byte": new Uint8Array([0xe4]) },
    spelling: (name) => name.toLowerCase(),
  });
  const answer = await raw(origin, "/");
  assert(answer.includes("\r\ncontent-length: 1\r\n"));
  assert(answer.includes("\r\ncontent-disposition: Ã¤\r\n"));
  assert(answer.includes("\r\nx-byte: ä\r\n"));
});

Deno.test("any status, with any body", async () => {
  const busy = await behaving({ status: 503, headers: { "Retry-After": "7" } });
  assertEquals([busy.status, busy.bytes.length], [503, 0]);
  assertEquals(busy.headers.get("retry-after"), "7");
  const page = await behaving({
    body: "<p>Sorry",
    headers: { "Content-Type": "text/html" },
  });
  assertEquals(page.status, 200);
  assertEquals(page.headers.get("content-range"), null);
  assertEquals(new TextDecoder().decode(page.bytes), "<p>Sorry");
});

Deno.test("gzip in earnest", async () => {
  const { headers, bytes } = await behaving({ encoding: "gzip" });
  assertEquals(headers.get("content-encoding"), "gzip");
  assertEquals(headers.get("content-length"), `${bytes.length}`);
  const plain = new Blob([bytes]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  assertEquals(
    await new Response(plain).bytes(),
    bytesOf(file(1000)).slice(100, 200),
  );
});

Deno.test("bodies chunked, and ended by the connection", async () => {
  for (const framing of ["chunked", "close"] as const) {
    const { headers, bytes } = await behaving({ framing });
    assertEquals(headers.get("content-length"), null);
    assertEquals(bytes, bytesOf(file(1000)).slice(100, 200));
  }
});

Deno.test("HTTP/1.0, byte by byte", async () => {
  await using origin = await startOrigin();
  origin.serve("/", literal("hello"), {
    version: "HTTP/1.0",
    framing: "close",
    headers: { Date: null, "Accept-Ranges": null, "Content-Type": null },
  });
  assertEquals(
    await raw(origin, "/"),
    "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello",
  );
});

Deno.test("a connection closed after each answer, said or not", async () => {
  await using origin = await startOrigin();
  for (const connection of ["close", "drop"] as const) {
    origin.serve("/", literal("hello"), { connection });
    const answer = await raw(origin, "/");
    assertEquals(answer.includes("Connection: close"), connection === "close");
    assert(answer.endsWith("hello"));
  }
});

Deno.test("a body cut by a FIN, a reset, a broken chunk", async () => {
  const fin = { after: 60, by: "fin" } as const;
  const reset = { after: 60, by: "reset" } as const;
  const broken = { after: 60, by: "broken chunk" } as const;
  const cuts: Behaviour[] = [
    { cut: fin },
    { cut: reset },
    { framing: "chunked", cut: fin },
    { framing: "chunked", cut: reset },
    { framing: "chunked", cut: broken },
    { framing: "close", cut: reset },
  ];
  for (const behaviour of cuts) {
    await assertRejects(() => behaving(behaviour), TypeError);
  }
  // Only without a length does a body cut by a FIN look whole.
  const short = await behaving({ framing: "close", cut: fin });
  assertEquals(short.bytes.length, 60);
});

Deno.test("resets are resets, with and without an answer", async () => {
  await using origin = await startOrigin();
  const cut = { after: 0, by: "reset" } as const;
  for (const behaviour of [{ cut }, { cut, raw: "" }]) {
    origin.serve("/", file(10), behaviour);
    await assertRejects(() => raw(origin, "/"), Deno.errors.ConnectionReset);
  }
});

Deno.test("garbage, and nothing", async () => {
  await using origin = await startOrigin();
  for (const garbage of ["\0\xff garbage", ""]) {
    const url = origin.serve("/", file(10), { raw: garbage });
    await assertRejects(() => get(url), TypeError);
  }
});

Deno.test("gates hold the answer and tell when it gets there", async () => {
  await using origin = await startOrigin();
  const atHead = Promise.withResolvers<void>();
  const at0 = Promise.withResolvers<void>();
  const at50 = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const url = origin.serve("/", file(100), {
    gates: {
      head: () => atHead.promise,
      0: () => at0.promise,
      50() {
        at50.resolve();
        return release.promise;
      },
    },
  });
  const coming = get(url);
  const request = await origin.request(({ path }) => path === "/");
  atHead.resolve();
  const answer = await coming; // its head, while the body is held at 0
  assertEquals(request.sent, 0);
  at0.resolve();
  await at50.promise;
  assertEquals(request.sent, 50);
  const reader = answer.body!.getReader();
  const first = await reader.read();
  assertEquals(first.value!.length, 50);
  release.resolve();
  const second = await reader.read();
  assertEquals(second.value!.length, 50);
  assertEquals((await reader.read()).done, true);
  assertEquals(await request.ended, "sent");
});

Deno.test("a rate sends in small pieces", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/", file(1000), { rate: 20_000 });
  assertEquals(await (await get(url)).bytes(), bytesOf(file(1000)));
  // One byte a second: the second byte is far off, so that closing must end
  // its timer.
  await get(origin.serve("/slow", file(1000), { rate: 1 }));
  const slow = await origin.request(({ path }) => path === "/slow");
  assert(slow.sent <= 1);
});

Deno.test("a client that goes away ends its answer only", async () => {
  await using origin = await startOrigin();
  const gates = { 10: forever };
  origin.serve("/held", file(100), { gates });
  origin.serve("/flowing", file(5 * 1024 * MiB));
  for (const path of ["/held", "/flowing"]) {
    const leaving = new AbortController();
    await fetch(origin.url(path), { signal: leaving.signal });
    const request = await origin.request((request) => request.path === path);
    leaving.abort();
    assertEquals(await request.ended, "gone");
    assert(request.signal.aborted);
  }
  const url = origin.serve("/held", file(100));
  assertEquals((await (await get(url)).bytes()).length, 100);
});

Deno.test("many answers at once", async () => {
  await using origin = await startOrigin();
  const all = Promise.withResolvers<void>();
  const url = origin.serve("/", file(MiB), (request) => {
    if (request.nth === 49) all.resolve();
    return { gates: { head: () => all.promise } };
  });
  const answers = await Promise.all(Array.from({ length: 50 }, async () => {
    const answer = await get(url);
    return (await answer.bytes()).length;
  }));
  assertEquals(answers, Array(50).fill(MiB));
  assertEquals(origin.peak, 50);
  assertEquals(origin.requests[49]!.running, 50);
});

Deno.test("a limit of connections", async () => {
  for (
    const further of ["close", "reset", { status: 503 }] as const
  ) {
    await using origin = await startOrigin({
      limit: { connections: 1, further },
    });
    const url = origin.serve("/", file(10), { gates: { 5: forever } });
    const first = await get(url);
    if (typeof further === "string") {
      await assertRejects(() => get(url), TypeError);
    } else {
      const second = await get(url);
      assertEquals([second.status, await second.text()], [503, ""]);
    }
    await first.body!.cancel();
    await origin.requests[0]!.ended;
    origin.serve("/", file(10));
    assertEquals((await (await get(url)).bytes()).length, 10);
  }
});

Deno.test("behaviour by the request, and by the query", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/", file(10), ({ nth, path }) => {
    if (path.endsWith("expired")) return { status: 403 };
    return nth === 0 ? { status: 500 } : {};
  });
  const seen: number[] = [];
  for (const query of ["", "", "?expired"]) {
    const answer = await get(url + query);
    await answer.body?.cancel();
    seen.push(answer.status);
  }
  assertEquals(seen, [500, 200, 403]);
});

Deno.test("redirects", async () => {
  await using origin = await startOrigin();
  const other = origin.url("/b", "localhost");
  const url = origin.serve("/a", null, redirect(other, 307));
  const answer = await get(url);
  await answer.body?.cancel();
  assertEquals(answer.status, 307);
  assertEquals(answer.headers.get("location"), other);
  origin.serve("/b", literal("here"));
  assertEquals(await (await fetch(url)).text(), "here");
  assertEquals(
    origin.requests[2]!.headers.get("host"),
    `localhost:${origin.port}`,
  );
});

Deno.test("TLS, and a reset below it", async () => {
  await using origin = await startOrigin({
    tls: { cert: serverCertificate, key: serverKey },
  });
  const url = origin.serve("/", file(MiB));
  await assertRejects(() => fetch(url), TypeError);
  using client = Deno.createHttpClient({ caCerts: [caCertificate] });
  for (const host of ["127.0.0.1", "localhost"] as const) {
    const answer = await fetch(origin.url("/", host), { client });
    assertEquals(await answer.bytes(), bytesOf(file(MiB)));
  }
  origin.serve("/", file(MiB), { cut: { after: 10, by: "reset" } });
  const answer = await fetch(url, { client });
  await assertRejects(() => answer.bytes(), TypeError);
  origin.serve("/", null, { raw: "", cut: { after: 0, by: "reset" } });
  await assertRejects(() => fetch(url, { client }), TypeError);
  await assertRejects(() => fetch(url.replace("https", "http")), TypeError);
});

Deno.test("TLS to an origin without it is refused", async () => {
  await using origin = await startOrigin();
  const url = origin.url("/").replace("http", "https");
  await assertRejects(() => fetch(url), TypeError);
});

Deno.test("closing ends what is under way", async () => {
  const origin = await startOrigin();
  const url = origin.serve("/", file(100), { gates: { 10: forever } });
  const idle = await connect(origin);
  const answer = await get(url);
  const never = origin.request(() => false);
  await origin[Symbol.asyncDispose]();
  await assertRejects(() => answer.bytes(), TypeError);
  await assertRejects(() => never, Error, "The origin was closed");
  assertEquals(await origin.requests[0]!.ended, "gone");
  assertEquals(origin.open, 0);
  await assertRejects(() => get(url), TypeError);
  idle.close();
});

Deno.test("closing tells that a function of the test threw", async () => {
  const origin = await startOrigin();
  const url = origin.serve("/", file(100), () => {
    throw new RangeError("A mistake");
  });
  await assertRejects(() => get(url), TypeError);
  await assertRejects(
    () => Promise.resolve(origin[Symbol.asyncDispose]()),
    RangeError,
    "A mistake",
  );
});
