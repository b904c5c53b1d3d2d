/** What follows from the URL by which people reach the server. Pure. */

/** Which requests of a browser are to carry its session. */
export interface CookiePlace {
  readonly path: string;
  /** Whether it goes over TLS alone. */
  readonly secure: boolean;
}

/**
 * A request's path as routes may know it, the likeliest first: a proxy may have
 * taken the public URL's path off, or not.
 */
export function pathsBelow(
  pathname: string,
  publicUrl: string | null,
): readonly string[] {
  // nginx makes a "//" where only one side of proxy_pass ends in a slash.
  const path = pathname.replace(/^\/+/, "/");
  const prefix = publicUrl === null ? "/" : new URL(publicUrl).pathname;
  if (prefix === "/") return [path];
  if (`${path}/` === prefix) return [path, "/"];
  return path.startsWith(prefix)
    ? [path, path.slice(prefix.length - 1)]
    : [path];
}

/**
 * Where a page is to be asked for instead, relative to where it was; null if it
 * is there. Without its slash at the end, all its links would lead elsewhere.
 */
export function withSlash(
  { pathname, search }: URL,
  publicUrl: string | null,
): string | null {
  const isBare = publicUrl !== null &&
    new URL(publicUrl).pathname === `${pathname}/`;
  return isBare ? `./${pathname.split("/").at(-1)}/${search}` : null;
}

/**
 * Where a session that a browser asks for is to be sent. The origin of the page
 * that asks says how the browser reaches the server: only it knows of TLS that
 * ends at a proxy.
 */
export function cookiePlace(
  headers: Headers,
  publicUrl: string | null,
): CookiePlace {
  const origin = headers.get("origin") ?? "";
  const url = publicUrl === null ? null : new URL(publicUrl);
  return {
    path: url?.origin === origin ? url.pathname : "/",
    secure: origin.startsWith("https:"),
  };
}
