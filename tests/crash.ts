/**
 * Kills the real server at random instants, again and again, while downloads of
 * all kinds run, and looks each time at what is left:
 *
 * - no file called Downloaded has a wrong byte;
 * - no download that was acknowledged is lost;
 * - nothing that was recorded as done is asked for again;
 * - in the end each is Downloaded exactly once, and no part is left.
 *
 * `CRASH_SEED` replays a run's plan (what is added, and when it is killed),
 * `CRASH_KILLS` says how many there are.
 */

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { walk } from "@std/fs";
import { type Run, union } from "../lib/download/ranges.ts";
import type { ServerMessage } from "../lib/server/messages.ts";
import { makeDirectory } from "./support/directory.ts";
import {
  type Behave,
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  type Origin,
  type OriginFile,
  startOrigin,
} from "./support/origin.ts";
import { random } from "./support/random.ts";
import {
  collect,
  connect,
  projectPath,
  taskArguments,
} from "./support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** What is told of a run that went well. */
export interface CrashReport {
  readonly seed: number;
  readonly kills: number;
  readonly downloads: number;
  readonly requests: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Bytes that the origin sent. */
  readonly sent: number;
  /** How often an unfinished download had something recorded at a kill. */
  readonly resumed: number;
  readonly seconds: number;
}

/** A file at the origin, and how it is asked for and served. */
interface Kind {
  readonly size: number;
  readonly facts?: Partial<OriginFile>;
  readonly behave?: Behave;
  readonly fields?: (whole: OriginFile) => Record<string, unknown>;
}

/** All kinds, of sizes that last about as long as the server lives. */
function kinds(dice: () => number): Record<string, Kind> {
  const upTo = (most: number) => Math.floor(dice() * most);
  const rate = 384 * KiB;
  return {
    ranges: { size: 3 * MiB + upTo(3 * MiB), behave: { rate } },
    "no ranges": {
      size: 200 * KiB + upTo(200 * KiB),
      behave: { ranges: "ignore", rate },
    },
    "no validator": {
      size: 200 * KiB + upTo(300 * KiB),
      facts: { etag: null },
      behave: { rate },
    },
    "no length": {
      size: upTo(300 * KiB),
      behave: { ranges: "ignore", framing: "chunked", rate },
    },
    small: { size: upTo(20 * KiB) },
    empty: { size: 0 },
    sha256: {
      size: 1 * MiB + upTo(2 * MiB),
      behave: { rate },
      fields: (whole) => ({
        sha256: createHash("sha256").update(bytesOf(whole)).digest("hex"),
      }),
    },
    slow: { size: upTo(512 * KiB), behave: { rate: 128 * KiB } },
    failing: {
      size: 512 * KiB + upTo(1024 * KiB),
      behave: ({ n }) => ({ rate, ...FAULTS[n % FAULTS.length] }),
    },
    "one name": {
      size: upTo(600 * KiB),
      behave: { rate },
      fields: () => ({ filename: "one name.bin" }),
    },
    "one name in a directory": {
      size: upTo(600 * KiB),
      behave: { rate },
      fields: () => ({ filename: "one name.bin", directory: "a/b" }),
    },
  };
}

/** One answer in three goes wrong, but for the same file. */
const FAULTS: readonly Behaviour[] = [
  {},
  { status: 500 },
  {},
  {},
  { cut: { after: 50_000, by: "reset" } },
  {},
  { cut: { after: 100_000, by: "fin" } },
  {},
  {},
];

interface Wanted {
  readonly kind: string;
  readonly url: string;
  readonly fields: Record<string, unknown>;
  readonly whole: OriginFile;
  /** Whether its id has come back, or it was in the state: never to be lost. */
  acknowledged: boolean;
}

/** A download as the state has it after a kill. */
interface Row {
  readonly id: string;
  readonly url: string;
  readonly state: string;
  /** The path of the finished file; null if it is not finished. */
  readonly path: string | null;
  readonly runs: readonly Run[];
}

/**
 * Runs the test.
 *
 * @param options `directory` is an empty content directory; by default, one is
 * made and removed again.
 * @throws at the first thing that is not as it must be, naming the seed.
 */
export async function crash(
  { kills, seed, tell, ...options }: {
    readonly kills: number;
    readonly seed: number;
    readonly tell: (line: string) => void;
    readonly directory?: string;
  },
): Promise<CrashReport> {
  const started = performance.now();
  await using temporary = await makeDirectory();
  const { directory = temporary.path } = options;
  try {
    await using origin = await startOrigin();
    const dice = random(seed);
    const wanted = new Map<string, Wanted>();
    let rows: Row[] = [];
    let resumed = 0;
    let invented = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const asked = origin.requests.length;
      const instant = planKill(dice);
      const count = 1 + Math.floor(dice() * 4);
      const news = Array.from(
        { length: count },
        () => invent(origin, dice, ++invented),
      );
      await live(directory, instant, news, wanted);
      refuseRefetching(origin, asked, rows);
      rows = await readState(directory);
      await check(rows, wanted);
      const open = rows.filter(({ path }) => path === null);
      resumed += open.filter(({ runs }) => runs.length > 0).length;
      if (kill % 10 > 0) continue;
      tell(
        `${kill} kills: ${rows.length - open.length} downloads of ` +
          `${rows.length} finished, ${Math.round(origin.sent / MiB)} MiB sent`,
      );
    }
    const asked = origin.requests.length;
    await lastLife(directory);
    refuseRefetching(origin, asked, rows);
    rows = await readState(directory);
    await check(rows, wanted);
    await checkEnd(directory, rows);
    const sizes = rows.map(({ url }) => wanted.get(url)?.whole.size ?? 0);
    return {
      seed,
      kills,
      downloads: rows.length,
      requests: origin.requests.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      sent: origin.sent,
      resumed,
      seconds: Math.round((performance.now() - started) / 1000),
    };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`CRASH_SEED=${seed}: ${what}`, { cause: error });
  }
}

function invent(origin: Origin, dice: () => number, n: number): Wanted {
  const all = Object.entries(kinds(dice));
  const [kind, { size, facts, behave, fields }] = pick(all, dice());
  const whole = file(size, Math.floor(dice() * 2 ** 20), facts);
  return {
    kind,
    url: origin.serve(`/${n}.bin`, whole, behave),
    fields: fields?.(whole) ?? {},
    whole,
    acknowledged: false,
  };
}

function pick<T>(all: readonly T[], chance: number): T {
  return all[Math.floor(chance * all.length)] as T;
}

/** When a server is killed. Times are in milliseconds. */
type Instant =
  /** So long after it was spawned. */
  | { readonly kind: "starting"; readonly after: number }
  /** So long after it has begun to listen. */
  | { readonly kind: "running"; readonly after: number }
  /** So long after it has logged an event for the n-th time. */
  | {
    readonly kind: "at";
    readonly event: string;
    readonly nth: number;
    readonly after: number;
  };

/** A life is no longer, if what it is to end with does not come. */
const LONGEST_LIFE = 2_500;

/** Half of all kills are aimed at what is over quickly. */
function planKill(dice: () => number): Instant {
  const kind = dice();
  const after = dice();
  const nth = 1 + Math.floor(dice() * 3);
  if (kind < 0.1) return { kind: "starting", after: after * 400 };
  if (kind < 0.5) return { kind: "running", after: after * LONGEST_LIFE };
  const event = kind < 0.6
    ? "verified"
    : kind < 0.8
    ? "answered"
    : "downloaded";
  return { kind: "at", event, nth, after: after * 60 };
}

interface Server {
  /** Where it listens; null if it ended before. */
  readonly listening: Promise<string | null>;
  readonly ended: Promise<Deno.CommandStatus>;
  /** Resolves when it has logged an event for the n-th time, or ended. */
  logged(event: string, nth: number): Promise<unknown>;
  output(): string;
  kill(signal: Deno.Signal): void;
}

/** Starts the server as `deno task start` does, and waits for nothing. */
function launch(directory: string, { sync }: { sync: boolean }): Server {
  const child = new Deno.Command(Deno.execPath(), {
    args: taskArguments("start", directory),
    cwd: projectPath("."),
    env: {
      CONTENT_DIRECTORY: directory,
      PORT: "0",
      LOG_FORMAT: "json",
      THREADS_AMOUNT: "12",
      WORKERS: "2",
      BYTES_AMOUNT: "256KiB",
      BROADCAST_TIMEOUT: "50",
      RETRY_WAIT: "50",
      ATTEMPTS: "1000",
      SYNC: String(sync),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  const ended = Promise.all([child.status, output.ended])
    .then(([status]) => status);
  return {
    listening: output.match(/listens on (ws:\S+)/)
      .then(([, url = ""]) => url, () => null),
    ended,
    logged: (event, nth) =>
      output.match(RegExp(`(?:"event":"${event}"[^]*?){${nth}}`))
        .catch(() => {}),
    output: output.text,
    kill(signal) {
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
    },
  };
}

/** One life of the server, from its start to its kill. */
async function live(
  directory: string,
  instant: Instant,
  news: readonly Wanted[],
  wanted: Map<string, Wanted>,
): Promise<void> {
  // The kernel outlives a kill: what was not forced to disk is there, too.
  const server = launch(directory, { sync: wanted.size % 2 === 0 });
  const killed = killAt(server, instant);
  const url = await server.listening;
  if (url !== null) await addAll(url, news, wanted);
  await killed;
  const { signal, code } = await server.ended;
  if (signal !== "SIGKILL" || /unexpected error/.test(server.output())) {
    throw new Error(`The server ended (${code}): ${server.output()}`);
  }
}

async function killAt(server: Server, instant: Instant): Promise<void> {
  if (instant.kind === "running") await server.listening;
  if (instant.kind === "at") {
    const longest = server.listening
      .then(() => unlessEnded(server, LONGEST_LIFE));
    await Promise.race([server.logged(instant.event, instant.nth), longest]);
  }
  await unlessEnded(server, instant.after);
  server.kill("SIGKILL");
}

/** Resolves after so many milliseconds, or as soon as the server has ended. */
async function unlessEnded(
  { ended }: Server,
  milliseconds: number,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, milliseconds);
  await Promise.race([over.promise, ended]);
  clearTimeout(timer);
}

/** Adds downloads; that the server dies meanwhile is to be expected. */
async function addAll(
  url: string,
  news: readonly Wanted[],
  wanted: Map<string, Wanted>,
): Promise<void> {
  try {
    await using client = await connect(url);
    for (const one of news) {
      wanted.set(one.url, one);
      await client.add({ url: one.url, ...one.fields });
      one.acknowledged = true;
    }
  } catch {
    // What was not acknowledged may be lost, or not.
  }
}

/** The last life: it goes on by itself until nothing is left to do. */
async function lastLife(directory: string): Promise<void> {
  const server = launch(directory, { sync: true });
  try {
    const url = await server.listening;
    if (url === null) throw new Error(`It did not start: ${server.output()}`);
    await using client = await connect(url);
    const isOver = (message: ServerMessage) =>
      "totals" in message && message.totals !== undefined &&
      message.totals.Queued + message.totals.Downloading === 0;
    if (!client.messages.some(isOver)) await client.message(isOver);
    server.kill("SIGTERM");
    const { code } = await server.ended;
    if (code !== 0) {
      throw new Error(`It ended with ${code}: ${server.output()}`);
    }
  } finally {
    server.kill("SIGKILL");
    await server.ended;
  }
}

/** Reads the state of a server that is dead, and leaves it as it is. */
async function readState(directory: string): Promise<Row[]> {
  await using temporary = await makeDirectory();
  const copy = temporary.path;
  for (const name of ["state.db", "state.db-wal"]) {
    try {
      Deno.copyFileSync(`${directory}/.sluice/${name}`, `${copy}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const db = new DatabaseSync(`${copy}/state.db`);
  try {
    const made = db.prepare("SELECT 1 FROM sqlite_master LIMIT 1").get();
    if (!made) return [];
    const runs = db.prepare("SELECT start, end, crc FROM runs WHERE id = ?");
    const all = db.prepare(
      `SELECT id, request ->> 'url' AS url, state,
         CASE state WHEN 'Downloaded' THEN detail ->> 'path' END AS path
       FROM downloads`,
    ).all() as unknown as Omit<Row, "runs">[];
    return all.map((row) => ({
      ...row,
      path: row.path === null ? null : `${directory}/${row.path}`,
      runs: runs.all(row.id) as unknown as Run[],
    }));
  } finally {
    db.close();
  }
}

/** What was recorded as done must not be asked for in the life after. */
function refuseRefetching(
  { requests, url }: Origin,
  from: number,
  rows: readonly Row[],
): void {
  const known = new Map(rows.map((row) => [row.url, row]));
  for (const { path, range } of requests.slice(from)) {
    const row = known.get(url(path));
    if (row === undefined) continue;
    const { start, end } = range ?? { start: 0, end: Infinity };
    const again = union(row.runs)
      .some((done) => start < done.end && done.start < end);
    if (row.path === null && !again) continue;
    throw new Error(
      `Fetched again: ${start}-${end} of ${JSON.stringify(row)}`,
    );
  }
}

/** Nothing acknowledged is lost, and nothing Downloaded is wrong. */
async function check(
  rows: readonly Row[],
  wanted: ReadonlyMap<string, Wanted>,
): Promise<void> {
  for (const { url, acknowledged } of wanted.values()) {
    const count = rows.filter((row) => row.url === url).length;
    if (count > 1 || count === 0 && acknowledged) {
      throw new Error(`${url} is there ${count} times`);
    }
  }
  for (const { url, state, path } of rows) {
    const known = wanted.get(url);
    const { whole, kind } = known ?? {};
    // What was there once must not be lost either.
    if (known) known.acknowledged = true;
    if (whole === undefined || !["Queued", "Downloaded"].includes(state)) {
      throw new Error(`${url} (${kind}) is ${state}`);
    }
    const at = path === null ? null : await firstDifference(path, whole);
    if (at === null) continue;
    throw new Error(`${path} (${kind}) is wrong at byte ${at}`);
  }
}

/** Each is there exactly once, and nothing else is. */
async function checkEnd(
  directory: string,
  rows: readonly Row[],
): Promise<void> {
  const paths = rows.map(({ path }) => path ?? "nothing").sort();
  const skip = [RegExp(`^${directory}/\\.sluice`)];
  const entries = walk(directory, { includeDirs: false, skip });
  const there = (await Array.fromAsync(entries)).map(({ path }) => path).sort();
  const parts = await Array.fromAsync(
    Deno.readDir(`${directory}/.sluice/parts`),
  );
  const odd = new Set(paths).symmetricDifference(new Set(there));
  if (odd.size === 0 && paths.length === there.length && parts.length === 0) {
    return;
  }
  throw new Error(
    `Files or downloads without the other: ${[...odd].join(", ")}; ` +
      `parts left: ${parts.map(({ name }) => name).join(", ")}`,
  );
}

if (import.meta.main) {
  const kills = Number(Deno.env.get("CRASH_KILLS") || 100);
  const seed = Number(Deno.env.get("CRASH_SEED") || Date.now() % 2 ** 31);
  console.log(`CRASH_SEED=${seed} CRASH_KILLS=${kills}`);
  const tell = console.log;
  if (Deno.args.includes("--cluster")) {
    const { crashCluster } = await import("./crash_cluster.ts");
    for (const storage of ["shared", "local"] as const) {
      const faults = Math.ceil(kills / 2);
      tell(await crashCluster({ faults, seed, storage, tell }));
    }
  } else {
    tell(await crash({ kills, seed, tell }));
  }
}
