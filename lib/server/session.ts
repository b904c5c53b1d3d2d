/** The page's login and logout: forms, which need no script. */

import { text } from "./answers.ts";
import type { Auth, Verdict } from "./auth.ts";
import type { CookiePlace } from "./public_url.ts";

/** Characters that the login's form may have. */
const LONGEST_FORM = 10_000;

/**
 * Reads the token from the form that is posted.
 *
 * @returns an answer if the form cannot be read.
 */
export async function tokenIn(request: Request): Promise<string | Response> {
  const length = Number(request.headers.get("content-length") ?? Infinity);
  if (length > LONGEST_FORM) return text(413, "The form is too long.");
  const body = await request.text().catch(() => null);
  if (body === null) return text(400, "The form did not come whole.");
  return new URLSearchParams(body).get("token") ?? "";
}

/** Leads to the page with a session, or back to the login, which says why. */
export function loggedIn(
  { kind }: Exclude<Verdict, { readonly kind: "throttled" }>,
  token: string,
  auth: Auth,
  place: CookiePlace,
): Response {
  return kind === "welcome"
    ? leadTo("./", [auth.cookie(token, place)])
    // To the field by its name: browsers take the focus from any other.
    : leadTo("./#token", []);
}

/** Ends the session of a browser, and leads to the login. */
export function loggedOut(auth: Auth, place: CookiePlace): Response {
  // The session may be older than the public URL's path.
  const places = place.path === "/"
    ? [place]
    : [place, { ...place, path: "/" }];
  return leadTo("./", places.map(auth.endedCookie));
}

function leadTo(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, "cache-control": "no-store" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
