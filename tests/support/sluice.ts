/** The server as a real process, and clients of it. */

import { fromFileUrl, join } from "@std/path";
import type { ServerMessage } from "../../lib/server/messages.ts";
import type { Status } from "../../lib/status/status.ts";
import { makeDirectory } from "./directory.ts";
import {
  commandOf,
  flagsFor,
  grantsOf,
  type Task,
  withFlags,
} from "./permissions.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/**
 * The arguments of a task's `deno`, with the task's own permissions, but for
 * another content directory than `downloads`.
 */
export function taskArguments(task: Task, directory: string): string[] {
  const words = commandOf(task).words.map((word) =>
    word.replace(/=downloads$/, `=${directory}`)
  );
  return withFlags(words, flagsFor(directory, grantsOf(task)));
}

/** How a server is started. */
export interface SluiceOptions {
  /** The content directory; by default a new one that goes with the server. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** What it is run with before the task's own arguments. */
  readonly deno?: readonly string[];
}

/** A running server. Disposing of it stops it. */
export interface Sluice extends AsyncDisposable {
  /** Where its sockets connect: `ws://…/`. */
  readonly url: string;
  readonly directory: string;
  readonly pid: number;
  /** What it has printed so far, on both outputs. */
  output(): string;
  /** Resolves when it has printed something that matches. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  connect(protocols?: string[]): Promise<Client>;
  kill(signal: Deno.Signal): void;
  /** How it ended. */
  readonly ended: Promise<Deno.CommandStatus>;
}

/** Starts the server as `deno task start` does; resolves once it listens. */
export async function startSluice(
  options: SluiceOptions = {},
): Promise<Sluice> {
  const own = options.directory === undefined ? await makeDirectory() : null;
  const directory = options.directory ?? own?.path ?? "";
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...options.deno ?? [],
      ...taskArguments("start", directory).slice(1),
      ...options.flags ?? [],
    ],
    cwd: ROOT,
    env: {
      ...commandOf("start").environment,
      CONTENT_DIRECTORY: directory,
      PORT: "0",
      ...options.environment,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  async function dispose() {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await output.ended;
    await own?.[Symbol.asyncDispose]();
  }
  try {
    const match = await output.match(/listens on (ws:\/\/\S+)/);
    const url = match[1] ?? "";
    return {
      url,
      directory,
      pid: child.pid,
      output: output.text,
      printed: output.match,
      connect: (protocols) => connect(url, protocols),
      kill: (signal) => child.kill(signal),
      ended: child.status,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** A process that has run to its end. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno` in the project's directory to its end. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out = "", err = ""] = [stdout, stderr]
    .map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: err };
}

/** What has not been printed by then never will be, in milliseconds. */
const PRINTED_WITHIN = 120_000;

/** What a process prints, as it comes. */
export function collect(child: Deno.ChildProcess) {
  let text = "";
  const more = new EventTarget();
  async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      more.dispatchEvent(new Event("more"));
    }
  }
  const ended = Promise.all([read(child.stdout), read(child.stderr)]);
  function match(pattern: RegExp): Promise<RegExpMatchArray> {
    const { promise, resolve, reject } = Promise.withResolvers<
      RegExpMatchArray
    >();
    function look() {
      const found = text.match(pattern);
      if (found === null) return;
      more.removeEventListener("more", look);
      clearTimeout(late);
      resolve(found);
    }
    const late = setTimeout(
      () => reject(new Error(`It does not print ${pattern}: ${text}`)),
      PRINTED_WITHIN,
    );
    more.addEventListener("more", look);
    ended.then(() => clearTimeout(late));
    ended.then(() => reject(new Error(`It ended without ${pattern}: ${text}`)));
    look();
    return promise;
  }
  return { text: () => text, match, ended };
}

/** A client of the server. Disposing of it closes its socket. */
export interface Client extends AsyncDisposable {
  readonly socket: WebSocket;
  /** All messages so far. */
  readonly messages: readonly ServerMessage[];
  send(message: unknown): void;
  /** Sends a message with a `request_id`; resolves to its reply. */
  request(message: Record<string, unknown>): Promise<ServerMessage>;
  /** Adds a download; resolves to its id. */
  add(fields: { url: string } & Record<string, unknown>): Promise<string>;
  /** The first status of a download, had already or to come, that matches. */
  until(id: string, matches: (status: Status) => boolean): Promise<Status>;
  /** The first message from now on that matches. */
  message(matches: (message: ServerMessage) => boolean): Promise<ServerMessage>;
  /** How a download ended: downloaded, failed or paused. */
  end(id: string): Promise<Status>;
  readonly closed: Promise<CloseEvent>;
}

/** How long a client waits for what never comes, in milliseconds. */
const PATIENCE = 180_000;

/** Connects to a server. */
export async function connect(
  url: string,
  protocols: string[] = [],
): Promise<Client> {
  const socket = new WebSocket(url, protocols);
  const messages: ServerMessage[] = [];
  const latest = new Map<string, Status>();
  const heard = new EventTarget();
  const closing = Promise.withResolvers<CloseEvent>();
  const opening = Promise.withResolvers<void>();
  let requests = 0;
  socket.onopen = () => opening.resolve();
  socket.onerror = () => opening.reject(new Error("Cannot connect"));
  socket.onclose = closing.resolve;
  socket.onmessage = ({ data }) => {
    const message: ServerMessage = JSON.parse(data);
    messages.push(message);
    if ("data" in message && Array.isArray(message.data)) {
      for (const status of message.data) latest.set(status.id, status);
    }
    heard.dispatchEvent(new CustomEvent("message", { detail: message }));
  };

  function listen<T>(look: (message?: ServerMessage) => T | null): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const found = look();
    if (found !== null) return Promise.resolve(found);
    const timer = setTimeout(() => {
      heard.removeEventListener("message", hear);
      const last = JSON.stringify([...latest.values()]).slice(0, 5_000);
      reject(new Error(`It did not come to what is waited for: ${last}`));
    }, PATIENCE);
    function hear(event: Event) {
      const found = look((event as CustomEvent<ServerMessage>).detail);
      if (found === null) return;
      heard.removeEventListener("message", hear);
      clearTimeout(timer);
      resolve(found);
    }
    heard.addEventListener("message", hear);
    closing.promise.then(() => {
      clearTimeout(timer);
      reject(new Error("The socket was closed"));
    });
    return promise;
  }

  const message: Client["message"] = (matches) =>
    listen((message) => message && matches(message) ? message : null);
  const until: Client["until"] = (id, matches) =>
    listen(() => {
      const status = latest.get(id);
      return status && matches(status) ? status : null;
    });

  function request(fields: Record<string, unknown>): Promise<ServerMessage> {
    const id = ++requests;
    const reply = message(({ request_id }) => request_id === id);
    socket.send(JSON.stringify({ ...fields, request_id: id }));
    return reply;
  }

  await opening.promise;
  return {
    socket,
    messages,
    closed: closing.promise,
    send: (message) => socket.send(JSON.stringify(message)),
    request,
    async add(fields) {
      const reply = await request(fields);
      if ("error" in reply) throw new Error(reply.error.message);
      return "id" in reply.data ? reply.data.id ?? "" : "";
    },
    until,
    message,
    end: (id) =>
      until(
        id,
        ({ process_status: status }) =>
          ["Downloaded", "Failed", "Paused"].includes(status),
      ),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closing.promise;
    },
  };
}

/** The path of a file in the project. */
export function projectPath(path: string): string {
  return join(ROOT, path);
}
