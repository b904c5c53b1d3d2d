import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** A running server, in a process of its own as a user would start it. */
export interface Sluice extends AsyncDisposable {
  /** Of the page, with a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Ends the process as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts `main.ts` with the permissions of `deno task start`; resolves once it
 * listens.
 *
 * @param directory The content directory.
 * @param flags Such as `["--port", "0"]`, which is the default.
 */
export async function startSluice(
  directory: string,
  flags: readonly string[] = [],
): Promise<Sluice> {
  const process = new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      "run",
      "--no-prompt",
      "--allow-net",
      `--allow-read=lib,${directory}`,
      `--allow-write=${directory}`,
      await allowedEnvironment(),
      "main.ts",
      `--content-directory=${directory}`,
      ...(flags.includes("--port") ? [] : ["--port", "0"]),
      ...flags,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const port = Promise.withResolvers<number>();
  const said = listen(process.stdout, (line) => {
    const [, found] = line.match(/^Sluice listens on .*:(\d+)\/$/) ?? [];
    if (found) port.resolve(Number(found));
  });
  const complained = new Response(process.stderr).text();
  let ended = false;
  const end = process.status.then(() => ended = true);
  end.then(async () => {
    port.reject(new Error(`Cannot start Sluice: ${await complained}`));
  });

  async function stop() {
    if (!ended) process.kill("SIGINT");
    await Promise.all([end, said, complained]);
  }

  try {
    const found = await port.promise;
    return {
      url: `http://localhost:${found}/`,
      port: found,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The flag of the task `start`, so that both never differ. */
async function allowedEnvironment(): Promise<string> {
  const text = await Deno.readTextFile(`${ROOT}/deno.json`);
  const command = String(JSON.parse(text).tasks.start.command);
  return command.split(" ").find((word) => word.startsWith("--allow-env")) ??
    "--allow-env";
}

async function listen(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  hear: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) hear(line);
  }
}
