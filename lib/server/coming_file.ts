/** Files that are still being fetched: what is not there yet is waited for. */

import { setTimeout as delay } from "node:timers/promises";
import { DownloadError } from "../download/errors.ts";
import { type Coming, readableFrom } from "../status/coming.ts";
import { type Body, PIECE, plain, refuseToWrite, send } from "./files.ts";

/** Between two looks at how much of a file is there, in milliseconds. */
const LOOK_EVERY = 100;
/** How long a byte is waited for, in milliseconds: most players ask again. */
const WAIT_AT_MOST = 60_000;

type Sized = Extract<Coming, { kind: "sized" }>;

/** Where a file that comes is looked for. */
export interface Sight {
  /** What there is of it; null if nobody fetches it. */
  coming(): Coming | null;
  /** Where it is once it is finished; null until then. */
  finished(): string | null;
}

/**
 * Sends a file as it comes. A range that is not there yet is waited for, and the
 * connection is cut if it does not come. Nothing of it has a validator: another
 * answer may be of another file.
 *
 * @param coming What is seen of it.
 */
export async function serveComing(
  request: Request,
  coming: Coming,
  sight: Sight,
): Promise<Response> {
  const refusal = refuseToWrite(request);
  if (refusal !== null) return refusal;
  if (coming.kind === "expected") return notYet();
  if (coming.kind === "unsized") {
    return plain(
      409,
      "The origin does not tell how long the file is: it can be read once it " +
        "is finished.",
    );
  }
  try {
    return await send(request, {
      name: coming.name,
      size: coming.size,
      validators: null,
      open: (start, end) => open(coming, sight, start, end),
    });
  } catch (error) {
    // The file is begun anew, or has just got its name.
    if (error instanceof Deno.errors.NotFound) return notYet();
    throw error;
  }
}

function notYet(): Response {
  return plain(503, "The file has not begun to come: ask again in a moment.", {
    "retry-after": "2",
  });
}

/** The bytes from `start` to `end`, each once it is there. */
async function open(
  coming: Sized,
  sight: Sight,
  start: number,
  end: number,
): Promise<Body> {
  const file = await Deno.open(coming.path);
  const ended = new AbortController();
  let position = start;

  function close(): void {
    if (ended.signal.aborted) return;
    ended.abort();
    file.close();
  }

  return new ReadableStream({
    async pull(controller) {
      try {
        const there = await waitFor(position, { coming, sight, file, ended });
        const piece = new Uint8Array(
          Math.min(end, there, position + PIECE) - position,
        );
        await file.seek(position, Deno.SeekMode.Start);
        const length = await file.read(piece) ?? 0;
        if (length === 0 && piece.length > 0) throw begunAnew();
        controller.enqueue(piece.subarray(0, length));
        position += length;
        if (position < end) return;
        close();
        controller.close();
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/**
 * Waits for the byte at `position`; how far the file is there from it on.
 *
 * @throws {DownloadError} STALLED if it does not come, CHANGED if the open part is
 * of another file than what comes by now.
 */
async function waitFor(
  position: number,
  { coming, sight, file, ended }: {
    readonly coming: Sized;
    readonly sight: Sight;
    readonly file: Deno.FsFile;
    readonly ended: AbortController;
  },
): Promise<number> {
  const asked = performance.now();
  while (performance.now() - asked < WAIT_AT_MOST) {
    const now = sight.coming();
    if (now === null) return await endOfFinished(sight.finished(), file);
    if (now.kind !== "sized" || now.edition !== coming.edition) {
      throw begunAnew();
    }
    const there = readableFrom(now.done, position);
    if (there > position) return there;
    await delay(LOOK_EVERY, null, { signal: ended.signal });
  }
  throw new DownloadError(
    "STALLED",
    "A reader was cut off, as the file's next byte does not come: it may ask again.",
  );
}

/** The size of the open file, if it is the one that is finished. */
async function endOfFinished(
  path: string | null,
  file: Deno.FsFile,
): Promise<number> {
  if (path === null) {
    throw new DownloadError(
      "FILE_GONE",
      "A reader was cut off, as the file does not come any more: it was paused, " +
        "removed, or has failed.",
    );
  }
  const [named, { ino, size }] = await Promise.all([
    Deno.lstat(path),
    file.stat(),
  ]);
  if (named.ino !== ino) throw begunAnew();
  return size;
}

function begunAnew(): DownloadError {
  return new DownloadError(
    "CHANGED",
    "A reader was cut off, as the file is being fetched anew: it may ask again.",
  );
}
