/** Has contenders do a job in turn, and compares what they bring. */

import { dirname } from "@std/path";
import { Buffer } from "node:buffer";
import {
  type Contender,
  type Entry,
  isInstalled,
  type Job,
} from "./contenders.ts";
import { type Cost, TookTooLong } from "./meter.ts";

/** How a race is run. */
export interface RaceOptions {
  /** Rounds that count; one more goes before them to warm up. */
  readonly rounds: number;
  /** A directory of the race's own. */
  readonly directory: string;
  /** Told what is going on. */
  readonly note: (text: string) => void;
}

/** How one contender has done. */
export interface Standing {
  readonly name: string;
  readonly costs: readonly Cost[];
  /** It was not waited for any longer, in seconds; null if it came in time. */
  readonly longerThan: number | null;
  /** Why rounds do not count, such as a wrong file. */
  readonly faults: readonly string[];
}

interface Lane extends Standing {
  readonly target: string;
  readonly contender: Contender;
  readonly costs: Cost[];
  longerThan: number | null;
  readonly faults: string[];
}

/**
 * Runs a race: all contenders in turn, so that whatever else the machine does
 * meets all of them alike. Those that are not installed are left out, and who
 * once takes too long runs no more.
 */
export async function race(
  job: Omit<Job, "target">,
  starters: readonly Entry[],
  { rounds, directory, note }: RaceOptions,
): Promise<Standing[]> {
  await using stack = new AsyncDisposableStack();
  const lanes: Lane[] = [];
  for (const [number, entry] of starters.entries()) {
    const { name, program, prepare } = entry;
    if (program !== null && !await isInstalled(program)) {
      note(`${name} is left out: it is not installed`);
      continue;
    }
    const target = `${directory}/${number}`;
    await Deno.mkdir(target, { recursive: true });
    const contender = await prepare({ ...job, target });
    stack.use(contender);
    const nothingYet = { costs: [], longerThan: null, faults: [] };
    lanes.push({ name, target, contender, ...nothingYet });
  }
  for (let round = 0; round <= rounds; round++) {
    for (const lane of lanes.filter(({ longerThan }) => longerThan === null)) {
      const { name, target, contender, costs, faults } = lane;
      await sync(directory);
      try {
        const cost = await contender.run();
        await compare(job, target);
        if (round > 0) costs.push(cost);
        note(`${round}/${rounds} ${name}: ${cost.seconds.toFixed(3)} s`);
      } catch (error) {
        if (error instanceof TookTooLong) lane.longerThan = error.seconds;
        const message = error instanceof Error ? error.message : String(error);
        if (lane.longerThan === null) faults.push(message);
        note(`${round}/${rounds} ${name} does not count: ${message}`);
      }
      await clear(job, target);
    }
  }
  return lanes.map(({ name, costs, longerThan, faults }) => ({
    name,
    costs,
    longerThan,
    faults,
  }));
}

/** @throws {Error} if a file is not what the origin has. */
async function compare(
  { names, source }: Omit<Job, "target">,
  target: string,
): Promise<void> {
  for (const name of names) {
    const same = await areSame(`${source}/${name}`, `${target}/${name}`);
    if (!same) throw new Error(`${name} is not what the origin has`);
  }
}

const COMPARE_BYTES = 1024 * 1024;

async function areSame(a: string, b: string): Promise<boolean> {
  using one = await Deno.open(a);
  using other = await Deno.open(b);
  const [{ size }, { size: otherSize }] = [one.statSync(), other.statSync()];
  if (size !== otherSize) return false;
  const length = Math.min(size, COMPARE_BYTES);
  const [left, right] = [new Uint8Array(length), new Uint8Array(length)];
  for (let at = 0; at < size; at += length) {
    const most = Math.min(length, size - at);
    readFully(one, left.subarray(0, most));
    readFully(other, right.subarray(0, most));
    const [x, y] = [left.subarray(0, most), right.subarray(0, most)];
    if (Buffer.compare(x, y) !== 0) return false;
  }
  return true;
}

function readFully(file: Deno.FsFile, into: Uint8Array): void {
  for (let at = 0; at < into.length;) {
    const read = file.readSync(into.subarray(at));
    if (read === null) throw new Error("A file ended early");
    at += read;
  }
}

/**
 * Takes files away. Many are only moved: ext4 passes over inodes that were
 * freed a while ago one by one, and whoever made files next would pay for it.
 */
async function clear(
  { names }: Omit<Job, "target">,
  target: string,
): Promise<void> {
  const away = names.length > 1
    ? await Deno.makeTempDir({ dir: dirname(target), prefix: "away-" })
    : null;
  for (const name of names) {
    const path = `${target}/${name}`;
    await (away ? Deno.rename(path, `${away}/${name}`) : Deno.remove(path))
      .catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
  }
}

/** Nobody is to pay for what another has left to be written. */
async function sync(directory: string): Promise<void> {
  await new Deno.Command("sync", { args: ["-f", directory] }).output();
}
