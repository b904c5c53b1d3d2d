/** The command `get`: what it is asked, what it says, how it exits. */

import { startSignals } from "../base/signals.ts";
import type { DownloadRequest } from "../download/download.ts";
import type { Rule } from "../download/rules.ts";
import type { Existing } from "../get/existing.ts";
import { get, type GetEnd, type GetOptions } from "../get/get.ts";
import type { Reporter } from "../get/reporter.ts";
import type { Invocation } from "./arguments.ts";
import { readRequests } from "./requests.ts";
import { codeWith, openOutputs, type Outputs } from "./terminal/outputs.ts";
import {
  createJsonReporter,
  createLinesReporter,
  createQuietReporter,
  createTerminalReporter,
} from "./terminal/reporter.ts";
import { openTerminal } from "./terminal/screen.ts";
import { UsageError } from "./usage.ts";

/** How often a terminal is drawn again, in milliseconds. */
const DRAW_EVERY = 100;

/** Settings of the command. */
export interface GetCommandOptions
  extends Omit<GetOptions, "existing" | "rules"> {
  readonly rules: readonly Rule[];
  /** Characters that a URL may have. */
  readonly urlLength: number;
  /** The path of a file with names and passwords; null for none. */
  readonly netrc: string | null;
}

/**
 * Does what the command line asks for; the program's exit code.
 *
 * @throws {UsageError} if it does not make sense.
 */
export async function runGet(
  invocation: Invocation,
  options: GetCommandOptions,
): Promise<number> {
  const { flags } = invocation;
  const existing = existingIn(flags);
  const asked = await readRequests(invocation, options);
  // Where its files go is said on its command line.
  const rules = options.rules.map((rule) => ({ ...rule, directory: null }));
  const requests = await byRules(
    await withCredentials(asked.map(({ request }) => request), options),
    rules,
  );
  const outputs = openOutputs();
  using signals = startSignals();
  let end: GetEnd;
  {
    using reporter = createReporter(flags, outputs);
    end = await get(
      requests,
      { ...options, existing, rules, broadcastTimeout: DRAW_EVERY },
      {
        reporter,
        interrupt: AbortSignal.any([signals.stop, outputs.lost]),
      },
    );
  }
  if (outputs.lost.aborted) return codeWith(outputs, 1);
  switch (end.kind) {
    case "done":
      return 0;
    case "failed":
      if (end.of > 1 && !flags.quiet) {
        outputs.err(`sluice: ${end.failed} of ${end.of} downloads failed\n`);
      }
      return 1;
    case "interrupted":
      if (!flags.quiet) {
        outputs.err(
          "sluice: interrupted; the same command goes on where it can\n",
        );
      }
      return signals.exitCode();
  }
}

/** What is to be done where a file is there already. */
function existingIn(flags: Invocation["flags"]): Existing {
  if (!flags.timestamping) return flags["skip-existing"] ? "skip" : "number";
  if (!flags["skip-existing"]) return "renew";
  throw new UsageError(
    "--skip-existing asks for no file that is there, --timestamping for one " +
      "that has changed: give one of them.",
  );
}

async function withCredentials(
  requests: readonly DownloadRequest[],
  { netrc }: GetCommandOptions,
): Promise<readonly DownloadRequest[]> {
  if (netrc === null) return requests;
  const { withNetrc } = await import("./netrc.ts");
  return await withNetrc(requests, netrc);
}

/** What the requests ask for with what rules give their URLs. */
async function byRules(
  requests: readonly DownloadRequest[],
  rules: readonly Rule[],
): Promise<readonly DownloadRequest[]> {
  if (rules.length === 0) return requests;
  const { headersByRules, withRules } = await import("../download/rules.ts");
  return requests.map((request) => ({
    // The time is a directory's.
    ...withRules(request, rules, 0),
    headers: headersByRules(request, rules),
  }));
}

function createReporter(
  { quiet, json }: Invocation["flags"],
  outputs: Outputs,
): Reporter {
  if (json) return createJsonReporter(outputs);
  if (quiet) return createQuietReporter(outputs);
  return outputs.redraws.err
    ? createTerminalReporter(outputs, openTerminal(outputs.err))
    : createLinesReporter(outputs);
}
