/** Shows origins a name and password, in the way that they ask for. */

import type { Credentials } from "../download/download.ts";
import {
  basicAuthorization,
  chooseChallenge,
  digestAuthorization,
  type DigestChallenge,
} from "../origin/authentication.ts";

import type { HttpAnswer } from "../origin/head.ts";

/** Origins of which it is remembered how they want credentials. */
const MOST_REMEMBERED = 1_000;

/** What sends a request, with a value of Authorization or without. */
export type Send = (authorization: string | null) => Promise<HttpAnswer>;

/** Asks an origin with credentials. */
export type Authenticator = (
  url: URL,
  credentials: Credentials | null,
  send: Send,
) => Promise<HttpAnswer>;

/** How an origin wants credentials. */
type Way =
  | { readonly kind: "basic" }
  | {
    readonly kind: "digest";
    readonly challenge: DigestChallenge;
    readonly cnonce: string;
    /** How many requests were sent with its nonce. */
    count: number;
  };

/**
 * Makes what asks with credentials. It remembers how each origin wants them, so
 * that only its first request is sent twice; never the credentials.
 *
 * Over https Basic goes with the first request. Over http it would tell the
 * password to everybody on the way, even where the origin wants Digest: there,
 * the origin is asked without credentials first, and gets what it asks for.
 */
export function createAuthenticator(): Authenticator {
  const ways = new Map<string, Way>();

  function remember(origin: string, way: Way): void {
    ways.delete(origin);
    ways.set(origin, way);
    const [oldest] = ways.keys();
    if (ways.size > MOST_REMEMBERED && oldest) ways.delete(oldest);
  }

  return async (url, credentials, send) => {
    if (credentials === null) return await send(null);
    const { origin, protocol } = url;
    let way = ways.get(origin) ?? (protocol === "https:" ? BASIC : null);
    for (let answered = 0;; answered++) {
      const response = await send(
        way && await authorizationFor(way, url, credentials),
      );
      if (response.status !== 401) return response;
      const asked = wayAfter(response, way, answered);
      if (asked === null) return response;
      await response.body?.cancel();
      way = asked;
      remember(origin, way);
    }
  };
}

const BASIC: Way = { kind: "basic" };

/**
 * What a 401 asks for; null if nothing else than what it refused.
 *
 * @param refused What it refused.
 * @param answered How many challenges of this request were answered before it.
 */
function wayAfter(
  { headers }: HttpAnswer,
  refused: Way | null,
  answered: number,
): Way | null {
  const choice = chooseChallenge(headers.get("www-authenticate"));
  switch (choice.kind) {
    case "none":
      return null;
    case "basic":
      // An origin that once wanted Digest is not told the password.
      return refused === null ? BASIC : null;
    case "digest": {
      const { challenge } = choice;
      // A nonce may be too old by the time that it is used, but hardly twice.
      const may = answered === 0 || answered === 1 && challenge.stale;
      const cnonce = crypto.randomUUID();
      return may ? { kind: "digest", challenge, cnonce, count: 0 } : null;
    }
  }
}

async function authorizationFor(
  way: Way,
  { pathname, search }: URL,
  credentials: Credentials,
): Promise<string> {
  if (way.kind === "basic") return basicAuthorization(credentials);
  // Most origins ask for no Digest, and node:crypto takes long to load.
  const { createHash } = await import("node:crypto");
  const { challenge, cnonce } = way;
  const count = ++way.count;
  const target = pathname + search;
  const use = { method: "GET", target, count, cnonce };
  return digestAuthorization(
    challenge,
    credentials,
    use,
    (hash, text) => createHash(hash).update(text, "latin1").digest("hex"),
  );
}
