/** A live view of a server's downloads. */

import { setTimeout as delay } from "node:timers/promises";
import { aborted } from "../base/signals.ts";
import { every } from "../base/timers.ts";
import { DownloadError } from "../download/errors.ts";
import type { ServerMessage } from "../server/protocol.ts";
import type { Status, Totals } from "../status/status.ts";
import { connect, type ServerAddress } from "./client.ts";
import { createBell, failuresOnceIdle } from "./idle.ts";
import { formatBytes } from "./terminal/format.ts";
import {
  nameOf,
  renderDownloads,
  renderLine,
  type ViewSize,
} from "./terminal/render.ts";
import { openFullScreen, type Terminal } from "./terminal/screen.ts";
import { clip, printable, widthOf, wrap } from "./terminal/width.ts";

/** The first and the longest wait before connecting again, in milliseconds. */
const SOONEST = 500;
const LATEST = 5_000;
/** How often a server is asked whether it is still there, in milliseconds. */
const ASK_EVERY = 30_000;

/** What is known of a server. */
export interface ServerView {
  /** Its URL without path and query, which might hold secrets. */
  readonly server: string;
  readonly connection:
    | { readonly kind: "connecting" }
    | { readonly kind: "connected" }
    | { readonly kind: "lost"; readonly reason: string };
  readonly totals: Totals | null;
  readonly downloads: ReadonlyMap<string, Status>;
}

/** What a server tells of its downloads. */
export interface News {
  readonly changed: readonly Status[];
  /** Ids of downloads that are not there any more. */
  readonly removed: readonly string[];
  readonly totals: Totals | null;
  /** Whether this replaces all that was known. */
  readonly isSnapshot: boolean;
}

/** What a message tells of downloads; null if it is of something else. */
function newsIn(message: ServerMessage): News | null {
  if (!("data" in message) || !Array.isArray(message.data)) return null;
  const { data, totals = null, removed = [], snapshot } = message as {
    data: readonly Status[];
    totals?: Totals;
    removed?: readonly string[];
    snapshot?: true;
  };
  return { changed: data, totals, removed, isSnapshot: snapshot === true };
}

/** The view after news. Pure. */
export function heard(view: ServerView, news: News): ServerView {
  const downloads = new Map(news.isSnapshot ? [] : view.downloads);
  for (const status of news.changed) downloads.set(status.id, status);
  for (const id of news.removed) downloads.delete(id);
  return {
    ...view,
    connection: { kind: "connected" },
    totals: news.totals ?? view.totals,
    downloads,
  };
}

/** The whole view as lines. Pure. */
export function renderView(view: ServerView, size: ViewSize): string[] {
  const { connection, server, totals, downloads } = view;
  const all = [...downloads.values()].reverse();
  const speed = all.reduce((sum, { speed }) => sum + speed, 0);
  const counts = Object.entries(totals ?? {})
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.toLowerCase()}`);
  const { width, height } = size;
  const figures = [
    counts.length > 0 ? counts.join(", ") : "no downloads",
    ...(speed > 0 ? [`${formatBytes(speed)}/s`] : []),
  ].join("  ");
  const whole = `${server}  ${figures}`;
  const head = widthOf(whole) <= width ? whole : figures;
  const words = {
    connecting: "connecting…",
    connected: "q quits",
    lost: `NOT CONNECTED: ${
      connection.kind === "lost" ? connection.reason : ""
    } Trying again…`,
  };
  const foot = wrap(words[connection.kind], width).slice(0, height >> 1);
  const room = height - 2 - foot.length;
  const known = Object.values(totals ?? {})
    .reduce((sum, count) => sum + count, 0);
  const lines = renderDownloads(
    all,
    { width, height: room },
    Math.max(0, known - all.length),
  );
  return [
    clip(head, width),
    "",
    ...lines,
    ...Array(Math.max(0, room - lines.length)).fill(""),
    ...foot,
  ];
}

/** Shows what a watch hears. */
export interface Watcher extends Disposable {
  /** @param news What has changed in the view; null for its connection. */
  show(view: ServerView, news: News | null): void;
}

/** What ends a watch. */
export interface WatchOptions {
  readonly stop: AbortSignal;
  /** Whether it ends once nothing is queued or running. */
  readonly untilIdle: boolean;
}

/**
 * Watches a server until it is to end, through its restarts; how many downloads
 * stand as failed, if that is because nothing is queued or running.
 *
 * @throws {DownloadError} REFUSED if there was no server at first.
 */
export async function watch(
  server: ServerAddress,
  watcher: Watcher,
  { stop, untilIdle }: WatchOptions,
): Promise<number> {
  const { protocol, host } = new URL(server.url);
  const stopped = aborted(stop);
  let view: ServerView = {
    server: `${protocol}//${host}/`,
    connection: { kind: "connecting" },
    totals: null,
    downloads: new Map(),
  };
  watcher.show(view, null);
  let wait = SOONEST;
  let met = false;
  while (!stop.aborted) {
    let reason = "The server went away.";
    const bell = createBell();
    try {
      using client = await connect(server, (message) => {
        const told = newsIn(message);
        if (told === null) return;
        view = heard(view, told);
        watcher.show(view, told);
        bell.ring();
      }, stop);
      met = true;
      wait = SOONEST;
      const lost = Promise.withResolvers<void>();
      using _asking = every(ASK_EVERY, () => {
        client.request({ action: "list", limit: 1 }).catch(({ message }) => {
          reason = message;
          lost.resolve();
        });
      });
      const ended = Promise.race([client.closed, stopped, lost.promise]);
      if (untilIdle) {
        const totals = () => view.totals;
        const failed = await Promise.race([
          failuresOnceIdle(client, bell, totals),
          ended,
        ]);
        if (failed !== undefined) return failed;
      } else await ended;
    } catch (error) {
      if (stop.aborted) break;
      if (!(error instanceof DownloadError) || !met) throw error;
      reason = error.message;
    }
    if (stop.aborted) break;
    view = { ...view, connection: { kind: "lost", reason } };
    watcher.show(view, null);
    await delay(wait, null, { signal: stop }).catch(() => {});
    wait = Math.min(LATEST, wait * 2);
  }
  return 0;
}

/** Watches on the whole screen. */
export function createScreenWatcher(
  terminal: Terminal,
  keys: { pause(): void; resume(): void },
): Watcher {
  const screen = openFullScreen(terminal);
  const hearing = [
    terminal.onResize(draw),
    terminal.onStop(() => {
      screen.leave();
      keys.pause();
    }),
    terminal.onContinue(() => {
      // In the background this stops the process until it is in front again.
      keys.resume();
      screen.enter();
      draw();
    }),
  ];
  let shown: ServerView | null = null;
  function draw(): void {
    if (shown === null) return;
    const { columns: width, rows: height } = terminal.size();
    screen.draw(renderView(shown, { width, height }));
  }
  return {
    show(view) {
      shown = view;
      draw();
    },
    [Symbol.dispose]() {
      for (const one of hearing) one[Symbol.dispose]();
      screen[Symbol.dispose]();
    },
  };
}

/** Watches in lines: JSON of all that changes, or text of what is new. */
export function createLineWatcher(
  format: "json" | "text",
  { out, err }: { out(line: string): void; err(line: string): void },
): Watcher {
  const told = new Map<string, { name: string; news: string }>();
  let connection: ServerView["connection"]["kind"] = "connecting";
  function tell(status: Status): void {
    if (format === "json") return out(JSON.stringify(status));
    const { id, process_status: state, size, downloaded, error } = status;
    const tenth = size ? Math.floor(downloaded / size * 10) : 0;
    const news = `${state} ${tenth} ${error?.message}`;
    if (told.get(id)?.news === news) return;
    told.set(id, { name: nameOf(status), news });
    out(renderLine(status));
  }
  function tellRemoved(id: string): void {
    if (format === "json") return out(JSON.stringify({ id, removed: true }));
    const { name } = told.get(id) ?? { name: printable(id) };
    told.delete(id);
    out(`${name}: removed`);
  }
  return {
    show(view, news) {
      const { kind } = view.connection;
      if (kind !== connection) {
        connection = kind;
        if (view.connection.kind === "lost") {
          err(`sluice: ${view.connection.reason} Trying again…`);
        } else err(`sluice: connected to ${view.server}`);
      }
      news?.changed.forEach(tell);
      news?.removed.forEach(tellRemoved);
    },
    [Symbol.dispose]() {},
  };
}
