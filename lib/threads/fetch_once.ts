/** One request over one of the worker's clients. */

import { DownloadError } from "../download/errors.ts";
import {
  connectionError,
  isOfWrongLength,
  proxyWantsName,
} from "../origin/connection_error.ts";
import type { HttpAnswer } from "../origin/head.ts";
import type { Watch } from "./body.ts";
import type { Clients, Way } from "./clients.ts";
import { looksForConnection } from "./connecting.ts";
import type { Lenience } from "./fetch_leniently.ts";

/** What requests are made with. */
export interface Fetching extends Lenience {
  readonly clients: Clients;
  readonly manners: Manners;
}

/**
 * In which way origins are to be asked: by `fetch`, even if they answer 400, or
 * leniently.
 */
export type Manners = Map<string, "usual" | "lenient">;

/** Origins that are remembered; at one more, all are forgotten. */
const MOST_REMEMBERED = 1_000;

/** The reason for which a request ends that waits for a dead address. */
const DEAD_ADDRESS = new Error("The first address takes no connection.");

/**
 * Asks a URL once, without following redirects: by `fetch`, and once more if it
 * cannot read the answer, will not ask that port, waits for a dead address, or
 * gets a 400 without having asked for a range, which servers send that do not
 * know header names in lower case.
 *
 * @throws {DownloadError} if there is no answer.
 * @throws the reason for which the watch was aborted.
 */
export async function fetchOnce(
  url: URL,
  headers: Record<string, string>,
  fetching: Fetching,
  watch: Watch,
): Promise<HttpAnswer> {
  const { manners } = fetching;
  const way = fetching.clients.forUrl(url);
  const usually = () => fetchUsually(url, headers, way, fetching, watch);
  async function leniently(): Promise<HttpAnswer> {
    // Most workers never need it, and node:http takes long to load.
    const { fetchLeniently } = await import("./fetch_leniently.ts");
    return await fetchLeniently(url, headers, way, fetching, watch);
  }
  if (!takesLenience(url, way, fetching)) return await usually();
  const manner = manners.get(url.origin);
  if (manner === "lenient") {
    return await leniently().catch((error) => {
      if (!isUnreadable(error)) throw error;
      return usually();
    });
  }
  let answer;
  try {
    answer = await usually();
  } catch (error) {
    if (!asksForLenience(error, fetching)) throw error;
    const lenient = await leniently();
    remember(manners, url, "lenient");
    return lenient;
  }
  // A refused range becomes a plain request first, like any other refusal.
  const isRanged = "range" in headers;
  if (answer.status !== 400 || manner === "usual" || isRanged) return answer;
  const second = await leniently().catch(() => null);
  const isBetter = second !== null && second.status !== 400;
  remember(manners, url, isBetter ? "lenient" : "usual");
  await (isBetter ? answer : second)?.body?.cancel();
  return isBetter ? second : answer;
}

/**
 * Whether an origin can be asked leniently: not through a proxy, and not with a
 * client certificate, which Deno shows only on connections that it makes itself.
 */
function takesLenience(
  url: URL,
  { by }: Way,
  { clientCertificate }: Fetching,
): boolean {
  const isPlain = url.protocol === "http:" || clientCertificate === null;
  return by === "origin" && isPlain;
}

function remember(
  manners: Manners,
  { origin }: URL,
  manner: "usual" | "lenient",
): void {
  if (manners.size >= MOST_REMEMBERED) manners.clear();
  manners.set(origin, manner);
}

function isUnreadable(error: unknown): boolean {
  return error instanceof DownloadError && error.code === "UNREADABLE" &&
    !isOfWrongLength(error);
}

/** A public server keeps to browsers' rule about ports: others give it URLs. */
function asksForLenience(error: unknown, { allowPrivate }: Fetching): boolean {
  const isBlockedPort = error instanceof DownloadError &&
    error.code === "BAD_URL";
  return error === DEAD_ADDRESS || isUnreadable(error) ||
    isBlockedPort && allowPrivate;
}

async function fetchUsually(
  url: URL,
  headers: Record<string, string>,
  way: Way,
  fetching: Fetching,
  watch: Watch,
): Promise<Response> {
  const elsewhere = new AbortController();
  let isOver = false;
  const looking = looksForConnection(
    way,
    fetching,
    takesLenience(url, way, fetching)
      ? () => isOver || elsewhere.abort(DEAD_ADDRESS)
      : null,
  );
  using _answering = watch.answering(looking);
  const response = await fetch(url, {
    client: way.client,
    headers,
    redirect: "manual",
    signal: AbortSignal.any([watch.signal, elsewhere.signal]),
  }).catch((error) => {
    if (watch.signal.aborted) throw watch.signal.reason;
    if (elsewhere.signal.aborted) throw DEAD_ADDRESS;
    throw connectionError(error, "request", way.by);
  });
  isOver = true;
  if (response.status !== 407 || way.by === "origin") return response;
  await response.body?.cancel();
  throw proxyWantsName();
}
