/**
 * Downloads from origins whose answers are strange at random, through the server
 * and through `get`. Whatever the answers are:
 *
 * - what is called Downloaded is the file, or one version of it;
 * - each download comes to an end: if no origin has had anything to do for long
 *   and one has not, it hangs;
 * - what failed says so in a word about its origin, not about Sluice.
 *
 * `STORM_DOWNLOADS` says how many, `STORM_SEED` replays which. The order of the
 * requests, and with it what each gets, is the machine's.
 */

import type { Status } from "../lib/status/status.ts";
import { random } from "./support/random.ts";
import { caCertificate } from "./support/certificate.ts";
import { makeDirectory } from "./support/directory.ts";
import {
  firstDifference,
  type Origin,
  type OriginFile,
  startOrigin,
} from "./support/origin.ts";
import { startGet } from "./support/process.ts";
import { startSluice } from "./support/sluice.ts";
import { TLS } from "./support/trial.ts";
import { createWeather, ORIGIN_FAULTS, pick } from "./support/weather.ts";

/** Bytes of a slice. */
const SLICE = 64 * 1024;
/** Downloads that wait in the server, or in a `get`, at once. */
const AT_ONCE = 24;
/**
 * How long all origins may have nothing to do while a download has not ended, in
 * milliseconds: far longer than anything that the settings below wait for.
 */
const LONGEST_CALM = 30_000;
/** How often that is looked at, in milliseconds. */
const LOOK_EVERY = 500;

const SETTINGS = {
  "bytes-amount": String(SLICE),
  // A worker counts as hung that says nothing for as long, on a busy machine too.
  "stall-timeout": "2000",
  "answer-timeout": "700",
  "retry-wait": "10",
  "attempts": "4",
};

/** What is told of a storm that all downloads have come through. */
export interface StormReport {
  readonly seed: number;
  readonly downloads: number;
  readonly requests: number;
  /** How many downloads came to which end: `Downloaded`, or an error's code. */
  readonly ends: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** What is to be downloaded. */
interface Wanted {
  readonly url: string;
  /** What may come of it. */
  readonly versions: readonly OriginFile[];
  /** What was asked for and given, in words. */
  readonly answers: readonly string[];
}

/** Hears how a download has ended. */
type Judge = (wanted: Wanted, status: Status) => Promise<void>;

/** Downloads what is wanted into a directory. */
type Program = (
  wanted: readonly Wanted[],
  directory: string,
  judge: Judge,
) => Promise<void>;

/**
 * Runs the storm: one half of the downloads through the server, the other one
 * through `get`.
 *
 * @throws at the first thing that is not as it must be, naming the seed.
 */
export async function storm(
  { downloads, seed, tell }: {
    readonly downloads: number;
    readonly seed: number;
    readonly tell: (line: string) => void;
  },
): Promise<StormReport> {
  const started = performance.now();
  const ends: Record<string, number> = {};
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await makeDirectory());
  const limit = { connections: 4, further: "reset" } as const;
  const origins = [
    stack.use(await startOrigin()),
    stack.use(await startOrigin(TLS)),
    stack.use(await startOrigin({ limit })),
  ];
  const dice = random(seed);
  const all = Array.from({ length: downloads }, (_, n): Wanted => {
    const own = random(dice() * 2 ** 32);
    const { whole, versions, behave } = createWeather(own, SLICE);
    const answers: string[] = [];
    const origin = pick(dice, origins);
    const url = origin.serve(`/${n}.bin`, whole, (request) => {
      const behaviour = behave(request);
      const { path, range } = request;
      answers.push(JSON.stringify({ path, range, behaviour }).slice(0, 500));
      return behaviour;
    });
    return { url, versions, answers };
  });
  const open = new Set(all.map(({ url }) => url));
  async function judge(wanted: Wanted, status: Status): Promise<void> {
    const end = status.error?.code ?? status.process_status;
    ends[end] = (ends[end] ?? 0) + 1;
    open.delete(wanted.url);
    try {
      await refuseUnlessRight(wanted, status);
    } catch (error) {
      const { versions: [whole], answers } = wanted;
      tell([JSON.stringify(whole), ...answers].join("\n"));
      throw error;
    }
  }
  try {
    using calm = watchForCalm(origins, open);
    const half = Math.ceil(downloads / 2);
    const programs: [Program, Wanted[]][] = [
      [throughServer, all.slice(0, half)],
      [throughGet, all.slice(half)],
    ];
    for (const [program, wanted] of programs) {
      const done = program(wanted, directory.path, judge);
      await Promise.race([done, calm.noticed]);
      tell(`${program.name}: ${JSON.stringify(ends)}`);
    }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`STORM_SEED=${seed}: ${what}`, { cause: error });
  }
  return {
    seed,
    downloads,
    requests: origins.reduce((sum, { requests }) => sum + requests.length, 0),
    ends,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

async function throughServer(
  wanted: readonly Wanted[],
  directory: string,
  judge: Judge,
): Promise<void> {
  const authority = `${directory}/ca.pem`;
  await Deno.writeTextFile(authority, caCertificate);
  const environment = Object.fromEntries(
    Object.entries({ ...SETTINGS, "ca-file": authority }).map((
      [flag, value],
    ) => [flag.toUpperCase().replaceAll("-", "_"), value]),
  );
  await using sluice = await startSluice({
    environment: { ...environment, LOG_FORMAT: "json" },
    deno: [`--allow-read=${authority}`],
  });
  await using client = await sluice.connect();
  const left = [...wanted];
  async function work(): Promise<void> {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      await judge(one, await client.end(await client.add({ url: one.url })));
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (/unexpected error/.test(sluice.output())) {
    throw new Error(`The server was surprised: ${sluice.output()}`);
  }
}

async function throughGet(
  wanted: readonly Wanted[],
  directory: string,
  judge: Judge,
): Promise<void> {
  const authority = `${directory}/ca.pem`;
  const flags = Object.entries({ ...SETTINGS, "ca-file": authority })
    .map(([flag, value]) => `--${flag}=${value}`);
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    const some = wanted.slice(from, from + AT_ONCE);
    const list = some.map(({ url }) => `${url}\n`).join("");
    const args = ["--json", "-i", "-", ...flags];
    await using get = startGet(directory, args, list);
    const { code, stdout, stderr } = await get.ended;
    const last = new Map(
      stdout.trim().split("\n").map((line): [string, Status] => {
        const status = JSON.parse(line);
        return [status.url, status];
      }),
    );
    for (const one of some) {
      const status = last.get(one.url);
      if (status === undefined) {
        throw new Error(`get (${code}) says nothing of ${one.url}: ${stderr}`);
      }
      await judge(one, status);
    }
  }
}

/** @throws if a download is neither right nor failed in a clear word. */
async function refuseUnlessRight(
  { url, versions }: Wanted,
  { process_status, error, path_to_file }: Status,
): Promise<void> {
  if (
    process_status === "Failed" && error && ORIGIN_FAULTS.includes(error.code)
  ) {
    return;
  }
  if (process_status !== "Downloaded" || path_to_file === null) {
    throw new Error(`${url} is ${process_status}: ${JSON.stringify(error)}`);
  }
  const path = new URL(path_to_file);
  const differences = await Promise.all(
    versions.map((version) => firstDifference(path, version)),
  );
  if (!differences.includes(null)) {
    throw new Error(`${url} is wrong at byte ${differences.join(" or ")}`);
  }
  await Deno.remove(path);
}

/** Watches whether downloads stand still; disposing of it ends that. */
interface CalmWatch extends Disposable {
  /** Rejects once no origin has had anything to do for `LONGEST_CALM`. */
  readonly noticed: Promise<never>;
}

function watchForCalm(
  origins: readonly Origin[],
  open: ReadonlySet<string>,
): CalmWatch {
  const { promise: noticed, reject } = Promise.withResolvers<never>();
  noticed.catch(() => {});
  let before = "";
  let since = performance.now();
  const timer = setInterval(() => {
    const done = JSON.stringify(
      origins.map(({ requests, sent, open }) => [requests.length, sent, open]),
    );
    const now = performance.now();
    if (done !== before) since = now;
    before = done;
    if (now - since < LONGEST_CALM) return;
    const hung = [...open].map((url) => {
      const { pathname } = new URL(url);
      const asked = origins.flatMap(({ requests }) => requests)
        .filter(({ path }) => path.startsWith(pathname)).length;
      return `${url} (asked ${asked} times)`;
    });
    reject(new Error(`Nothing comes any more of ${hung.join(", ")}`));
  }, LOOK_EVERY);
  return { noticed, [Symbol.dispose]: () => clearInterval(timer) };
}

if (import.meta.main) {
  const downloads = Number(Deno.env.get("STORM_DOWNLOADS") || 1000);
  const seed = Number(Deno.env.get("STORM_SEED") || Date.now() % 2 ** 31);
  console.log(`STORM_SEED=${seed} STORM_DOWNLOADS=${downloads}`);
  console.log(await storm({ downloads, seed, tell: console.log }));
}
