/**
 * Answers to other servers that take longer than an answer is waited for: as long
 * as something is being done, it is said so, and asked for again.
 */

import { every } from "../base/timers.ts";

/** After how long it is said that something is being done, in milliseconds. */
const TOLD_AFTER = 500;
/** How long a result is kept for who asks again, in milliseconds. */
const KEPT = 10_000;

/** What is said of something that is still being done. */
export interface Working {
  readonly kind: "working";
}

/** Answers what may take long. */
export interface Answers<Result> {
  /** Whether something was begun for a question, and its result is kept. */
  has(ask: string): boolean;
  /**
   * The result of what was begun for a question, or that it is not there yet.
   *
   * @param ask Tells the question from all others: asked again, nothing is begun.
   * @param begin Does what is asked for; never rejects.
   */
  answer(ask: string, begin: () => Promise<Result>): Promise<Result | Working>;
}

/** Makes answers: nothing is being done. */
export function createAnswers<Result>(): Answers<Result> {
  const begun = new Map<string, Promise<Result>>();

  function start(ask: string, begin: () => Promise<Result>): Promise<Result> {
    const result = begin();
    begun.set(ask, result);
    result.finally(() => {
      const keeping = every(KEPT, () => {
        keeping[Symbol.dispose]();
        begun.delete(ask);
      });
    });
    return result;
  }

  return {
    has: (ask) => begun.has(ask),
    async answer(ask, begin) {
      const result = begun.get(ask) ?? start(ask, begin);
      const late = Promise.withResolvers<Working>();
      using _timer = every(TOLD_AFTER, () => late.resolve({ kind: "working" }));
      return await Promise.race([result, late.promise]);
    },
  };
}
