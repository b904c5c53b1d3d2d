/** Digests of finished files that another server has. */

import type { ChecksumAlgorithm } from "../download/checksum.ts";
import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
  toRecord,
} from "../download/errors.ts";
import { createAnswers, type Working } from "./answers.ts";

/** How often in turn a server may leave a question unanswered. */
const MOST_SILENT = 3;
/** How long to wait before a server is asked again that was silent, in ms. */
const AGAIN = 500;

/** What a server asks another one. */
export interface Question {
  /** The session that is meant. */
  readonly session: string;
  /** Tells the question from all others. */
  readonly ask: string;
  readonly id: string;
  readonly algorithm: ChecksumAlgorithm;
}

/** What the other one answers. */
export type Told =
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | Working;

/** What digests are asked for with. */
export interface DigestsTools {
  /**
   * The session that has a file.
   *
   * @throws {DownloadError} FILE_GONE if none that is alive has it; STATE if no
   * broker can be reached.
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
  digestOf(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
  answer(question: Question): Promise<Told>;
}

/** Makes digests: none is being read. */
export function createDigests({ keeperOf, ask, read }: DigestsTools): Digests {
  const answers = createAnswers<Told>();
  return {
    async digestOf(id, algorithm) {
      const number = crypto.randomUUID();
      for (let silent = 0; silent < MOST_SILENT;) {
        const session = keeperOf(id);
        const told = await ask({ session, ask: number, id, algorithm });
        if (told?.kind === "digest") return told.digest;
        if (told?.kind === "failed") throw fromRecord(told.error);
        if (told?.kind === "working") {
          silent = 0;
          continue;
        }
        silent++;
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
      throw new DownloadError(
        "STATE",
        "The server that has the file does not answer: try again.",
      );
    },
    answer: ({ ask, id, algorithm }) =>
      answers.answer(ask, () =>
        read(id, algorithm).then(
          (digest) => ({ kind: "digest" as const, digest }),
          (error) => ({ kind: "failed" as const, error: toRecord(error) }),
        )),
  };
}
