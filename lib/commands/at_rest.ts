/**
 * Commands on a download that nothing works on: pause, resume, retry, refresh,
 * relocate, remove. The caller holds the claim on it.
 */

import {
  asksAnew,
  type Command,
  type Download,
  keepsBytes,
  refreshed,
  undescribed,
  waitingUntil,
} from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import { CARRIED_OUT, type Tell } from "../download/events.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Catalogue, Waiting } from "../store/catalogue.ts";
import type { PartRecords } from "../store/part_records.ts";
import { finishRelocation, relocate } from "../store/relocation.ts";
import type { Adjustment } from "./adjustments.ts";

/** The servers that share a queue, of which several may have one directory. */
export interface FellowMovers {
  /**
   * Moves the file of a finished download that is claimed here, as
   * {@linkcode relocate} does where no other server has the queue.
   */
  relocate(id: string, directory: string): Promise<void>;
}

/** What these commands are carried out with. */
export interface AtRestTools {
  readonly catalogue: Catalogue;
  readonly records: Pick<PartRecords, "forget">;
  readonly parts: DownloadParts;
  readonly tell: Tell;
  /** The time of day, in milliseconds since 1970. */
  readonly timeOfDay: () => number;
  /** Absent where no other server has the same queue. */
  readonly peers?: FellowMovers | undefined;
}

/** A command that its download has to rest for. */
type AtRest = Exclude<Command, Adjustment>;

/**
 * Does to a download what a client says; resolves once it is recorded.
 *
 * @param download As its claim has it; its state allows the command.
 * @throws {DownloadError} STATE, DISK or DISK_FULL if record or file cannot be
 * changed; FILE_GONE if the file is not there to be moved or deleted.
 */
export async function carryOutAtRest(
  command: AtRest,
  download: Download,
  tools: AtRestTools,
): Promise<void> {
  switch (command.kind) {
    case "pause":
      return await pause(download, tools);
    case "remove":
      return await remove(download, command, tools);
    case "resume":
    case "retry":
      await enqueue(download, command, tools);
      break;
    case "refresh":
      await refresh(download, command, tools);
      break;
    case "relocate":
      await (tools.peers?.relocate(download.id, command.directory) ??
        relocate(download, command.directory, tools));
      break;
  }
  tools.tell({ kind: CARRIED_OUT[command.kind], id: download.id });
}

async function pause(
  download: Download,
  { catalogue, parts, tell }: AtRestTools,
): Promise<void> {
  const { id, file, downloaded } = download;
  const state = { kind: "Paused", error: null } as const;
  const settled = { state, file, downloaded, finishedAt: null };
  await catalogue.settle(id, settled);
  // It is paused all the same where its part cannot be removed.
  tell({ kind: "paused", id, download: { ...download, ...settled } });
  if (downloaded === 0) await parts.remove(download);
}

async function enqueue(
  download: Download,
  { kind, startAt }: Extract<Command, { kind: "resume" | "retry" }>,
  { catalogue, timeOfDay }: AtRestTools,
): Promise<void> {
  const { id, request, file, downloaded } = download;
  const state = waitingUntil(startAt, timeOfDay());
  if (kind === "retry" && asksAnew(download)) {
    return await catalogue.renew(id, undescribed(request), state);
  }
  await catalogue.settle(id, { state, file, downloaded, finishedAt: null });
}

async function refresh(
  download: Download,
  command: Extract<Command, { kind: "refresh" }>,
  { catalogue, records, parts }: AtRestTools,
): Promise<void> {
  const { id, request } = download;
  if (!keepsBytes(download, command.url)) {
    await records.forget(id);
    await parts.remove(download);
  }
  await catalogue.renew(
    id,
    refreshed(request, command),
    stateOnceRefreshed(download, command),
  );
}

/** What waits for its time, or for a client, goes on with that. */
function stateOnceRefreshed(
  { state }: Download,
  { staysPaused }: Extract<Command, { kind: "refresh" }>,
): Waiting {
  if (state.kind !== "Paused") return { kind: "Queued" };
  if (state.startAt !== undefined) return state;
  return staysPaused ? { kind: "Paused", error: null } : { kind: "Queued" };
}

/** Takes a download off the list, with its finished file if that is asked for. */
async function remove(
  download: Download,
  { deleteFile }: Extract<Command, { kind: "remove" }>,
  tools: AtRestTools,
): Promise<void> {
  const { catalogue, parts, tell } = tools;
  const { id } = download;
  // What a move has left in the part's place may be all that there is of the file.
  await finishRelocation(download, tools);
  const { state } = catalogue.get(id) ?? download;
  const finished = deleteFile && state.kind === "Downloaded" ? state : null;
  const found = finished && parts.look(finished.path, finished.identity);
  if (found === "there") await parts.removeFinished(finished?.path ?? "");
  await catalogue.remove(id);
  // It is off the list all the same where a file of it is not removed.
  tell({ kind: "removed", id });
  await parts.remove(download);
  if (finished !== null && found !== "there") {
    throw fileGone(finished.path, found === "another");
  }
}

function fileGone(path: string, taken: boolean): DownloadError {
  const why = taken
    ? `another file is at ${path} by now, and was left there`
    : `it was not at ${path} any more`;
  return new DownloadError(
    "FILE_GONE",
    `The download is off the list, but its file was not deleted: ${why}.`,
  );
}
