/** Part files that no download will go on from, and names that nobody knows of. */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import { every } from "../base/timers.ts";
import { findDirectory } from "../files/directories.ts";
import type { Naming } from "../files/naming.ts";
import { removeIfThere } from "../files/names.ts";
import { isOfMove, parsePartName } from "./adoption.ts";
import type { Found } from "./bucket.ts";
import type { Claims } from "./claims.ts";
import type { Entry, Part, Place } from "./entry.ts";
import type { Known, Replica } from "./replica.ts";
import { fateOf } from "./withdrawals.ts";

/** How often parts are removed that were still written to, in milliseconds. */
const SWEPT_EVERY = 2_000;

/** What leftovers are looked for with. */
export interface LeftoversTools {
  readonly claims: Pick<Claims, "isBusy" | "moveWasLeft" | "named">;
  readonly replica: Pick<Replica, "known">;
  readonly place: Place;
  /** The content directory. */
  readonly directory: string;
  /** The directory of part files. */
  readonly parts: string;
  readonly naming: Naming;
  readonly log: Log;
  /** Finds what the broker has of an entry. */
  find(id: string): Promise<Found<Entry>>;
}

/** What this server leaves behind here, until it is removed. */
export interface Leftovers extends Disposable {
  /** An entry stands otherwise, which had another part before. */
  heard(id: string, before: Part | null, entry: Entry | null): void;
  /** Removes what a server that was killed has left; what fails is tried again. */
  removeAll(): void;
}

/** Makes leftovers: none that is known of. */
export function createLeftovers(tools: LeftoversTools): Leftovers {
  const { claims, replica, place, parts, log } = tools;
  /** Downloads whose parts here may be of no use any more, as they were heard of. */
  const leaving = new Map<string, "listed" | "removed">();
  /** Whether what a server that was killed has left is to be removed, or is now. */
  let removal: "none" | "due" | "running" = "none";
  /** What was said last, so that it is said once. */
  let said = "";

  /** What came with another bucket tells nothing of the parts of before. */
  function isUnknown(id: string): boolean {
    return replica.known(id) === undefined && leaving.get(id) === "listed";
  }

  function fail(error: unknown): void {
    const message = errorMessage(error);
    if (message !== said) log("leftovers", { message });
    said = message;
  }

  /** Removes such parts once this server does not work on them any more. */
  function sweep(): void {
    for (const id of leaving.keys()) if (isUnknown(id)) leaving.delete(id);
    const ids = new Set(
      [...leaving.keys()].filter((id) => !claims.isBusy(id)),
    );
    if (ids.size === 0) return;
    try {
      for (const { name } of Deno.readDirSync(parts)) {
        const { id = "", epoch = 0 } = parsePartName(name) ?? {};
        if (!ids.has(id) || isOfMove(name)) continue;
        // What is heard later makes no part of use again.
        if (isLeftover(replica.known(id) ?? null, epoch, place.storage)) {
          removeIfThere(`${parts}/${name}`);
        }
      }
      for (const id of ids) if (!isUndecided(id)) leaving.delete(id);
    } catch (error) {
      fail(error);
    }
  }

  /** Whether the holder of a claim may still say where its part is to be. */
  function isUndecided(id: string): boolean {
    const known = replica.known(id);
    return known !== undefined && known.part === null && known.owner !== null;
  }

  /** Whether an entry tells no more of the part that this server has written. */
  function isLeft(part: Part | null, entry: Entry | null): boolean {
    if (part?.node !== place.node || part.storage !== place.storage) {
      return false;
    }
    return entry?.part?.storage !== place.storage ||
      entry.part.epoch > part.epoch;
  }

  function watchNamed({ download }: Entry, part: string): void {
    const place = findDirectory(tools.directory, download.request.directory);
    if (place === null || !tools.naming.isNamed(part)) return;
    const named = tools.naming.find(place, [part]).get(part);
    if (named === undefined) return;
    const { path, identity } = named;
    claims.named(download.id, { kind: "Downloaded", path, identity });
  }

  /** Removes what is of no use, and sees to names that are not recorded. */
  async function removeAll(): Promise<void> {
    const byId = Map.groupBy(
      [...Deno.readDirSync(parts)].map(({ name }) => name),
      (name) => parsePartName(name)?.id ?? "",
    );
    let unknown = 0;
    for (const [id, names] of byId) {
      if (id === "") continue;
      const found = await tools.find(id);
      const entry = found.kind === "there" ? found.value : null;
      for (const name of names) {
        const path = `${parts}/${name}`;
        // The file may have two names: the claim on it tells which one stays.
        if (isOfMove(name)) {
          claims.moveWasLeft(id);
          continue;
        }
        if (found.kind === "unknown") {
          unknown++;
          continue;
        }
        // Another storage may take the download over, or has.
        if (entry !== null && fateOf(found, place.storage) !== "kept") {
          watchNamed(entry, path);
        }
        const { epoch = 0 } = parsePartName(name) ?? {};
        if (isLeftover(entry && knownOf(entry), epoch, place.storage)) {
          removeIfThere(path);
        }
      }
    }
    if (unknown > 0) log("leftovers unknown", { files: unknown });
  }

  async function removeAllIfDue(): Promise<void> {
    if (removal !== "due") return;
    removal = "running";
    try {
      await removeAll();
      removal = "none";
    } catch (error) {
      removal = "due";
      fail(error);
    }
  }

  const sweeping = every(SWEPT_EVERY, () => {
    sweep();
    removeAllIfDue();
  });
  return {
    heard(id, before, entry) {
      if (isLeft(before, entry)) leaving.set(id, "listed");
      if (entry !== null) return;
      if (leaving.has(id)) leaving.set(id, "removed");
      sweep();
    },
    removeAll() {
      removal = "due";
      removeAllIfDue();
    },
    [Symbol.dispose]: () => sweeping[Symbol.dispose](),
  };
}

/** What of an entry tells whether a part is of use. */
type Concern = Pick<Known, "epoch" | "owner" | "part" | "state">;

function knownOf({ epoch, owner, part, download: { state } }: Entry): Concern {
  return { epoch, owner, part, state: state.kind };
}

/**
 * Whether a part of a claim is of no use: its download is gone or finished, or
 * is to be fetched from where a later claim left it. Claims to come only look
 * for what this entry names, and for what is later.
 */
export function isLeftover(
  entry: Concern | null,
  epoch: number,
  storage: string,
): boolean {
  if (entry === null) return true;
  const { part, owner, state } = entry;
  if (epoch > entry.epoch) return false;
  if (part === null) return owner === null;
  return part.storage !== storage || epoch < part.epoch ||
    state === "Downloaded";
}
