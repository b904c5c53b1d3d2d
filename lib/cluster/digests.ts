/**
 * Digests of finished files that another server has. A large file takes longer
 * than any answer is waited for: as long as its server reads it, that says so, and
 * is asked again.
 */

import { every } from "../base/timers.ts";
import type { ChecksumAlgorithm } from "../download/checksum.ts";
import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
  toRecord,
} from "../download/errors.ts";

/** After how long a server says that it is reading, in milliseconds. */
const TOLD_AFTER = 500;
/** How long a digest is kept for who asks again, in milliseconds. */
const KEPT = 5_000;
/** How often in turn a server may leave a question unanswered. */
const MOST_SILENT = 3;

/** What a server asks another one. */
export interface Question {
  /** The session that is meant. */
  readonly session: string;
  readonly id: string;
  readonly algorithm: ChecksumAlgorithm;
}

/** What the other one answers. */
export type Told =
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "reading" }
  | { readonly kind: "failed"; readonly error: ErrorRecord };

/** What digests are asked for with. */
export interface DigestsTools {
  /**
   * The session that has a file.
   *
   * @throws {DownloadError} FILE_GONE if none that is alive has it.
   */
  keeperOf(id: string): string;
  /** Asks a session; null if it does not answer. */
  ask(question: Question): Promise<Told | null>;
  /** Reads a file that is here. */
  read(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
}

/** Asks for digests, and answers others. */
export interface Digests {
  /**
   * The digest of a file that another server has.
   *
   * @throws {DownloadError} FILE_GONE if that server is away, or has it no more;
   * STATE if it does not answer.
   */
  of(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
  answer(question: Question): Promise<Told>;
}

/** Makes digests: none is being read. */
export function createDigests(
  { keeperOf, ask, read }: DigestsTools,
): Digests {
  const reading = new Map<string, Promise<Told>>();

  function start(key: string, question: Question): Promise<Told> {
    const { id, algorithm } = question;
    const told = read(id, algorithm).then(
      (digest) => ({ kind: "digest" as const, digest }),
      (error) => ({ kind: "failed" as const, error: toRecord(error) }),
    );
    reading.set(key, told);
    told.then(() => {
      const keeping = every(KEPT, () => {
        keeping[Symbol.dispose]();
        reading.delete(key);
      });
    });
    return told;
  }

  return {
    async of(id, algorithm) {
      let silent = 0;
      while (silent < MOST_SILENT) {
        const session = keeperOf(id);
        const told = await ask({ session, id, algorithm });
        if (told?.kind === "digest") return told.digest;
        if (told?.kind === "failed") throw fromRecord(told.error);
        silent = told === null ? silent + 1 : 0;
      }
      throw new DownloadError(
        "STATE",
        "The server that has the file does not answer: try again.",
      );
    },
    async answer(question) {
      const key = `${question.id} ${question.algorithm}`;
      const told = reading.get(key) ?? start(key, question);
      const later = Promise.withResolvers<Told>();
      using _timer = every(
        TOLD_AFTER,
        () => later.resolve({ kind: "reading" }),
      );
      return await Promise.race([told, later.promise]);
    },
  };
}
