/** How the command line connects to a running server. */

import { type ListPage, pageIn } from "../client/client.ts";
import {
  type Connection,
  type ConnectionOptions,
  openConnection,
  SluiceError,
} from "../client/connection.ts";
import { DownloadError } from "../download/errors.ts";
import { whyRefused } from "./handshake.ts";
import { UsageError } from "./usage.ts";

/** The address of a server, and the token for it. */
export interface ServerAddress {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Null if the server asks for none. */
  readonly token: string | null;
  /** Authorities in PEM that it may have besides the usual ones. */
  readonly caCerts: readonly string[];
}

/**
 * The address of a server as it is typed; `http:` is taken for `ws:`.
 *
 * @throws {UsageError}
 */
export function parseServer(text: string): string {
  const typed = text.replace(/^http(s?):/, "ws$1:");
  const url = URL.parse(/^\w+:\/\//.test(typed) ? typed : `ws://${typed}`);
  if (url && /^wss?:$/.test(url.protocol) && !url.username && !url.password) {
    url.hash = "";
    return url.href;
  }
  throw new UsageError("--server must be such as ws://localhost:8888/.");
}

/** How Deno connects to a server, and finds out why it could not. */
export interface Dialing
  extends Disposable, Required<Pick<ConnectionOptions, "open" | "explain">> {}

/** What connects to a server, until it is disposed of. */
export function dialing({ url, caCerts }: ServerAddress): Dialing {
  // HTTP/2 has no handshake that could be sent again by fetch.
  const client = url.startsWith("wss:")
    ? Deno.createHttpClient({ caCerts: [...caCerts], http2: false })
    : undefined;
  let protocols: readonly string[] = [];
  return {
    open(url, offered) {
      protocols = offered;
      // Browsers' types, which are checked along for the page, know no options.
      const options = { protocols: offered, client } as unknown as string[];
      return new WebSocket(url, options);
    },
    explain: (words, stop) =>
      whyRefused({ url, protocols, client, words }, stop),
    [Symbol.dispose]: () => client?.close(),
  };
}

/**
 * Connects to a server, until the connection is lost.
 *
 * @throws {DownloadError} REFUSED or STALLED, saying what to do.
 */
export async function connect(server: ServerAddress): Promise<Connection> {
  using dial = dialing(server);
  const { open, explain } = dial;
  const hear = () => {};
  const connection = await openConnection({ ...server, open, explain, hear })
    .catch(rethrow);
  return {
    ...connection,
    request: (fields) => connection.request(fields).catch(rethrow),
  };
}

/**
 * Throws what a client's error says as an error of this program's.
 *
 * @throws {DownloadError}
 */
export function rethrow(error: unknown): never {
  throw error instanceof SluiceError
    ? new DownloadError(error.code, error.message)
    : error;
}

/**
 * The downloads on a page of a server's list, and how many there are on all
 * pages.
 *
 * @throws {DownloadError} what the server answers, or that it is gone.
 */
export async function listPage(
  connection: Pick<Connection, "request">,
  fields: Readonly<Record<string, unknown>>,
): Promise<ListPage> {
  return pageIn(await connection.request({ action: "list", ...fields }));
}
