/** A live view of a server's downloads. */

import { aborted } from "../base/signals.ts";
import { connect } from "../client/client.ts";
import type { News, View } from "../client/view.ts";
import type { Status } from "../status/schema.ts";
import { dialing, rethrow, type ServerAddress } from "./client.ts";
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

/** What is known of a server. */
export interface ServerView extends View {
  /** Its URL without path and query, which might hold secrets. */
  readonly server: string;
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
  const bell = createBell();
  using dial = dialing(server);
  const { open, explain } = dial;
  try {
    using client = await connect(server.url, {
      ...{ token: server.token, open, explain, signal: stop },
      onChange(view, news) {
        watcher.show({ ...view, server: `${protocol}//${host}/` }, news);
        if (news !== null) bell.ring();
      },
    });
    const stopped = aborted(stop);
    if (!untilIdle) {
      await stopped;
      return 0;
    }
    const totals = () => client.view().totals;
    const idle = failuresOnceIdle(client, bell, totals);
    return await Promise.race([idle, stopped]) ?? 0;
  } catch (error) {
    if (stop.aborted) return 0;
    return rethrow(error);
  }
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
