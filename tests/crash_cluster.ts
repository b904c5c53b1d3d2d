/**
 * Has three servers and three brokers meet random faults, again and again, while
 * downloads run and clients give commands, and looks at the end:
 *
 * - each download that was acknowledged is Downloaded, and is there once, and all
 *   servers show so;
 * - no file has a wrong byte, and none is there twice or without a download;
 * - a download whose add was not answered is there once, or not at all.
 *
 * It tells whether the brokers themselves differ at the end: nothing that servers
 * do can then be right everywhere.
 *
 * `CRASH_SEED` replays a run's plan, `CRASH_KILLS` says how many faults there are.
 */

import type { Status } from "../lib/status/status.ts";
import {
  type Cable,
  layCable,
  startBrokers,
  type TestBrokers,
} from "./support/broker.ts";
import { startNode } from "./support/cluster.ts";
import { filesIn, makeDirectory } from "./support/directory.ts";
import {
  file,
  firstDifference,
  type Origin,
  type OriginFile,
  startOrigin,
} from "./support/origin.ts";
import { random } from "./support/random.ts";
import { type Client, connect, type Sluice } from "./support/sluice.ts";

const KiB = 1024;
const NAMES = ["a", "b", "c"] as const;
/** For how long a fault lasts at most, in milliseconds: longer than a lease. */
const LASTS = 4_000;
/** By when all is downloaded once the faults are over, in milliseconds. */
const DONE_WITHIN = 180_000;
/**
 * By when a server whose claim was lost has taken back the name of its file, in
 * milliseconds: it tries to record it for 20 s, and looks again every 2 s.
 */
const WITHDRAWN_WITHIN = 30_000;
/** How long a client waits for an answer, in milliseconds. */
const ANSWERED_WITHIN = 30_000;
/** How long a client waits that is to ask again, in milliseconds. */
const AGAIN = 500;
/** By when brokers that have caught up have the same last revision, in ms. */
const AGREED_WITHIN = 20_000;
/** How often they are asked for it, in milliseconds: servers write meanwhile. */
const ASKED_EVERY = 50;
/** Bytes a second of an answer: a file takes some seconds. */
const RATE = 150 * KiB;

/** Whether servers have one content directory, or one each. */
export type Storage = "shared" | "local";

/** What is told of a run that went well. */
export interface ClusterCrashReport {
  readonly seed: number;
  readonly storage: Storage;
  readonly faults: number;
  readonly downloads: number;
  /** Adds that were not answered, and of these, how many were done. */
  readonly unanswered: number;
  readonly done: number;
  /** What servers logged: parts taken over, claims lost, servers expelled. */
  readonly adopted: number;
  readonly lost: number;
  readonly expelled: number;
  readonly brokers: Agreement;
  readonly seconds: number;
}

/** Whether brokers have the same last revision of the queue. */
type Agreement = "agree" | `differ: ${string}`;

/** One server, whichever process it is by now, and its ways to the brokers. */
interface Member {
  readonly name: string;
  readonly cables: readonly Cable[];
  node: Sluice;
}

interface Wanted {
  readonly url: string;
  readonly name: string;
  readonly whole: OriginFile;
  /** Null if the add was not answered. */
  readonly id: string | null;
}

const KINDS = [
  ...["kill", "kill", "stop", "stop", "cut", "cut", "term"],
  ...["broker", "broker", "brokers", "freeze"],
] as const;

/**
 * Runs the test.
 *
 * @throws at the first thing that is not as it must be, naming the seed.
 */
export async function crashCluster({ faults, seed, storage, tell }: {
  readonly faults: number;
  readonly seed: number;
  readonly storage: Storage;
  readonly tell: (line: string) => void;
}): Promise<ClusterCrashReport> {
  const started = performance.now();
  const dice = random(seed);
  await using made = new AsyncDisposableStack();
  const origin = made.use(await startOrigin());
  const brokers = made.use(await startBrokers());
  const top = made.use(await makeDirectory());
  const directoryOf = (name: string) =>
    storage === "shared" ? top.path : `${top.path}/${name}`;
  /** What processes that have ended had printed. */
  const former: string[] = [];
  const members: Member[] = [];

  const launch = (name: string, cables: readonly Cable[]) =>
    startNode({
      broker: cables.map(({ address }) => address).join(","),
      name,
      directory: directoryOf(name),
      environment: {
        QUEUE_REPLICAS: "3",
        THREADS_AMOUNT: "4",
        BYTES_AMOUNT: "256KiB",
      },
    });

  async function relaunch(member: Member): Promise<void> {
    await member.node.ended;
    former.push(member.node.output());
    member.node = await launch(member.name, member.cables);
  }

  for (const name of NAMES) {
    const cables = brokers.all.map(({ address }) =>
      made.use(layCable(address))
    );
    const member = { name, cables, node: await launch(name, cables) };
    made.defer(() => member.node[Symbol.asyncDispose]());
    members.push(member);
  }

  const pick = <T>(all: readonly T[]): T =>
    all[Math.floor(dice() * all.length)] as T;
  const lasts = () => {
    const length = dice() * LASTS;
    return new Promise((resolve) => setTimeout(resolve, length));
  };

  /** Makes a fault, and mends it. */
  async function fault(): Promise<string> {
    const kind = pick(KINDS);
    const member = pick(members);
    const broker = pick(brokers.all);
    const { node, cables, name } = member;
    switch (kind) {
      case "kill":
      case "term":
        node.kill(kind === "kill" ? "SIGKILL" : "SIGTERM");
        await lasts();
        await relaunch(member);
        return `${kind} ${name}`;
      case "stop":
        node.kill("SIGSTOP");
        await lasts();
        node.kill("SIGCONT");
        return `${kind} ${name}`;
      case "cut":
        for (const cable of cables) cable.cut();
        await lasts();
        for (const cable of cables) cable.mend();
        return `${kind} ${name}`;
      case "broker":
        await broker.crash();
        await lasts();
        await broker.restart();
        return `${kind} ${brokers.all.indexOf(broker)}`;
      case "brokers":
        await Promise.all(brokers.all.map((one) => one.crash()));
        await lasts();
        await Promise.all(brokers.all.map((one) => one.restart()));
        return kind;
      case "freeze":
        for (const one of brokers.all) one.kill("SIGSTOP");
        await lasts();
        for (const one of brokers.all) one.kill("SIGCONT");
    }
    return kind;
  }

  const plan: string[] = [];
  try {
    const wanted: Promise<Wanted>[] = [];
    const commands: Promise<void>[] = [];
    for (let n = 0; n < faults; n++) {
      const count = n === 0 ? 8 : 1 + Math.floor(dice() * 3);
      for (let k = 0; k < count; k++) {
        const size = Math.floor(200 * KiB + dice() * 600 * KiB);
        const whole = file(size, wanted.length);
        wanted.push(add(members, origin, wanted.length, whole));
      }
      const [at, one] = [pick(members).node.url, pick(wanted)];
      commands.push(pauseAndResume(at, one));
      plan.push(await fault());
      await lasts();
      if ((n + 1) % 10 === 0) tell(`${n + 1} faults`);
    }
    await Promise.all(commands);
    const all = await Promise.all(wanted);
    const done = await waitForAll(members, all);
    await check(all, done, directoryOf);
    const output = [...former, ...members.map(({ node }) => node.output())]
      .join("\n");
    const logged = (pattern: RegExp) => output.match(pattern)?.length ?? 0;
    const unanswered = all.filter(({ id }) => id === null);
    return {
      ...{ seed, storage, faults },
      downloads: all.length,
      unanswered: unanswered.length,
      done: unanswered.filter(({ url }) => done.has(url)).length,
      adopted: logged(/ adopted .* kind="(left|own|named)"/g),
      lost: logged(/ lost id=/g),
      expelled: logged(/ expelled session=/g),
      brokers: await agreement(brokers),
      seconds: Math.round((performance.now() - started) / 1000),
    };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const [id = "nothing"] = what.match(/[0-9a-f]{8}-[0-9a-f-]{27}/) ?? [];
    const lines = [...former, ...members.map(({ node }) => node.output())]
      .flatMap((text, n) => text.split("\n").map((line) => `${n}: ${line}`))
      .filter((line) => line.includes(id) || line.includes("expelled"))
      .toSorted((a, b) =>
        a.replace(/^\d+/, "") < b.replace(/^\d+/, "") ? -1 : 1
      );
    throw new Error(
      `CRASH_SEED=${seed}, storage ${storage}: ${what}\n` +
        `brokers ${await agreement(brokers)}\n` +
        `${plan.join(", ")}\n${lines.join("\n")}`,
      { cause: error },
    );
  }
}

/** What says that nothing was done: it can be asked for again. */
const NOTHING_DONE = /^Cannot connect$|nothing was changed/;

/** Adds a download at a server that takes it; each may be dead, mute or cut. */
async function add(
  members: readonly Member[],
  origin: Origin,
  n: number,
  whole: OriginFile,
): Promise<Wanted> {
  const name = `${n}.bin`;
  const url = origin.serve(`/${name}`, whole, { rate: RATE });
  for (let attempt = n;; attempt++) {
    const at = members[attempt % members.length]?.node.url ?? "";
    try {
      const id = await ask(at, (client) => client.add({ url }));
      return { url, name, whole, id };
    } catch (error) {
      const { message } = error as Error;
      const isOver = !NOTHING_DONE.test(message);
      if (isOver) return { url, name, whole, id: null };
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

/** Pauses a download and has it go on; that both may fail is to be expected. */
async function pauseAndResume(
  at: string,
  wanted: Promise<Wanted>,
): Promise<void> {
  const { id } = await wanted;
  if (id === null) return;
  try {
    await ask(at, async (client) => {
      await client.request({ action: "pause", id });
      await client.request({ action: "resume", id });
    });
  } catch {
    // What is paused at the end is resumed then.
  }
}

/**
 * What a client gets.
 *
 * @throws if it gets nothing in time, or is refused.
 */
async function ask<T>(
  at: string,
  what: (client: Client) => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error("No answer comes.")),
    ANSWERED_WITHIN,
  );
  const asked = (async () => {
    await using client = await connect(at);
    return await what(client);
  })();
  // It may still be asking when nobody waits any more.
  asked.catch(() => {});
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks brokers for their last revisions until they are the same, or time is over. */
async function agreement(brokers: TestBrokers): Promise<Agreement> {
  const until = performance.now() + AGREED_WITHIN;
  for (;;) {
    const revisions = await brokers.revisions();
    if (new Set(revisions).size === 1) return "agree";
    if (performance.now() > until) return `differ: ${revisions.join(", ")}`;
    await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY));
  }
}

/** The finished downloads: their ids and servers, by their URLs. */
type Done = ReadonlyMap<string, { readonly id: string; readonly node: string }>;

/**
 * Waits until nothing is left to do as each server shows it, and has what is paused
 * go on.
 */
async function waitForAll(
  members: readonly Member[],
  all: readonly Wanted[],
): Promise<Done> {
  const until = performance.now() + DONE_WITHIN;
  const acknowledged = all.map(({ id }) => id).filter((id) => id !== null);
  const shown: Done[] = [];
  for (const member of members) {
    shown.push(await waitForOne(member, acknowledged, until));
  }
  const [first = new Map()] = shown;
  for (const [n, other] of shown.entries()) {
    const url = [...first.keys(), ...other.keys()].find((url) =>
      JSON.stringify(first.get(url)) !== JSON.stringify(other.get(url))
    );
    if (url === undefined) continue;
    const told = [first, other].map((one) => JSON.stringify(one.get(url)));
    const names = `${members[0]?.name} and ${members[n]?.name}`;
    throw new Error(`${names} show ${url} as ${told.join(" and ")}.`);
  }
  return first;
}

/** Waits until nothing is left to do as a server shows it. */
async function waitForOne(
  { name, node }: Member,
  acknowledged: readonly string[],
  until: number,
): Promise<Done> {
  for (;;) {
    const statuses = await listAll(node.url);
    const ids = new Set(statuses.map(({ id }) => id));
    const open = statuses.find(({ process_status: status }) =>
      status !== "Downloaded"
    );
    // A server that has been away may have to catch up.
    const missing = acknowledged.find((id) => !ids.has(id));
    if (open === undefined && missing === undefined) {
      return new Map(
        statuses.map(({ url, id, node }) => [url, { id, node: node ?? "" }]),
      );
    }
    if (open?.process_status === "Failed") {
      throw new Error(`${open.id} failed: ${open.error?.message}`);
    }
    if (performance.now() > until) {
      throw new Error(
        open === undefined
          ? `${missing} is lost at ${name}.`
          : `${open.id} takes too long at ${name}: ${JSON.stringify(open)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

/** All downloads, as a server tells; those that are paused go on. */
async function listAll(at: string): Promise<readonly Status[]> {
  return await ask(at, async (client) => {
    const found = await client.request({ action: "list", limit: 1_000 });
    if (!("total" in found)) throw new Error("It lists nothing.");
    for (const { id, process_status: status } of found.data) {
      if (status === "Paused") await client.request({ action: "resume", id });
    }
    return found.data;
  });
}

/** Each is there exactly once, is right, and nothing else is there. */
async function check(
  all: readonly Wanted[],
  done: Done,
  directoryOf: (name: string) => string,
): Promise<void> {
  const expected: string[] = [];
  for (const { url, name, whole } of all) {
    const found = done.get(url);
    if (found === undefined) continue;
    const path = `${directoryOf(found.node)}/${name}`;
    expected.push(path);
    const at = await firstDifference(path, whole);
    if (at !== null) throw new Error(`${found.id}: ${path} is wrong at ${at}`);
  }
  const until = performance.now() + WITHDRAWN_WITHIN;
  for (;;) {
    const there = [...new Set(NAMES.map(directoryOf))].flatMap((directory) =>
      filesIn(directory).filter((name) => name.includes(".bin"))
        .map((name) => `${directory}/${name}`)
    );
    const odd = new Set(there).symmetricDifference(new Set(expected));
    if (odd.size === 0 && there.length === expected.length) return;
    if (performance.now() > until) {
      const [path = ""] = odd;
      const { url = "" } = all.find(({ name }) => path.endsWith(`/${name}`)) ??
        {};
      const what = JSON.stringify(done.get(url));
      throw new Error(
        `Files or downloads without the other: ${[...odd]} of ${what}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}
