/** One URL that a file may come from, and how its origin answers. Pure. */

import { fingerprint } from "../base/fingerprint.ts";
import {
  type DownloadRequest,
  OWN_URL,
  type Validator,
} from "../download/download.ts";
import { NO_PACE, type Pace, paceAfter } from "./slice_length.ts";

/** What is known of a URL. A source never changes: new knowledge is a new one. */
export interface Source {
  readonly url: string;
  /** Tells it from the download's others in records, which hold no URL. */
  readonly key: string;
  /** The URL's host and port, at which its threads are counted. */
  readonly host: string;
  /** Where redirects led from the URL; null where none is known. */
  readonly location: string | null;
  /** What its first answer carried; null before it, or if that was nothing. */
  readonly validator: Validator | null;
  /** Attempts in a row that brought nothing, as long as another source led. */
  readonly failures: number;
  /** While another source leads, no thread starts at it before. */
  readonly notBefore: number;
  /** How often it has answered a thread with bytes of the file. */
  readonly answers: number;
  /** The shortest wait for an answer, in milliseconds; Infinity before one. */
  readonly answersIn: number;
  readonly pace: Pace;
}

/**
 * All sources of a download, none asked yet: its URL, then its mirrors; the mirrors
 * alone where the URL is a document's that tells of them.
 */
export function createSources(
  { url, mirrors = [], described }: Pick<
    DownloadRequest,
    "url" | "mirrors" | "described"
  >,
): [Source, ...Source[]] {
  const [first, ...rest] = mirrors
    .map((mirror) => createSource(mirror, fingerprint(mirror)));
  const own = createSource(url, OWN_URL);
  if (first === undefined) return [own];
  return described === undefined ? [own, first, ...rest] : [first, ...rest];
}

function createSource(url: string, key: string): Source {
  return {
    url,
    key,
    host: new URL(url).host,
    location: null,
    validator: null,
    failures: 0,
    notBefore: 0,
    answers: 0,
    answersIn: Infinity,
    pace: NO_PACE,
  };
}

/** The source, but nothing is known of what its answers are of. */
export function anew(source: Source): Source {
  return { ...source, location: null, validator: null, answers: 0 };
}

/** The source after an answer that took `wait` milliseconds. */
export function afterAnswer(source: Source, wait: number): Source {
  const { answers, answersIn } = source;
  return {
    ...source,
    answers: answers + 1,
    answersIn: Math.min(answersIn, wait),
  };
}

/**
 * The source after a whole slice.
 *
 * @param length Bytes.
 * @param took Milliseconds, the wait for the answer counted.
 */
export function afterSlice(
  source: Source,
  length: number,
  took: number,
): Source {
  const rate = length / (Math.max(1, took) / 1000);
  return { ...source, pace: paceAfter(source.pace, length, rate) };
}

/** A source as a message may name it: neither userinfo nor query, nor much. */
export function nameOf({ url }: Pick<Source, "url">): string {
  const { host, pathname } = new URL(url);
  const name = host + pathname;
  return name.length <= LONGEST_NAME
    ? name
    : `${name.slice(0, LONGEST_NAME - 1)}…`;
}

/** Characters. */
const LONGEST_NAME = 80;
