/** Races for files: one that is large, or many that are small. */

import { caCertificate } from "../../support/certificate.ts";
import { type NginxOptions, startNginx } from "../../support/nginx.ts";
import {
  bareDeno,
  type Entry,
  largeFilePeers,
  sluiceGet,
  sluiceServer,
  smallFilesPeers,
} from "../contenders.ts";
import { race } from "../race.ts";
import type { Scenario, ScenarioOptions } from "../scenario.ts";
import { type Link, startSlowProxy } from "../slow_proxy.ts";

const MiB = 2 ** 20;
const MB = 1e6;

/** Sluice, with what SYNC costs as a row of its own. */
const SLUICE = [
  sluiceServer("sluice"),
  sluiceServer("sluice SYNC=false", { SYNC: "false" }),
  sluiceGet("sluice get"),
];

const BARE = bareDeno("deno: fetch, write, link");
const BARE_LARGE = [
  BARE,
  bareDeno("deno: fetch 16 slices at a time, write", 16 * MiB),
];

/** As wget2 does it: each connection begins before its limit is felt. */
const BARE_LIMITED = bareDeno("deno: fetch 16 slices at a time, write", MiB);

interface FilesScenario {
  readonly name: string;
  readonly what: string;
  /** How many files. */
  readonly count?: number;
  /** Bytes of each. */
  readonly size: number;
  readonly nginx?: NginxOptions;
  readonly starters: () => Entry[];
  /** Stands between the origin and everybody. */
  readonly link?: (connection: number) => Link;
}

/** 80 ms there and back, 5 MB/s a connection. */
const LONG_WAY: Link = { roundTrip: 80, rate: 5 * MB };
const SHORT_WAY: Link = { roundTrip: 1, rate: 5 * MB };
const CRAWL: Link = { roundTrip: 1, rate: 20_000 };

function oneInEight(connection: number): Link {
  return connection % 8 === 3 ? CRAWL : SHORT_WAY;
}

const SCENARIOS: readonly FilesScenario[] = [
  {
    name: "large",
    what: "one file of 1 GiB",
    size: 1024 * MiB,
    starters: () => [...SLUICE, ...BARE_LARGE, ...largeFilePeers(8, "16M")],
  },
  {
    name: "tls",
    what: "one file of 1 GiB over TLS",
    size: 1024 * MiB,
    nginx: { tls: "http/1.1" },
    starters: () => [...SLUICE, ...BARE_LARGE, ...largeFilePeers(8, "16M")],
  },
  {
    name: "limited",
    what: "256 MiB, each connection 10 MB/s",
    size: 256 * MiB,
    nginx: { limitRate: 10 * MB },
    starters: () => [...SLUICE, BARE_LIMITED, ...largeFilePeers(16, "1M")],
  },
  {
    name: "long-way",
    what: "64 MiB, a round trip of 80 ms, each connection 5 MB/s",
    size: 64 * MiB,
    link: () => LONG_WAY,
    starters: () => [...SLUICE, ...largeFilePeers(16, "1M")],
  },
  {
    name: "bad-connection",
    what: "64 MiB, each connection 5 MB/s, one in eight 20 kB/s",
    size: 64 * MiB,
    link: oneInEight,
    starters: () => [...SLUICE, ...largeFilePeers(16, "1M")],
  },
  {
    name: "no-bad-connection",
    what: "the same without the bad one",
    size: 64 * MiB,
    link: () => SHORT_WAY,
    starters: () => SLUICE,
  },
  {
    name: "small",
    what: "2,000 files of 20 kB",
    count: 2_000,
    size: 20_000,
    starters: () => [...SLUICE, BARE, ...smallFilesPeers()],
  },
];

/** The races, in the order in which they are run. */
export const races: readonly Scenario[] = SCENARIOS.map((scenario) => ({
  name: scenario.name,
  what: scenario.what,
  run: (options) => run(scenario, options),
}));

async function run(
  { count, size, nginx: nginxOptions, starters, link }: FilesScenario,
  options: ScenarioOptions,
) {
  const { directory, sizeFactor } = options;
  const source = `${directory}/source`;
  await Deno.mkdir(source);
  // Either there are fewer files, or the one is smaller.
  const names = count === undefined
    ? ["file.bin"]
    : Array.from({ length: Math.ceil(count * sizeFactor) }, nameOf);
  const bytes = count === undefined ? Math.ceil(size * sizeFactor) : size;
  for (const name of names) await writeRandom(`${source}/${name}`, bytes);
  const caFile = `${directory}/ca.pem`;
  await Deno.writeTextFile(caFile, caCertificate);
  await using nginx = await startNginx({
    root: source,
    workers: "auto",
    ...nginxOptions,
  });
  await using proxy = link && startSlowProxy(nginx.url, link);
  const standings = await race(
    {
      origin: proxy?.url ?? nginx.url,
      names,
      source,
      caFile: nginxOptions?.tls ? caFile : null,
    },
    starters(),
    options,
  );
  return { kind: "race", standings } as const;
}

function nameOf(_: unknown, number: number): string {
  return `file-${String(number).padStart(5, "0")}.bin`;
}

async function writeRandom(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  // getRandomValues gives no more at once.
  const chunk = new Uint8Array(Math.min(size, 65_536));
  const block = new Uint8Array(Math.min(size, MiB));
  for (let at = 0; at < size; at += block.length) {
    for (let offset = 0; offset < block.length; offset += chunk.length) {
      crypto.getRandomValues(chunk);
      block.set(chunk.subarray(0, block.length - offset), offset);
    }
    file.writeSync(block.subarray(0, size - at));
  }
}
