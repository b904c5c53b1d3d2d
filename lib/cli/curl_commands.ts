/** What curl commands ask for, in the words of the command line. Pure. */

import { type CurlFault, readCurl } from "../server/ui/curl.js";
import type { DownloadFields } from "./lists.ts";
import { UsageError } from "./usage.ts";

/** A URL of a curl command. */
export interface CurlRequest {
  readonly fields: DownloadFields;
  /** Paths of the files that `-b` names. */
  readonly cookieFiles: readonly string[];
}

/**
 * The downloads that curl commands ask for.
 *
 * @param where What the commands are from, for errors.
 * @throws {UsageError} naming the first flag that is not taken, and no value.
 */
export function readCurlCommands(text: string, where: string): CurlRequest[] {
  const read = readCurl(text, { files: true });
  if (read.kind === "fault") {
    throw new UsageError(`${where}: ${WORDS[read.why](read.what)}`);
  }
  return read.urls.map(({ url, filename, headers, cookieFiles }) => ({
    fields: { url, ...(filename !== null && { filename }), headers },
    cookieFiles,
  }));
}

const WORDS: Readonly<Record<CurlFault["why"], (what: string) => string>> = {
  unknown: (what) =>
    `curl's ${what} is not taken: leave it out if the file comes without it.`,
  data: (what) => `curl's ${what} sends data, and Sluice only fetches.`,
  method: (what) =>
    `curl's ${what} does more than fetch, and Sluice only fetches.`,
  insecure: (what) =>
    `curl's ${what} would trust anybody: leave it out. Certificates are ` +
    "always checked; --ca-file trusts one more.",
  file: (what) =>
    `curl's ${what} names a file: of those, -b FILE is taken; for names and ` +
    "passwords, give --netrc to sluice itself.",
  value: (what) => `curl's ${what} needs a value, or another one.`,
  path: (what) => `curl's ${what} takes a mere name here, not a path.`,
  host: () => "the header Host names another server than the URL does.",
  pattern: () =>
    "the URL stands for several, as [1-9] does in curl: give it to sluice " +
    "itself, or add -g.",
  shell: (what) =>
    `${what} is for a shell: give the curl command alone, its URL in quotes.`,
  quote: (what) => `what begins with ${what} has no end.`,
  cmd: () => "this is for Windows' cmd: copy it as cURL (bash).",
  url: () => "there is no URL in a curl command.",
};
