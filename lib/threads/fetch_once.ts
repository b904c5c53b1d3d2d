/** One request over one of the worker's clients. */

import { DownloadError } from "../download/errors.ts";
import {
  connectionError,
  isOfWrongLength,
  proxyNameWouldLeak,
  proxyWantsName,
} from "../origin/connection_error.ts";
import type { HttpAnswer } from "../origin/head.ts";
import { userinfoOf } from "../origin/request.ts";
import type { Watch } from "./body.ts";
import type { Clients, Way } from "./clients.ts";
import { looksForConnection } from "./connecting.ts";
import { takesWire, type Wiring } from "./wire.ts";

/** What requests are made with. */
export interface Fetching extends Wiring {
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
 * @param proxy The name of the one to ask through; null for what the environment
 * says.
 * @throws {DownloadError} if there is no answer.
 * @throws the reason for which the watch was aborted.
 */
export async function fetchOnce(
  url: URL,
  headers: Record<string, string>,
  proxy: string | null,
  fetching: Fetching,
  watch: Watch,
): Promise<HttpAnswer> {
  const { manners } = fetching;
  const way = fetching.clients.forUrl(url, proxy);
  const usually = () => fetchUsually(url, headers, way, fetching, watch);
  async function leniently(): Promise<HttpAnswer> {
    // Most workers never need it.
    const { fetchLeniently } = await import("./fetch_leniently.ts");
    const answer = await fetchLeniently(url, headers, way, fetching, watch);
    return await unlessProxyAsks(answer, way);
  }
  const tellsWrong = tellsWrongOne(url, way);
  if (!takesWire(url, way, fetching)) {
    if (tellsWrong) throw proxyNameWouldLeak();
    return await usually().catch((error) => {
      throw isUnreadable(error) ? inNoOtherWay(error) : error;
    });
  }
  if (tellsWrong) return await leniently();
  const manner = manners.get(url.origin);
  if (manner === "lenient") {
    return await leniently().catch((error) => {
      if (!isUnreadable(error)) throw error;
      return usually().catch((second) => {
        throw second === DEAD_ADDRESS ? error : second;
      });
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
 * Whether `fetch` would tell the wrong one the name and password that a proxy
 * wants: Deno sends those of an `http:` proxy through the tunnel to an `https:`
 * origin, too, and those of an `https:` proxy to nobody for an `http:` origin.
 */
export function tellsWrongOne(url: URL, { proxy }: Way): boolean {
  return proxy !== null && proxy.protocol.startsWith("http") &&
    proxy.protocol !== url.protocol && userinfoOf(proxy) !== null;
}

function remember(
  manners: Manners,
  { origin }: URL,
  manner: "usual" | "lenient",
): void {
  if (manners.size >= MOST_REMEMBERED) manners.clear();
  manners.set(origin, manner);
}

function isUnreadable(error: unknown): error is DownloadError {
  return error instanceof DownloadError && error.code === "UNREADABLE" &&
    !isOfWrongLength(error);
}

function inNoOtherWay({ message, cause }: DownloadError): DownloadError {
  return new DownloadError(
    "UNREADABLE",
    `${message} Over https, Sluice reads no such answer through an https:// ` +
      "proxy, nor with CLIENT_CERT through any proxy or where private networks " +
      "are denied.",
    { cause },
  );
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
    takesWire(url, way, fetching)
      ? () => isOver || elsewhere.abort(DEAD_ADDRESS)
      : null,
  );
  using _answering = watch.answering(looking, way.by);
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
  return await unlessProxyAsks(response, way);
}

/** @throws {DownloadError} PROXY_AUTH if the answer is a proxy's 407. */
async function unlessProxyAsks<Answer extends HttpAnswer>(
  answer: Answer,
  { by }: Way,
): Promise<Answer> {
  if (answer.status !== 407 || by === "origin") return answer;
  await answer.body?.cancel();
  throw proxyWantsName();
}
