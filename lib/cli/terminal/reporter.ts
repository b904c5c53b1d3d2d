/** How a `get` tells how far it is. */

import type { ErrorRecord } from "../../download/errors.ts";
import type { Reporter } from "../../get/reporter.ts";
import type { Status } from "../../status/status.ts";
import type { Outputs } from "./outputs.ts";
import {
  renderDownloads,
  renderEnd,
  renderKept,
  renderLine,
} from "./render.ts";
import { openLiveLines, type Terminal } from "./screen.ts";
import { printable } from "./width.ts";

/** Tells only of downloads that failed. */
export function createQuietReporter({ err }: Outputs): Reporter {
  return {
    changed() {},
    waiting() {},
    stuck: (error) => writeStuck(error, err),
    ended(status, effort) {
      if (status.process_status === "Downloaded") return;
      err(`${renderEnd(status, effort)}\n`);
    },
    kept() {},
    [Symbol.dispose]() {},
  };
}

/** Tells each status as a line of JSON, as clients of a server get it. */
export function createJsonReporter({ out, err }: Outputs): Reporter {
  const write = (status: Status) => out(`${JSON.stringify(status)}\n`);
  return {
    changed: (statuses) => statuses.forEach(write),
    ended: (status) => write(status),
    kept: (status) => write(status),
    stuck: (error) => writeStuck(error, err),
    waiting() {},
    [Symbol.dispose]() {},
  };
}

/** How often a line about each download is written, in milliseconds. */
const LINE_EVERY = 10_000;

/** Tells in plain lines: at the start, every ten seconds, and at the end. */
export function createLinesReporter(outputs: Outputs): Reporter {
  const told = new Map<string, { at: number; error: string | null }>();
  return {
    changed(statuses) {
      const now = performance.now();
      for (const status of statuses) {
        const error = status.error?.message ?? null;
        const last = told.get(status.id);
        if (status.process_status !== "Downloading") continue;
        if (last && now - last.at < LINE_EVERY && last.error === error) {
          continue;
        }
        const { size, downloaded } = status;
        // Before the first answer, nothing is known of the file.
        const silent = size === null && downloaded === 0 && error === null;
        if (last === undefined && silent) continue;
        told.set(status.id, { at: now, error });
        outputs.err(`${renderLine(status)}\n`);
      }
    },
    waiting() {},
    stuck: (error) => writeStuck(error, outputs.err),
    ended(status, effort, path) {
      told.delete(status.id);
      writeEnd(renderEnd(status, effort), path, outputs);
    },
    kept(status, why, path) {
      writeEnd(renderKept(status, why), path, outputs);
    },
    [Symbol.dispose]() {},
  };
}

/** Draws one live line per download. */
export function createTerminalReporter(
  outputs: Outputs,
  terminal: Terminal,
): Reporter {
  const open = new Map<string, Status>();
  const lines = openLiveLines(terminal);
  const resize = terminal.onResize(draw);
  // The shell is to write below the lines.
  const stop = terminal.onStop(lines.leave);
  let more = 0;

  function draw(): void {
    const { columns, rows } = terminal.size();
    // A line that fills the last column would be followed by an empty one.
    const size = { width: columns - 1, height: rows - 1 };
    const running = [...open.values()]
      .filter(({ process_status: state }) => state === "Downloading");
    const rest = open.size - running.length + more;
    lines.draw(renderDownloads(running, size, rest));
  }

  return {
    changed(statuses) {
      for (const status of statuses) {
        const { id, process_status: state } = status;
        if (state === "Downloading" || state === "Queued") open.set(id, status);
      }
      draw();
    },
    waiting(count) {
      more = count;
    },
    stuck(error) {
      lines.aside(() => writeStuck(error, outputs.err));
    },
    ended(status, effort, path) {
      open.delete(status.id);
      lines.aside(() => writeEnd(renderEnd(status, effort), path, outputs));
    },
    kept(status, why, path) {
      lines.aside(() => writeEnd(renderKept(status, why), path, outputs));
    },
    [Symbol.dispose]() {
      resize[Symbol.dispose]();
      stop[Symbol.dispose]();
      lines[Symbol.dispose]();
    },
  };
}

function writeStuck({ message }: ErrorRecord, err: Outputs["err"]): void {
  err(`sluice: ${message}\n`);
}

function writeEnd(
  line: string,
  path: string | null,
  { out, err, outIsTerminal }: Outputs,
): void {
  err(`${line}\n`);
  if (path === null) return;
  out(`${outIsTerminal ? printable(path) : path}\n`);
}
