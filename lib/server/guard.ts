/** Lets requests in by their Host and Origin headers. Pure. */

import { isLoopback } from "../origin/address.ts";

/** Settings of the guard. */
export interface GuardOptions {
  /** The host name or address that it listens on. */
  readonly host: string;
  /** The machine's own name. */
  readonly machineName: string;
  /** The URL by which people reach the server; null if they do so directly. */
  readonly publicUrl: string | null;
  /** Origins of pages besides its own that may connect, in lower case. */
  readonly allowedOrigins: readonly string[];
}

/** Why a request may not come in. */
export interface Refused {
  /** The header that is refused. */
  readonly header: "host" | "origin";
  /** The name or origin in it, for the log; without userinfo, and short. */
  readonly value: string;
  /** What is refused, in one sentence without its full stop. */
  readonly reason: string;
  readonly remedies: readonly Remedy[];
}

/** A setting that lets in what was refused. */
export interface Remedy {
  /** When it is the right one. */
  readonly when: string;
  /** As it is written in the environment. */
  readonly setting: string;
}

/** Characters of a refused value that are shown. */
const SHOWN = 100;

/**
 * Endings by which a home network's resolver calls its machines. Nobody can
 * register a name below them, and so rebind it: each is reserved or withheld.
 */
const LOCAL_ENDINGS = ["", ".local", ".lan", ".home.arpa", ".internal"];

/**
 * Makes the check of a server's requests; it returns null for those that may
 * come in.
 *
 * Host must be a name of the server's own, or another site could rebind its
 * name to this address. Origin must be the server's own page, or any site that
 * a user visits could send commands; programs send no Origin.
 */
export function createGuard(
  options: GuardOptions,
): (headers: Headers) => Refused | null {
  const { publicUrl, allowedOrigins } = options;
  const names = new Set(ownNames(options));
  const origins = new Set(allowedOrigins);
  if (publicUrl !== null) origins.add(new URL(publicUrl).origin);
  return (headers) => {
    const host = headers.get("host") ?? "";
    const name = hostnameOf(`http://${host}`);
    if (!names.has(name) && !isAddress(name)) {
      return refusedHost(host, name, headers, publicUrl);
    }
    const origin = headers.get("origin");
    if (origin === null || origins.has(origin.toLowerCase())) return null;
    return isOfHost(origin, host) ? null : refusedOrigin(origin, publicUrl);
  };
}

function ownNames(
  { host, machineName, publicUrl, allowedOrigins }: GuardOptions,
): string[] {
  const urls = [publicUrl ?? "", ...allowedOrigins]
    .filter((url) => /^https?:/.test(url));
  const names = [host.toLowerCase(), "localhost", ...urls.map(hostnameOf)];
  // Anybody in the local network may answer for the machine's name there, and so
  // rebind it. A server that listens beyond loopback asks for a token besides.
  if (isLoopback(host) || machineName === "") return names;
  const machine = machineName.toLowerCase();
  const [short = ""] = machine.split(".");
  return [...names, machine, ...LOCAL_ENDINGS.map((ending) => short + ending)];
}

/** Whether a page's origin is the host that it asks, by whatever scheme. */
function isOfHost(origin: string, host: string): boolean {
  const url = URL.parse(origin);
  // A proxy may name the scheme's usual port, which an origin leaves out.
  return url !== null && /^https?:$/.test(url.protocol) &&
    url.host === URL.parse(`${url.protocol}//${host}`)?.host;
}

function refusedHost(
  host: string,
  name: string,
  headers: Headers,
  publicUrl: string | null,
): Refused {
  const shown = JSON.stringify(host.slice(0, SHOWN));
  const secure = headers.get("x-forwarded-proto") === "https";
  const url = URL.parse(`${secure ? "https" : "http"}://${host}`);
  const isName = /^[\w.-]+(:\d+)?$/.test(host) && host.length <= SHOWN;
  return {
    header: "host",
    value: name.slice(0, SHOWN),
    reason: `The host ${shown} is not known here`,
    remedies: url === null || !isName ? [] : [{
      when: "people reach this server by it",
      setting: publicUrl === null
        ? `PUBLIC_URL=${url.href}`
        : `ALLOWED_ORIGINS=${url.origin}`,
    }],
  };
}

function refusedOrigin(origin: string, publicUrl: string | null): Refused {
  const url = URL.parse(origin);
  const given = url === null || url.host === ""
    ? origin
    : `${url.protocol}//${url.host}`;
  const value = given.slice(0, SHOWN);
  const remedies: Remedy[] = [];
  if (/^[a-z][a-z0-9+.-]*:\/\/[\w.:[\]-]+$/i.test(value)) {
    if (publicUrl === null && /^https?:/.test(value)) {
      remedies.push({
        when: "people reach this server by it",
        setting: `PUBLIC_URL=${value}/`,
      });
    }
    remedies.push({
      when: "its pages are to command this server",
      setting: `ALLOWED_ORIGINS=${value}`,
    });
  }
  const reason = `Pages of ${JSON.stringify(value)} may not connect`;
  return { header: "origin", value, reason, remedies };
}

/** In lower case, without the dot of the root at its end. */
function hostnameOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/\.$/, "") ?? "";
}

/** An address cannot be rebound as a name can. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
