/** Lets requests in by their Host and Origin headers. Pure. */

/** Settings of the guard. */
export interface GuardOptions {
  /** The host name or address that it listens on. */
  readonly host: string;
  /** Origins of pages besides its own that may connect, `https://host:port`. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Why a request is refused; null if it may come in.
 *
 * Host must be a name of the server's own, or another site could rebind its
 * name to this address. Origin must be the server's own page, or any site that
 * a user visits could send commands; programs send no Origin.
 */
export function refusal(
  headers: Headers,
  { host, allowedOrigins }: GuardOptions,
): string | null {
  const asked = headers.get("host") ?? "";
  const names = [
    host.toLowerCase(),
    "localhost",
    ...allowedOrigins.map(hostnameOf),
  ];
  const name = hostnameOf(`http://${asked}`);
  if (!names.includes(name) && !isAddress(name)) {
    return `The host ${JSON.stringify(asked.slice(0, 100))} is not known here.`;
  }
  const origin = headers.get("origin");
  if (origin === null || allowedOrigins.includes(origin)) return null;
  if (URL.canParse(origin) && new URL(origin).host === asked) return null;
  return `Pages of ${JSON.stringify(origin.slice(0, 100))} may not connect: ` +
    "name the origin in ALLOWED_ORIGINS to let them.";
}

function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** An address cannot be rebound as a name can. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
