/** What clients ask of servers at random, through every door. */

import { Buffer } from "node:buffer";
import type { ErrorCode } from "../../lib/download/error_codes.ts";
import type { Status } from "../../lib/status/status.ts";
import { bytesOf } from "./origin.ts";
import {
  bySocket,
  callAria2,
  DOORS,
  type Fields,
  gidOf,
  type Member,
  type Reply,
  runCommand,
} from "./soak_doors.ts";
import {
  mirrorsOf,
  serveOne,
  sha256,
  startAt,
  think,
} from "./soak_downloads.ts";
import {
  httpUrl,
  SECRET,
  SLICE,
  TOKEN,
  type Wanted,
  type World,
} from "./soak_world.ts";
import { pick } from "./weather.ts";

/** Something that clients ask for, and how often beside the others. */
interface Order {
  readonly name: string;
  readonly weight: number;
  /** How it ends: `done`, or the code of a refusal. */
  carryOut(world: World, member: Member): Promise<string>;
}

/**
 * What may be the answer to a command that another one overtakes, or that is
 * asked of a download without looking how it stands.
 */
const FAIR: readonly ErrorCode[] = ["UNKNOWN_ID", "WRONG_STATE"];

/** @throws if a refusal is none that its order has to expect. */
function outcomeOf(reply: Reply, fields: Fields, more: ErrorCode[]): string {
  if (reply.kind === "done") return "done";
  const { code, why } = reply;
  // A server that is started again may have the file.
  const isAway = code === "FILE_GONE" && /is away/.test(why);
  const isFair = isAway || [...FAIR, ...more].some((known) => known === code);
  if (isFair && why) return code;
  throw new Error(`${JSON.stringify(fields)} was refused: ${code}, ${why}`);
}

/** A command for one download that is on the list. */
function command(
  name: string,
  weight: number,
  fieldsFor: (world: World, wanted: Wanted) => Fields = () => ({}),
  { fair = [] }: { readonly fair?: ErrorCode[] } = {},
): Order {
  return {
    name,
    weight,
    async carryOut(world, member) {
      const target = anyOf(world);
      if (target === null) return "nothing";
      const [id, wanted] = target;
      const door = pick(world.dice, DOORS);
      const fields = { action: name, id, ...fieldsFor(world, wanted) };
      const outcome = outcomeOf(await door(member, fields), fields, fair);
      note(wanted, name, outcome);
      return outcome;
    },
  };
}

/** A command that reads, or is for all. */
function question(name: string, weight: number, fieldsFor: () => Fields) {
  const order: Order = {
    name,
    weight,
    async carryOut({ dice }, member) {
      const fields = fieldsFor();
      return outcomeOf(await pick(dice, DOORS)(member, fields), fields, []);
    },
  };
  return order;
}

function anyOf({ wanted, dice }: World): [string, Wanted] | null {
  const all = [...wanted];
  return all.length === 0 ? null : pick(dice, all);
}

function someOf({ wanted, dice }: World): string[] {
  const ids = [...wanted.keys()];
  return Array.from({ length: 4 }, () => pick(dice, ids))
    .filter((id) => id !== undefined);
}

/** Downloads that may be on the list at once: watchers are told of all. */
const MOST = 80;

const rateOf = (dice: () => number) =>
  dice() < 0.3 ? null : Math.round(100_000 + dice() * 900_000);

const ORDERS: readonly Order[] = [
  { name: "add", weight: 30, carryOut: add },
  { name: "add twice", weight: 3, carryOut: addTwice },
  { name: "addUri", weight: 4, carryOut: addUri },
  command("pause", 6),
  command("resume", 6),
  command("resume", 2, (world) => ({ start_at: startAt(world) })),
  command("retry", 5),
  command("refresh", 4, ({ origins, count }, { n, versions: [whole] }) => ({
    url: origins[0]?.serve(`/${n}.bin-${count}?${SECRET}`, whole ?? null) ?? "",
  })),
  command("limit", 5, ({ dice }) => ({ limit_rate: rateOf(dice) })),
  command("prioritize", 5, ({ dice }) => ({
    priority: pick(dice, ["high", "normal", "low"]),
  })),
  command("move", 8, ({ dice }) => ({
    to: pick(dice, ["top", "up", "down", "bottom", 1, 3, 1000]),
  })),
  // What it is to be before may be gone, or run.
  command("move", 3, (world) => ({ before: anyOf(world)?.[0] ?? "" })),
  command("get", 3),
  // The server that has the file may be away.
  command("relocate", 8, ({ dice }, { directories }) => {
    const directory = pick(dice, ["elsewhere", "films/2026", "."]);
    directories.add(directory === "." ? null : directory);
    return { directory };
  }, { fair: ["FILE_GONE"] }),
  // There may be no checksum, or the server that has the file is away.
  command("verify", 6, () => ({}), { fair: ["BAD_REQUEST", "FILE_GONE"] }),
  { name: "remove", weight: 5, carryOut: remove },
  { name: "remove several", weight: 1, carryOut: removeSeveral },
  { name: "several", weight: 4, carryOut: several },
  { name: "aria2", weight: 5, carryOut: askByAria2 },
  { name: "aria2 remove", weight: 2, carryOut: removeByAria2 },
  { name: "file", weight: 8, carryOut: readFile },
  {
    name: "limit all",
    weight: 2,
    async carryOut({ dice }, member) {
      const fields = {
        action: "limit",
        limit_rate: dice() < 0.5 ? null : Math.round(1e6 + dice() * 4e6),
        limit_rate_per_host: dice() < 0.5
          ? null
          : Math.round(1e6 + dice() * 4e6),
      };
      return outcomeOf(await bySocket(member, fields), fields, []);
    },
  },
  question("ping", 1, () => ({ action: "ping" })),
  question("nodes", 1, () => ({ action: "nodes" })),
  question("proxies", 1, () => ({ action: "proxies" })),
  question("deliveries", 1, () => ({ action: "deliveries" })),
  question("list", 2, () => ({ action: "list", order: "queue" })),
  question("list", 1, () => ({
    action: "list",
    order: "-speed",
    search: "bin",
    status: ["Downloading", "Failed"],
    requests: true,
  })),
  { name: "metrics", weight: 1, carryOut: readMetrics },
];

const WEIGHT = ORDERS.reduce((sum, { weight }) => sum + weight, 0);

/** Carries out an order at random. @throws if it does not end as it may. */
export async function carryOutAny(
  world: World,
  members: readonly Member[],
): Promise<void> {
  let at = world.dice() * WEIGHT;
  const order = ORDERS.find(({ weight }) => (at -= weight) < 0) ?? ORDERS[0];
  if (order === undefined) return;
  const member = pick(world.dice, members);
  const outcome = await inTime(order.name, order.carryOut(world, member));
  const name = outcome === "done" ? order.name : `${order.name}: ${outcome}`;
  world.outcomes[name] = (world.outcomes[name] ?? 0) + 1;
}

/** How long an answer to any order may take, in milliseconds. */
const ANSWERED_WITHIN = 120_000;

/** @throws if it takes longer than anything may. */
async function inTime<T>(name: string, asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const why = new Error(`No answer comes to ${name}.`);
  const timer = setTimeout(() => late.reject(why), ANSWERED_WITHIN);
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function add(world: World, member: Member): Promise<string> {
  if (world.wanted.size >= MOST) return "enough";
  const { fields, wanted } = think(world);
  const reply = await pick(world.dice, DOORS)(member, fields);
  const outcome = outcomeOf(reply, fields, []);
  noteAdded(world, reply, wanted);
  return outcome;
}

function noteAdded(world: World, reply: Reply, wanted: Wanted): void {
  const id = reply.kind === "done" ? reply.data.id : null;
  if (typeof id !== "string") throw new Error("An add told no id.");
  world.wanted.set(id, wanted);
}

/** Adds a download twice by the same key, as a client does that heard nothing. */
async function addTwice(world: World, member: Member): Promise<string> {
  if (world.wanted.size >= MOST) return "enough";
  const { fields, wanted } = think(world);
  const keyed = { ...fields, idempotency_key: crypto.randomUUID() };
  const first = await bySocket(member, keyed);
  outcomeOf(first, keyed, []);
  noteAdded(world, first, wanted);
  const again = await bySocket(member, keyed);
  const ids = [first, again].map((reply) =>
    reply.kind === "done" ? reply.data.id : reply.why
  );
  // It may have been removed between both, and is known all the same.
  if (ids[0] !== ids[1]) throw new Error(`One key, two downloads: ${ids}`);
  return "done";
}

async function remove(world: World, member: Member): Promise<string> {
  const target = anyOf(world);
  if (target === null) return "nothing";
  const [id, wanted] = target;
  const deletes = world.dice() < 0.5;
  const door = pick(world.dice, DOORS);
  const fields = { action: "remove", id, delete_file: deletes };
  const reply = await door(member, fields);
  const outcome = outcomeOf(reply, fields, []);
  note(wanted, "remove", outcome);
  if (outcome === "done") forget(world, id, wanted, deletes);
  return outcome;
}

/** Notes in a download's story what has come of an order. */
function note({ story }: Wanted, name: string, outcome: string): void {
  story.push(`${new Date().toISOString()} ${name}: ${outcome}`);
}

function forget(
  world: World,
  id: string,
  wanted: Wanted,
  deletes: boolean,
): void {
  world.wanted.delete(id);
  world.former.push({ id, wanted, file: deletes ? "gone" : "kept" });
}

async function removeSeveral(world: World, member: Member): Promise<string> {
  const ids = someOf(world);
  if (ids.length === 0) return "nothing";
  const deletes = world.dice() < 0.5;
  const fields = { action: "remove", ids, delete_file: deletes };
  const reply = await bySocket(member, fields);
  const outcome = outcomeOf(reply, fields, []);
  if (reply.kind !== "done") return outcome;
  const refused = reply.data.refused as readonly {
    readonly id: string;
    readonly code: string;
    readonly message: string;
  }[];
  for (const id of new Set(ids)) {
    const wanted = world.wanted.get(id);
    if (wanted) note(wanted, "remove several", JSON.stringify(reply.data));
    const why = refused.find((one) => one.id === id);
    if (why) {
      const { code, message } = why;
      outcomeOf({ kind: "refused", code, why: message }, { ...fields, id }, []);
    } else if (wanted) forget(world, id, wanted, deletes);
  }
  return outcome;
}

async function several(world: World, member: Member): Promise<string> {
  const { dice } = world;
  const which = dice() < 0.3
    ? { all: true, status: ["Failed", "Paused"], search: "iso" }
    : { ids: someOf(world) };
  const fields = {
    ...which,
    ...pick<Fields>(dice, [
      { action: "pause" },
      { action: "resume" },
      { action: "retry" },
      { action: "limit", limit_rate: rateOf(dice) },
      { action: "prioritize", priority: pick(dice, ["high", "normal", "low"]) },
    ]),
  };
  return outcomeOf(await bySocket(member, fields), fields, []);
}

/** Adds a download as aria2's clients do, who give it a name of their own. */
async function addUri(world: World, member: Member): Promise<string> {
  if (world.wanted.size >= MOST) return "enough";
  const { n, url, versions, ruled, story } = serveOne(world);
  const gid = gidOf(crypto.randomUUID());
  const options = { gid, pause: world.dice() < 0.2 ? "true" : "false" };
  const { error } = await callAria2(member.node, "addUri", [url], options);
  if (error) throw new Error(`addUri was refused: ${error.message}`);
  const fields = { action: "list", urls: [url] };
  const listed = await bySocket(member, fields);
  const [found] = listed.kind === "done"
    ? listed.data.list as readonly Status[]
    : [];
  if (found === undefined || gidOf(found.id) !== gid) {
    throw new Error(`${gid} was added, and is not on the list.`);
  }
  world.wanted.set(found.id, {
    ...{ n, url, versions, sent: versions },
    ...{ directories: new Set([ruled]), story },
  });
  return "done";
}

/** What aria2's clients ask of a download, or of all. */
async function askByAria2(world: World, { node }: Member): Promise<string> {
  const target = anyOf(world);
  if (target === null) return "nothing";
  const [id, { n, versions: [whole] }] = target;
  const gid = gidOf(id);
  const { dice, origins: [origin], count } = world;
  const more = origin?.serve(`/${n}.bin-more-${count}`, whole ?? null) ?? "";
  const rate = String(Math.round(100_000 + dice() * 900_000));
  const [method, ...params] = pick<readonly unknown[]>(dice, [
    ["pause", gid],
    ["unpause", gid],
    ["tellStatus", gid],
    ["changePosition", gid, Math.floor(dice() * 5), "POS_SET"],
    ["changePosition", gid, -1, "POS_CUR"],
    ["changeOption", gid, { "max-download-limit": rate }],
    ["changeUri", gid, 1, [], [more]],
    ["getFiles", gid],
    ["getOption", gid],
    ["tellActive"],
    ["tellWaiting", 0, 100],
    ["tellStopped", 0, 100],
    ["getGlobalStat"],
  ]);
  const { error } = await callAria2(node, String(method), ...params);
  if (error === undefined) return "done";
  if (error.code === 1 && !/mistake/.test(error.message)) {
    return `${method} ${error.message.replace(/[0-9a-f]{16}/, "…")}`;
  }
  throw new Error(`${method} was refused: ${JSON.stringify(error)}`);
}

/** Takes a download away as aria2's clients do, which leaves finished files. */
async function removeByAria2(world: World, { node }: Member): Promise<string> {
  const target = anyOf(world);
  if (target === null) return "nothing";
  const [id, wanted] = target;
  const method = pick(world.dice, ["remove", "removeDownloadResult"]);
  const { error } = await callAria2(node, method, gidOf(id));
  note(wanted, method, error?.message ?? "done");
  if (error === undefined) {
    forget(world, id, wanted, false);
    return "done";
  }
  if (error.code === 1 && !/mistake/.test(error.message)) return "refused";
  throw new Error(`${method} was refused: ${JSON.stringify(error)}`);
}

/** How long a reader waits for a file that comes, in milliseconds. */
const READ_WITHIN = 20_000;

/** Takes a file through a server: what comes whole must be right. */
async function readFile(world: World, { node }: Member): Promise<string> {
  const target = anyOf(world);
  if (target === null) return "nothing";
  const [id, { sent }] = target;
  const url = httpUrl(node, `/files/${id}`);
  const late = AbortSignal.timeout(READ_WITHIN);
  const start = world.dice() < 0.5 ? 0 : Math.floor(world.dice() * 2 * SLICE);
  const response = await fetch(url, {
    headers: {
      Authorization: `Bearer ${TOKEN}`,
      ...start > 0 && { Range: `bytes=${start}-` },
    },
    signal: late,
  });
  let bytes: Uint8Array;
  try {
    bytes = await response.bytes();
  } catch {
    // What began anew, failed or was removed is cut off.
    return late.aborted ? "late" : "cut";
  }
  if (!response.ok) return String(response.status);
  const isRight = sent.some((version) =>
    version.size === start + bytes.length &&
    Buffer.compare(bytes, bytesOf(version).subarray(start)) === 0
  );
  if (!isRight) {
    const wanted = sent.map((version) => {
      const right = version.read(start, bytes.length);
      return [version.size, bytes.findIndex((byte, n) => byte !== right[n])];
    });
    throw new Error(
      `${url} sent ${bytes.length} bytes from ${start} on that are wrong; the file's versions, ` +
        `and where they differ first: ${JSON.stringify(wanted)}`,
    );
  }
  return "done";
}

/** Has the command line write down all downloads, and take some of aria2's. */
export async function exportAndImport(
  world: World,
  { node, client }: Member,
): Promise<void> {
  const { stdout } = await runCommand(node, "export");
  const ids = (JSON.parse(stdout) as readonly Status[]).map(({ id }) => id);
  const odd = new Set(ids).symmetricDifference(new Set(world.wanted.keys()));
  if (odd.size > 0) throw new Error(`export: ${[...odd]} of ${ids.length}`);
  const served = serveOne(world);
  const { n, url, whole, versions, ruled, story } = served;
  const mirrors = mirrorsOf(world, served);
  const checksum = served.own() < 0.5 ? sha256(whole) : null;
  const lines = [
    [url, ...mirrors].join("\t"),
    ...checksum ? [`  checksum=sha-256=${checksum}`] : [],
    "  pause=true",
  ];
  await runCommand(node, "import", "-", { stdin: `${lines.join("\n")}\n` });
  const found = await bySocket({ node, client }, {
    action: "list",
    urls: [url],
  });
  const [status] = found.kind === "done"
    ? found.data.list as readonly Status[]
    : [];
  if (status === undefined) throw new Error(`${url} is not imported.`);
  world.wanted.set(status.id, {
    ...{ n, url, versions: checksum ? [whole] : versions, sent: versions },
    ...{ directories: new Set([ruled]), story },
  });
}

async function readMetrics(_: World, { node }: Member): Promise<string> {
  const response = await fetch(httpUrl(node, "/metrics"), {
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`/metrics: ${response.status} ${text}`);
  return "done";
}
