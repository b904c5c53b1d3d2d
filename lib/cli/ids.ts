/** Downloads by their ids: which ones a command means, and what it does to them. */

import type { Connection } from "../client/connection.ts";
import type { ServerMessage } from "../server/messages.ts";
import type { Status } from "../status/schema.ts";
import { listPage } from "./client.ts";
import { printable } from "./terminal/width.ts";
import { UsageError } from "./usage.ts";

/** Downloads on one page: the most that a server gives. */
export const PAGE = 1_000;

/** @throws {UsageError} if an id is empty, which all ids begin with. */
export function refuseEmpty(ids: readonly string[]): void {
  if (!ids.includes("")) return;
  throw new UsageError("An id is empty: sluice list shows them.");
}

/** Sends a command for pages of ids, and says which it was carried out on. */
export async function sendFor(
  ids: readonly string[],
  send: (page: readonly string[]) => Promise<ServerMessage>,
  { line, json }: { line: (text: string) => void; json: boolean },
): Promise<number> {
  let code = 0;
  for (let at = 0; at < ids.length; at += PAGE) {
    const page = ids.slice(at, at + PAGE);
    const reply = await send(page);
    const refused = "data" in reply && "refused" in reply.data
      ? reply.data.refused
      : [];
    const left = new Set(refused.map(({ id }) => id));
    for (const id of page.filter((id) => !left.has(id))) {
      line(json ? JSON.stringify({ id }) : printable(id));
    }
    for (const { id, message } of refused) {
      code = 1;
      console.error(`sluice: ${printable(id)}: ${printable(message)}`);
    }
  }
  return code;
}

/** The ids of all downloads that a list of this filter has. */
export async function allIds(
  client: Connection,
  filter: Readonly<Record<string, unknown>>,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const statuses of allPages(client, filter)) {
    ids.push(...statuses.map(({ id }) => id));
  }
  return ids;
}

/**
 * All downloads of a list, each once. Those that leave it meanwhile move others
 * to pages that were read already: so each page begins with the end of the one
 * before, and where it does not, what is before it is read again.
 *
 * @param limit Downloads on one page.
 */
export async function* allPages(
  client: Connection,
  filter: Readonly<Record<string, unknown>>,
  limit = PAGE,
): AsyncGenerator<readonly Status[]> {
  const overlap = Math.ceil(limit / 10);
  const seen = new Set<string>();
  for (let offset = 0;;) {
    const asked = { ...filter, offset, limit };
    const { statuses, total } = await listPage(client, asked);
    const [first] = statuses;
    if (offset > 0 && !(first && seen.has(first.id))) {
      offset = Math.max(0, offset - limit);
      continue;
    }
    const fresh = statuses.filter(({ id }) => !seen.has(id));
    for (const { id } of fresh) seen.add(id);
    yield fresh;
    if (offset + statuses.length >= total) return;
    offset += Math.max(1, statuses.length - overlap);
  }
}

/** Characters of a whole id. */
const ID_LENGTH = 36;

/** The whole ids of typed ones, which may be cut down to their beginnings. */
export async function fullIds(
  client: Connection,
  typed: readonly string[],
): Promise<string[]> {
  const isFull = (id: string) => id.length >= ID_LENGTH;
  if (typed.every(isFull)) return [...typed];
  const all = await allIds(client, {});
  return typed.map((id) => {
    const [found, another] = all.filter((full) => full.startsWith(id));
    if (another !== undefined) {
      throw new UsageError(
        `More than one id begins with ${printable(id)}: type more of it.`,
      );
    }
    // An unknown id is sent as it is: the server says what is wrong with it.
    return found ?? id;
  });
}
