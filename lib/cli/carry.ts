/** The commands that carry downloads from one program to another. */

import { decodeText } from "../base/decode_text.ts";
import type { ListedStatus } from "../server/messages.ts";
import type { Invocation } from "./arguments.ts";
import { connect, type ServerAddress } from "./client.ts";
import { FORMATS } from "./commands.ts";
import {
  type Format,
  head,
  linesOf,
  tail,
  withoutSecrets,
  wordsOfLeft,
} from "./export.ts";
import { allPages } from "./ids.ts";
import { nearest } from "./nearest.ts";
import { addAll, type LineOutput, statusFilter } from "./remote.ts";
import { readListBytes } from "./requests.ts";
import { parseSession } from "./session_file.ts";
import { printable } from "./terminal/width.ts";
import { UsageError } from "./usage.ts";

/** Downloads on one page: their requests go along. */
const PAGE = 500;

/**
 * Writes a server's downloads, in the order of its queue.
 *
 * @throws {UsageError} if the format is unknown.
 * @throws {DownloadError} what the server says, or that there is none.
 */
export async function runExport(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line, width }: LineOutput,
): Promise<number> {
  const format = formatIn(flags.format ?? "json");
  const filter = { search: operands.join(" "), ...statusFilter(flags.status) };
  // A terminal obeys control characters, and origins choose names.
  const write = (text: string) =>
    line(width < Infinity ? printable(text) : text);
  const left: string[] = [];
  let written = 0;
  using client = await connect(server);
  head(format).forEach(write);
  const asked = {
    ...filter,
    order: "oldest",
    // A table has no headers: a token of scope read is enough for it.
    ...(format !== "csv" && { requests: true }),
  };
  for await (const statuses of allPages(client, asked, PAGE)) {
    for (const status of statuses as readonly ListedStatus[]) {
      const isFirst = written === 0;
      written++;
      const cleaned = flags.secrets
        ? { status, left: [] }
        : withoutSecrets(status);
      left.push(...cleaned.left);
      linesOf(cleaned.status, format, isFirst).forEach(write);
    }
  }
  tail(format, written === 0).forEach(write);
  const words = wordsOfLeft(
    format === "csv" ? left.filter((one) => !one) : left,
  );
  if (words !== null) console.error(`sluice: ${words}`);
  return 0;
}

function formatIn(given: unknown): Format {
  const typed = String(given).toLowerCase();
  const known = FORMATS.find((format) => format === typed);
  if (known !== undefined) return known;
  const near = nearest(typed, FORMATS);
  throw new UsageError(
    `There is no format ${printable(typed.slice(0, 50))}: ` +
      (near === null
        ? `they are ${FORMATS.join(", ")}.`
        : `did you mean ${near}?`),
  );
}

/**
 * Adds what aria2 has saved of its session, as far as Sluice fetches it; the exit
 * code is 1 if something was left out.
 *
 * @throws {UsageError} if there is no file, or nothing in it.
 * @throws {DownloadError} what the server says, or that there is none.
 */
export async function runImport(
  { flags, operands }: Invocation,
  server: ServerAddress,
  output: LineOutput,
): Promise<number> {
  const [path, ...more] = operands;
  if (path === undefined || more.length > 0) {
    throw new UsageError("import takes one file; - is standard input.");
  }
  const text = decodeText(await unzipped(await readListBytes(path)));
  const { downloads, left, root } = parseSession(text);
  const name = path === "-" ? "standard input" : path;
  if (downloads.length + left.length === 0) {
    throw new UsageError(`There is no download in ${printable(name)}.`);
  }
  for (const { line, why } of left) {
    complain(`${name}:${line}: left out: ${why}`);
  }
  if (root !== null && downloads.some(({ directory }) => directory)) {
    complain(`what is below ${root || "/"} goes below the server's directory`);
  }
  if (downloads.length > 0) {
    await addAll(downloads, server, Boolean(flags.json), output);
  }
  return left.length > 0 ? 1 : 0;
}

function complain(words: string): void {
  console.error(`sluice: ${printable(words)}`);
}

/** What a file holds, which aria2 compresses if its name ends in `.gz`. */
async function unzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const [first, second] = bytes;
  if (first !== 0x1f || second !== 0x8b) return bytes;
  try {
    const stream = new Blob([new Uint8Array(bytes)]).stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream).bytes();
  } catch {
    throw new UsageError(
      "The file is compressed, and cannot be read to its end.",
    );
  }
}
