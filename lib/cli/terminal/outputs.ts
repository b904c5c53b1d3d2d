/** Where a command writes, whose reader may be gone before it ends. */

import { errorMessage } from "../../base/error_message.ts";
import { writeOutSync } from "../../base/write_all.ts";
import { variable } from "../environment.ts";

/** Standard output and error. */
export interface Outputs {
  /** For results: paths, ids, JSON. */
  out(text: string): void;
  /** For progress and errors; dropped once their reader is gone. */
  err(text: string): void;
  /** Whether `out` is a terminal, which obeys control characters. */
  readonly outIsTerminal: boolean;
  /** Which of them is a terminal on which lines can be drawn again. */
  readonly redraws: { readonly out: boolean; readonly err: boolean };
  /** Aborted once results cannot be written any more, with the reason. */
  readonly lost: AbortSignal;
}

/** The variable that says what kind of terminal there is. */
export const TERM = "TERM";

/** Opens the outputs of this process; it must be allowed `TERM`. */
export function openOutputs(): Outputs {
  const encoder = new TextEncoder();
  const lost = new AbortController();
  let heard = true;
  const outIsTerminal = Deno.stdout.isTerminal();
  // As shells in Emacs call themselves: a terminal that knows no cursor.
  const isDumb = variable(TERM) === "dumb";
  return {
    out(text) {
      if (lost.signal.aborted) return;
      try {
        writeOutSync(Deno.stdout, encoder.encode(text));
      } catch (error) {
        lost.abort(error);
      }
    },
    err(text) {
      if (!heard) return;
      try {
        writeOutSync(Deno.stderr, encoder.encode(text));
      } catch {
        heard = false;
      }
    },
    outIsTerminal,
    redraws: {
      out: outIsTerminal && !isDumb,
      err: Deno.stderr.isTerminal() && !isDumb,
    },
    lost: lost.signal,
  };
}

/**
 * The exit code of a command that would end with `code`. Where results are
 * missing, it says why; a reader that closed the pipe knows why.
 */
export function codeWith({ err, lost }: Outputs, code: number): number {
  if (!lost.aborted) return code;
  const { reason } = lost;
  if (reason instanceof Deno.errors.BrokenPipe) return 1;
  const why = errorMessage(reason);
  err(`sluice: Standard output cannot be written: ${why}.\n`);
  return 1;
}
