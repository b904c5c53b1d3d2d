/** One URL that a file may come from, and how its origin answers. Pure. */

import { NO_PACE, type Pace, paceAfter } from "./slice_length.ts";

/** What is known of a URL. A source never changes: new knowledge is a new one. */
export interface Source {
  readonly url: string;
  /** The URL's host and port, at which its threads are counted. */
  readonly host: string;
  /** Where redirects led from the URL; null where none is known. */
  readonly location: string | null;
  /** The shortest wait for an answer, in milliseconds; Infinity before one. */
  readonly answersIn: number;
  readonly pace: Pace;
}

/** A source that has not been asked yet. */
export function createSource(url: string): Source {
  return {
    url,
    host: new URL(url).host,
    location: null,
    answersIn: Infinity,
    pace: NO_PACE,
  };
}

/** The source after an answer that took `wait` milliseconds. */
export function afterAnswer(source: Source, wait: number): Source {
  return { ...source, answersIn: Math.min(source.answersIn, wait) };
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
