/**
 * How an origin wants to be shown a name and password: challenges (RFC 9110
 * §11), and the answers of Basic (RFC 7617) and Digest (RFC 7616). Pure.
 *
 * Text that is hashed or sent stands for bytes here, one character for each:
 * names and passwords in UTF-8, what the origin said as it came.
 */

import type { Credentials } from "../download/download.ts";

/** One challenge of a WWW-Authenticate header. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What Digest is computed with, as `node:crypto` calls it. */
export type DigestHash = "md5" | "sha256" | "sha512-256";

/** A challenge of Digest that can be answered. */
export interface DigestChallenge {
  readonly hash: DigestHash;
  /** Whether the hash of name and password is kept for a session (`-sess`). */
  readonly session: boolean;
  /** Whether `qop` is `auth`; RFC 2069 knew none. */
  readonly auth: boolean;
  /** Whether only the nonce was out of date, not the password wrong. */
  readonly stale: boolean;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = String.raw`[!#$%&'*+.^_\x60|~\w-]+`;
const PARAMETER = RegExp(
  String.raw`[\s,]*(${TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))`,
  "y",
);
const SCHEME = RegExp(String.raw`[\s,]*(${TOKEN})(?=[\s,]|$)`, "y");
const TOKEN68 = /[ \t]+[\w.~+/-]+=*(?=\s*(?:,|$))/y;

/**
 * Reads the value of WWW-Authenticate, where several challenges may stand in one
 * line, or in several that were joined. What cannot be read ends it.
 */
export function parseChallenges(value: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  function next(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const match = pattern.exec(value);
    if (match !== null) at = pattern.lastIndex;
    return match;
  }
  while (at < value.length) {
    const parameter = challenges.length > 0 ? next(PARAMETER) : null;
    if (parameter !== null) {
      const [, name = "", quoted, plain = ""] = parameter;
      const text = quoted?.replace(/\\(.)/gs, "$1") ?? plain;
      const { parameters } = challenges.at(-1) ?? { parameters: new Map() };
      parameters.set(name.toLowerCase(), text);
      continue;
    }
    const scheme = next(SCHEME)?.[1];
    if (scheme === undefined) break;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    next(TOKEN68);
  }
  return challenges;
}

/** What can answer a 401. */
export type Choice =
  | { readonly kind: "digest"; readonly challenge: DigestChallenge }
  | { readonly kind: "basic" }
  | { readonly kind: "none" };

/**
 * Chooses what answers a 401: the first Digest that is known here, in the
 * origin's own order (RFC 7616 §3.7). Basic tells the password to everybody on
 * the way: it answers only an origin that does not want Digest at all.
 *
 * @param value Of WWW-Authenticate. Where it lacks, Basic is what is left.
 */
export function chooseChallenge(value: string | null): Choice {
  if (value === null) return { kind: "basic" };
  const challenges = parseChallenges(value);
  const digests = challenges.filter(({ scheme }) => scheme === "digest");
  for (const { parameters } of digests) {
    const challenge = readDigest(parameters);
    if (challenge !== null) return { kind: "digest", challenge };
  }
  const basic = challenges.some(({ scheme }) => scheme === "basic");
  return { kind: basic && digests.length === 0 ? "basic" : "none" };
}

const HASHES: Readonly<Record<string, DigestHash>> = {
  "md5": "md5",
  "sha-256": "sha256",
  "sha-512-256": "sha512-256",
};

/** Null if a challenge of Digest is of a kind that is not known here. */
function readDigest(
  parameters: ReadonlyMap<string, string>,
): DigestChallenge | null {
  const algorithm = parameters.get("algorithm")?.toLowerCase() ?? "md5";
  const hash = HASHES[algorithm.replace(/-sess$/, "")];
  const qop = parameters.get("qop")?.toLowerCase().split(",")
    .map((word) => word.trim());
  const known = qop === undefined || qop.includes("auth");
  if (hash === undefined || !known || !parameters.has("nonce")) return null;
  return {
    hash,
    session: algorithm.endsWith("-sess"),
    auth: qop !== undefined,
    stale: parameters.get("stale")?.toLowerCase() === "true",
    parameters,
  };
}

/** What a client adds to an answer by Digest. */
export interface DigestUse {
  readonly method: string;
  /** The request-target, as it is sent. */
  readonly target: string;
  /** How many requests were sent with the nonce, this one among them. */
  readonly count: number;
  readonly cnonce: string;
}

/**
 * The value of Authorization by Digest, RFC 7616 §3.4.
 *
 * @param digest The hexadecimal digest of a text, a byte for each character.
 */
export function digestAuthorization(
  { hash, session, auth, parameters }: DigestChallenge,
  credentials: Credentials,
  { method, target, count, cnonce }: DigestUse,
  digest: (hash: DigestHash, text: string) => string,
): string {
  const hashed = (...texts: string[]) => digest(hash, texts.join(":"));
  const [realm, nonce] = ["realm", "nonce"]
    .map((name) => parameters.get(name) ?? "") as [string, string];
  const [username, password] = [credentials.username, credentials.password]
    .map(bytesOf) as [string, string];
  const secret = hashed(username, realm, password);
  const first = session ? hashed(secret, nonce, cnonce) : secret;
  const second = hashed(method, target);
  const nc = count.toString(16).padStart(8, "0");
  const response = auth
    ? hashed(first, nonce, nc, cnonce, "auth", second)
    : hashed(first, nonce, second);
  const userhash = parameters.get("userhash")?.toLowerCase() === "true";
  const charset = parameters.get("charset")?.toLowerCase() === "utf-8";
  return "Digest " + [
    userhash
      ? `username=${quoted(hashed(username, realm))}, userhash=true`
      : usernameField(credentials.username, charset),
    `realm=${quoted(realm)}`,
    `uri=${quoted(target)}`,
    ...["algorithm", "opaque"].flatMap((name) => {
      const value = parameters.get(name);
      if (value === undefined) return [];
      return [`${name}=${name === "opaque" ? quoted(value) : value}`];
    }),
    `nonce=${quoted(nonce)}`,
    ...(auth ? [`nc=${nc}`, "qop=auth"] : []),
    ...(auth || session ? [`cnonce=${quoted(cnonce)}`] : []),
    `response=${quoted(response)}`,
  ].join(", ");
}

/**
 * The name that is sent. Origins that name no charset mostly know no
 * `username*` either: they get the bytes, unless no header may hold them.
 */
function usernameField(username: string, charset: boolean): string {
  const isSafe = !/\p{Cc}/u.test(username);
  const isAscii = /^[\x20-\x7e]*$/.test(username);
  if (isSafe && (isAscii || !charset)) {
    return `username=${quoted(bytesOf(username))}`;
  }
  const encoded = encodeURIComponent(username.toWellFormed())
    .replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return `username*=UTF-8''${encoded}`;
}

/** The value of Authorization by Basic, RFC 7617. */
export function basicAuthorization(
  { username, password }: Credentials,
): string {
  return `Basic ${btoa(bytesOf(`${username}:${password}`))}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A text's bytes in UTF-8, as a text with a character for each. */
function bytesOf(text: string): string {
  return Array.from(
    new TextEncoder().encode(text),
    (byte) => String.fromCharCode(byte),
  ).join("");
}
