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
 * Watches a server until `q`, a signal, or, if asked for, until it is idle; the
 * program's exit code.
 *
 * @throws {DownloadError} if there is no server.
 */
export async function runWatch(
  { flags }: Invocation,
  server: ServerAddress,
): Promise<number> {
  using signals = startSignals();
  const outputs = openOutputs();
  const live = !flags.json && outputs.redraws.out;
  const quit = new AbortController();
  const ends = [signals.stop, quit.signal, outputs.lost];
  const options = {
    stop: AbortSignal.any(ends),
    untilIdle: flags["until-idle"] === true,
  };
  let failed: number;
  {
    using keys = live && Deno.stdin.isTerminal()
      ? readKeys(() => quit.abort())
      : NO_KEYS;
    using watcher = live
      ? createScreenWatcher(openTerminal(outputs.out), keys)
      : createPlain(flags.json ? "json" : "text", outputs);
    failed = await watch(server, watcher, options);
  }
  if (failed > 0) {
    const stand = failed === 1 ? "download stands" : "downloads stand";
    outputs.err(`sluice: ${failed} ${stand} as failed: see sluice list\n`);
    return codeWith(outputs, 1);
  }
  return codeWith(outputs, signals.exitCode());
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

/** The keys of a terminal, which are read as they are pressed. */
interface Keys extends Disposable {
  /** Leaves the terminal as a shell wants it. */
  pause(): void;
  resume(): void;
}

const NO_KEYS: Keys = { pause() {}, resume() {}, [Symbol.dispose]() {} };

/** Reads keys as they are pressed; Ctrl-C and Ctrl-Z stay signals. */
function readKeys(quit: () => void): Keys {
  const resume = () => Deno.stdin.setRaw(true, { cbreak: true });
  const pause = () => Deno.stdin.setRaw(false);
  resume();
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
  return { pause, resume, [Symbol.dispose]: pause };
}
