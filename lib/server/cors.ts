/** What pages of allowed origins may ask and read (Fetch Standard, CORS). */

/** How long a browser need not ask again whether it may, in seconds. */
const MAX_AGE = 1_728_000;

/**
 * What a browser asks for before a page's request. It sends no credentials with
 * that, so that no token is asked for.
 *
 * @param methods As a header names them.
 */
export function preflight(
  { headers: asked }: Request,
  methods: string,
): Response {
  const headers = new Headers({
    "access-control-allow-methods": methods,
    "access-control-max-age": String(MAX_AGE),
  });
  const names = asked.get("access-control-request-headers");
  if (names !== null) headers.set("access-control-allow-headers", names);
  if (asked.get("access-control-request-private-network") === "true") {
    headers.set("access-control-allow-private-network", "true");
  }
  return new Response(null, { status: 200, headers });
}

/**
 * Lets the page read an answer that the guard let it ask for. No cookie may go
 * along: such a page gives a token.
 *
 * @param exposed The headers that it may read besides the usual ones.
 */
export function allowed(
  request: Request,
  response: Response,
  exposed: string | null = null,
): Response {
  const { headers } = response;
  const origin = request.headers.get("origin");
  headers.append("vary", "Origin");
  if (origin === null) return response;
  headers.set("access-control-allow-origin", origin);
  if (exposed !== null) headers.set("access-control-expose-headers", exposed);
  return response;
}
