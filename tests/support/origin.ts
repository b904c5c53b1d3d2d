import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import net from "node:net";
import tls from "node:tls";
import { gzipSync } from "node:zlib";

// On node:net, because `Deno.listen` cannot reset a connection: its close()
// always sends a FIN first.

/** A file that an origin serves. */
export interface OriginFile {
  readonly size: number;
  /**
   * Exactly `length` bytes. They may be a view of memory that others read too:
   * never write to them. Reading beyond `size` gives bytes as well, for answers
   * that are too long.
   */
  read(offset: number, length: number): Uint8Array;
  /** With its quotes; `null` for none. */
  readonly etag: string | null;
  /** An HTTP date; `null` for none. */
  readonly lastModified: string | null;
  /** More headers of this file, such as Content-Disposition. */
  readonly headers: Record<string, string>;
}

/** What of a file is not content. */
export type FileFacts = Partial<Omit<OriginFile, "size" | "read">>;

// A file is made of blocks, each of them a window on the same random bytes. A
// seed is a permutation of where the windows start, so that no two blocks of a
// file are the same (up to 1 TiB), nor the same block of two files, and bytes
// that are off by any distance are noticed, all without copying anything.
const BLOCK = 256 * 1024;
const WINDOWS = 1 << 22;
const noise = randomBytes(WINDOWS + BLOCK);

function randomBytes(length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = Math.imul(state, 0x2545f491);
  }
  return new Uint8Array(words.buffer);
}

/** A permutation of the numbers below `WINDOWS`. */
function shuffled(n: number): number {
  n = Math.imul(n, 0x2c1b3c6d) & (WINDOWS - 1);
  n ^= n >>> 11;
  n = Math.imul(n, 0x297a2d39) & (WINDOWS - 1);
  return n ^ (n >>> 11);
}

function block(seed: number, index: number): Uint8Array {
  const start = shuffled(shuffled(index) ^ Math.imul(seed, 0x1b873593));
  return noise.subarray(start, start + BLOCK);
}

function readBlocks(seed: number, offset: number, length: number): Uint8Array {
  const skip = offset % BLOCK;
  const index = Math.floor(offset / BLOCK);
  if (skip + length <= BLOCK) {
    return block(seed, index).subarray(skip, skip + length);
  }
  const bytes = new Uint8Array(length);
  for (let at = -skip, i = index; at < length; at += BLOCK, i++) {
    const from = at < 0 ? skip : 0;
    const part = block(seed, i).subarray(from, length - at);
    bytes.set(part, at + from);
  }
  return bytes;
}

/**
 * A file of any size that takes no memory: its bytes are a pure function of
 * `seed` and offset. By default it has a strong ETag and no Last-Modified.
 */
export function file(
  size: number,
  seed = 0,
  facts: FileFacts = {},
): OriginFile {
  return {
    size,
    read: (offset, length) => readBlocks(seed, offset, length),
    etag: `"${seed}-${size}"`,
    lastModified: null,
    headers: {},
    ...facts,
  };
}

/** A file of just these bytes; without a validator unless `facts` has one. */
export function literal(
  content: string | Uint8Array,
  facts: FileFacts = {},
): OriginFile {
  const bytes = Buffer.from(content);
  return {
    size: bytes.length,
    read(offset, length) {
      const wanted = new Uint8Array(length);
      wanted.set(bytes.subarray(offset, offset + length));
      return wanted;
    },
    etag: null,
    lastModified: null,
    headers: {},
    ...facts,
  };
}

/** A copy of the whole content, to compare small files with. */
export function bytesOf(file: OriginFile): Uint8Array<ArrayBuffer> {
  return new Uint8Array(file.read(0, file.size));
}

/** The SHA-256 of the whole content, as `Repr-Digest` has it (RFC 9530). */
export function digestOf(file: OriginFile): string {
  const digest = createHash("sha256").update(bytesOf(file)).digest("base64");
  return `sha-256=:${digest}:`;
}

/**
 * Where the file at `path` first differs from `file`, be it by a byte, by
 * ending or by going on; `null` when they are the same. Needs no memory to
 * speak of.
 */
export async function firstDifference(
  path: string | URL,
  file: OriginFile,
): Promise<number | null> {
  using handle = await Deno.open(path);
  const buffer = new Uint8Array(BLOCK);
  let at = 0;
  for (;;) {
    const n = await handle.read(buffer);
    if (n === null) break;
    const got = buffer.subarray(0, n);
    const wanted = file.read(at, Math.min(n, file.size - at));
    if (Buffer.compare(got, wanted) !== 0) {
      const i = got.findIndex((byte, i) => byte !== wanted[i]);
      return at + i;
    }
    at += n;
  }
  return at === file.size ? null : at;
}

/** A half-open byte range. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** A request as the origin got it. */
export interface OriginRequest {
  /** Its running number, from 0. */
  readonly n: number;
  /** How many the origin had got for the same `path` before it. */
  readonly nth: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Headers;
  /** The lines of its headers, as they were written. */
  readonly lines: readonly string[];
  /**
   * What was asked for, whatever the size of the file: `end` is `Infinity` for
   * `bytes=5-`. `null` for no Range, and for kinds that we ignore as a server
   * may: suffixes and lists.
   */
  readonly range: Slice | null;
  /** The running number of its connection, from 0. */
  readonly connection: number;
  /** Answers under way as it came, its own among them. */
  readonly running: number;
  /** Bytes of the body that went out to the kernel so far. */
  readonly sent: number;
  /** Aborts when the connection ends, from either side. */
  readonly signal: AbortSignal;
  /** Whether its behaviour was carried out, or the connection ended before. */
  readonly ended: Promise<"sent" | "gone">;
}

/** A value; several for a repeated header; `null` for none. Text is UTF-8. */
export type HeaderOverride =
  | string
  | Uint8Array
  | readonly (string | Uint8Array)[]
  | null;

/**
 * How one answer differs from the right one, which is `{}`. All that is here
 * can be combined.
 */
export interface Behaviour {
  /** Another file, or version of it, than the one that is served. */
  file?: OriginFile;
  /** `ignore`: 200 and the whole file, whatever the Range. */
  ranges?: "ignore";
  /** Send and announce these bytes, whatever the Range. */
  slice?: Slice;
  /** From 300 on, the body is empty unless `body` is given. */
  status?: number;
  /** In place of the headers of the same name, with this spelling. */
  headers?: Record<string, HeaderOverride>;
  /** How to write each header's name. */
  spelling?: (name: string) => string;
  /** In place of the file, with 200 unless `status` is given. */
  body?: string | Uint8Array;
  /** Truly gzip the body, and say so. */
  encoding?: "gzip";
  /**
   * More bytes than the range that is announced; fewer, if negative.
   * Content-Length tells the truth about it.
   */
  surplus?: number;
  /** How the end of the body is told; `close` is by the connection's end. */
  framing?: "length" | "chunked" | "close";
  /** For the status line; the connection is closed after the answer. */
  version?: "HTTP/1.0";
  /** Close after the answer: as announced, or (`drop`) without a word. */
  connection?: "close" | "drop";
  /**
   * Break off after so many bytes of the body. A `reset` may overtake bytes
   * that the client has not got yet. A `broken chunk` is for chunked framing.
   */
  cut?: { after: number; by: "fin" | "reset" | "broken chunk" };
  /**
   * Called, and what it returns waited for, before the head, or when so many
   * bytes of the body are out: both to hold the answer and to see it get there.
   */
  gates?: { head?: () => unknown; [sent: number]: () => unknown };
  /** Bytes of the body per second. */
  rate?: number;
  /** Write this instead of HTTP, and close (by a reset if `cut` says so). */
  raw?: string | Uint8Array;
}

/** The behaviour of every answer, or a function that says it for each. */
export type Behave =
  | Behaviour
  | ((request: OriginRequest) => Behaviour | Promise<Behaviour>);

/** A redirect, to anywhere. */
export function redirect(location: string, status = 302): Behaviour {
  return { status, headers: { Location: location } };
}

/** A gate that opens only when the client goes away or the origin closes. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}

/** How {@linkcode startOrigin} listens. */
export interface OriginOptions {
  /** Where to listen, if not on 127.0.0.1; `url` does not tell of it. */
  hostname?: string;
  /** The port, if not any that is free. */
  port?: number;
  /** Speak TLS, with these in PEM; with `ca`, to clients only that it signed. */
  tls?: { cert: string; key: string; ca?: string };
  /** How many connections, idle ones too, are let in; what further ones get. */
  limit?: { connections: number; further: "close" | "reset" | Behaviour };
}

/** A running origin. */
export interface Origin extends AsyncDisposable {
  readonly port: number;
  /** All requests so far, in the order they came. */
  readonly requests: readonly OriginRequest[];
  /**
   * The most answers that were ever under way at once. One that its client
   * gave up counts until that is noticed.
   */
  readonly peak: number;
  /** Connections open now, let in or not. */
  readonly open: number;
  /** Bytes of bodies that went out to the kernel so far. */
  readonly sent: number;
  /** The URL of a path; its host may be `localhost` to look like another. */
  url(path: string, host?: "127.0.0.1" | "localhost"): string;
  /**
   * Serves a file at a path, from now on, and returns its URL. A path without
   * query serves all queries. With `null` there is no file: a 404, unless
   * `behave` has something else to say.
   */
  serve(path: string, file: OriginFile | null, behave?: Behave): string;
  /** The first request, come already or yet to come, that matches. */
  request(matches: (request: OriginRequest) => boolean): Promise<OriginRequest>;
  /**
   * Closes all connections, whatever is under way. Rejects if a function of a
   * test (`behave`, a gate, `read`) threw.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Route {
  file: OriginFile | null;
  behave: Behave;
}

interface Head {
  method: string;
  path: string;
  headers: Headers;
  lines: readonly string[];
  /** Whether the client wants the connection closed after the answer. */
  last: boolean;
}

interface Answer {
  status: number;
  headers: Record<string, HeaderOverride>;
  body: Pick<OriginFile, "size" | "read">;
  /** Where in `body` to start, and how many bytes to send. */
  start: number;
  length: number;
}

interface Connection {
  id: number;
  /** The TCP socket below `socket`, which is the same or TLS on it. */
  raw: net.Socket;
  socket: net.Socket;
  ended: AbortController;
}

/** What ends an answer when its client is no longer there. */
const GONE = new Error("The connection ended");

/**
 * Starts an HTTP/1.1 origin on a free port of 127.0.0.1. Each answer is right
 * unless the served path's {@linkcode Behaviour} says otherwise.
 *
 * ```ts
 * await using origin = await startOrigin();
 * const url = origin.serve("/a", file(1000), { cut: { after: 9, by: "fin" } });
 * ```
 */
export async function startOrigin(
  options: OriginOptions = {},
): Promise<Origin> {
  const { limit } = options;
  const secureContext = options.tls && tls.createSecureContext(options.tls);
  const routes = new Map<string, Route>();
  const requests: OriginRequest[] = [];
  const asked = new Map<string, number>();
  const waiting = new Set<() => void>();
  const sockets = new Set<net.Socket>();
  const admitted = new Set<net.Socket>();
  const answers = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  let connections = 0;
  let peak = 0;
  let sent = 0;
  let closed = false;

  function connected(raw: net.Socket) {
    const id = connections++;
    const ended = new AbortController();
    sockets.add(raw);
    raw.on("error", () => {}); // "close" follows
    raw.on("close", () => {
      sockets.delete(raw);
      admitted.delete(raw);
      ended.abort();
    });
    let refusal: Behaviour | undefined;
    if (limit && admitted.size >= limit.connections) {
      if (limit.further === "close") return void raw.destroy();
      if (limit.further === "reset") return void raw.resetAndDestroy();
      refusal = { ...limit.further, connection: "close" };
    } else {
      admitted.add(raw);
    }
    raw.setNoDelay(true);
    const socket = secureContext
      ? new tls.TLSSocket(raw, {
        isServer: true,
        secureContext,
        requestCert: options.tls?.ca !== undefined,
        rejectUnauthorized: options.tls?.ca !== undefined,
        ...(options.tls?.ca !== undefined && { ca: options.tls.ca }),
      })
      : raw;
    socket.on("error", () => raw.destroy());
    socket.on("end", () => raw.destroy());
    const connection = { id, raw, socket, ended };
    let turn = Promise.resolve();
    onHeads(socket, (head) => {
      turn = turn.then(() => {
        if (ended.signal.aborted || socket.writableEnded) return;
        const answered = answer(connection, head, refusal);
        answers.add(answered);
        return answered.finally(() => answers.delete(answered));
      });
    });
  }

  async function answer(
    connection: Connection,
    head: Head,
    refusal: Behaviour | undefined,
  ) {
    const nth = asked.get(head.path) ?? 0;
    asked.set(head.path, nth + 1);
    const ended = Promise.withResolvers<"sent" | "gone">();
    const request: OriginRequest & { sent: number } = {
      n: requests.length,
      nth,
      method: head.method,
      path: head.path,
      headers: head.headers,
      lines: head.lines,
      range: parseRange(head.headers.get("range")),
      connection: connection.id,
      running: answers.size + 1,
      sent: 0,
      signal: connection.ended.signal,
      ended: ended.promise,
    };
    peak = Math.max(peak, request.running);
    requests.push(request);
    for (const look of waiting) look();
    try {
      const route = routes.get(head.path) ??
        routes.get(head.path.replace(/\?.*/, "")) ?? { file: null, behave: {} };
      const behaviour = refusal ??
        (typeof route.behave === "function"
          ? await route.behave(request)
          : route.behave);
      await send(connection, head, request, route.file, behaviour, (n) => {
        request.sent += n;
        sent += n;
      });
      ended.resolve("sent");
    } catch (error) {
      if (error !== GONE) failures.push(error);
      connection.raw.destroy();
      connection.ended.abort();
      ended.resolve("gone");
    }
  }

  const server = net.createServer(connected);
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    const { hostname = "127.0.0.1", port = 0 } = options;
    server.listen(port, hostname, 4096, resolve);
  });
  const { port } = server.address() as net.AddressInfo;

  function url(path: string, host = "127.0.0.1"): string {
    return `${secureContext ? "https" : "http"}://${host}:${port}${path}`;
  }

  return {
    port,
    requests,
    get peak() {
      return peak;
    },
    get open() {
      return sockets.size;
    },
    get sent() {
      return sent;
    },
    url,
    serve(path, file, behave = {}) {
      routes.set(path, { file, behave });
      return url(path);
    },
    request(matches) {
      const found = Promise.withResolvers<OriginRequest>();
      // One that is no longer awaited must not fail the test by closing.
      found.promise.catch(() => {});
      let seen = 0;
      function look() {
        const request = requests.slice(seen).find(matches);
        if (request) found.resolve(request);
        else if (closed) found.reject(new Error("The origin was closed"));
        else return void (seen = requests.length);
        waiting.delete(look);
      }
      waiting.add(look);
      look();
      return found.promise;
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      const stopped = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await stopped;
      await Promise.all(answers);
      for (const look of waiting) look();
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Calls back for each request's head; ones with a body are not understood. */
function onHeads(socket: net.Socket, head: (head: Head) => void) {
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) break;
      head(parseHead(text.slice(0, end)));
      text = text.slice(end + 4);
    }
    // Such as a client that begins with TLS here.
    if (/^[^A-Z]/.test(text)) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
}

function parseHead(text: string): Head {
  const [line = "", ...fields] = text.split("\r\n");
  const [method = "", path = "", version] = line.split(" ");
  const headers = new Headers(fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  }));
  const last = version !== "HTTP/1.1" ||
    headers.get("connection")?.toLowerCase() === "close";
  return { method, path, headers, lines: fields, last };
}

function parseRange(header: string | null): Slice | null {
  const found = header?.match(/^bytes=(\d+)-(\d*)$/);
  if (!found) return null;
  const [, first, last] = found;
  return { start: Number(first), end: last ? Number(last) + 1 : Infinity };
}

/** RFC 9110, 13.1.5: a Range counts only if its If-Range is still true. */
function stillSame(request: OriginRequest, file: OriginFile): boolean {
  const validator = request.headers.get("if-range");
  if (validator === null) return true;
  if (validator.startsWith("W/")) return false;
  return validator === file.etag || validator === file.lastModified;
}

function rightAnswer(
  request: OriginRequest,
  file: OriginFile | null,
  { body, ranges, slice, status }: Behaviour,
): Answer {
  if (body !== undefined || file === null || (status ?? 0) >= 300) {
    const text = literal(body ?? "");
    status ??= body === undefined ? 404 : 200;
    return { status, headers: {}, body: text, start: 0, length: text.size };
  }
  const { size } = file;
  const headers = {
    "Accept-Ranges": ranges === "ignore" ? null : "bytes",
    "Content-Type": "application/octet-stream",
    "ETag": file.etag,
    "Last-Modified": file.lastModified,
    ...file.headers,
  };
  if (
    slice === undefined && ranges === undefined && request.range !== null &&
    request.method === "GET" && stillSame(request, file)
  ) {
    const { start, end } = request.range;
    if (start >= size || start >= end) {
      return {
        status: status ?? 416,
        headers: { "Content-Range": `bytes */${size}` },
        body: file,
        start: 0,
        length: 0,
      };
    }
    slice = { start, end: Math.min(end, size) };
  }
  if (slice === undefined) {
    return {
      status: status ?? 200,
      headers,
      body: file,
      start: 0,
      length: size,
    };
  }
  const { start, end } = slice;
  return {
    status: status ?? 206,
    headers: {
      ...headers,
      "Content-Range": `bytes ${start}-${end - 1}/${size}`,
    },
    body: file,
    start,
    length: end - start,
  };
}

/** The lines of all headers, of which a later record replaces an earlier's. */
function headerLines(
  spelling: (name: string) => string,
  ...records: Record<string, HeaderOverride>[]
): string {
  const fields = new Map<string, string>();
  for (const record of records) {
    for (const [name, override] of Object.entries(record)) {
      const values = override === null
        ? []
        : typeof override === "string" || override instanceof Uint8Array
        ? [override]
        : override;
      const lines = values.map((value) =>
        `${spelling(name)}: ${Buffer.from(value).toString("latin1")}\r\n`
      );
      fields.set(name.toLowerCase(), lines.join(""));
    }
  }
  return [...fields.values()].join("");
}

/** Answers one request; throws `GONE` if the connection ends before. */
async function send(
  { raw, socket, ended: { signal } }: Connection,
  { last }: Head,
  request: OriginRequest,
  file: OriginFile | null,
  behaviour: Behaviour,
  onSent: (bytes: number) => void,
): Promise<void> {
  const { framing = "length", version = "HTTP/1.1" } = behaviour;
  const { cut, gates = {}, rate } = behaviour;

  async function gate(reached?: () => unknown) {
    if (reached) await whileOpen(signal, reached());
  }

  function leave() {
    if (cut?.by === "reset") raw.resetAndDestroy();
    else socket.end();
  }

  await gate(gates.head);
  if (behaviour.raw !== undefined) {
    await write(socket, Buffer.from(behaviour.raw));
    return leave();
  }
  let answer = rightAnswer(request, behaviour.file ?? file, behaviour);
  answer.length += behaviour.surplus ?? 0;
  if (behaviour.encoding === "gzip") {
    const body = literal(
      gzipSync(answer.body.read(answer.start, answer.length)),
    );
    answer = { ...answer, body, start: 0, length: body.size };
  }
  const { status, body, start, length } = answer;
  const end = request.method === "HEAD"
    ? 0
    : Math.min(length, cut?.after ?? length);
  // A client that has a whole body asks again on its connection, while a gate at
  // the body's end still holds what comes next there.
  const closes = last || version === "HTTP/1.0" || framing === "close" ||
    behaviour.connection !== undefined || gates[end] !== undefined;
  const lines = headerLines(
    behaviour.spelling ?? ((name) => name),
    {
      "Date": new Date().toUTCString(),
      "Connection": closes && behaviour.connection !== "drop" ? "close" : null,
      "Content-Length": framing === "length" ? String(length) : null,
      "Transfer-Encoding": framing === "chunked" ? "chunked" : null,
      "Content-Encoding": behaviour.encoding ?? null,
    },
    answer.headers,
    behaviour.headers ?? {},
  );
  const statusLine = `${version} ${status} ${STATUS_CODES[status] ?? ""}`;
  await write(socket, Buffer.from(`${statusLine}\r\n${lines}\r\n`, "latin1"));

  const stops = new Set(Object.keys(gates).map(Number).filter((n) => n <= end));
  stops.add(end);
  const step = rate === undefined ? BLOCK : Math.max(1, Math.floor(rate / 20));
  let at = 0;
  for (const stop of [...stops].sort((a, b) => a - b)) {
    while (at < stop) {
      const offset = start + at;
      const most = Math.min(step, stop - at, BLOCK - offset % BLOCK);
      const bytes = body.read(offset, most);
      await write(socket, framing === "chunked" ? chunk(bytes) : bytes);
      onSent(bytes.length);
      at += bytes.length;
      if (rate !== undefined && at < end) {
        await pause(signal, bytes.length / rate * 1000);
      }
    }
    await gate(gates[stop]);
  }

  if (cut) {
    if (cut.by === "broken chunk") await write(socket, Buffer.from("zz\r\n"));
    return leave();
  }
  if (framing === "chunked" && request.method !== "HEAD") {
    await write(socket, Buffer.from("0\r\n\r\n"));
  }
  if (closes) leave();
}

function chunk(bytes: Uint8Array): Uint8Array {
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
  return Buffer.concat([size, bytes, Buffer.from("\r\n")]);
}

/** Resolves when the kernel has taken the bytes; over TLS, none are never taken. */
async function write(socket: net.Socket, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => error ? reject(GONE) : resolve());
  });
}

async function whileOpen(signal: AbortSignal, waited: unknown) {
  const gone = Promise.withResolvers<never>();
  const leave = () => gone.reject(GONE);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  try {
    await Promise.race([waited, gone.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

async function pause(signal: AbortSignal, milliseconds: number) {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, milliseconds);
  try {
    await whileOpen(signal, over.promise);
  } finally {
    clearTimeout(timer);
  }
}
