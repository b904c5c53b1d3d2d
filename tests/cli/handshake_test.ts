import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import {
  caCertificate,
  serverCertificate,
  serverKey,
} from "../support/certificate.ts";
import { makeDirectory } from "../support/directory.ts";
import * as faulty from "../support/faulty_certificates.ts";
import { withFlags } from "../support/permissions.ts";
import { type Ran, start } from "../support/process.ts";
import { startSluice, taskArguments } from "../support/sluice.ts";

const TLS = { cert: serverCertificate, key: serverKey };

/** A directory with the authorities of all certificates that are used here. */
async function writeAuthorities() {
  const directory = await makeDirectory();
  const path = join(directory.path, "ca.pem");
  await Deno.writeTextFile(path, caCertificate + faulty.authority);
  return { ...directory, file: path };
}

function list(url: string, caFile?: string, ...args: string[]): Promise<Ran> {
  const words = taskArguments("list", "");
  const trusting = caFile === undefined
    ? words
    : [...withFlags(words, [`--allow-read=${caFile}`]), "--ca-file", caFile];
  return start([...trusting, "--server", url, ...args]).ended;
}

/** The one line that is said of a server that lets nobody in. */
async function refusal(
  url: string,
  caFile?: string,
  ...args: string[]
): Promise<string> {
  const { code, stdout, stderr } = await list(url, caFile, ...args);
  assertEquals([code, stdout], [1, ""], stderr);
  assertMatch(stderr, /^sluice: [^\n]*\n$/);
  return stderr;
}

/** An answer to a handshake, by its path, and what is said of it. */
const ANSWERS: Readonly<Record<string, readonly [Response, RegExp]>> = {
  "/unknown": [
    new Response("Give the token.", { status: 401 }),
    /does not let us in: give its token in SLUICE_TOKEN/,
  ],
  "/throttled": [new Response(null, { status: 429 }), /too many wrong tokens/],
  "/guarded": [
    new Response('The host "nas" is not known here.\nMore.', { status: 403 }),
    /\(status 403\): The host "nas" is not known here\.\n$/,
  ],
  "/full": [
    new Response("Too many clients.\x1b[2J", { status: 503 }),
    /\(status 503\): Too many clients\.\ufffd\[2J\n$/,
  ],
  "/nowhere": [
    new Response("Nothing.", { status: 404 }),
    /There is no Sluice at this path of wss?:/,
  ],
  "/page": [
    new Response("<p>Hello", { headers: { "content-type": "text/html" } }),
    /is a web page \(status 200\), or a proxy that passes no WebSocket on/,
  ],
  "/gateway": [
    new Response("<p>Bad gateway", { status: 502 }),
    /proxy at wss?:\S+ does not reach the server behind it \(status 502\)/,
  ],
  "/moved": [
    new Response(null, {
      status: 301,
      headers: { location: "https://nas.example/s3cret?token=s3cret" },
    }),
    /leads elsewhere \(status 301\): name wss:\/\/nas\.example\/ with/,
  ],
  "/broken": [
    new Response("<p>Oh", {
      status: 500,
      headers: { "content-type": "text/html" },
    }),
    /\(status 500\): is it a Sluice\?/,
  ],
};

for (const secure of [false, true]) {
  const scheme = secure ? "wss" : "ws";
  Deno.test(`over ${scheme}, each refusal is told as what it is`, async () => {
    await using directory = await writeAuthorities();
    await using server = Deno.serve(
      {
        ...{ hostname: "127.0.0.1", port: 0, onListen() {} },
        ...(secure ? TLS : {}),
      },
      ({ url }) => ANSWERS[new URL(url).pathname]?.[0].clone() ?? fail(),
    );
    const { port } = server.addr as Deno.NetAddr;
    await Promise.all(
      Object.entries(ANSWERS).map(async ([path, [, said]]) => {
        const url = `${scheme}://127.0.0.1:${port}${path}?s3cret`;
        const line = await refusal(url, directory.file);
        assertMatch(line, said);
        assert(!line.includes("s3cret"), line);
      }),
    );
  });
}

function fail(): never {
  throw new Error("There is no such case.");
}

/** A server that ends each connection after it has sent `text`. */
function startTalker(text: string): Disposable & { port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  async function talk() {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(10_000));
      await connection.write(new TextEncoder().encode(text)).catch(() => {});
      connection.close();
    }
  }
  talk().catch(() => {});
  const { port } = listener.addr;
  return { port, [Symbol.dispose]: () => listener.close() };
}

Deno.test("what speaks another protocol is told as such", async () => {
  await using tls = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...TLS },
    () => new Response(),
  );
  using mail = startTalker("220 mail.example ESMTP\r\n");
  using mute = startTalker("");
  // What nginx says to plain HTTP on a port for TLS.
  const page = "<h1>400 Bad Request</h1>\r\n" +
    "The plain HTTP request was sent to HTTPS port";
  using nginx = startTalker(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n" +
      `Content-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`,
  );
  const { port } = tls.addr as Deno.NetAddr;
  const host = "127.0.0.1";
  const wantsTls = /or name it with wss:\/\/ if it speaks TLS/;
  for (
    const [url, said] of [
      [`ws://${host}:${port}/`, wantsTls],
      [`ws://${host}:${nginx.port}/`, wantsTls],
      [`ws://${host}:${mail.port}/`, /does not speak HTTP here/],
      [`ws://${host}:${mute.port}/`, /ends the connection: check the port/],
      [`wss://${host}:${mail.port}/`, /does not speak TLS here/],
      [`wss://nowhere.invalid/`, /has no address: check --server/],
      [`wss://${host}:1/`, /There is no server at wss:\S+: start one/],
    ] as const
  ) assertMatch(await refusal(url), said);
});

Deno.test("a certificate that does not fit is told as what it is", async () => {
  await using directory = await writeAuthorities();
  const { key } = faulty;
  for (
    const [tls, caFile, said] of [
      [TLS, undefined, /not trusted: no known authority .* with --ca-file/],
      [{ cert: faulty.expired, key }, directory.file, /has expired/],
      [{ cert: faulty.future, key }, directory.file, /not valid yet/],
      [{ cert: faulty.other, key }, directory.file, /another host name/],
    ] as const
  ) {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls },
      () => new Response(),
    );
    const { port } = server.addr as Deno.NetAddr;
    assertMatch(await refusal(`wss://127.0.0.1:${port}/`, caFile), said);
  }
});

/** A proxy that ends TLS before `target`, and passes all else on. */
function startTlsProxy(target: string): Disposable & { url: string } {
  const { hostname, port } = new URL(target);
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...TLS });
  async function pass() {
    for await (const near of listener) {
      const far = await Deno.connect({ hostname, port: Number(port) });
      near.readable.pipeTo(far.writable).catch(() => {});
      far.readable.pipeTo(near.writable).catch(() => {});
    }
  }
  pass().catch(() => {});
  const url = `wss://localhost:${(listener.addr as Deno.NetAddr).port}/`;
  return { url, [Symbol.dispose]: () => listener.close() };
}

Deno.test("a server behind TLS is asked, with its authority and its token", async () => {
  await using directory = await writeAuthorities();
  const token = "0123456789-abcdef~";
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: token },
  });
  using proxy = startTlsProxy(sluice.url);
  const right = await list(proxy.url, directory.file, "--token", token);
  assertEquals(right, { code: 0, stdout: "", stderr: "" });
  const wrong = await refusal(proxy.url, directory.file, "--token", "guess");
  assertMatch(wrong, /does not know this token/);
  assertMatch(await refusal(proxy.url, directory.file), /does not let us in/);
});

Deno.test("--ca-file names what is wrong with it", async () => {
  await using directory = await makeDirectory();
  const path = join(directory.path, "empty.pem");
  await Deno.writeTextFile(path, "none");
  const none = await list("wss://127.0.0.1:1/", path);
  assertEquals([none.code, none.stdout], [2, ""]);
  assertMatch(none.stderr, /--ca-file cannot be used: there is no certificate/);
  const words = taskArguments("list", "");
  const denied = await start([...words, "--ca-file", path]).ended;
  assertEquals(
    [denied.code, denied.stderr],
    [
      2,
      "sluice: Permission is missing: run deno with " +
      `--allow-read=${path}\n`,
    ],
  );
});
