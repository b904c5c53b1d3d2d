/** Looks for the checksum of a file where origins publish it. */

import type { FoundChecksum } from "../download/checksum.ts";
import { DownloadError, toRecord } from "../download/errors.ts";
import { remedyFor } from "../download/remedies.ts";
import { checksumIn } from "../origin/digests.ts";
import { refuseTransferCoding } from "../origin/framing.ts";
import { loggable, type OriginRequest } from "../origin/request.ts";
import { ask } from "./ask.ts";
import { openBody, startWatch, type Watch } from "./body.ts";
import type { WorkerResources } from "./fetch_slice.ts";
import type { LookTask } from "./messages.ts";

/** How long it may take, in milliseconds: a finished download waits for it. */
const WITHIN = 20_000;
/** Bytes that a file of checksums may have; Debian's largest has some 40 kB. */
const LONGEST = 1024 * 1024;
/** How often each is asked for, where asking again may help. */
const TRIES = 2;

/**
 * The first checksum that one of the files has; null if none has one, or none can
 * be had. They are asked for as downloads are, with the same rules.
 */
export async function lookForChecksum(
  { files, names }: LookTask,
  resources: WorkerResources,
): Promise<FoundChecksum | null> {
  const control = new AbortController();
  const late = setTimeout(() => control.abort(tooLate()), WITHIN);
  try {
    using watch = startWatch(control, resources);
    for (const { request, isOwn } of files) {
      const text = await textOf(request, resources, watch);
      const found = text === null ? null : checksumIn(text, names, isOwn);
      if (found !== null) return { ...found, from: loggable(request.url) };
    }
    return null;
  } finally {
    clearTimeout(late);
  }
}

async function textOf(
  request: OriginRequest,
  resources: WorkerResources,
  watch: Watch,
): Promise<string | null> {
  for (let n = 1;; n++) {
    try {
      return await readText(request, resources, watch);
    } catch (error) {
      const remedy = remedyFor(toRecord(error).code);
      const helps = remedy === "retry" || remedy === "fewer";
      if (!helps || n === TRIES || watch.signal.aborted) return null;
    }
  }
}

/**
 * @returns null if there is no such file.
 * @throws {DownloadError} if there is no answer, or it breaks off.
 */
async function readText(
  request: OriginRequest,
  resources: WorkerResources,
  watch: Watch,
): Promise<string | null> {
  const { response } = await ask(request, null, resources, watch);
  await using body = openBody(response, watch, resources.reading);
  if (response.status >= 500) {
    throw new DownloadError("ORIGIN_FAULT", "The origin failed.");
  }
  if (response.status !== 200 || response.headers.has("content-encoding")) {
    return null;
  }
  refuseTransferCoding(response.headers);
  const bytes = await body.peek(LONGEST + 1);
  return bytes.length > LONGEST ? null : new TextDecoder().decode(bytes);
}

function tooLate(): DownloadError {
  return new DownloadError("STALLED", "The checksum did not come in time.");
}
