/** The commands that send requests to a running server, and end. */

import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import { AT_A_TIME } from "../download/fields.ts";
import { PRIORITIES } from "../download/priority.ts";
import { DownloadError, type ErrorCode } from "../download/errors.ts";
import { completeUrl } from "../download/typed_url.ts";
import { ORDERS } from "../status/lists.ts";
import { PROCESS_STATUSES, type Status } from "../status/schema.ts";
import {
  type Invocation,
  readMoment,
  readRate,
  wholeNumberFlag,
} from "./arguments.ts";
import type { Connection } from "../client/connection.ts";
import { connect, listPage, type ServerAddress } from "./client.ts";
import { PLACES } from "./commands.ts";
import {
  allIds,
  allPages,
  fullIds,
  PAGE,
  refuseEmpty,
  sendFor,
} from "./ids.ts";
import { nearest } from "./nearest.ts";
import type { DownloadFields } from "./lists.ts";
import { type Asked, checkUrl, readRequests } from "./requests.ts";
import { renderNodes } from "./terminal/nodes.ts";
import { renderTable, renderVerified } from "./terminal/render.ts";
import { printable } from "./terminal/width.ts";
import { UsageError } from "./usage.ts";

/** What one message has at most: below what servers take, if not told otherwise. */
const AT_ONCE = { urls: 200, characters: 1_000_000 };

/** Where a command writes its lines. */
export interface LineOutput {
  line(text: string): void;
  /** Columns; Infinity where the output is no terminal. */
  readonly width: number;
}

/**
 * Does what the command line asks of a server; the program's exit code.
 *
 * @throws {UsageError} if it does not make sense.
 * @throws {DownloadError} what the server says, or that there is none.
 */
export async function runRemote(
  invocation: Invocation,
  server: ServerAddress,
  output: LineOutput,
): Promise<number> {
  const { command: { name }, operands } = invocation;
  switch (name) {
    case "add":
      return await add(invocation, server, output);
    case "list":
      return await list(invocation, server, output);
    case "pause":
    case "resume":
    case "retry":
    case "remove":
      return await command(name, invocation, server, output);
    case "verify":
      return await verify(invocation, server, output);
    case "limit":
      return await limit(invocation, server, output);
    case "relocate":
      return await relocate(invocation, server, output);
    case "move":
      return await move(invocation, server, output);
    case "prioritize":
      return await prioritize(invocation, server, output);
    case "nodes":
      return await nodes(invocation, server, output);
    case "refresh":
      return await refresh(invocation, server, output);
    default:
      throw new UsageError(`${name} does not take ${operands.join(" ")}.`);
  }
}

async function add(
  invocation: Invocation,
  server: ServerAddress,
  output: LineOutput,
): Promise<number> {
  // All are checked before any is sent, or half a list could be in the queue.
  // How long a URL may be is for the server to say.
  const asked = await readRequests(invocation, { urlLength: Infinity });
  const urls = await withCredentials(invocation, asked);
  const asJson = Boolean(invocation.flags.json);
  // What is printed may be kept, or read by others: it has no password of netrc.
  const shown = asked.map(({ fields }) => fields.url);
  await addAll(urls, server, asJson, output, shown);
  return 0;
}

/**
 * Adds downloads, and writes their ids.
 *
 * @param shown The URLs that are written beside the ids, one for each.
 * @throws {DownloadError} what the server says, or that there is none.
 */
export async function addAll(
  urls: readonly DownloadFields[],
  server: ServerAddress,
  asJson: boolean,
  { line }: LineOutput,
  shown: readonly string[] = urls.map(({ url }) => url),
): Promise<void> {
  using client = await connect(server);
  let n = 0;
  for (const page of inMessages(urls)) {
    const reply = await client.request({ urls: page });
    const ids = "data" in reply && "ids" in reply.data
      ? reply.data.ids ?? []
      : [];
    ids.forEach((id, i) => {
      line(
        asJson ? JSON.stringify({ id, url: shown[n + i] }) : printable(id),
      );
    });
    n += page.length;
  }
}

/** Downloads as they go in one message each: mirrors and headers may be long. */
function* inMessages(
  urls: readonly DownloadFields[],
): Generator<readonly DownloadFields[]> {
  let page: DownloadFields[] = [];
  let characters = 0;
  for (const fields of urls) {
    const { length } = JSON.stringify(fields);
    const isFull = page.length === AT_ONCE.urls ||
      characters + length > AT_ONCE.characters;
    if (isFull && page.length > 0) {
      yield page;
      page = [];
      characters = 0;
    }
    page.push(fields);
    characters += length;
  }
  if (page.length > 0) yield page;
}

/** The fields of what is asked for, with names and passwords of a `.netrc`. */
async function withCredentials(
  { flags }: Invocation,
  asked: readonly Asked[],
): Promise<readonly DownloadFields[]> {
  const fields = asked.map(({ fields }) => fields);
  if (!flags.netrc && !("netrc-file" in flags)) return fields;
  const { netrcPath, withNetrcInUrls } = await import("./netrc.ts");
  const path = netrcPath(flags);
  return path === null ? fields : await withNetrcInUrls(fields, path);
}

async function list(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line, width }: LineOutput,
): Promise<number> {
  const search = operands.join(" ");
  let offset = wholeNumberFlag(flags, "offset", 0);
  let left = wholeNumberFlag(flags, "limit", 100);
  const filter = statusFilter(flags.status);
  const order = orderIn(flags.order);
  let more = 0;
  using client = await connect(server);
  while (left > 0) {
    const page = await listPage(client, {
      search,
      offset,
      limit: Math.min(left, PAGE),
      ...filter,
      ...order,
    });
    const lines = flags.json
      ? page.statuses.map((status) => JSON.stringify(status))
      : renderTable(page.statuses, width);
    lines.forEach(line);
    offset += page.statuses.length;
    left -= page.statuses.length;
    more = page.total - offset;
    if (page.statuses.length === 0 || more <= 0) break;
  }
  if (more > 0) console.error(`sluice: ${more} more: see --limit, --offset`);
  return 0;
}

/** The servers that share the queue of the one that is asked. */
async function nodes(
  { flags }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  using client = await connect(server);
  const reply = await client.request({ action: "nodes" });
  if (!("data" in reply) || !("nodes" in reply.data)) return 1;
  const { message, nodes } = reply.data;
  if (nodes.length === 0) console.error(`sluice: ${printable(message)}`);
  const lines = flags.json
    ? nodes.map((node) => JSON.stringify(node))
    : renderNodes(nodes);
  lines.forEach(line);
  return 0;
}

/**
 * The statuses that a flag names, as a list is asked for them.
 *
 * @throws {UsageError} naming the nearest status.
 */
export function statusFilter(
  given: unknown,
): { status?: readonly Status["process_status"][] } {
  if (!Array.isArray(given) || given.length === 0) return {};
  const words = given.flatMap((words) => String(words).split(","))
    .map((word) => word.trim());
  const status = words.map((word) => {
    const known = PROCESS_STATUSES
      .find((name) => name.toLowerCase() === word.toLowerCase());
    if (known !== undefined) return known;
    throw notOneOf("status", word, PROCESS_STATUSES);
  });
  return { status: [...new Set(status)] };
}

/** Has finished files read again; the exit code is 1 unless all are right. */
async function verify(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  if ((operands.length === 0) === !flags.all) {
    throw new UsageError(
      "verify takes ids, which sluice list shows, or --all, and not both.",
    );
  }
  const given = Object.fromEntries(
    CHECKSUM_ALGORITHMS.filter((name) => name in flags)
      .map((name) => [name, flags[name]]),
  );
  if (Object.keys(given).length > 0 && operands.length !== 1) {
    throw new UsageError("A checksum is for one id.");
  }
  refuseEmpty(operands);
  using client = await connect(server);
  const ids = flags.all
    ? await idsWithChecksum(client)
    : await fullIds(client, operands);
  let code = 0;
  for (const id of ids) {
    try {
      const reply = await client.request({ action: "verify", id, ...given });
      if (!("data" in reply) || !("fits" in reply.data)) continue;
      const { message: _, ...verified } = reply.data;
      if (!verified.fits) code = 1;
      line(flags.json ? JSON.stringify(verified) : renderVerified(verified));
    } catch (error) {
      if (!(error instanceof DownloadError) || !REFUSALS.includes(error.code)) {
        throw error;
      }
      code = 1;
      console.error(`sluice: ${printable(id)}: ${printable(error.message)}`);
    }
  }
  return code;
}

/** Errors of one download, after which others can be asked about. */
const REFUSALS: readonly ErrorCode[] = [
  "UNKNOWN_ID",
  "WRONG_STATE",
  "FILE_GONE",
  "BAD_REQUEST",
  "DISK",
];

async function idsWithChecksum(client: Connection): Promise<string[]> {
  const known = new Set<string>();
  const others = new Set<string>();
  for await (const page of allPages(client, { status: ["Downloaded"] })) {
    for (const { id, checksum } of page) (checksum ? known : others).add(id);
  }
  if (others.size > 0) {
    console.error(`sluice: of ${others.size} no checksum is known`);
  }
  return [...known];
}

/** @throws {UsageError} naming the nearest order. */
function orderIn(given: unknown): { order?: typeof ORDERS[number] } {
  if (given === undefined) return {};
  const order = ORDERS.find((name) => name === given);
  if (order !== undefined) return { order };
  throw notOneOf("order", String(given), ORDERS);
}

/** The error for a word that is none of some. */
function notOneOf(
  what: string,
  word: string,
  known: readonly string[],
): UsageError {
  const near = nearest(word, known);
  return new UsageError(
    `There is no ${what} ${printable(word.slice(0, 50))}: ` +
      (near === null
        ? `they are ${known.join(", ")}.`
        : `did you mean ${near}?`),
  );
}

/** What can be done to a download by its id. */
type Action = "pause" | "resume" | "retry" | "remove";

/** Which downloads `--all` means. */
const ALL: Record<Action, readonly Status["process_status"][]> = {
  pause: ["Queued", "Downloading"],
  resume: ["Paused"],
  retry: ["Failed"],
  remove: PROCESS_STATUSES,
};

async function command(
  name: Action,
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  if (operands.length === 0 && !flags.all) {
    throw new UsageError(
      `There is no id: sluice list shows them, and ${name} --all takes all.`,
    );
  }
  const [stray] = ["status", "search", "yes"]
    .filter((name) => flags[name] && String(flags[name]) !== "");
  if (stray !== undefined && !flags.all) {
    throw new UsageError(`--${stray} goes with --all.`);
  }
  if (operands.length > 0 && flags.all) {
    throw new UsageError(`--all takes all: give it, or ids, not both.`);
  }
  refuseEmpty(operands);
  const { search = "", yes } = flags;
  const filter = { search, status: ALL[name], ...statusFilter(flags.status) };
  using client = await connect(server);
  const ids = flags.all
    ? await allIds(client, filter)
    : await fullIds(client, operands);
  if (name === "remove" && flags.all && !yes && ids.length > 0) {
    const what = flags["delete-file"] ? ", with the files" : "";
    const count = ids.length === 1 ? "1 download" : `${ids.length} downloads`;
    throw new UsageError(
      `That removes ${count}${what}: add --yes to do it.`,
    );
  }
  const more = {
    ...(flags["delete-file"] === true && { delete_file: true }),
    ...("start-at" in flags &&
      { start_at: readMoment(String(flags["start-at"]), "--start-at") }),
  };
  const send = (page: readonly string[]) =>
    client.request({ action: name, ids: page, ...more });
  return await sendFor(ids, send, { line, json: flags.json === true });
}

async function limit(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  const [typed, ...typedIds] = operands;
  const most = flags["max-downloads"];
  if (typed === undefined && most === undefined) {
    throw new UsageError(
      "limit takes a rate, such as 500k, 2M or none, or --max-downloads.",
    );
  }
  if (typed === undefined && flags["per-host"]) {
    throw new UsageError("--per-host goes with a rate, such as 500k or none.");
  }
  const rate = typed === undefined ? undefined : readRate(typed, "The rate");
  if (typedIds.length === 0) {
    const field = flags["per-host"] ? "limit_rate_per_host" : "limit_rate";
    const limits = {
      ...(rate !== undefined && { [field]: rate }),
      ...(most !== undefined && { max_downloads: readCount(most) }),
    };
    using client = await connect(server);
    await client.request({ action: "limit", ...limits });
    return 0;
  }
  const misplaced = flags["per-host"]
    ? "per-host"
    : most === undefined
    ? null
    : "max-downloads";
  if (misplaced !== null) {
    throw new UsageError(`--${misplaced} goes without an id.`);
  }
  refuseEmpty(typedIds);
  using client = await connect(server);
  const ids = await fullIds(client, typedIds);
  const send = (page: readonly string[]) =>
    client.request({ action: "limit", ids: page, limit_rate: rate });
  return await sendFor(ids, send, { line, json: flags.json === true });
}

/** @throws {UsageError} unless it says how many downloads may run, or `none`. */
function readCount(typed: unknown): number | null {
  if (typed === "none") return null;
  const { minimum, maximum } = AT_A_TIME;
  const count = /^\d+$/.test(String(typed)) ? Number(typed) : NaN;
  if (count >= minimum && count <= maximum) return count;
  throw new UsageError(
    `--max-downloads takes a number from ${minimum} to ${maximum}, or none.`,
  );
}

async function move(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  const to = placeIn(flags.to);
  if (operands.length === 0 || operands.includes("")) {
    throw new UsageError(
      "move takes ids: sluice list --status Queued --order queue shows them.",
    );
  }
  if (operands.length > PAGE) {
    throw new UsageError(`move takes ${PAGE} ids at most.`);
  }
  using client = await connect(server);
  const ids = await fullIds(client, operands);
  const send = (page: readonly string[]) =>
    client.request({ action: "move", ids: page, to });
  return await sendFor(ids, send, { line, json: flags.json === true });
}

/** @throws {UsageError} saying what a place is. */
function placeIn(given: unknown): string | number {
  const known = PLACES.find((name) => name === given);
  if (known !== undefined) return known;
  const isNumber = typeof given === "string" && /^[1-9]\d{0,14}$/.test(given);
  if (isNumber) return Number(given);
  throw new UsageError(
    `move takes --to ${PLACES.join(", ")}, or a number from 1 on.`,
  );
}

async function prioritize(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  const [priority = "", ...typed] = operands;
  if (!PRIORITIES.some((name) => name === priority)) {
    throw notOneOf("priority", priority, PRIORITIES);
  }
  if (typed.length === 0) {
    throw new UsageError(`There is no id: sluice list shows them.`);
  }
  refuseEmpty(typed);
  using client = await connect(server);
  const ids = await fullIds(client, typed);
  const send = (page: readonly string[]) =>
    client.request({ action: "prioritize", ids: page, priority });
  return await sendFor(ids, send, { line, json: flags.json === true });
}

async function relocate(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  const [directory, ...typed] = operands;
  if (directory === undefined || typed.length === 0) {
    throw new UsageError(
      "relocate takes a directory, and ids: sluice list shows them.",
    );
  }
  refuseEmpty(typed);
  using client = await connect(server);
  const ids = await fullIds(client, typed);
  const send = (page: readonly string[]) =>
    client.request({ action: "relocate", ids: page, directory });
  return await sendFor(ids, send, { line, json: flags.json === true });
}

async function refresh(
  { flags, operands }: Invocation,
  server: ServerAddress,
  { line }: LineOutput,
): Promise<number> {
  const [typed, typedUrl, ...more] = operands;
  if (!typed || typedUrl === undefined || more.length > 0) {
    throw new UsageError(
      "refresh takes an id and a URL: sluice list shows the ids.",
    );
  }
  const url = completeUrl(typedUrl);
  checkUrl(url);
  using client = await connect(server);
  const [id = typed] = await fullIds(client, [typed]);
  await client.request({ action: "refresh", id, url });
  line(flags.json ? JSON.stringify({ id }) : printable(id));
  return 0;
}
