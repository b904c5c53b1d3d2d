/** Checks who knows a token, and limits how often an address may guess one. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { bitsOf } from "../base/ip_address.ts";
import type { CookiePlace } from "./public_url.ts";
import type { Scope, Token } from "./scopes.ts";

/** Wrong guesses that an address has ... */
const MOST_GUESSES = 10;
/** ... within this time, in milliseconds. */
const WINDOW = 60_000;
/** Addresses that are remembered for having guessed. */
const MOST_ADDRESSES = 10_000;

const COOKIE = "sluice_session";
const TOKEN_PROTOCOL = "sluice.token.";

/** What a request's credentials are; `throttled` after too many wrong guesses. */
export type Verdict =
  | Welcome
  | { readonly kind: "unknown" }
  | { readonly kind: "throttled" };

/** One that comes in. */
export interface Welcome {
  readonly kind: "welcome";
  /** Its token's name; null where none is needed. */
  readonly name: string | null;
  readonly scope: Scope;
}

/** Checks credentials. */
export interface Auth {
  /** Checks a request's Bearer token, subprotocol or cookie. */
  check(headers: Headers, address: string): Verdict;
  /** Checks the token that was typed into the login page. */
  login(token: string, address: string): Verdict;
  /** The cookie that spares who has logged in by a token another login. */
  cookie(token: string, place: CookiePlace): string;
  /** The cookie that makes a browser forget the one of the same place. */
  endedCookie(place: CookiePlace): string;
}

/**
 * Makes the check for tokens; without any, every request is welcome.
 *
 * @param now Milliseconds, by the steady clock.
 */
export function createAuth(
  tokens: readonly Token[],
  now: () => number = () => performance.now(),
): Auth {
  const guesses = new Map<string, { count: number; since: number }>();
  const byToken = tokens.map((one) => ({ ...one, secret: one.token }));
  const bySession = tokens.map((one) => ({
    ...one,
    secret: sessionOf(one.token),
  }));
  const open = tokens.length === 0
    ? { kind: "welcome", name: null, scope: "all" } as const
    : null;

  function judge(given: string, address: string): Verdict {
    const host = networkOf(address);
    const before = guesses.get(host);
    const { count, since } = before && now() - before.since < WINDOW
      ? before
      : { count: 0, since: now() };
    if (count >= MOST_GUESSES) return { kind: "throttled" };
    const welcome = open ?? welcomeBy(given, byToken);
    if (welcome !== null) return welcome;
    guesses.delete(host);
    guesses.set(host, { count: count + 1, since });
    const [oldest] = guesses.keys();
    if (guesses.size > MOST_ADDRESSES && oldest) guesses.delete(oldest);
    return { kind: "unknown" };
  }

  return {
    check(headers, address) {
      if (open !== null) return open;
      // 256 bits cannot be guessed: a wrong session is an old one, not a guess.
      const [session] = sessions(headers)
        .map((kept) => welcomeBy(kept, bySession))
        .filter((welcome) => welcome !== null);
      if (session !== undefined) return session;
      const given = bearer(headers) ?? protocolToken(headers);
      return given === null ? { kind: "unknown" } : judge(given, address);
    },
    login: judge,
    cookie: (token, place) =>
      renderCookie(sessionOf(token), 365 * 24 * 3600, place),
    endedCookie: (place) => renderCookie("", 0, place),
  };
}

/** Derived from a token, it reveals nothing of it, and ends when it changes. */
function sessionOf(token: string): string {
  return createHmac("sha256", token).update("page session").digest("hex");
}

/**
 * Whom a secret lets in; null if nobody. It is compared with all that there are,
 * so that the time does not tell which it is.
 */
function welcomeBy(
  given: string,
  known: readonly (Token & { readonly secret: string })[],
): Welcome | null {
  const [found] = known.filter(({ secret }) => isSame(given, secret));
  if (found === undefined) return null;
  const { name, scope } = found;
  return { kind: "welcome", name, scope };
}

/**
 * It is Lax: a link or a bookmark on another site leads to the page, not to the
 * login. What other sites' pages may not do is the guard's to refuse.
 *
 * @param age How long the browser keeps it, in seconds.
 */
function renderCookie(
  value: string,
  age: number,
  { path, secure }: CookiePlace,
): string {
  return `${COOKIE}=${value}; Path=${path}; HttpOnly; SameSite=Lax; ` +
    `Max-Age=${age}${secure ? "; Secure" : ""}`;
}

/**
 * All sessions that a browser has for this address. One of another Sluice at the
 * same host, on another port or a shorter path, goes along with ours.
 */
function sessions(headers: Headers): string[] {
  return (headers.get("cookie") ?? "").split(";")
    .map((pair) => pair.trim().split("=", 2))
    .flatMap(([name, value = ""]) => name === COOKIE ? [value] : []);
}

/**
 * The subprotocol to agree on, of those that a client offers; null for none.
 * One that holds the token is named only if the client offers no other.
 */
export function protocolFor(headers: Headers): string | null {
  const offered = protocols(headers);
  return offered.find((name) => !name.startsWith(TOKEN_PROTOCOL)) ??
    offered[0] ?? null;
}

function protocols(headers: Headers): string[] {
  return (headers.get("sec-websocket-protocol") ?? "").split(",")
    .map((name) => name.trim()).filter((name) => name !== "");
}

function bearer(headers: Headers): string | null {
  return headers.get("authorization")?.match(/^Bearer +(\S+)\s*$/i)?.[1] ??
    null;
}

/** A subprotocol may hold few characters: the token is in base64url. */
function protocolToken(headers: Headers): string | null {
  const named = protocols(headers)
    .find((name) => name.startsWith(TOKEN_PROTOCOL));
  if (named === undefined) return null;
  const encoded = named.slice(TOKEN_PROTOCOL.length);
  return isBase64Url(encoded)
    ? new TextDecoder().decode(
      Uint8Array.fromBase64(encoded, { alphabet: "base64url" }),
    )
    : "";
}

function isBase64Url(text: string): boolean {
  return /^[\w-]*$/.test(text) && text.length % 4 !== 1;
}

/** Compares texts in a time that tells neither where they differ nor how long. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b]
    .map((text) => createHash("sha256").update(text).digest());
  return one !== undefined && other !== undefined &&
    timingSafeEqual(one, other);
}

/** What guesses are counted by: who has one IPv6 address has its whole /64. */
function networkOf(address: string): string {
  const bits = bitsOf(address);
  return bits?.length === 128 && !address.includes(".")
    ? bits.slice(0, 64)
    : address;
}
