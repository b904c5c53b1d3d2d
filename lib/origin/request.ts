/** What an origin is asked with. */

/** Header names that a client may not set: they are ours, or the wire's. */
const OURS = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Why a header may not be sent; null if it may. */
export function headerFault(name: string, value: string): string | null {
  if (OURS.includes(name.toLowerCase())) {
    return `the header ${name} is set by Sluice itself`;
  }
  try {
    new Headers({ [name]: value });
    return null;
  } catch {
    return `${JSON.stringify(name)} with this value is not a valid header`;
  }
}

/** A URL that is asked, and the headers that go with it. */
export interface OriginRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The request for a file: userinfo becomes Basic credentials (RFC 7617), and
 * headers stay with the origin that they were given for.
 *
 * @param location Where redirects are known to lead to; null if nowhere.
 */
export function requestFor(
  { url, headers }: OriginRequest,
  location: string | null,
): OriginRequest {
  const { username, password, origin } = new URL(url);
  const asked = location ?? withoutUserinfo(url);
  if (location !== null && new URL(location).origin !== origin) {
    return { url: asked, headers: {} };
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
