/** What must be true of servers of one queue once nothing is left to do. */

import { walk } from "@std/fs";
import type { ErrorCode } from "../../lib/download/error_codes.ts";
import type { Status } from "../../lib/status/status.ts";
import { clusterPartsIn } from "./directory.ts";
import { firstDifference, type OriginFile } from "./origin.ts";
import type { Sluice } from "./sluice.ts";
import { callApi, type Member } from "./soak_doors.ts";
import { httpUrl, SECRET, TOKEN, type World } from "./soak_world.ts";
import { ORIGIN_FAULTS } from "./weather.ts";

/**
 * By when each download has come to an end, in milliseconds: what is longest
 * waited for is a minute of the timetable's pause and the attempts after it.
 */
const ENDED_WITHIN = 240_000;
/** By when all servers and clients know the same, in milliseconds. */
const AGREED_WITHIN = 30_000;
/**
 * By when a server whose claim was lost has taken back the name of its file, in
 * milliseconds: it tries to record it for 20 s, and looks again every 2 s.
 */
const WITHDRAWN_WITHIN = 30_000;
/** By when a webhook that is deaf at first has been told, in milliseconds. */
const TOLD_WITHIN = 60_000;
/** How often is looked, in milliseconds. */
const LOOK_EVERY = 300;

/** What an origin or its way, a proxy or a checksum may come to. */
const ENDS: readonly ErrorCode[] = [...ORIGIN_FAULTS, "PROXY", "CHECKSUM"];

/** A server's mistake, in its log. */
const MISTAKE =
  /unexpected error|INTERNAL|Sluice made a mistake|\n +at .*:\d+:\d+|panicked|Uncaught/;

/** Looks until nothing is wrong any more. @throws what is, once it is late. */
async function until(
  within: number,
  wrong: () => Promise<string | null>,
): Promise<void> {
  const late = performance.now() + within;
  for (;;) {
    const what = await wrong();
    if (what === null) return;
    if (performance.now() > late) throw new Error(what);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}

async function listAt(
  { client }: Member,
  fields: Record<string, unknown> = {},
): Promise<readonly Status[]> {
  const reply = await client.request({
    action: "list",
    limit: 1_000,
    ...fields,
  });
  if ("data" in reply && Array.isArray(reply.data)) return reply.data;
  throw new Error(`There is no list: ${JSON.stringify(reply)}`);
}

/** Takes away all limits, has what is paused go on, and waits for all ends. */
export async function settle(
  members: readonly [Member, ...Member[]],
): Promise<void> {
  const [{ client }, ...others] = members;
  const reply = await client.request({
    action: "limit",
    limit_rate: null,
    limit_rate_per_host: null,
  });
  if ("error" in reply) throw new Error(reply.error.message);
  let turn = 0;
  await until(ENDED_WITHIN, async () => {
    const member = [members[0], ...others][turn++ % members.length] ??
      members[0];
    const open = await listAt(member, {
      status: ["Queued", "Downloading", "Paused"],
    });
    if (open.some(({ process_status: kind }) => kind === "Paused")) {
      await member.client.request({
        action: "resume",
        all: true,
        status: "Paused",
      });
    }
    const [first] = open;
    return first === undefined
      ? null
      : `${open.length} have not ended: ${JSON.stringify(first)}`;
  });
}

/**
 * All that must be true at rest.
 *
 * @throws at the first thing that is not.
 */
export async function check(
  world: World,
  members: readonly [Member, ...Member[]],
): Promise<readonly Status[]> {
  await until(AGREED_WITHIN, () => disagreement(world, members));
  const list = await withPaths(members);
  for (const status of list) await refuseUnlessRight(world, status);
  refuseTwice(list);
  await until(WITHDRAWN_WITHIN, () => orphan(world, list));
  // What had no file by then gets none any more.
  world.past.push(...world.former.splice(0));
  await until(AGREED_WITHIN, () => Promise.resolve(oddParts(world, list)));
  await until(TOLD_WITHIN, () => Promise.resolve(unheard(world, list)));
  await refuseUnlessServed(world, members, list);
  refuseLogs(world);
  refuseLeaks(world);
  return list;
}

/** All downloads, with the paths that the servers tell which have the files. */
async function withPaths(
  members: readonly Member[],
): Promise<readonly Status[]> {
  const lists = await Promise.all(members.map((member) => listAt(member)));
  const paths = new Map(
    lists.flat().filter(({ path_to_file: path }) => path !== null)
      .map(({ id, path_to_file: path }) => [id, path]),
  );
  const [list = []] = lists;
  return list.map((status) => ({
    ...status,
    path_to_file: paths.get(status.id) ?? null,
  }));
}

/** What all servers tell of a download: only that which has its file has a path. */
function common({ path_to_file: _, ...status }: Status): string {
  return JSON.stringify(status);
}

/** How what is known differs from server to server, or client to client. */
async function disagreement(
  { wanted, watches }: World,
  members: readonly Member[],
): Promise<string | null> {
  const lists = await Promise.all(members.map((member) => listAt(member)));
  const [first = [], ...rest] = lists.map((list) => list.map(common));
  for (const [n, other] of rest.entries()) {
    const at = first.findIndex((status, n) => status !== other[n]);
    if (at === -1 && first.length === other.length) continue;
    return `Server ${n + 1} lists otherwise than server 0, at ${at}: ` +
      `${other.length}, ${other[at]}; ${first.length}, ${first[at]}`;
  }
  const [list = []] = lists;
  const ids = new Set(list.map(({ id }) => id));
  const lost = new Set(wanted.keys()).difference(ids);
  if (lost.size > 0) return `Lost: ${[...lost]}`;
  const back = ids.difference(wanted);
  if (back.size > 0) return `Removed, and on the list: ${[...back]}`;
  for (const { name, view } of watches) {
    const { downloads, totals } = view();
    for (const status of list) {
      const view = downloads.get(status.id);
      const known = view && common(view);
      const told = common(status);
      if (known !== told) return `By ${name}: ${known}; on the list: ${told}`;
    }
    if (downloads.size !== list.length) {
      const listed = new Set(list.map(({ id }) => id));
      const odd = [...downloads.values()].find(({ id }) => !listed.has(id));
      return `By ${name}, and not on the list: ${JSON.stringify(odd)}`;
    }
    const ended = (totals?.Downloaded ?? 0) + (totals?.Failed ?? 0);
    if (ended !== list.length) {
      return `By ${name}: ${JSON.stringify(totals)} of ${list.length}`;
    }
  }
  return null;
}

/** @throws if a download is neither right nor failed in a clear word. */
async function refuseUnlessRight(
  { wanted }: World,
  status: Status,
): Promise<void> {
  const { id, process_status: kind, error, path_to_file: path } = status;
  const told = JSON.stringify(status);
  const { versions = [], directories = new Set() } = wanted.get(id) ?? {};
  if (!directories.has(status.directory)) {
    throw new Error(`It should be in ${[...directories]}: ${told}`);
  }
  if (kind === "Failed") {
    const isFair = error && error.message.length > 20 &&
      ENDS.includes(error.code as ErrorCode);
    if (!isFair) throw new Error(`It failed without a reason: ${told}`);
    return;
  }
  if (kind !== "Downloaded" || path === null) {
    throw new Error(`It has come to no end: ${told}`);
  }
  if (!await isOneOf(new URL(path), versions)) {
    const at = await Promise.all(
      versions.map((version) => firstDifference(new URL(path), version)),
    );
    throw new Error(`Its bytes are wrong, from ${at} on: ${told}`);
  }
}

async function isOneOf(
  path: URL | string,
  versions: readonly OriginFile[],
): Promise<boolean> {
  try {
    for (const version of versions) {
      if (await firstDifference(path, version) === null) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

function refuseTwice(list: readonly Status[]): void {
  const seen = new Map<string, Status>();
  for (const status of list) {
    const { path_to_file: path } = status;
    if (path === null) continue;
    const other = seen.get(path);
    if (other) throw new Error(`${path} is of ${other.id} and ${status.id}`);
    seen.set(path, status);
  }
}

/**
 * Each file is of one download, or of one that was taken off the list without
 * it. These are deleted, as their user would.
 *
 * @returns a file of none.
 */
async function orphan(
  { nodes, former, past, wanted }: World,
  list: readonly Status[],
): Promise<string | null> {
  const paths = new Set(
    list.map(({ path_to_file: path }) =>
      path === null ? "" : decodeURIComponent(new URL(path).pathname)
    ),
  );
  for (const path of await filesOf(nodes)) {
    if (paths.has(path)) continue;
    let owner = null;
    for (const one of former) {
      if (one.file === "gone" || owner !== null) continue;
      if (await isOneOf(path, one.wanted.versions)) owner = one;
    }
    if (owner === null) {
      const [likely] = [
        ...former,
        ...past,
        ...wanted.entries().map(([id, wanted]) => ({ id, wanted })),
      ].filter(({ wanted: { n } }) => RegExp(`/${n}\\D`).test(path));
      const { id, wanted: { story = [] } = {} } = likely ?? {};
      const there = list.find((status) => status.id === id);
      return `${path} is of no download; of ${id}, ${
        JSON.stringify(there)
      }?\n` +
        story.join("\n");
    }
    former.splice(former.indexOf(owner), 1);
    await Deno.remove(path);
  }
  return null;
}

/** All files of content directories but for Sluice's own. */
async function filesOf(nodes: readonly Sluice[]): Promise<string[]> {
  const directories = new Set(nodes.map(({ directory }) => directory));
  const found: string[] = [];
  for (const directory of directories) {
    const skip = [RegExp(`^${directory}/\\.sluice`)];
    const entries = walk(directory, { includeDirs: false, skip });
    for await (const { path } of entries) found.push(path);
  }
  return found;
}

/** A part that belongs to no download that has failed. */
function oddParts(
  { nodes }: World,
  list: readonly Status[],
): string | null {
  const failed = list.filter(({ process_status: kind }) => kind === "Failed");
  const parts = nodes.flatMap(({ directory }) => clusterPartsIn(directory));
  const odd = parts.filter((name) =>
    !failed.some(({ id }) => name.startsWith(id))
  );
  if (odd.length === 0) return null;
  const owner = list.find(({ id }) => odd[0]?.startsWith(id));
  return `Parts are left: ${odd.join(", ")} of ${JSON.stringify(owner)}`;
}

/** An end that no webhook was told of. */
function unheard(
  { told, untold }: World,
  list: readonly Status[],
): string | null {
  const [fault] = told.faults;
  if (fault) throw new Error(fault);
  const missing = list.find(({ id, process_status: kind }) =>
    !untold.has(id) &&
    !told.events.get(id)?.has(kind === "Failed" ? "failed" : "finished")
  );
  return missing ? `No webhook was told: ${JSON.stringify(missing)}` : null;
}

/** How many finished files are taken from all servers. */
const TAKEN = 5;

/** @throws unless each server gives a finished file as it is. */
async function refuseUnlessServed(
  { wanted }: World,
  members: readonly Member[],
  list: readonly Status[],
): Promise<void> {
  const some = list.filter(({ path_to_file: path }) => path).slice(0, TAKEN);
  for (const { id, path_to_file: path } of some) {
    for (const { node } of members) {
      const response = await fetch(httpUrl(node, `/files/${id}`), {
        headers: { Authorization: `Bearer ${TOKEN}` },
      });
      const bytes = await response.bytes();
      const there = await Deno.readFile(new URL(path ?? ""));
      const isRight = response.ok && bytes.length === there.length &&
        bytes.every((byte, n) => byte === there[n]);
      if (!isRight || !wanted.has(id)) {
        throw new Error(`/files/${id} of ${node.url}: ${response.status}`);
      }
    }
  }
}

/** @throws if a server has logged a mistake of its own, or a secret. */
function refuseLogs({ printed }: World): void {
  for (const output of printed()) {
    for (const pattern of [MISTAKE, RegExp(SECRET)]) {
      const at = output.search(pattern);
      if (at === -1) continue;
      const what = output.slice(Math.max(0, at - 1_000), at + 2_000);
      throw new Error(`${pattern} is in a log: ${what}`);
    }
  }
}

/** @throws if what is for one origin went to another one. */
function refuseLeaks({ origins }: World): void {
  for (const { requests, port } of origins) {
    for (const { headers, path } of requests) {
      const isRuled = headers.get("host")?.startsWith("localhost");
      if (headers.has("x-rule") && !isRuled) {
        throw new Error(`A rule's header went to ${path} of port ${port}.`);
      }
      const [, own] = path.match(/-of-(\d+)/) ?? [];
      // A refresh gives a download a URL of the first origin: its mirrors there
      // are of the URL's own origin then.
      const isOwn = Number(own) === port || port === origins[0]?.port;
      if (headers.has("x-own") && own && !isOwn) {
        throw new Error(`The URL's own header went to ${path} of port ${port}`);
      }
    }
  }
}

/** Takes some downloads off the list, with their files. */
export async function removeSome(
  world: World,
  { client, node }: Member,
  ids: readonly string[],
): Promise<void> {
  const [first, ...rest] = ids;
  if (first === undefined) return;
  const one = await callApi(
    node,
    "DELETE",
    `/api/downloads/${first}?delete_file=true`,
  );
  if (one.kind === "refused") throw new Error(`${first}: ${one.why}`);
  const reply = await client.request({
    action: "remove",
    ids: rest,
    delete_file: true,
  });
  const isDone = "data" in reply && "done" in reply.data &&
    reply.data.done === rest.length;
  if (!isDone) throw new Error(`Not all are removed: ${JSON.stringify(reply)}`);
  for (const id of ids) world.wanted.delete(id);
}
