/** The URLs and headers that origins are asked with. */

import type { Credentials, DownloadRequest } from "../download/download.ts";

/** A URL that is asked, and what goes with it to its own origin. */
export interface OriginRequest {
  /** Without userinfo. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | null;
  /** The name of the proxy that its download has chosen; null for none. */
  readonly proxy: string | null;
}

/** Headers that are no credentials: origins elsewhere may want them, too. */
export const HARMLESS = ["user-agent", "referer"];

/**
 * The headers of a request that go along to `url`: all to their own origin; to
 * others, where redirects have led, none but User-Agent and Referer.
 */
export function headersFor(
  url: URL,
  { url: own, headers }: Pick<OriginRequest, "url" | "headers">,
): Readonly<Record<string, string>> {
  if (url.origin === new URL(own).origin) return headers;
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      HARMLESS.includes(name.toLowerCase())
    ),
  );
}

/**
 * The request for a file: userinfo becomes credentials, and both headers and
 * credentials stay with the origin that they were given for.
 *
 * @param location The URL that redirects are known to lead to; null for none.
 */
export function requestFor(
  request: Pick<DownloadRequest, "url" | "headers" | "credentials" | "proxy">,
  location: string | null,
): OriginRequest {
  const { url, headers, proxy = null } = request;
  const asked = location ?? withoutUserinfo(url);
  const to = new URL(asked);
  if (to.origin !== new URL(url).origin) {
    const harmless = headersFor(to, request);
    return { url: asked, headers: harmless, credentials: null, proxy };
  }
  const isGiven = "authorization" in headers;
  const credentials = isGiven ? null : credentialsOf(request);
  return { url: asked, headers, credentials, proxy };
}

/**
 * The request for another file that bears on a download, such as one of checksums:
 * what was given for the download's own origin goes along to that alone.
 */
export function requestForOther(
  request: Pick<DownloadRequest, "url" | "headers" | "credentials" | "proxy">,
  url: string,
): OriginRequest {
  const asked = requestFor(request, withoutUserinfo(url));
  const own = userinfoOf(new URL(url));
  return own === null ? asked : { ...asked, credentials: own };
}

/**
 * A download's request as a source of its file is asked: what was given for the
 * URL's own origin goes to no mirror elsewhere.
 */
export function requestOfSource<
  Request extends Pick<DownloadRequest, "url" | "headers">,
>(request: Request, url: string): Request {
  if (url === request.url) return request;
  return { ...request, url, headers: headersFor(new URL(url), request) };
}

function credentialsOf(
  { url, credentials }: Pick<DownloadRequest, "url" | "credentials">,
): Credentials | null {
  const own = new URL(url);
  return userinfoOf(own) ?? credentials?.get(own.origin) ?? null;
}

/** The user's name and password in a URL; null if there are none. */
export function userinfoOf({ username, password }: URL): Credentials | null {
  if (!username && !password) return null;
  return { username: decoded(username), password: decoded(password) };
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
