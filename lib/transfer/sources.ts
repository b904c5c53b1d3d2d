/** The sources of a transfer: which one leads, and which may help it. Pure. */

import {
  type Download,
  type FileFacts,
  OWN_URL,
  type Pinned,
} from "../download/download.ts";
import type { ErrorRecord } from "../download/errors.ts";
import type { Source } from "./source.ts";

/** The sources of a transfer. */
export interface Sources {
  /** The one that leads: what becomes of it decides on the transfer. */
  readonly source: Source;
  /** Those that may lead after it, and help it where bytes may be mixed. */
  readonly others: readonly Source[];
  /** Those that failed for good. */
  readonly lost: readonly LostSource[];
  /**
   * Those whose bytes together had another checksum than the file's: after that,
   * it comes from one source alone.
   */
  readonly mixed: readonly Source[];
}

/** A source that failed for good, and why. */
export interface LostSource {
  readonly source: Source;
  readonly error: ErrorRecord;
  /** One that only helped may have a whole file, but no slices of this one. */
  readonly as: "lead" | "helper";
}

/** What a transfer bears in the place of the source that leads. */
export interface Leading extends Pick<Sources, "source" | "others"> {
  /** Attempts in a row that brought no progress. */
  readonly failures: number;
  /**
   * Refusals in a row that may each have meant one thread too many: the host served
   * others, and they count as no failed attempts.
   */
  readonly crowded: number;
  /** No thread starts before. */
  readonly notBefore: number;
  /** Whether the origin has refused a thread while others were served. */
  readonly refused: boolean;
}

/** A transfer, as far as it bears on its sources. */
export interface Sourced extends Sources {
  readonly download: Pick<Download, "request">;
  readonly file: FileFacts | null;
  readonly threads: ReadonlyMap<number, { readonly source: Source }>;
}

/** What bytes were fetched from goes on: others may have another file. */
export function ledBy(
  sources: readonly [Source, ...Source[]],
  file: FileFacts | null,
): Pick<Sources, "source" | "others"> {
  const [first] = sources;
  const [key, another] = keysOf(file);
  const source = another === undefined
    ? sources.find((source) => source.key === key) ?? first
    : first;
  const validator = source.key === key ? file?.validator ?? null : null;
  return {
    source: { ...source, validator },
    others: sources.filter((one) => one !== source),
  };
}

/** The keys of the sources that a file's bytes are from. */
function keysOf(file: FileFacts | null): readonly string[] {
  return file?.sources ?? [OWN_URL];
}

/** The sources as they are once more is known of one; the same if it is lost. */
export function withSource(
  { source, others }: Pick<Sources, "source" | "others">,
  key: string,
  changed: (source: Source) => Source,
): Pick<Sources, "source" | "others"> {
  if (source.key === key) return { source: changed(source), others };
  return {
    source,
    others: others.map((one) => one.key === key ? changed(one) : one),
  };
}

/** A file that has bytes of a source: of several, no validator proves anything. */
export function withBytesOf(
  file: FileFacts | null,
  key: string,
): FileFacts | null {
  const keys = keysOf(file);
  if (file === null || keys.includes(key)) return file;
  return { ...file, validator: null, sources: [...keys, key] };
}

/** What changes of a transfer if another of its sources leads. */
export function ledNext<Led extends Leading>(before: Led, next: Source): Led {
  const { source, others, failures, notBefore } = before;
  const former = { ...source, failures, notBefore };
  return {
    ...before,
    source: next,
    others: [...others.filter(({ key }) => key !== next.key), former],
    failures: next.failures,
    crowded: 0,
    notBefore: next.notBefore,
    refused: false,
  };
}

/**
 * What a source's answers must fit; null as long as there was none to pin, or
 * nothing would prove that two are of the same file: neither validator nor
 * checksum.
 *
 * @param source By default, the one that leads.
 */
export function pinnedOf(
  transfer: Pick<Sourced, "file" | "download" | "source">,
  source = transfer.source,
): Pinned | null {
  const { file, download: { request } } = transfer;
  if (!file?.ranges || file.size === null) return null;
  const { size, mislabelled } = file;
  const [first, another] = keysOf(file);
  const isAlone = source.key === first && another === undefined;
  const { validator } = isAlone ? file : source;
  if (request.checksum === null && !(isAlone && validator !== null)) {
    return null;
  }
  const isFirst = source.key === first;
  return { size, validator, ...(isFirst && mislabelled && { mislabelled }) };
}

/** Whether a thread fetches from the source that leads. */
export function isAtLead(
  { source }: Pick<Sources, "source">,
  thread: { readonly source: Source },
): boolean {
  return thread.source.key === source.key;
}

/** How many threads fetch from a source; by default, from the one that leads. */
export function threadsAt(
  { threads, source }: Pick<Sourced, "threads" | "source">,
  { key } = source,
): number {
  return threads.values().filter(({ source }) => source.key === key)
    .reduce((sum) => sum + 1, 0);
}

/** When a source may have its next thread. */
export function waitsUntil(
  transfer: Pick<Leading, "source" | "notBefore">,
  source: Source,
): number {
  return source.key === transfer.source.key
    ? transfer.notBefore
    : source.notBefore;
}

/** The sources that threads may be at: others, too, where bytes may be mixed. */
export function sourcesInUse(transfer: Sourced): readonly Source[] {
  const { source, others, file } = transfer;
  const isPlain = others.length === 0 || file === null || !mayMix(transfer);
  if (isPlain || pinnedOf(transfer) === null) return [source];
  return [source, ...others];
}

/** The sources that the file's bytes are from, those that are lost among them. */
export function sourcesWithBytes(
  { file, source, others, lost }: Sourced,
): Source[] {
  const keys = keysOf(file);
  return [...lost.map(({ source }) => source), source, ...others]
    .filter(({ key }) => keys.includes(key));
}

/**
 * Whether the file was put together from answers that only its checksum proves
 * to be of one file.
 */
export function isUnproven(
  transfer: Sourced & { readonly runs: readonly unknown[] },
): boolean {
  const pinned = pinnedOf(transfer);
  return pinned !== null && transfer.file?.validator === null &&
    transfer.runs.length > 1;
}

/**
 * Whether bytes of several sources may meet in the file: a checksum of the whole
 * proves that they are of one, and has not disproved it.
 */
export function mayMix(
  { download, mixed }: Pick<Sourced, "download" | "mixed">,
): boolean {
  return download.request.checksum !== null && mixed.length === 0;
}

/** Whether bytes of several sources are in the file. */
export function isMixed({ file }: Pick<Sourced, "file">): boolean {
  return keysOf(file).length > 1;
}
