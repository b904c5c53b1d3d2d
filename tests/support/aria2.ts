/** The real aria2c as a process, and clients of aria2's JSON-RPC. */

import { makeDirectory } from "./directory.ts";
import { freePort } from "./free_port.ts";

/** A server of aria2's JSON-RPC, real or ours. */
export interface Rpc {
  /** `http://…/jsonrpc` */
  readonly url: string;
  /** Where its files go. */
  readonly directory: string;
}

/** How calls are put. */
export type Transport = "post" | "get" | "socket" | "batch" | "multicall";

/** A reply, whatever the transport. */
export interface Replied {
  /** Null where the transport has none for the one call. */
  readonly status: number | null;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Starts aria2c on a port and a directory of its own. */
export async function startAria2(
  secret: string | null,
): Promise<Rpc & AsyncDisposable> {
  const directory = await makeDirectory();
  const port = freePort();
  const child = new Deno.Command("aria2c", {
    args: [
      "--no-conf",
      "--enable-rpc",
      `--rpc-listen-port=${port}`,
      `--dir=${directory.path}`,
      ...secret === null ? [] : [`--rpc-secret=${secret}`],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const part of output.values({ preventCancel: true })) {
    text += part;
    if (/listening on TCP port/.test(text)) break;
  }
  const drained = output.pipeTo(new WritableStream());
  return {
    url: `http://127.0.0.1:${port}/jsonrpc`,
    directory: directory.path,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
      await drained;
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Posts text; resolves to the status, and the JSON that came. */
export async function post(
  url: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(url, { method: "POST", body, headers });
  const { status } = response;
  return { status, headers: response.headers, text: await response.text() };
}

/** The URL of a GET with these params. */
export function queryUrl(url: string, method: string, params: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(params));
  const encoded = encodeURIComponent(bytes.toBase64());
  return `${url}?method=${method}&id=x&params=${encoded}`;
}

/** A client with a socket, which hears notifications. */
export interface Listener extends AsyncDisposable {
  /** All that came, in order. */
  readonly messages: readonly Record<string, unknown>[];
  /** Resolves once a message has come that matches. */
  message(
    matches: (message: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>>;
  /** Resolves once a notification of a download has come. */
  notice(method: string, gid: string): Promise<void>;
  send(text: string): void;
}

/** Opens a socket. */
export async function listen(url: string): Promise<Listener> {
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  const messages: Record<string, unknown>[] = [];
  const heard = new EventTarget();
  const opening = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  socket.onopen = () => opening.resolve();
  socket.onerror = () => opening.reject(new Error("Cannot connect"));
  socket.onclose = () => closing.resolve();
  socket.onmessage = ({ data }) => {
    messages.push(JSON.parse(data));
    heard.dispatchEvent(new Event("message"));
  };
  const message: Listener["message"] = (matches) => {
    const { promise, resolve, reject } = Promise.withResolvers<
      Record<string, unknown>
    >();
    function look() {
      const found = messages.find(matches);
      if (found === undefined) return;
      heard.removeEventListener("message", look);
      resolve(found);
    }
    heard.addEventListener("message", look);
    closing.promise.then(() => reject(new Error("The socket was closed")));
    look();
    return promise;
  };
  await opening.promise;
  return {
    messages,
    message,
    async notice(method, gid) {
      await message((one) =>
        one.method === `aria2.${method}` &&
        JSON.stringify(one.params) === JSON.stringify([{ gid }])
      );
    },
    send: (text) => socket.send(text),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closing.promise;
    },
  };
}

let calls = 0;

/** Calls a method by a transport. */
export async function call(
  { url }: Rpc,
  listener: Listener,
  transport: Transport,
  method: string,
  params: readonly unknown[],
): Promise<Replied> {
  const one = { jsonrpc: "2.0", id: `call ${++calls}`, method, params };
  switch (transport) {
    case "post": {
      const { status, text } = await post(url, JSON.stringify(one));
      return { status, ...JSON.parse(text) };
    }
    case "get": {
      const response = await fetch(queryUrl(url, method, params));
      return { status: response.status, ...await response.json() };
    }
    case "socket": {
      listener.send(JSON.stringify(one));
      const reply = await listener.message(({ id }) => id === one.id);
      return { status: null, ...reply };
    }
    case "batch": {
      const { status, text } = await post(url, JSON.stringify([one]));
      return { status, ...JSON.parse(text)[0] };
    }
    case "multicall": {
      const inner = [{ methodName: method, params }];
      const all = { id: one.id, method: "system.multicall", params: [inner] };
      const { status, text } = await post(url, JSON.stringify(all));
      const [entry] = JSON.parse(text).result;
      return Array.isArray(entry)
        ? { status, result: entry[0] }
        : { status, error: entry };
    }
  }
}
