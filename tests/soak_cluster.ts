/**
 * Has three servers of one queue do all that they can at random: clients add,
 * pause, move, limit, refresh, verify, remove and so on, through every door, of
 * origins whose answers are strange, with rules, proxies, mirrors, a timetable and
 * a webhook; now and then a server ends, and comes back. Others watch. Again and
 * again all comes to rest, and then:
 *
 * - what is called Downloaded is the file, and is there once;
 * - each download has come to an end, and what failed says why;
 * - all servers, and all who watch, know the same;
 * - no file, part, connection or memory is left over, and each end was told;
 * - no log has a secret, or a mistake of Sluice's own.
 *
 * `SOAK_MINUTES` says how long, `SOAK_SEED` replays what is asked for. Its
 * order, and with it what comes of it, is the machine's.
 */

import { type Held, heldBy } from "./support/held.ts";
import { check, removeSome, settle } from "./support/soak_checks.ts";
import type { Member } from "./support/soak_doors.ts";
import { carryOutAny, exportAndImport } from "./support/soak_orders.ts";
import {
  startWorld,
  type Storage,
  TOKEN,
  type World,
} from "./support/soak_world.ts";
import { pick } from "./support/weather.ts";

/** How long clients give orders until all is to come to rest, in milliseconds. */
const ROUND = 30_000;
/** Orders that are not answered yet. */
const AT_ONCE = 6;
/** How long each of these waits before the next one, in milliseconds, at most. */
const PAUSE = 400;
/** Memory may grow by this factor from the middle to the end ... */
const FLAT = 1.3;
/** ... and up to so many MiB in any case. */
const ROOM = 350;
/** Handles that a server may have more at the end than at first. */
const SPARE = 12;

/** What is told of a soak that went well. */
export interface ClusterSoakReport {
  readonly seed: number;
  readonly storage: Storage;
  readonly rounds: number;
  readonly downloads: number;
  /** How often each order has come to which end. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How many downloads have come to which end: `Downloaded`, or a code. */
  readonly ends: Readonly<Record<string, number>>;
  /** What the servers held after the first round, and at the end. */
  readonly first: readonly Held[];
  readonly last: readonly Held[];
  readonly seconds: number;
}

/**
 * Runs the soak.
 *
 * @throws at the first thing that is not as it must be, naming the seed.
 */
export async function soakCluster({ minutes, seed, storage, tell }: {
  readonly minutes: number;
  readonly storage: Storage;
  readonly seed: number;
  readonly tell: (line: string) => void;
}): Promise<ClusterSoakReport> {
  const started = performance.now();
  const until = started + minutes * 60_000;
  await using stack = new AsyncDisposableStack();
  const world = await startWorld({ seed, storage, minutes, stack });
  const ends: Record<string, number> = {};
  const looks: Held[][] = [];
  try {
    do {
      await playRound(world, ends, performance.now() + ROUND >= until);
      const look = await Promise.all(world.nodes.map(heldBy));
      looks.push(look);
      tell(`round ${looks.length}: ${toldOf(world, ends, look)}`);
    } while (performance.now() < until);
    refuseGrowth(looks);
    for (const node of world.nodes) {
      node.kill("SIGTERM");
      const { code } = await node.ended;
      if (code !== 0) throw new Error(`A server ended with ${code}.`);
    }
  } catch (error) {
    throw new Error(
      `SOAK_SEED=${seed}, ${storage}: ${toldWith(error, world)}`,
      {
        cause: error,
      },
    );
  }
  return {
    seed,
    storage,
    rounds: looks.length,
    downloads: world.count,
    outcomes: world.outcomes,
    ends,
    first: looks[0] ?? [],
    last: looks.at(-1) ?? [],
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

/** Orders for a while, and then a rest, at which all must be as it should. */
async function playRound(
  world: World,
  ends: Record<string, number>,
  isLast: boolean,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const members: Member[] = [];
  async function join(n: number): Promise<void> {
    const { [n]: node } = world.nodes;
    if (node === undefined) return;
    const protocol = `sluice.token.${base64url(TOKEN)}`;
    members.push({ node, client: stack.use(await node.connect([protocol])) });
  }
  const ended = world.dice() < 0.5 ? pick(world.dice, [0, 1, 2]) : null;
  for (const n of world.nodes.keys()) if (n !== ended) await join(n);
  async function restart(): Promise<void> {
    if (ended === null) return;
    const signal = pick(world.dice, ["SIGTERM", "SIGTERM", "SIGKILL"] as const);
    await world.restart(ended, signal);
    await join(ended);
  }

  const until = performance.now() + ROUND;
  const order = async () => {
    while (performance.now() < until) {
      await carryOutAny(world, members);
      const wait = world.dice() * PAUSE;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
  await Promise.all([restart(), ...Array.from({ length: AT_ONCE }, order)]);
  const [first, ...others] = members;
  if (first === undefined) return;
  const all = [first, ...others] as const;
  await settle(all);
  await check(world, all);
  await exportAndImport(world, pick(world.dice, all));
  await settle(all);
  const list = await check(world, all);
  const going = list.filter(() => isLast || world.dice() < 0.6);
  for (const { process_status: status, error } of going) {
    const end = error?.code ?? status;
    ends[end] = (ends[end] ?? 0) + 1;
  }
  await removeSome(world, first, going.map(({ id }) => id));
  await check(world, all);
}

function base64url(text: string): string {
  return new TextEncoder().encode(text)
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws if servers hold more and more. */
function refuseGrowth(looks: readonly (readonly Held[])[]): void {
  const first = looks[0] ?? [];
  const middle = looks[Math.floor(looks.length / 2)] ?? [];
  for (const [n, end] of (looks.at(-1) ?? []).entries()) {
    const most = Math.max(ROOM, (middle[n]?.rss ?? 0) * FLAT);
    const handles = ({ sockets, others }: Held) => sockets + others;
    const before = first[n];
    const parts = end.files.filter((path) => path.includes("parts/"));
    const wrong = [
      end.rss > most && `memory grew to ${end.rss} MiB`,
      before && handles(end) > handles(before) + SPARE &&
      `${handles(end)} handles are open; they were ${handles(before)}`,
      parts.length > 0 && `parts are open: ${parts}`,
    ].filter((what) => typeof what === "string");
    if (wrong.length > 0) throw new Error(`Server ${n}: ${wrong.join("; ")}`);
  }
}

function toldOf(
  { count, outcomes }: World,
  ends: Readonly<Record<string, number>>,
  look: readonly Held[],
): string {
  const orders = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  const memory = look.map(({ rss }) => `${rss} MiB`).join(", ");
  return `${orders} orders, ${count} downloads, ${
    JSON.stringify(ends)
  }, ${memory}`;
}

/** What went wrong, and what the servers logged of it. */
function toldWith(error: unknown, { printed, wanted }: World): string {
  const what = error instanceof Error ? error.message : String(error);
  const [id] = what.match(/[0-9a-f]{8}-[0-9a-f-]{27}/) ?? [];
  if (id === undefined) return what;
  const lines = printed().flatMap((output, n) =>
    output.split("\n").filter((line) => line.includes(id))
      .map((line) => ({ n, line }))
  ).toSorted((a, b) => a.line < b.line ? -1 : 1);
  const { story = [] } = wanted.get(id) ?? {};
  return [what, ...story, ...lines.map(({ n, line }) => `${n}: ${line}`)].join(
    "\n",
  );
}
