/**
 * A strange origin beside a good one: each download of a trial ends either with
 * exactly the right bytes under the right name, or with an error that says what
 * to do; and a good download of another origin ends right beside it.
 *
 * What no test can force here:
 * - A port that refuses the fifth connection: the kernel refuses all or none, so
 *   the fifth is accepted and closed, reset, or answered with an error.
 * - HTTP/2: the origin speaks HTTP/1 only, as the client does by decision. That
 *   each thread has a connection of its own is what is seen of it.
 *
 * What no client can notice, unless its user gave a checksum:
 * - A body of another file under the right headers.
 * - A body without length or chunks that the connection's end cuts short.
 * - A web page in place of a file of unknown kind, in the very first answer.
 * - A total that is too small in every answer, none of which goes on behind it.
 */

import type { CoordinatorOptions } from "../../lib/coordinator.ts";
import type { Status } from "../../lib/status/status.ts";
import { serverCertificate, serverKey } from "./certificate.ts";
import { type Downloads, startDownloads } from "./downloads.ts";
import {
  type Behaviour,
  file,
  type Origin,
  type OriginOptions,
  type OriginRequest,
  startOrigin,
} from "./origin.ts";
import { assertDownloaded } from "./status.ts";

const KiB = 1024;

/** Bytes of a slice in these tests. */
export const SLICE = 64 * KiB;
/** Ten slices and some: most trials need slices after the first. */
export const WHOLE = file(10 * SLICE + 123, 1);
/** Another file of the same size. */
export const OTHER = file(WHOLE.size, 2);
const GOOD = file(8 * SLICE, 3);
/** For origins that never send what a thread waits for. */
export const IMPATIENT = { stallTimeout: 400, answerTimeout: 400 };
/**
 * For origins that fail often: the waits of tests are so short that failures of
 * the same moment count one by one.
 */
export const PATIENT = { attempts: 50 };
/** The command that takes a download and its file away. */
export const REMOVE = { kind: "remove", deleteFile: true } as const;
/** Has an origin speak TLS. */
export const TLS = { tls: { cert: serverCertificate, key: serverKey } };

/** A strange origin, and downloads from it beside good ones. */
export interface Trial extends AsyncDisposable {
  readonly origin: Origin;
  readonly downloads: Downloads;
  /** How a download ends, while a good one beside it ends right. */
  end(request: string | { url: string; [field: string]: unknown }): Promise<
    Status
  >;
  /** A good download, from begin to end. */
  good(): Promise<void>;
}

/** Starts a trial: both origins, and a coordinator with these options. */
export async function startTrial(
  options: Partial<CoordinatorOptions> = {},
  originOptions: OriginOptions = {},
): Promise<Trial> {
  await using started = new AsyncDisposableStack();
  const origin = started.use(await startOrigin(originOptions));
  const decent = started.use(await startOrigin());
  const downloads = started.use(await startDownloads(options));
  const stack = started.move();
  let goods = 0;
  async function good() {
    const name = `good-${goods++}.bin`;
    const id = await downloads.add({ url: decent.serve(`/${name}`, GOOD) });
    await assertDownloaded(await downloads.end(id), GOOD, name);
    await downloads.coordinator.command(id, REMOVE);
  }
  return {
    origin,
    downloads,
    good,
    async end(request) {
      const fields = typeof request === "string" ? { url: request } : request;
      const id = await downloads.add(fields);
      const [status] = await Promise.all([downloads.end(id), good()]);
      return status;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/**
 * Adds a URL and waits until it has ended, with nothing beside it: a second
 * download gets a thread of the first one's, whose bytes come twice then.
 */
export async function endAlone(
  { downloads }: Trial,
  url: string,
): Promise<Status> {
  return await downloads.end(await downloads.add({ url }));
}

/** Whether a request is for a slice after the first. */
export function isLater({ range }: OriginRequest): boolean {
  return range !== null && range.start > 0;
}

/** The requests for all bytes at once. */
export function askedWhole({ requests }: Origin): OriginRequest[] {
  return requests.filter(({ range }) => range === null);
}

/** The first answer ends after a slice: it could go on to the file's end. */
export const ONE_SLICE: Behaviour = { cut: { after: SLICE, by: "fin" } };

/** A gate, and what opens it. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** The answers that match are strange, all others right. */
export function where(
  matches: (request: OriginRequest) => boolean,
  strange: Behaviour | ((request: OriginRequest) => Behaviour),
): (request: OriginRequest) => Behaviour {
  return (request) => {
    if (!matches(request)) return {};
    return typeof strange === "function" ? strange(request) : strange;
  };
}

/** An answer whose Content-Range is the right one, changed. */
export function contentRange(
  change: (start: number, end: number, size: number) => string | string[],
): (request: OriginRequest) => Behaviour {
  return ({ range }) => {
    if (range === null) return {};
    const end = Math.min(range.end, WHOLE.size);
    const value = change(range.start, end - 1, WHOLE.size);
    return { headers: { "Content-Range": value } };
  };
}
