/** What requests are told that get nothing else. */

import { explain, type Explanation } from "./answers.ts";
import type { Remedy } from "./guard.ts";

/** A request has a Host header or a target with which it has no URL. */
export const MALFORMED: Explanation = {
  status: 400,
  title: "Malformed",
  reason: "The Host header, or what is asked for, is malformed",
};

/** As many clients are connected as may be. */
export const TOO_MANY: Explanation = {
  status: 503,
  title: "Too many clients",
  reason: "Too many clients are connected: try again later",
};

/** Who asks has neither a token nor a session. */
export const UNKNOWN: Explanation = {
  status: 401,
  title: "The token is needed",
  reason: "Give the token, as Authorization: Bearer …",
  headers: { "www-authenticate": "Bearer" },
};

/** An address has given too many wrong tokens. */
export const THROTTLED: Explanation = {
  status: 429,
  title: "Too many wrong tokens",
  reason: "Too many wrong tokens: wait a minute",
  headers: { "retry-after": "60" },
};

/** The answer where there is nothing. */
export function nothing(request: Request, publicUrl: string | null): Response {
  return explain(request, {
    status: 404,
    title: "Nothing here",
    reason: "There is nothing here",
    remedies: remediesFor(request, publicUrl),
  });
}

/**
 * What helps if a proxy asks below a path of its own. No route's path ends in a
 * slash: nothing is told of which there are.
 */
export function remediesFor(
  request: Request,
  publicUrl: string | null,
): Remedy[] {
  const { pathname } = new URL(request.url);
  return publicUrl === null && /^\/.+\/$/.test(pathname)
    ? [{
      when: "a proxy serves it below this path",
      setting: `PUBLIC_URL=https://…${pathname}`,
    }]
    : [];
}
