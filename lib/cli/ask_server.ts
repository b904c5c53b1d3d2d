/** The commands that talk to a running server. */

import type { Invocation } from "./arguments.ts";
import { parseServer } from "./client.ts";
import { variable } from "./environment.ts";
import { namedFiles } from "./named_files.ts";
import { refuseWithout } from "./permissions.ts";
import { runRemote } from "./remote.ts";
import { codeWith, openOutputs, TERM } from "./terminal/outputs.ts";
import { terminalSize } from "./terminal/screen.ts";
import { runWatch } from "./watch_command.ts";

const TOKEN = "SLUICE_TOKEN";

/**
 * Does what the command line asks of a server; the program's exit code.
 *
 * @param caCerts Authorities in PEM that the server may have.
 * @throws {UsageError} if it does not make sense, or may not be done.
 * @throws {DownloadError} what the server says, or that there is none.
 */
export async function askServer(
  asked: Invocation,
  caCerts: readonly string[],
): Promise<number> {
  const { flags, command } = asked;
  const url = parseServer(String(flags.server ?? "ws://localhost:8888/"));
  refuseWithout([
    { name: "net", host: new URL(url).host },
    ...[
      ...("token" in flags ? [] : [TOKEN]),
      TERM,
      ...(flags.netrc ? ["HOME"] : []),
    ]
      .map((variable) => ({ name: "env", variable }) as const),
    ...namedFiles(asked),
  ]);
  const server = { url, token: readToken(flags.token), caCerts };
  if (command.name === "watch") return await runWatch(asked, server);
  const outputs = openOutputs();
  const run = await runnerOf(command.name);
  const code = await run(asked, server, {
    line: (text) => outputs.out(`${text}\n`),
    width: outputs.outIsTerminal ? terminalSize().columns : Infinity,
  });
  return codeWith(outputs, code);
}

/** Who does what a command asks of a server. */
async function runnerOf(name: string): Promise<typeof runRemote> {
  if (name !== "import" && name !== "export") return runRemote;
  const { runExport, runImport } = await import("./carry.ts");
  return name === "import" ? runImport : runExport;
}

function readToken(given: unknown): string | null {
  return typeof given === "string" ? given : variable(TOKEN) || null;
}
