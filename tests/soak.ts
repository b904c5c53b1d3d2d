/**
 * Pushes many downloads through origins that fail one answer in five, in every
 * way they know, and looks whether the server gets tired: all files must come
 * right, its memory stay flat, and no handle be left open.
 *
 * `SOAK_DOWNLOADS` says how many, `SOAK_SEED` replays which.
 */

import type { Status } from "../lib/status/status.ts";
import { type Held, heldBy } from "./support/held.ts";
import { random } from "./support/random.ts";
import {
  type Behaviour,
  file,
  firstDifference,
  forever,
  type Origin,
  type OriginFile,
  type OriginRequest,
  redirect,
  startOrigin,
} from "./support/origin.ts";
import { type Client, type Sluice, startSluice } from "./support/sluice.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** One answer in so many is wrong. */
const ONE_IN = 5;
/** Downloads before the first look at the server: its workers are up then. */
const WARM_UP = 20;
/** Each has a socket of its own, which its event loop hears of signals by. */
const WORKERS = 3;
/** Memory may grow by this factor from half-way to the end. */
const FLAT = 1.3;
/** Downloads that wait in the server at once. */
const AT_ONCE = 48;
/** An origin that fails gets fewer connections: several keep all busy. */
const ORIGINS = 8;

/** What a server holds at a moment of the soak. */
export interface Look extends Held {
  /** Connections that the origins and the test itself know of. */
  readonly expected: number;
}

/** What is told of a soak that went well. */
export interface SoakReport {
  readonly seed: number;
  readonly downloads: number;
  readonly bytes: number;
  readonly requests: number;
  /** How many answers were wrong, by what was wrong with them. */
  readonly faults: Readonly<Record<string, number>>;
  /** How many downloads a client had to tell to try again. */
  readonly retried: number;
  readonly start: Look;
  readonly halfway: Look;
  readonly end: Look;
  readonly seconds: number;
}

/** Wrong answers to any request. What they cost differs; the file does not. */
const FAULTS: Readonly<Record<string, Behaviour>> = {
  "500": { status: 500 },
  "503": { status: 503 },
  "429": { status: 429, headers: { "Retry-After": "0" } },
  "404": { status: 404 },
  "403": { status: 403 },
  "418": { status: 418 },
  "error page": {
    status: 502,
    body: "<html>Bad gateway</html>",
    headers: { "Content-Type": "text/html" },
  },
  "page for a file": {
    body: "<html>Log in</html>",
    headers: { "Content-Type": "text/html" },
  },
  "not HTTP": { raw: "SSH-2.0-OpenSSH_9.2\r\n" },
  "no answer": { raw: "" },
  "reset at once": { raw: "", cut: { after: 0, by: "reset" } },
  "half a head": { raw: "HTTP/1.1 200 OK\r\nContent-Le" },
  "cut by fin": { cut: { after: 10_000, by: "fin" } },
  "cut by reset": { cut: { after: 100_000, by: "reset" } },
  "broken chunk": {
    framing: "chunked",
    cut: { after: 50_000, by: "broken chunk" },
  },
  "chunked and cut": { framing: "chunked", cut: { after: 50_000, by: "fin" } },
  "stall before the head": { gates: { head: forever } },
  "stall before the body": { gates: { 0: forever } },
  "stall in the middle": { gates: { 20_000: forever } },
  "gzip": { encoding: "gzip" },
  "slow": { rate: 512 * KiB },
  "HTTP/1.0": { version: "HTTP/1.0" },
  "closes": { connection: "close" },
  "drops": { connection: "drop" },
  "odd spelling": { spelling: (name) => name.toUpperCase() },
  "no ranges": { ranges: "ignore" },
  "no ranges, no length": { ranges: "ignore", framing: "chunked" },
};

/** Wrong answers to a slice: beside another one, they can be told. */
const SLICE_FAULTS: Readonly<Record<string, Behaviour>> = {
  "too long": { surplus: 1000 },
  "too long, chunked": { surplus: 1000, framing: "chunked" },
  "too long, to the end": { surplus: 1000, framing: "close" },
  "too short": { surplus: -1, framing: "chunked" },
  "another slice": { slice: { start: 1, end: 1000 } },
  "no Content-Range": { headers: { "Content-Range": null } },
  "two Content-Ranges": {
    headers: { "Content-Range": ["bytes 0-9/100", "bytes 0-9/100"] },
  },
  "other total": { headers: { "Content-Range": "bytes 0-0/1" } },
  "ended by closing": {
    framing: "close",
    cut: { after: 30_000, by: "fin" },
  },
};

/** Wrong answers to a later slice: the first one is what counts. */
const LATER_FAULTS: Readonly<Record<string, Behaviour>> = {
  "other version": { file: file(100_000, 99) },
  "weak validator": { headers: { ETag: 'W/"1"' } },
  "no validator": { headers: { ETag: null } },
};

/**
 * Runs the soak.
 *
 * @throws at the first thing that is not as it must be, naming the seed.
 */
export async function soak(
  { downloads, seed, tell }: {
    readonly downloads: number;
    readonly seed: number;
    readonly tell: (line: string) => void;
  },
): Promise<SoakReport> {
  const started = performance.now();
  const origins: Origin[] = [];
  try {
    for (let n = 0; n < ORIGINS; n++) origins.push(await startOrigin());
    await using sluice = await startSluice({
      environment: {
        LOG_FORMAT: "json",
        WORKERS: String(WORKERS),
        BYTES_AMOUNT: "512KiB",
        BROADCAST_TIMEOUT: "50",
        STALL_TIMEOUT: "500",
        ANSWER_TIMEOUT: "500",
        RETRY_WAIT: "10",
        ATTEMPTS: "100",
      },
    });
    await using client = await sluice.connect();
    const dice = random(seed);
    const faults = countFaults(random(seed + 1));
    let bytes = 0;
    let retried = 0;

    const push = async (n: number): Promise<void> => {
      const size = Math.floor(dice() ** 2 * 4 * MiB);
      const whole = file(size, Math.floor(dice() * 2 ** 20));
      const origin = origins[n % ORIGINS] as Origin;
      const url = origin.serve(`/${n}.bin`, whole, faults.next);
      const id = await client.add({ url });
      for (;;) {
        const status = await client.end(id);
        if (status.process_status === "Downloaded") {
          await takeOut(status, whole);
          bytes += size;
          return;
        }
        refuseUnlessFair(status);
        retried++;
        await retry(client, status);
      }
    };

    const before = await heldBy(sluice);
    const expected = () => before.sockets + WORKERS + openAt(origins);
    const marks = [WARM_UP, Math.ceil(downloads / 2), downloads];
    const looks: Look[] = [];
    let pushed = 0;
    for (const mark of marks) {
      await inTurns(AT_ONCE, mark - pushed, (n) => push(pushed + n));
      pushed = mark;
      const look = await lookAtRest(sluice, expected);
      looks.push(look);
      tell(`${mark} downloads: ${JSON.stringify(look)}`);
    }
    const [start, halfway, end] = looks as [Look, Look, Look];
    refuseLeaks(start, halfway, end);
    if (/unexpected error/.test(sluice.output())) {
      throw new Error(`The server was surprised: ${sluice.output()}`);
    }
    return {
      seed,
      downloads,
      bytes,
      requests: origins.reduce((sum, { requests }) => sum + requests.length, 0),
      faults: faults.counts,
      retried,
      start,
      halfway,
      end,
      seconds: Math.round((performance.now() - started) / 1000),
    };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`SOAK_SEED=${seed}: ${what}`, { cause: error });
  } finally {
    for (const origin of origins) await origin[Symbol.asyncDispose]();
  }
}

/** Does something `count` times, `width` of them at once. */
async function inTurns(
  width: number,
  count: number,
  action: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function work() {
    while (next < count) await action(next++);
  }
  await Promise.all(Array.from({ length: width }, work));
}

interface Faults {
  readonly counts: Record<string, number>;
  next(request: OriginRequest): Behaviour;
}

/** One answer in five is wrong, each time in the next way that is possible. */
function countFaults(dice: () => number): Faults {
  const counts: Record<string, number> = {};
  let turn = 0;
  function next({ range, path }: OriginRequest): Behaviour {
    if (dice() >= 1 / ONE_IN) return {};
    const all = Object.entries({
      ...FAULTS,
      "redirect": redirect(`${path}?again`),
      ...(range && SLICE_FAULTS),
      ...(range && range.start > 0 && LATER_FAULTS),
    });
    const [what, behaviour] = all[turn++ % all.length] ?? ["none", {}];
    counts[what] = (counts[what] ?? 0) + 1;
    return behaviour;
  }
  return { counts, next };
}

/** Looks at a finished file, and takes it away: disks are small. */
async function takeOut(
  { path_to_file, id }: Status,
  whole: OriginFile,
): Promise<void> {
  const path = new URL(path_to_file ?? "");
  const at = await firstDifference(path, whole);
  if (at !== null) throw new Error(`${path} (${id}) is wrong at byte ${at}`);
  await Deno.remove(path);
}

/** What a client has to decide: to the server it looks meant for good. */
const FOR_CLIENTS = [
  "EXPIRED",
  "ORIGIN_STATUS",
  "ENCODED",
  "WEB_PAGE",
  "NO_RANGES",
  "WRONG_RANGE",
  "UNREADABLE",
  "CHANGED",
];

function refuseUnlessFair({ process_status, error, url }: Status): void {
  if (process_status === "Failed" && FOR_CLIENTS.includes(error?.code ?? "")) {
    return;
  }
  throw new Error(`${url} is ${process_status}: ${JSON.stringify(error)}`);
}

/** Resolves once the client has been told how it stands since. */
async function retry(client: Client, { id }: Status): Promise<void> {
  const reply = await client.request({ action: "retry", id });
  if ("error" in reply) throw new Error(reply.error.message);
  await client.message((message) =>
    "data" in message && Array.isArray(message.data) &&
    message.data.some((status) => status.id === id)
  );
}

function openAt(origins: readonly Origin[]): number {
  return origins.reduce((sum, { open }) => sum + open, 0);
}

/** Looks until connections that have ended are noticed, but not for ever. */
async function lookAtRest(
  sluice: Sluice,
  expected: () => number,
): Promise<Look> {
  for (let looks = 1;; looks++) {
    const look = { ...await heldBy(sluice), expected: expected() };
    if (look.sockets <= look.expected || looks === MOST_LOOKS) return look;
    const again = Promise.withResolvers<void>();
    setTimeout(again.resolve, LOOK_EVERY);
    await again.promise;
  }
}

function refuseLeaks(start: Look, halfway: Look, end: Look): void {
  const parts = end.files.filter((path) => path.includes("parts/"));
  const leaks = [
    parts.length > 0 && `parts are open: ${parts.join(", ")}`,
    end.sockets > end.expected &&
    `${end.sockets} connections are open, not ${end.expected}`,
    end.others > start.others &&
    `${end.others} other handles are open, not ${start.others}`,
    end.rss > halfway.rss * FLAT &&
    `memory grew from ${halfway.rss} to ${end.rss} MiB`,
  ].filter((leak) => leak !== false);
  if (leaks.length > 0) throw new Error(leaks.join("; "));
}

const MOST_LOOKS = 50;
/** Milliseconds. */
const LOOK_EVERY = 100;

if (import.meta.main) {
  const seed = Number(Deno.env.get("SOAK_SEED") || Date.now() % 2 ** 31);
  const tell = console.log;
  if (Deno.args.includes("--cluster")) {
    const { soakCluster } = await import("./soak_cluster.ts");
    const minutes = Number(Deno.env.get("SOAK_MINUTES") || 60);
    tell(`SOAK_SEED=${seed} SOAK_MINUTES=${minutes}`);
    for (const storage of ["shared", "local"] as const) {
      tell(await soakCluster({ minutes: minutes / 2, seed, storage, tell }));
    }
  } else {
    const downloads = Number(Deno.env.get("SOAK_DOWNLOADS") || 2000);
    tell(`SOAK_SEED=${seed} SOAK_DOWNLOADS=${downloads}`);
    tell(await soak({ downloads, seed, tell }));
  }
}
