/** URLs with curl's patterns in them, `{a,b}`, `[001-100]`, `[a-z:2]`. Pure. */

import { UsageError } from "./usage.ts";

/** A URL that a pattern makes. */
export interface Made {
  readonly url: string;
  /** What stands in it for each brace and bracket of the pattern, in turn. */
  readonly words: readonly string[];
}

/** How many URLs a pattern makes at most: a `get` holds all in memory. */
const MOST = 100_000;

/** A run of text, or a brace or bracket with all that may stand for it. */
type Piece = string | readonly string[];

/**
 * All URLs that a typed one stands for, the last part changing fastest. A
 * backslash before a brace, a bracket or a comma takes that as it is. A bracket
 * that holds no range, such as an IPv6 address, stays as it is, too.
 *
 * @throws {UsageError} naming what is wrong with a pattern.
 */
export function expandPattern(typed: string): Made[] {
  const pieces = piecesOf(typed);
  const count = pieces.filter((piece) => typeof piece !== "string")
    .reduce((product, { length }) => product * length, 1);
  if (count > MOST) throw tooMany(count);
  let made: Made[] = [{ url: "", words: [] }];
  for (const piece of pieces) {
    made = typeof piece === "string"
      ? made.map(({ url, words }) => ({ url: url + piece, words }))
      : made.flatMap(({ url, words }) =>
        piece.map((word) => ({ url: url + word, words: [...words, word] }))
      );
  }
  return made;
}

/** A name in which `#1` stands for the first brace or bracket, as in curl. */
export function nameFor(name: string, words: readonly string[]): string {
  return name.replace(
    /#(\d+)/g,
    (reference, number) => words[Number(number) - 1] ?? reference,
  );
}

function piecesOf(typed: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < typed.length) {
    const [text = "", piece] = pieceAt(typed, at) ?? [];
    if (piece === undefined) throw noPattern(typed, at);
    pieces.push(piece);
    at += text.length;
  }
  return pieces;
}

/** What stands at an offset, and what it means; null if it is a wrong pattern. */
function pieceAt(typed: string, at: number): [string, Piece] | null {
  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    return pattern.exec(typed);
  }
  const plain = match(/(?:\\[{}[\],]|[^{}[])+/y);
  if (plain !== null) return [plain[0], unescaped(plain[0])];
  const range = match(/\[(\d+)-(\d+)(?::(\d+))?\]/y) ??
    match(/\[([a-z])-([a-z])(?::(\d+))?\]/y) ??
    match(/\[([A-Z])-([A-Z])(?::(\d+))?\]/y);
  if (range !== null) {
    const [text, first = "", last = "", step] = range;
    const words = wordsIn(first, last, Number(step ?? 1));
    return words && [text, words];
  }
  const braces = match(/\{((?:\\[{}[\],]|[^{}[\]])+)\}/y);
  if (braces !== null) {
    const [text, inside = ""] = braces;
    return [text, inside.split(/(?<!\\),/).map(unescaped)];
  }
  return match(/\[(?:\d+|[a-z])-|[{}]/iy) === null ? ["[", "["] : null;
}

function unescaped(text: string): string {
  return text.replace(/\\([{}[\],])/g, "$1");
}

/** All words from one to another; null if there are none. */
function wordsIn(
  first: string,
  last: string,
  step: number,
): string[] | null {
  const isNumber = /\d/.test(first);
  const start = isNumber ? Number(first) : first.charCodeAt(0);
  const end = isNumber ? Number(last) : last.charCodeAt(0);
  const fits = start === end ? step === 1 : step >= 1 && step <= end - start;
  if (!fits || !Number.isSafeInteger(end)) return null;
  const length = Math.floor((end - start) / step) + 1;
  if (length > MOST) throw tooMany(length);
  return Array.from({ length }, (_, n) => {
    const value = start + n * step;
    return isNumber
      ? String(value).padStart(first.length, "0")
      : String.fromCharCode(value);
  });
}

/** The pattern is not shown: it may hold a password. */
function noPattern(typed: string, at: number): UsageError {
  return new UsageError(
    `In a URL, what begins with ${typed[at]} at character ${at + 1} is no ` +
      "pattern such as {a,b}, [001-100:2] or [a-z]: mend it, or take all as " +
      "it is with --no-glob.",
  );
}

function tooMany(count: number): UsageError {
  return new UsageError(
    `A pattern makes ${count} URLs; at once, it may make ${MOST}.`,
  );
}
