/** A live view of a server's downloads. */

import { setTimeout as delay } from "node:timers/promises";
import { aborted } from "../base/signals.ts";
import { every } from "../base/timers.ts";
import { DownloadError } from "../download/errors.ts";
import type { ServerMessage } from "../server/protocol.ts";
import type { Status, Totals } from "../status/status.ts";
import { connect, type ServerAddress } from "./client.ts";
import { formatBytes } from "./terminal/format.ts";
import {
  renderDownloads,
  renderLine,
  type ViewSize,
} from "./terminal/render.ts";
import { openFullScreen, type Terminal } from "./terminal/screen.ts";
import { clip } from "./terminal/width.ts";

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

/** The view after a message. Pure. */
export function heard(view: ServerView, message: ServerMessage): ServerView {
  if (!("data" in message) || !Array.isArray(message.data)) return view;
  const { data, totals, removed = [], snapshot } = message as {
    data: readonly Status[];
    totals?: Totals;
    removed?: readonly string[];
    snapshot?: true;
  };
  const downloads = new Map(snapshot ? [] : view.downloads);
  for (const status of data) downloads.set(status.id, status);
  for (const id of removed) downloads.delete(id);
  return {
    ...view,
    connection: { kind: "connected" },
    totals: totals ?? view.totals,
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
  const head = [
    server,
    counts.length > 0 ? counts.join(", ") : "no downloads",
    ...(speed > 0 ? [`${formatBytes(speed)}/s`] : []),
  ].join("  ");
  const words = {
    connecting: "connecting…",
    connected: "q quits",
    lost: `NOT CONNECTED: ${
      connection.kind === "lost" ? connection.reason : ""
    } Trying again…`,
  };
  const { width, height } = size;
  const known = Object.values(totals ?? {})
    .reduce((sum, count) => sum + count, 0);
  const lines = renderDownloads(
    all,
    { width, height: height - 3 },
    Math.max(0, known - all.length),
  );
  return [
    clip(head, width),
    "",
    ...lines,
    ...Array(Math.max(0, height - 3 - lines.length)).fill(""),
    clip(words[connection.kind], width),
  ];
}

/** Shows what a watch hears. */
export interface Watcher extends Disposable {
  show(view: ServerView, changed: readonly Status[]): void;
}

/**
 * Watches a server until `stop`, through its restarts.
 *
 * @throws {DownloadError} REFUSED if there was no server at first.
 */
export async function watch(
  server: ServerAddress,
  watcher: Watcher,
  stop: AbortSignal,
): Promise<void> {
  const { protocol, host } = new URL(server.url);
  const stopped = aborted(stop);
  let view: ServerView = {
    server: `${protocol}//${host}/`,
    connection: { kind: "connecting" },
    totals: null,
    downloads: new Map(),
  };
  watcher.show(view, []);
  let wait = SOONEST;
  let met = false;
  while (!stop.aborted) {
    let reason = "The server went away.";
    try {
      using client = await connect(server, (message) => {
        view = heard(view, message);
        const data = "data" in message ? message.data : [];
        watcher.show(view, Array.isArray(data) ? data : []);
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
      await Promise.race([client.closed, stopped, lost.promise]);
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof DownloadError) || !met) throw error;
      reason = error.message;
    }
    if (stop.aborted) return;
    view = { ...view, connection: { kind: "lost", reason } };
    watcher.show(view, []);
    await delay(wait, null, { signal: stop }).catch(() => {});
    wait = Math.min(LATEST, wait * 2);
  }
}

/** Watches on the whole screen. */
export function createScreenWatcher(terminal: Terminal): Watcher {
  const screen = openFullScreen(terminal);
  const resize = terminal.onResize(draw);
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
      resize[Symbol.dispose]();
      screen[Symbol.dispose]();
    },
  };
}

/** Watches in lines: JSON of all that changes, or text of what is new. */
export function createLineWatcher(
  format: "json" | "text",
  { out, err }: { out(line: string): void; err(line: string): void },
): Watcher {
  const told = new Map<string, string>();
  let connection: ServerView["connection"]["kind"] = "connecting";
  function tell(status: Status): void {
    if (format === "json") return out(JSON.stringify(status));
    const { id, process_status: state, size, downloaded, error } = status;
    const tenth = size ? Math.floor(downloaded / size * 10) : 0;
    const news = `${state} ${tenth} ${error?.message}`;
    if (told.get(id) === news) return;
    told.set(id, news);
    out(renderLine(status));
  }
  return {
    show(view, changed) {
      const { kind } = view.connection;
      if (kind !== connection) {
        connection = kind;
        if (view.connection.kind === "lost") {
          err(`sluice: ${view.connection.reason} Trying again…`);
        } else err(`sluice: connected to ${view.server}`);
      }
      changed.forEach(tell);
    },
    [Symbol.dispose]() {},
  };
}
