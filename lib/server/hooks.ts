/** Tells a program elsewhere, by POST, that downloads have ended. */

import type { Log } from "../base/log.ts";
import { pause } from "../base/timers.ts";
import type { Download } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";
import { remedyFor } from "../download/remedies.ts";
import { loggable } from "../origin/request.ts";
import { statusOf, type Totals } from "../status/status.ts";
import type { Delivery, HookEvent } from "./messages.ts";

/** Where it is told. */
export interface Webhook {
  /** May hold secrets: it is shown and logged nowhere. */
  readonly url: string;
  /** What bodies are signed with; null for no signature. */
  readonly secret: string | null;
  /**
   * Posts a body; the status of the answer.
   *
   * @throws {DownloadError} if there is none.
   */
  post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<number>;
}

/** Tells what it hears; disposing of it ends that. */
export interface Hooks extends Disposable {
  readonly hear: Tell;
  /** The last ones, the latest first. */
  deliveries(): readonly Delivery[];
}

/** How it is told; tests have less patience. */
export interface HookTiming {
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  /** How long to wait before another try, in milliseconds, each time. */
  readonly waits: readonly number[];
  /** How long nothing must have happened to be called idle, in milliseconds. */
  readonly rest: number;
}

const TIMING: HookTiming = {
  within: 10_000,
  waits: [1_000, 4_000],
  rest: 1_000,
};
/** Events that wait; at one more, the oldest is let go. */
const MOST_WAITING = 1_000;
/** Deliveries that are kept to be shown. */
const MOST_KEPT = 20;

/** An event on its way. */
interface Waiting {
  readonly event: HookEvent;
  readonly id: string | null;
  readonly filename: string | null;
  readonly body: string;
}

/** What hooks need besides where to tell. */
export interface HookTools {
  readonly log: Log;
  totals(): Totals;
}

/**
 * Makes hooks. Events are told one after another, and nothing waits for that.
 *
 * @param timing How long things may take.
 */
export function createHooks(
  webhook: Webhook,
  { log, totals }: HookTools,
  timing: HookTiming = TIMING,
): Hooks {
  const teller = createTeller(webhook, log, timing);
  /** Whether there has been work since it was last called idle. */
  let worked = false;
  let resting: ReturnType<typeof setTimeout> | undefined;

  function onEnd(event: "finished" | "failed", download: Download): void {
    worked = true;
    const body = bodyOf(event, download);
    const filename = download.file?.name ?? null;
    teller.tell({ event, id: download.id, filename, body });
    lookSoon();
  }

  /** Many files may end in a moment, and the next be added in the same one. */
  function lookSoon(): void {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const now = totals();
      if (!worked || now.Queued + now.Downloading > 0) return;
      worked = false;
      const body = idleBody(now);
      teller.tell({ event: "idle", id: null, filename: null, body });
    }, timing.rest);
  }

  return {
    hear(event) {
      switch (event.kind) {
        case "downloaded":
          return onEnd("finished", event.download);
        case "failed":
          return onEnd("failed", event.download);
        case "started":
          worked = true;
          return;
        case "paused":
        case "removed":
          return lookSoon();
      }
    },
    deliveries: teller.deliveries,
    [Symbol.dispose]() {
      clearTimeout(resting);
      teller[Symbol.dispose]();
    },
  };
}

/** Tells events, each in its turn; disposing of it lets go of those that wait. */
interface Teller extends Disposable {
  tell(event: Waiting): void;
  /** The last ones, the latest first. */
  deliveries(): readonly Delivery[];
}

function createTeller(
  webhook: Webhook,
  log: Log,
  { within, waits }: HookTiming,
): Teller {
  const waiting: Waiting[] = [];
  const kept: Delivery[] = [];
  const ended = new AbortController();
  let dropped = 0;
  let telling = false;

  async function tellAll(): Promise<void> {
    telling = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await deliver(next);
      if (ended.signal.aborted) return;
      if (dropped > 0) log("webhook dropped", { count: dropped });
      dropped = 0;
    }
    telling = false;
  }

  async function deliver(
    { event, id, filename, body }: Waiting,
  ): Promise<void> {
    const delivery = crypto.randomUUID();
    let tries = 0;
    let answer: Answer;
    let wait: number | undefined;
    do {
      if (wait !== undefined) await pause(wait, ended.signal);
      const headers = {
        "content-type": "application/json",
        "user-agent": "sluice",
        "sluice-event": event,
        "sluice-delivery": delivery,
        ...await signatureOf(body, webhook.secret),
      };
      answer = await send(webhook, headers, body, within, ended.signal);
      if (ended.signal.aborted) return;
      wait = mayHelp(answer) ? waits[tries] : undefined;
      tries++;
    } while (wait !== undefined);
    const { status, code } = answer;
    const delivered = isTaken(answer);
    const at = new Date().toISOString();
    kept.unshift({ event, id, filename, at, tries, delivered, status, code });
    kept.length = Math.min(kept.length, MOST_KEPT);
    const name = delivered ? "webhook" : "webhook failed";
    log(name, { event, id, tries, status, code });
  }

  return {
    tell(event) {
      if (waiting.push(event) > MOST_WAITING) {
        waiting.shift();
        dropped++;
      }
      if (!telling) void tellAll();
    },
    deliveries: () => [...kept],
    [Symbol.dispose]: () => ended.abort(),
  };
}

/** The status of an answer, or why there is none. */
type Answer = Pick<Delivery, "status" | "code">;

/** One try. */
async function send(
  { url, post }: Webhook,
  headers: Readonly<Record<string, string>>,
  body: string,
  within: number,
  ended: AbortSignal,
): Promise<Answer> {
  const late = AbortSignal.timeout(within);
  try {
    const signal = AbortSignal.any([late, ended]);
    return { status: await post(url, headers, body, signal), code: null };
  } catch (error) {
    if (late.aborted) return { status: null, code: "STALLED" };
    // Its message might tell where to.
    const code = error instanceof DownloadError ? error.code : "INTERNAL";
    return { status: null, code };
  }
}

function isTaken({ status }: Answer): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Whether another try may come to another end. */
function mayHelp({ status, code }: Answer): boolean {
  return code === null
    ? status !== null && status >= 500
    : ["retry", "fewer"].includes(remedyFor(code));
}

/**
 * What is told of a download: its status, with a title and a message that others
 * show as they are. Of its URLs neither userinfo nor query: the service that is
 * told has no token of this server.
 */
function bodyOf(event: "finished" | "failed", download: Download): string {
  const { sources, ...status } = statusOf(download);
  const url = loggable(status.url);
  const shown = sources?.map((one) => ({ ...one, url: loggable(one.url) }));
  const name = status.filename ?? url;
  const { error } = status;
  return JSON.stringify({
    event,
    time: new Date().toISOString(),
    title: event === "finished" ? "Download finished" : "Download failed",
    message: error === null ? name : `${name}: ${error.message}`,
    download: { ...status, url, ...(shown && { sources: shown }) },
  });
}

function idleBody(totals: Totals): string {
  const { Downloaded: finished, Failed: failed } = totals;
  return JSON.stringify({
    event: "idle",
    time: new Date().toISOString(),
    title: "All downloads have ended",
    message: `${finished} finished, ${failed} failed`,
    totals,
  });
}

/** `t` is when, in seconds since the epoch; `v1` is of it, a dot and the body. */
async function signatureOf(
  body: string,
  secret: string | null,
): Promise<Record<string, string>> {
  if (secret === null) return {};
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    algorithm,
    false,
    ["sign"],
  );
  const t = Math.floor(Date.now() / 1000);
  const signed = encoder.encode(`${t}.${body}`);
  const mac = await crypto.subtle.sign("HMAC", key, signed);
  return { "sluice-signature": `t=${t},v1=${new Uint8Array(mac).toHex()}` };
}
