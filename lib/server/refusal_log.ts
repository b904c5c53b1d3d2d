/** A line for each refusal, and yet no log that refusals fill. */

import type { Fields, Log } from "../base/log.ts";

/** How long a line stands for others like it, in milliseconds. */
const SPAN = 60_000;
/** Lines about refusals in that time; what is beyond is told as a number. */
const MOST_LINES = 100;

/** Where refusals are told. */
export interface RefusalLog extends Disposable {
  /**
   * Writes a line, unless one of the same event and fields was written within
   * the last minute: then only their number is, at the end of it.
   */
  note(event: string, fields: Fields): void;
}

/**
 * Makes a log of refusals.
 *
 * @param span How long a line stands for others like it, in milliseconds.
 */
export function createRefusalLog(log: Log, span: number = SPAN): RefusalLog {
  /** What was told in this span, and how often it happened again. */
  const told = new Map<
    string,
    { event: string; fields: Fields; again: number }
  >();
  let beyond = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function sumUp(): void {
    timer = null;
    for (const { event, fields, again } of told.values()) {
      if (again > 0) log(event, { ...fields, again });
    }
    if (beyond > 0) log("more refused", { count: beyond });
    told.clear();
    beyond = 0;
  }

  return {
    note(event, fields) {
      timer ??= setTimeout(sumUp, span);
      const key = JSON.stringify([event, fields]);
      const known = told.get(key);
      if (known !== undefined) known.again++;
      else if (told.size >= MOST_LINES) beyond++;
      else {
        told.set(key, { event, fields, again: 0 });
        log(event, fields);
      }
    },
    [Symbol.dispose]() {
      if (timer === null) return;
      clearTimeout(timer);
      sumUp();
    },
  };
}
