/** Reads requests for downloads from the command line and lists of URLs. */

import { errorMessage } from "../base/error_message.ts";
import {
  CHECKSUM_ALGORITHMS,
  type DownloadRequest,
} from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import { parseDownload } from "../download/request.ts";
import { type Invocation, wholeNumberFlag } from "./arguments.ts";
import { refuseWithout } from "./permissions.ts";
import { UsageError } from "./usage.ts";

/** The fields of a download, as the protocol has them. */
export type DownloadFields =
  & { readonly url: string }
  & Readonly<
    Record<string, unknown>
  >;

/**
 * All downloads that a command asks for.
 *
 * @throws {UsageError} if there is none, or flags do not fit together.
 */
export async function readRequests(
  { flags, operands, command }: Invocation,
): Promise<DownloadFields[]> {
  const urls = [...operands];
  const lists = flags["input-file"];
  for (const list of Array.isArray(lists) ? lists.map(String) : []) {
    urls.push(...await readList(list));
  }
  if (urls.length === 0) {
    throw new UsageError(
      `There is no URL: sluice ${command.name} https://example.org/file`,
    );
  }
  const forOne = ["output", ...CHECKSUM_ALGORITHMS].filter((name) =>
    name in flags
  );
  if (urls.length > 1 && forOne.length > 0) {
    throw new UsageError(
      `--${forOne[0]} is for one URL; there are ${urls.length}.`,
    );
  }
  const { output } = flags;
  if (typeof output === "string" && /[/\\]|^(\.{0,2}|-)$/.test(output)) {
    throw new UsageError(
      "--output is a name, not a path" +
        (command.name === "get"
          ? "; the directory is --content-directory."
          : ": a server has its own directory."),
    );
  }
  const more = {
    ...Object.fromEntries(
      CHECKSUM_ALGORITHMS.filter((name) => name in flags)
        .map((name) => [name, flags[name]]),
    ),
    ...(typeof output === "string" && { filename: output }),
    ...("threads" in flags &&
      { threads: wholeNumberFlag(flags, "threads", 1) }),
    headers: readHeaders(flags.header),
  };
  return urls.map((url) => ({ url: withScheme(url), ...more }));
}

/**
 * The requests that a command asks for.
 *
 * @throws {UsageError} saying which one makes no sense, and why.
 */
export function checkRequests(
  asked: readonly DownloadFields[],
  limits: { readonly urlLength: number },
): DownloadRequest[] {
  return asked.map((fields, n) => {
    try {
      return parseDownload(fields, limits);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      const which = asked.length > 1 ? `URL number ${n + 1}: ` : "";
      throw new UsageError(`${which}${error.message}`);
    }
  });
}

/** A URL as people type it: without a scheme, https is meant, as in browsers. */
function withScheme(url: string): string {
  return /^[\w-]+(\.[\w-]+)+(:\d+)?(\/|$)/.test(url) ? `https://${url}` : url;
}

function readHeaders(lines: unknown): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of Array.isArray(lines) ? lines.map(String) : []) {
    const [, name, value] = line.match(/^([^:\s]+):\s*(.*?)\s*$/) ?? [];
    if (name === undefined || value === undefined) {
      // The line is not shown: it may hold a token.
      throw new UsageError('--header must be "Name: value".');
    }
    const key = name.toLowerCase();
    if (headers.has(key)) {
      throw new UsageError(
        `--header names ${key} twice: give both values once.`,
      );
    }
    headers.set(key, value);
  }
  return Object.fromEntries(headers);
}

/** One URL a line; `#` begins a comment line, `-` is standard input. */
async function readList(path: string): Promise<string[]> {
  const text = path === "-"
    ? await new Response(Deno.stdin.readable).text()
    : await readListFile(path);
  return text.split(/\r?\n/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

async function readListFile(path: string): Promise<string> {
  refuseWithout([{ name: "read", path }]);
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const reason = errorMessage(error);
    throw new UsageError(`--input-file cannot be read: ${reason}.`);
  }
}
