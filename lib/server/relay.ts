/** Files that another server of the cluster has. */

import { text } from "./answers.ts";

/** Says that a request comes from another server, which has not got the file. */
const RELAYED = "x-sluice-relayed";
/** What of a request the other server is to know ... */
const ASKED = ["range", "if-range", "if-none-match"];
/** ... and what of its answer is the server's own to say. */
const OWN = ["connection", "keep-alive", "transfer-encoding", "date", "vary"];

/** Whether another server of the cluster asks. */
export function isRelayed(request: Request): boolean {
  return request.headers.has(RELAYED);
}

/**
 * Sends a file from where it is. A redirect would lead away from the session
 * that the client has here.
 *
 * @param token What all servers of the cluster know; null for none.
 */
export async function relayFile(
  request: Request,
  url: string,
  token: string | null,
): Promise<Response> {
  const headers = new Headers({
    [RELAYED]: "1",
    "accept-encoding": "identity",
  });
  for (const name of ASKED) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  const { search } = new URL(request.url);
  try {
    const { method, signal } = request;
    const answer = await fetch(`${url}${search}`, {
      ...{ method, headers, signal },
      redirect: "manual",
    });
    // 503: its file has not begun to come.
    const failed = answer.status >= 500 && answer.status !== 503;
    if (answer.status === 401 || answer.status === 403 || failed) {
      await answer.body?.cancel();
      return away();
    }
    const kept = new Headers(answer.headers);
    for (const name of OWN) kept.delete(name);
    return new Response(answer.body, {
      status: answer.status,
      headers: kept,
    });
  } catch (error) {
    if (request.signal.aborted) throw error;
    return away();
  }
}

function away(): Response {
  return text(
    502,
    "The server that has the file cannot be reached, or lets this one not in: " +
      "see its NODE_URL, and that all have the same AUTH_TOKEN.",
  );
}
