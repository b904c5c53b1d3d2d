/** The head of an answer, written anew as HTTP has it. Pure. */

import { DownloadError } from "../download/errors.ts";
import { noHttp, type Peer } from "./connection_error.ts";

/** What says how long a body is, and which bytes of the file it holds. */
const FRAMING = ["content-length", "content-range", "transfer-encoding"];

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Lines that a head may have. Deno's headers take a time that grows with the
 * square of their number: 4,000 take 0.2 s, and 30,000 would hold up all that a
 * worker carries.
 */
const MOST_LINES = 4_000;

/** A header line, with what was folded below it. */
interface Line {
  readonly text: string;
  readonly isFolded: boolean;
}

/**
 * Writes the head of an answer as RFC 9112 has it: folded lines in one, without
 * spaces before colons or control characters, and without lines that are no
 * headers. What says where the body ends must be there once, and right: two
 * clients that read it in two ways would get two files (RFC 9112 §11).
 *
 * @param head In Latin-1, from its status line to its empty line.
 * @throws {DownloadError} UNREADABLE if it is of no HTTP, or says too little.
 */
export function repairHead(head: string): string {
  const [first = "", ...rest] = head.trimEnd().split(/\r?\n/);
  const status = readStatus(first);
  if (rest.length > MOST_LINES) throw headTooLong();
  if (/[\0\r]/.test(rest.join("\n"))) {
    throw unreadable("a NUL or a lone CR in a header line", "§2.2");
  }
  const fields = unfold(rest).map(repairLine).filter((line) => line !== null);
  const others = fields.filter(([name]) => !isLength(name));
  const lines = [...others, ...framingOf(fields)]
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} \r\n${lines.join("")}\r\n`;
}

/** Whether a head is of an answer that another one follows (RFC 9110 §15.2). */
export function isInterim(head: string): boolean {
  return /^HTTP\/\S+ +1\d\d\b/.test(head);
}

/**
 * Refuses what does not begin as an answer does, as soon as that is known: what
 * waits to be spoken to in another way sends no more.
 *
 * @param text What has come so far.
 * @param by Who was connected to.
 * @throws {DownloadError} UNREADABLE.
 */
export function refuseOtherProtocol(text: string, by: Peer): void {
  if (!"HTTP/".startsWith(text.slice(0, 5))) throw noHttp(by);
}

/** The error for a head that does not end. */
export function headTooLong(): DownloadError {
  return new DownloadError(
    "UNREADABLE",
    "The origin's answer has too many header lines, or too long ones: have " +
      "its owner check it.",
  );
}

function readStatus(line: string): string {
  const [, status] = line.match(/^HTTP\/\d+(?:\.\d+)? +(\d{3})(?: |$)/) ?? [];
  if (status !== undefined) return status;
  throw unreadable("a status line that HTTP does not allow", "§4");
}

/** RFC 9112 §5.2: a line that begins with white space goes on with the last. */
function unfold(lines: readonly string[]): Line[] {
  const unfolded: Line[] = [];
  for (const text of lines) {
    const last = /^[ \t]/.test(text) ? unfolded.pop() : undefined;
    unfolded.push(
      last === undefined
        ? { text, isFolded: false }
        : { text: `${last.text} ${text.trim()}`, isFolded: true },
    );
  }
  return unfolded;
}

type Field = readonly [name: string, value: string];

/** A header's name and value; null for a line that is none. */
function repairLine({ text, isFolded }: Line): Field | null {
  const [written = ""] = text.split(":", 1);
  const name = written.trim();
  if (written === text || !TOKEN.test(name)) {
    // It may be a length, written wrongly.
    if (/content|transfer|encoding|length|range/i.test(text)) {
      throw oddFraming();
    }
    return null;
  }
  const isOdd = isFolded || written !== name;
  if (isOdd && FRAMING.includes(name.toLowerCase())) throw oddFraming();
  const value = text.slice(written.length + 1);
  // deno-lint-ignore no-control-regex
  return [name, value.replace(/[\x01-\x1f\x7f]/g, " ").trim()];
}

function isLength(name: string): boolean {
  return ["content-length", "transfer-encoding"].includes(name.toLowerCase());
}

/** RFC 9112 §6.3: `chunked` says where a body ends, or one length does. */
function framingOf(fields: readonly Field[]): Field[] {
  const valuesOf = (wanted: string) =>
    fields.filter(([name]) => name.toLowerCase() === wanted)
      .flatMap(([, value]) => value.split(",").map((one) => one.trim()));
  const lengths = new Set(valuesOf("content-length"));
  const codings = valuesOf("transfer-encoding");
  const [length] = lengths;
  const [coding] = codings;
  if (
    coding !== undefined && (codings.length > 1 || !/^chunked$/i.test(coding))
  ) {
    throw unreadable("a transfer coding other than chunked", "§6.1");
  }
  if (coding !== undefined && length !== undefined) {
    throw unreadable("both chunks and a Content-Length", "§6.3");
  }
  if (coding !== undefined) return [["Transfer-Encoding", coding]];
  if (length === undefined) return [];
  if (lengths.size === 1 && /^\d+$/.test(length)) {
    return [["Content-Length", length]];
  }
  throw unreadable(
    "a Content-Length that is no number, or two that differ",
    "§6.3",
  );
}

function oddFraming(): DownloadError {
  return unreadable("its length or range in an odd header line", "§5");
}

function unreadable(what: string, section: string): DownloadError {
  return new DownloadError(
    "UNREADABLE",
    `The origin's answer has ${what} (RFC 9112 ${section}): have its owner ` +
      "check it.",
  );
}
