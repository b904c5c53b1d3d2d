/** One request over one of the worker's clients. */

import { connectionError, proxyWantsName } from "../origin/connection_error.ts";
import type { Watch } from "./body.ts";
import type { Clients } from "./clients.ts";
import { looksForConnection } from "./connecting.ts";

/** What requests are made with. */
export interface Fetching {
  readonly clients: Clients;
  /** Whether URLs may lead into private networks. */
  readonly allowPrivate: boolean;
  /** How long a connection may take to be made, in milliseconds. */
  readonly connectTimeout: number;
}

/**
 * Asks a URL once, without following redirects.
 *
 * @throws {DownloadError} if there is no answer.
 * @throws the reason for which the watch was aborted.
 */
export async function fetchOnce(
  url: URL,
  headers: Record<string, string>,
  { clients, allowPrivate, connectTimeout }: Fetching,
  watch: Watch,
): Promise<Response> {
  const { signal } = watch;
  const way = clients.forUrl(url);
  const looking = looksForConnection(way, { connectTimeout, allowPrivate });
  using _answering = watch.answering(looking);
  const response = await fetch(url, {
    client: way.client,
    headers,
    redirect: "manual",
    signal,
  }).catch((error) => {
    throw signal.aborted
      ? signal.reason
      : connectionError(error, "request", way.by);
  });
  if (response.status !== 407 || way.by === "origin") return response;
  await response.body?.cancel();
  throw proxyWantsName();
}
