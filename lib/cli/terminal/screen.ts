/** Lines of a terminal, or its whole screen, that are drawn again and again. */

import { widthOf } from "./width.ts";

/** A terminal that may be written to. */
export interface Terminal {
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): void;
  /** Calls back whenever the window has changed its size; returns the end. */
  onResize(changed: () => void): Disposable;
  /** Calls back before Ctrl-Z stops the process; returns the end. */
  onStop(stopping: () => void): Disposable;
  /** Calls back once the process goes on after a stop; returns the end. */
  onContinue(continued: () => void): Disposable;
}

/** The size that is assumed of a terminal that does not know its own. */
const USUAL = { columns: 80, rows: 24 };

/** How large the process's own terminal is. */
export function terminalSize(): ReturnType<Terminal["size"]> {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
  } catch {
    return USUAL;
  }
}

/** The process's own terminal. */
export function openTerminal(write: Terminal["write"]): Terminal {
  return {
    size: terminalSize,
    write,
    onResize: (changed) => hearSignal("SIGWINCH", changed),
    onStop: (stopping) =>
      hearSignal("SIGTSTP", () => {
        stopping();
        // Whoever hears the signal is not stopped by it.
        Deno.kill(Deno.pid, "SIGSTOP");
      }),
    onContinue: (continued) => hearSignal("SIGCONT", continued),
  };
}

/** Hears a signal of terminals, which Windows has none of, until disposed of. */
function hearSignal(signal: Deno.Signal, hear: () => void): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  Deno.addSignalListener(signal, hear);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, hear) };
}

/**
 * The text that replaces the lines `before`, below which the cursor is, by
 * `lines`. The window may have become `width` columns wide in between, so that
 * the terminal has wrapped some of the lines.
 */
export function frame(
  before: readonly string[],
  lines: readonly string[],
  width: number,
): string {
  const rows = before.reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)),
    0,
  );
  const up = rows > 0 ? `\x1b[${rows}A\r` : "";
  return `${up}${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`;
}

/** Lines at the bottom of what a program has written so far. */
export interface LiveLines extends Disposable {
  /** Draws other lines in place of those before. */
  draw(lines: readonly string[]): void;
  /** Takes the lines away while something else is written. */
  aside(write: () => void): void;
  /** Leaves the lines where they are; the next ones are drawn below. */
  leave(): void;
}

/** Starts live lines at the cursor; disposing of them takes them away. */
export function openLiveLines(terminal: Terminal): LiveLines {
  let shown: readonly string[] = [];
  function put(lines: readonly string[]): void {
    const text = frame(shown, lines, terminal.size().columns);
    shown = lines;
    terminal.write(text);
  }
  return {
    draw: put,
    aside(write) {
      const lines = shown;
      if (lines.length > 0) put([]);
      write();
      if (lines.length > 0) put(lines);
    },
    leave() {
      shown = [];
    },
    [Symbol.dispose]() {
      if (shown.length > 0) put([]);
    },
  };
}

/** The whole screen, given back as it was when this is disposed of. */
export interface FullScreen extends Disposable {
  draw(lines: readonly string[]): void;
  /** Gives the screen back for a while, in which nothing is drawn. */
  leave(): void;
  /** Takes it again. */
  enter(): void;
}

/** Takes the whole screen, without a cursor. */
export function openFullScreen(terminal: Terminal): FullScreen {
  let isOurs = false;
  function enter(): void {
    isOurs = true;
    terminal.write("\x1b[?1049h\x1b[?25l");
  }
  function leave(): void {
    isOurs = false;
    terminal.write("\x1b[?25h\x1b[?1049l");
  }
  enter();
  return {
    draw(lines) {
      if (!isOurs) return;
      const { rows } = terminal.size();
      // Behind a line that fills its row, xterm clears the last column, too.
      const text = Array.from(
        { length: rows },
        (_, row) => `\x1b[2K${lines[row] ?? ""}`,
      );
      terminal.write(`\x1b[H${text.join("\r\n")}`);
    },
    leave,
    enter,
    [Symbol.dispose]: leave,
  };
}
