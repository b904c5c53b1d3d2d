/** One POST from the process itself, by the rules that downloads keep to. */

import { isPrivateIPv6 } from "../origin/address.ts";
import {
  connectionError,
  forbidden,
  proxyNameWouldLeak,
} from "../origin/connection_error.ts";
import { userinfoOf, withoutUserinfo } from "../origin/request.ts";
import { type ClientSettings, createClients } from "./clients.ts";
import { tellsWrongOne } from "./fetch_once.ts";

/**
 * Posts a body; the status of the answer, whose body is not read. Redirects are
 * not followed.
 *
 * @throws {DownloadError} if there is no answer, or the URL leads into a private
 * network where downloads may not.
 */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<number>;

/** Makes what posts, over connections such as downloads have. */
export function createPost(settings: ClientSettings): Post {
  const clients = createClients(settings);
  return async (url, headers, body, signal) => {
    const to = new URL(url);
    if (!settings.allowPrivate && isPrivateIPv6(to.hostname)) throw forbidden();
    const way = clients.forUrl(to, null);
    if (tellsWrongOne(to, way)) throw proxyNameWouldLeak();
    try {
      const response = await fetch(withoutUserinfo(url), {
        method: "POST",
        client: way.client,
        headers: { ...authorizationOf(to), ...headers },
        body,
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      throw connectionError(error, "request", way.by);
    }
  };
}

/** `fetch` takes no URL with a name and a password. */
function authorizationOf(url: URL): Record<string, string> {
  const own = userinfoOf(url);
  if (own === null) return {};
  const bytes = new TextEncoder().encode(`${own.username}:${own.password}`);
  return { authorization: `Basic ${bytes.toBase64()}` };
}
