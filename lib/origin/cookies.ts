/** Cookies that a chain of redirects sets, RFC 6265; they end with the chain. */

import { originTime, parseDate } from "./http_date.ts";

/** One cookie, and where it goes. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Whether it goes to the very host that set it, not to hosts below. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

/** The cookies of one chain. */
export interface Cookies {
  /** Whether a request has been sent with one of them. */
  readonly used: boolean;
  /** Takes what an answer sets: a cookie that has expired is taken away. */
  take(url: URL, headers: Headers, now: number): void;
  /**
   * The Cookie header of a request; null for none. A cookie of the chain takes
   * the place of the user's of the same name.
   *
   * @param own The user's own Cookie header for this URL.
   */
  header(url: URL, own: string | undefined): string | null;
}

/** No cookies yet, for one chain. */
export function createCookies(): Cookies {
  const cookies = new Map<string, Cookie>();
  let used = false;
  return {
    get used() {
      return used;
    },
    take(url, headers, now) {
      for (const line of headers.getSetCookie()) {
        const read = parseCookie(line, url, originTime(headers, now));
        if (read === null) continue;
        const { cookie, expired } = read;
        const key = [cookie.domain, cookie.path, cookie.name].join(";");
        if (expired) cookies.delete(key);
        else cookies.set(key, cookie);
      }
    },
    header(url, own) {
      const sent = [...cookies.values()].filter((cookie) => goesTo(cookie, url))
        .sort((a, b) => b.path.length - a.path.length);
      if (sent.length === 0) return own ?? null;
      used = true;
      const names = new Set(sent.map(({ name }) => name));
      const kept = (own ?? "").split(";").map((pair) => pair.trim())
        .filter((pair) => pair && !names.has(nameOf(pair)));
      const pairs = sent.map(({ name, value }) => `${name}=${value}`);
      return [...kept, ...pairs].join("; ");
    },
  };
}

function nameOf(pair: string): string {
  return pair.split("=")[0]?.trim() ?? "";
}

/** Characters of a name and its value: browsers take no more, either. */
const LONGEST = 4096;

/**
 * Reads a Set-Cookie header, RFC 6265 §5.2 and §5.3; null if it does not count:
 * it names another host's domain, or wants TLS and came without.
 */
function parseCookie(
  line: string,
  { hostname, pathname, protocol }: URL,
  now: number,
): { cookie: Cookie; expired: boolean } | null {
  const [pair = "", ...rest] = line.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, equals).trim();
  if (equals === -1 || name === "" || pair.length > LONGEST) return null;
  const attributes = attributesOf(rest);
  const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase();
  const hostOnly = !domain || domain === hostname && isHostAlone(hostname);
  if (!hostOnly && !isParent(domain, hostname)) return null;
  const secure = attributes.has("secure");
  if (secure && protocol !== "https:") return null;
  const path = attributes.get("path") ?? "";
  const cookie = {
    name,
    value: pair.slice(equals + 1).trim(),
    domain: hostOnly ? hostname : domain,
    hostOnly,
    path: path.startsWith("/") ? path : defaultPath(pathname),
    secure,
  };
  return { cookie, expired: hasExpired(attributes, now) };
}

/** By name, in lower case; the last of each counts. */
function attributesOf(parts: readonly string[]): Map<string, string> {
  return new Map(parts.map((part) => {
    const [name = "", ...value] = part.split("=");
    return [name.trim().toLowerCase(), value.join("=").trim()];
  }));
}

/** Max-Age comes before Expires. */
function hasExpired(
  attributes: ReadonlyMap<string, string>,
  now: number,
): boolean {
  const age = attributes.get("max-age") ?? "";
  if (/^-?\d+$/.test(age)) return Number(age) <= 0;
  return parseDate(attributes.get("expires") ?? "") <= now;
}

/** RFC 6265 §5.1.4: the path up to its last slash. */
function defaultPath(pathname: string): string {
  return pathname.slice(0, pathname.lastIndexOf("/")) || "/";
}

/**
 * Whether a cookie of `domain` may be set by `host`. In place of a list of
 * public suffixes, a dot is asked for: a cookie lives for one chain only.
 */
function isParent(domain: string, host: string): boolean {
  if (isHostAlone(host) || !domain.includes(".")) return false;
  return host === domain || host.endsWith(`.${domain}`);
}

/** Whether no host can be below it: an address, or a name without a dot. */
function isHostAlone(host: string): boolean {
  return !host.includes(".") || /^[\d.]+$/.test(host) || host.startsWith("[");
}

/** Whether a cookie goes along to a URL, RFC 6265 §5.4. */
export function goesTo(
  cookie: Cookie,
  { protocol, hostname, pathname }: URL,
): boolean {
  const { domain, hostOnly, path, secure } = cookie;
  if (secure && protocol !== "https:") return false;
  if (hostname !== domain && (hostOnly || !hostname.endsWith(`.${domain}`))) {
    return false;
  }
  return pathname === path ||
    pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}
