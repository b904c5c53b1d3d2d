/** The program as a real process, with the permissions of its tasks. */

import { projectPath, taskArguments } from "./sluice.ts";

/** A process that was started. */
export interface Started extends AsyncDisposable {
  readonly ended: Promise<Ran>;
  kill(signal: Deno.Signal): void;
  /** Resolves once what it has printed matches. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
}

/** A process that has ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `deno` with these arguments in the project's directory. */
export function start(
  args: readonly string[],
  { env = {}, stdin = "" }: { env?: Record<string, string>; stdin?: string } =
    {},
): Started {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: projectPath("."),
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const texts = { stdout: "", stderr: "" };
  const more = new EventTarget();
  async function read(name: "stdout" | "stderr") {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      texts[name] += text;
      more.dispatchEvent(new Event("more"));
    }
  }
  async function write() {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const ended = Promise.all([
    child.status,
    read("stdout"),
    read("stderr"),
    write(),
  ]).then(([{ code }]) => ({ code, ...texts }));
  return {
    ended,
    kill: (signal) => child.kill(signal),
    printed(pattern) {
      const found = Promise.withResolvers<RegExpMatchArray>();
      function look() {
        const match = (texts.stdout + texts.stderr).match(pattern);
        if (match === null) return;
        more.removeEventListener("more", look);
        found.resolve(match);
      }
      more.addEventListener("more", look);
      look();
      ended.then(({ stdout, stderr }) =>
        found.reject(
          new Error(`It ended without ${pattern}: ${stdout}${stderr}`),
        )
      );
      return found.promise;
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await ended;
    },
  };
}

/** Runs `get` as `deno task get` does, into `directory`. */
export function startGet(
  directory: string,
  args: readonly string[],
  stdin?: string,
): Started {
  return start([...taskArguments("get", directory), ...args], { stdin });
}

/** A server as `deno task start` runs it, on a directory and a port. */
export async function startServer(
  directory: string,
  port = 0,
): Promise<Started & { url: string; port: number }> {
  const server = start([
    ...taskArguments("start", directory),
    ...["--port", String(port), "--content-directory", directory],
  ]);
  const [, url = ""] = await server.printed(/listens on (ws:\S+)/);
  return { ...server, url, port: Number(new URL(url).port) };
}
