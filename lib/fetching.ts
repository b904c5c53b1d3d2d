/**
 * Fetches what is added to a queue, and tells how it stands: what a server and
 * `get` have in common.
 */

import { every } from "./base/timers.ts";
import { type Additions, createAdditions } from "./commands/additions.ts";
import { createTeller, type Tell, type Teller } from "./download/events.ts";
import type { Share } from "./engine/common.ts";
import {
  createEngine,
  type Engine,
  type EngineOptions,
} from "./engine/engine.ts";
import { type DiskRoom, watchDiskRoom } from "./files/disk_room.ts";
import type { DownloadParts } from "./files/parts.ts";
import { createFigures, type Figures } from "./status/figures.ts";
import {
  createOverview,
  type Elsewhere,
  type Overview,
} from "./status/overview.ts";
import type { Changes } from "./status/status.ts";
import type { Catalogue } from "./store/catalogue.ts";
import type { PartRecords } from "./store/part_records.ts";
import type { Queue } from "./store/queue.ts";

/** Settings of fetching. */
export interface FetchingOptions extends EngineOptions {
  /** How often changes are told, in milliseconds. */
  readonly broadcastTimeout: number;
  /** How many downloads may wait in the queue. */
  readonly queueLength: number;
  /** Bytes to be left free on the content directory's disk. */
  readonly minFreeSpace: number;
}

/** What downloads are fetched with. */
export interface FetchingTools {
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly records: PartRecords;
  readonly parts: DownloadParts;
  /** Hears everything that happens, at once. */
  readonly hear: Tell;
  /** Hears, every `broadcastTimeout`, what has changed since the last time. */
  broadcast(changes: Changes): void;
  /** Absent where no other server has the same queue. */
  readonly peers?: FellowFetchers | undefined;
  /** The time of day, in milliseconds since 1970; the machine's by itself. */
  readonly timeOfDay?: () => number;
}

/** The other servers that fetch what is in the same queue. */
export interface FellowFetchers extends Elsewhere, Share {
  /** Tells them how the transfers here stand. */
  tell(): void;
}

/** The downloads of a queue, as they are fetched. */
export interface Fetching extends Additions, Teller {
  readonly engine: Engine;
  readonly overview: Overview;
  readonly room: Pick<DiskRoom, "lack">;
  /** What has been done since the start. */
  readonly figures: Figures;
  /** From now on, changes are told; a first look at the disk may come before. */
  begin(): Promise<void>;
  /** Tells what has changed, now. */
  broadcastChanges(): void;
  /** Stops all threads, records how far they came, and tells it. */
  close(): Promise<void>;
}

/** Prepares to fetch downloads. */
export function createFetching(
  options: FetchingOptions,
  { hear, broadcast, timeOfDay = Date.now, ...given }: FetchingTools,
): Fetching {
  const { catalogue, parts, peers } = given;
  const { tell, listen } = createTeller();
  const { figures, hear: count } = createFigures();
  const room = watchDiskRoom(parts, options.minFreeSpace, tell);
  const tools = { ...given, tell, timeOfDay };
  const engine = createEngine(options, { ...tools, room, share: peers });
  const overview = createOverview({ catalogue, engine, elsewhere: peers });
  const { add } = createAdditions(options, { ...tools, engine });
  let telling: Disposable | undefined;

  listen(count);
  listen(overview.hear);
  listen((event) => {
    if (event.kind === "room") engine.pauseWithoutRoom();
  });
  listen(hear);

  function broadcastChanges(): void {
    peers?.tell();
    const changes = overview.take();
    if (changes !== null) broadcast(changes);
  }

  async function close(): Promise<void> {
    telling?.[Symbol.dispose]();
    room[Symbol.dispose]();
    await engine.close();
    broadcastChanges();
  }

  let closing: Promise<void> | null = null;
  return {
    ...{ engine, overview, room, figures, tell, listen, add, broadcastChanges },
    async begin() {
      if (options.begin === "prepared") await room.look();
      telling = every(options.broadcastTimeout, broadcastChanges);
    },
    close: () => closing ??= close(),
  };
}
