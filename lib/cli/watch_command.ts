/** The command `watch`: how it looks, and what ends it. */

import { startSignals } from "../base/signals.ts";
import type { Invocation } from "./arguments.ts";
import type { ServerAddress } from "./client.ts";
import { codeWith, openOutputs, type Outputs } from "./terminal/outputs.ts";
import { openTerminal } from "./terminal/screen.ts";
import {
  createLineWatcher,
  createScreenWatcher,
  watch,
  type Watcher,
} from "./watch.ts";

/**
 * Watches a server until `q` or a signal; the program's exit code.
 *
 * @throws {DownloadError} if there is no server.
 */
export async function runWatch(
  { flags }: Invocation,
  server: ServerAddress,
): Promise<number> {
  using signals = startSignals();
  const outputs = openOutputs();
  const live = !flags.json && outputs.outIsTerminal;
  const quit = new AbortController();
  using _keys = live && Deno.stdin.isTerminal()
    ? readKeys(() => quit.abort())
    : null;
  using watcher = live
    ? createScreenWatcher(openTerminal(outputs.out))
    : createPlain(flags.json ? "json" : "text", outputs);
  const ends = [signals.stop, quit.signal, outputs.lost];
  await watch(server, watcher, AbortSignal.any(ends));
  return codeWith(outputs, 0);
}

function createPlain(
  format: "json" | "text",
  { out, err }: Outputs,
): Watcher {
  return createLineWatcher(format, {
    out: (line) => out(`${line}\n`),
    err: (line) => err(`${line}\n`),
  });
}

/** Reads keys as they are pressed; Ctrl-C stays a signal. */
function readKeys(quit: () => void): Disposable {
  Deno.stdin.setRaw(true, { cbreak: true });
  const reader = Deno.stdin.readable.getReader();
  async function read() {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      if (new TextDecoder().decode(value).includes("q")) return quit();
    }
  }
  // It is cut off only when the program ends.
  read().catch(() => {});
  return { [Symbol.dispose]: () => Deno.stdin.setRaw(false) };
}
