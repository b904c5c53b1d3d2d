/** The URLs and headers that origins are asked with. */

/** A URL that is asked, and the headers that go with it. */
export interface OriginRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that are no credentials: origins elsewhere may want them, too. */
const HARMLESS = ["user-agent", "referer"];

/**
 * The headers of a request that go along to `url`: all to their own origin; to
 * others, where redirects have led, none but User-Agent and Referer.
 */
export function headersFor(
  url: URL,
  { url: own, headers }: OriginRequest,
): Readonly<Record<string, string>> {
  if (url.origin === new URL(own).origin) return headers;
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      HARMLESS.includes(name.toLowerCase())
    ),
  );
}

/**
 * The request for a file: userinfo becomes Basic credentials (RFC 7617), and
 * credentials stay with the origin that they were given for.
 *
 * @param location The URL that redirects are known to lead to; null for none.
 */
export function requestFor(
  { url, headers }: OriginRequest,
  location: string | null,
): OriginRequest {
  const { username, password, origin } = new URL(url);
  const asked = location ?? withoutUserinfo(url);
  const to = new URL(asked);
  if (to.origin !== origin) {
    return { url: asked, headers: headersFor(to, { url, headers }) };
  }
  if (!username && !password) return { url: asked, headers };
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return {
    url: asked,
    headers: { authorization: `Basic ${base64(credentials)}`, ...headers },
  };
}

/** A URL without the user's name and password. */
export function withoutUserinfo(url: string): string {
  const bare = new URL(url);
  if (bare.username || bare.password) bare.username = bare.password = "";
  return bare.href;
}

/** A URL as a log may show it: neither userinfo nor query, which hold secrets. */
export function loggable(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
