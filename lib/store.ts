/** What must survive a crash: the downloads and their runs, in SQLite. */

import { openDatabase, stateError } from "./database.ts";
import {
  type Download,
  type DownloadRequest,
  type FileFacts,
  hostOf,
  type State,
} from "./download.ts";
import type { Run } from "./slices.ts";

/** What the coordinator asks of durable state. */
export interface Store extends Disposable {
  /** Adds downloads at the end of the queue. */
  add(downloads: readonly Download[]): Promise<void>;
  /** The first downloads in the queue that may be taken now. */
  next(
    except: { ids: Iterable<string>; hosts: Iterable<string> },
    limit: number,
  ): Download[];
  /** The runs recorded of a download. */
  runs(id: string): Run[];
  /** Records what is in the part file, which must be synced by then. */
  checkpoint(id: string, file: FileFacts, progress: Progress): Promise<void>;
  /** Forgets what was recorded to be in the part file. */
  forget(id: string): Promise<void>;
  /** Records where a download stands, or that it is to be done anew. */
  settle(id: string, settled: Settled): Promise<void>;
  /** Puts a download back into the queue, to be asked for so. */
  renew(id: string, request: DownloadRequest): Promise<void>;
  /** Forgets a download. */
  remove(id: string): Promise<void>;
  get(id: string): Download | null;
  /** Those of the downloads that there are, in the order of the queue. */
  getAll(ids: readonly string[]): Download[];
  list(page: Page): Download[];
  /** The first downloads that were paused because the disk was full. */
  waitingForRoom(): Download[];
  /** How many downloads a page without bounds would hold. */
  count(filter: Filter): number;
  /** How many downloads there are in each state. */
  totals(): Readonly<Record<State["kind"], number>>;
}

/** What is in a part file. */
export interface Progress {
  readonly runs: readonly Run[];
  /** Those of the runs that are not recorded yet: all others are. */
  readonly fresh: readonly Run[];
  /** How many bytes the runs hold together. */
  readonly bytes: number;
}

/** What `settle` records. */
export interface Settled {
  readonly state: State;
  readonly file: FileFacts | null;
  /** Bytes. */
  readonly downloaded: number;
  /** Milliseconds since the epoch; null unless it is finished or failed. */
  readonly finishedAt: number | null;
}

/** Some of all downloads. */
export interface Filter {
  /** Only downloads in these states. */
  readonly states: readonly State["kind"][];
  /** Only those whose URL or name holds this, in any case. */
  readonly search: string;
  /** Of those in the queue, only these or all but these; null for all. */
  readonly queued:
    | { readonly kind: "only" | "except"; readonly ids: readonly string[] }
    | null;
}

/** A page of some of all downloads. */
export interface Page extends Filter {
  readonly offset: number;
  readonly limit: number;
  /** In which order: as the queue goes, or the latest added first. */
  readonly order: "oldest" | "latest";
}

/** Between transactions, writes are gathered for so long, in milliseconds ... */
const GATHER = 20;
/** ... or for so many times as long as the last one took, if that is longer. */
const GATHER_LONGER = 2;

interface Write {
  readonly run: () => void;
  readonly waiting: PromiseWithResolvers<void>;
}

/**
 * Opens the state at `path`, and makes it if there is none.
 *
 * A write's promise is settled once it is on disk, or could not be put there.
 * What is read are the writes that are.
 *
 * @param sync Whether a write counts as on disk only once it outlives a loss
 * of power; otherwise, it outlives the process.
 * @throws {DownloadError} STATE if the file is damaged or of another version.
 */
export function openStore(path: string, { sync }: { sync: boolean }): Store {
  const { db, sql } = openDatabase(path, sync);
  const writes: Write[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the next transaction may begin. */
  let due = -Infinity;
  /** Null if they are to be counted, which takes long in a long queue. */
  let totals: Record<State["kind"], number> | null = null;

  /** Keeps the totals right; before a download gets its new state, if any. */
  function count(id: string, to: State["kind"] | null): void {
    if (totals === null) return;
    const from = sql.state.get(id)?.state as State["kind"] | undefined;
    if (from === undefined) return;
    totals[from]--;
    if (to !== null) totals[to]++;
  }

  function write(run: () => void): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    writes.push({ run, waiting });
    timer ??= setTimeout(flush, Math.max(0, due - performance.now()));
    return waiting.promise;
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = writes.splice(0);
    if (batch.length === 0) return;
    const start = performance.now();
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const { run } of batch) run();
      db.exec("COMMIT");
      for (const { waiting } of batch) waiting.resolve();
    } catch (error) {
      totals = null;
      if (db.isTransaction) db.exec("ROLLBACK");
      const failure = stateError(error);
      for (const { waiting } of batch) waiting.reject(failure);
    }
    const now = performance.now();
    due = now + Math.max(GATHER, GATHER_LONGER * (now - start));
  }

  return {
    add: (downloads) =>
      write(() => {
        for (const download of downloads) {
          sql.add.run(...rowOf(download));
          if (totals !== null) totals[download.state.kind]++;
        }
      }),
    next({ ids, hosts }, limit) {
      const lists = [[...ids], [...hosts]].map((list) => JSON.stringify(list));
      const rows = sql.next.all(...lists, limit);
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    runs: (id) => sql.runs.all(id) as unknown as Run[],
    checkpoint: (id, file, { fresh, bytes }) =>
      write(() => {
        sql.facts.run(JSON.stringify(file), bytes, id);
        for (const { start, end, crc } of fresh) {
          sql.record.run(id, start, end, crc);
        }
      }),
    forget: (id) =>
      write(() => {
        sql.forget.run(id);
      }),
    settle: (id, { state, file, downloaded, finishedAt }) =>
      write(() => {
        const { kind, ...detail } = state;
        const facts = file && JSON.stringify(file);
        const rest = [JSON.stringify(detail), facts, downloaded, finishedAt];
        count(id, kind);
        sql.settle.run(kind, ...rest, id);
        if (kind === "Downloaded" || downloaded === 0) sql.forget.run(id);
      }),
    renew: (id, request) =>
      write(() => {
        count(id, "Queued");
        sql.renew.run(hostOf(request), JSON.stringify(request), id);
      }),
    remove: (id) =>
      write(() => {
        count(id, null);
        sql.remove.run(id);
        sql.forget.run(id);
      }),
    get(id) {
      const row = sql.get.get(id);
      return row ? downloadOf(row as unknown as Row) : null;
    },
    getAll(ids) {
      const rows = sql.getAll.all(JSON.stringify(ids));
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    list({ offset, limit, order, ...filter }) {
      const rows = sql[order].all(...valuesOf(filter), limit, offset);
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    waitingForRoom() {
      const rows = sql.waitingForRoom.all();
      return rows.map((row) => downloadOf(row as unknown as Row));
    },
    count: (filter) => Number(sql.count.get(...valuesOf(filter))?.count),
    totals() {
      if (totals === null) {
        totals = { Queued: 0, Paused: 0, Downloaded: 0, Failed: 0 };
        for (const { state, count } of sql.totals.all()) {
          totals[state as State["kind"]] = Number(count);
        }
      }
      return { ...totals };
    },
    [Symbol.dispose]() {
      flush();
      db.close();
    },
  };
}

/** A filter, as the statements take it. */
function valuesOf({ states, search, queued }: Filter): (string | null)[] {
  const { kind = null, ids = [] } = queued ?? {};
  return [JSON.stringify(states), search, kind, JSON.stringify(ids)];
}

interface Row {
  readonly id: string;
  readonly request: string;
  readonly state: State["kind"];
  readonly detail: string;
  readonly file: string | null;
  readonly downloaded: number;
  readonly added_at: number;
  readonly finished_at: number | null;
}

function downloadOf(row: Row): Download {
  return {
    id: row.id,
    request: JSON.parse(row.request),
    state: { kind: row.state, ...JSON.parse(row.detail) },
    file: row.file === null ? null : JSON.parse(row.file),
    downloaded: row.downloaded,
    addedAt: row.added_at,
    finishedAt: row.finished_at,
  };
}

function rowOf(download: Download): (string | number | null)[] {
  const { id, request, state: { kind, ...detail } } = download;
  const { file, downloaded, addedAt, finishedAt } = download;
  return [
    id,
    hostOf(request),
    JSON.stringify(request),
    kind,
    JSON.stringify(detail),
    file && JSON.stringify(file),
    downloaded,
    addedAt,
    finishedAt,
  ];
}
