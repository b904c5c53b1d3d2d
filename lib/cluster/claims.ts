/** The claims of this server: how they are made, lost, given up and settled. */

import { errorMessage } from "../base/error_message.ts";
import { mayWrite } from "../base/write_until.ts";
import type {
  DownloadRequest,
  FileFacts,
  Rewording,
} from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import type { DownloadParts } from "../files/parts.ts";
import type { Settled, Waiting } from "../store/catalogue.ts";
import type { Progress } from "../store/part_records.ts";
import { lstatIfThere, removeIfThere } from "../files/names.ts";
import { notePath, partPath, recordPath, writeRecord } from "./adoption.ts";
import { CONFLICT } from "./outcomes.ts";
import {
  claimedForCommand,
  claimedForWork,
  type Entry,
  isGivenUp,
  isHeld,
  movedTo,
  type Part,
  placed,
  releasedAs,
  renewedAs,
  rewordedAs,
  settledAs,
} from "./entry.ts";
import type { Membership } from "./membership.ts";
import type { Replica, Stored } from "./replica.ts";
import { endMovesOf, relocate } from "./relocation.ts";
import { createTakeover, type TakeoverTools } from "./takeover.ts";
import { createWithdrawals, type Finished } from "./withdrawals.ts";
import {
  away,
  createWrites,
  type Holding,
  type Purpose,
  type WritesTools,
} from "./writes.ts";

/** Thrown where another server has claimed a download just now. */
export const TAKEN = new Error("Another server has just claimed it.");

/** What has come of a wish to claim something. */
export type Claiming = Holding | "gone" | "taken";

/** What claims work with. */
export interface ClaimsTools
  extends WritesTools, Omit<TakeoverTools, "update" | "settle"> {
  readonly membership: Pick<Membership, "session" | "sessions" | "writeUntil">;
  readonly replica: Replica;
  readonly files: Pick<DownloadParts, "look" | "removeFinished">;
  /** What is known of an entry without asking the broker; null if not enough. */
  recent(id: string): Stored | null;
  /** Whether all is heard that was in the bucket as it was opened. */
  isWhole(): boolean;
}

/** All claims of this server. */
export interface Claims {
  get(id: string): Holding | undefined;
  all(): Iterable<Holding>;
  /** Whether a download is claimed here, or about to be. */
  isBusy(id: string): boolean;
  /** How many are about to be claimed. */
  claiming(): number;
  /** Resolves when a download is not about to be claimed, or given up, any more. */
  settledDown(id: string): Promise<void>;
  /**
   * Claims a download.
   *
   * @param epoch What it must have been claimed last for; by default, anything.
   */
  claim(id: string, purpose: Purpose, epoch?: number): Promise<Claiming>;
  settle(id: string, settled: Settled): Promise<void>;
  renew(id: string, request: DownloadRequest, state: Waiting): Promise<void>;
  /**
   * Has a download be asked for in another way, wherever it stands.
   *
   * @throws {TAKEN} if another server works on it.
   */
  reword(id: string, rewording: Rewording): Promise<void>;
  /**
   * Gives a download another rank, wherever it stands.
   *
   * @throws {TAKEN} if another server works on it.
   */
  place(id: string, rank: number): Promise<void>;
  remove(id: string): Promise<void>;
  /** Moves the file of a finished download; see relocation.ts. */
  relocate(id: string, directory: string): Promise<void>;
  /** A move has left something of a download that a claim is to remove. */
  moveWasLeft(id: string): void;
  /** Downloads of which a move has left something that a claim is to remove. */
  leftByMoves(): Iterable<string>;
  checkpoint(id: string, file: FileFacts, progress: Progress): Promise<void>;
  forget(id: string): Promise<void>;
  /** The path of the part that is written for a claim. */
  partOf(id: string): string;
  /** Gives a claim up, if it is not over. */
  release(holding: Holding): Promise<void>;
  /** An entry has been heard of: whether its claim here is lost by it. */
  hear(id: string, entry: Entry | null): void;
  /** The session is over: all claims are lost. */
  loseAll(): void;
  /** A file has its name, which may not be recorded. */
  named(id: string, finished: Finished): void;
  /** Takes names back that were given after their claims were lost. */
  withdraw(): Promise<void>;
}

/** Makes claims of a server: none. */
export function createClaims(tools: ClaimsTools): Claims {
  const { broker, membership, place, parts, log } = tools;
  const writes = createWrites(tools);
  const { update, end, lose } = writes;
  const adopt = createTakeover({ ...tools, update, settle });
  const holdings = new Map<string, Holding>();
  const leftByMoves = new Set<string>();
  /** Claims that are being made or given up. */
  const moving = new Map<string, Promise<unknown>>();
  let claiming = 0;
  const withdrawals = createWithdrawals({
    files: tools.files,
    storage: place.storage,
    find: writes.find,
    isHeld: (id) => holdings.get(id)?.lost.signal.aborted === false,
  });

  /**
   * Whether a claim's owner is known to be dead: its session came before it. While
   * a bucket is read, a session is heard by its last renewal, after its claims.
   */
  function isFree({ entry: { owner }, revision }: Stored): boolean {
    return owner === null || owner === membership.session() ||
      tools.isWhole() && tools.replica.position() >= revision &&
        !membership.sessions().has(owner);
  }

  async function begin(
    id: string,
    purpose: Purpose,
    epoch?: number,
  ): Promise<Claiming> {
    const session = membership.session();
    if (session === "" || !mayWrite(membership.writeUntil)) throw away();
    const recent = tools.recent(id);
    let found = recent ?? await writes.read(id);
    for (;;) {
      if (found === null) return "gone";
      const { entry, revision } = found;
      const isAnothers = !isFree(found) ||
        epoch !== undefined && entry.epoch !== epoch;
      // A command is refused for how the entry stands at the broker: what this
      // server has heard of it may be older than the command.
      if (isAnothers && purpose === "command" && found === recent) {
        found = await writes.read(id);
        continue;
      }
      if (isAnothers) return "taken";
      if (purpose === "work" && entry.download.state.kind !== "Queued") {
        return "taken";
      }
      const known = placed(entry, revision);
      const next = purpose === "work"
        ? claimedForWork(known, session, place)
        : claimedForCommand(known, session);
      try {
        const written = await broker.write(`d.${id}`, next, revision);
        const holding = hold(id, purpose, next, written, session);
        // Not waited for: what reads the copy has no part in the claim.
        tools.applied(id, next, written);
        if (membership.session() === session) return holding;
        lose(holding);
        holdings.delete(id);
        return "taken";
      } catch (error) {
        if (error !== CONFLICT) throw error;
        found = await writes.read(id);
      }
    }
  }

  function hold(
    id: string,
    purpose: Purpose,
    entry: Entry,
    revision: number,
    session: string,
  ): Holding {
    const { epoch, download } = entry;
    const holding: Holding = {
      ...{ id, purpose, session, epoch },
      lost: new AbortController(),
      download: tools.replica.local(download),
      runs: [],
      over: false,
      file: download.file,
      bytes: download.downloaded,
      part: entry.part,
      stored: { entry, revision },
    };
    holdings.set(id, holding);
    return holding;
  }

  async function settle(holding: Holding, settled: Settled): Promise<void> {
    const { state, downloaded } = settled;
    const goesOn = holding.purpose === "work" && state.kind === "Queued";
    const isEmpty = downloaded === 0 && state.kind !== "Downloaded";
    const part = partOnceSettled(holding, isEmpty, goesOn);
    const recorded = tools.replica.recorded(state);
    const next = (entry: Entry) =>
      settledAs(entry, { ...settled, state: recorded }, part, goesOn);
    if (state.kind === "Downloaded") withdrawals.named(holding.id, state);
    try {
      if (goesOn) await (await update(holding, next)).shown;
      else await end(holding, next);
    } catch (error) {
      await withdrawals.look();
      throw error;
    }
    withdrawals.recorded(holding.id);
    if (isEmpty || state.kind === "Downloaded") {
      removeIfThere(recordPath(partPath(parts, holding.id, holding.epoch)));
      Object.assign(holding, { file: null, bytes: 0, runs: [] });
    }
  }

  function partOnceSettled(
    { part, epoch, purpose }: Holding,
    isEmpty: boolean,
    goesOn: boolean,
  ): Part | null {
    if (goesOn) return { ...place, epoch, closed: false };
    if (purpose === "command") return isEmpty ? null : part;
    return isEmpty ? null : { ...place, epoch, closed: true };
  }

  async function giveUp(holding: Holding): Promise<void> {
    const { id, epoch, purpose, lost } = holding;
    try {
      if (holding.over || lost.signal.aborted) return;
      const { part, file, bytes } = holding;
      // What was not adopted may still be written to by its former holder.
      const isOwn = purpose === "work" && part?.epoch === epoch;
      const left = !isOwn
        ? part
        : bytes === 0
        ? null
        : { ...place, epoch, closed: true };
      await end(
        holding,
        (entry) =>
          entry.download.state.kind === "Downloaded"
            ? { ...entry, owner: null }
            : releasedAs(entry, left, { file, downloaded: bytes }),
      );
      log("released", { id });
    } catch {
      // It is found and given up later, or its session ends before.
    } finally {
      if (holdings.get(id) === holding) holdings.delete(id);
    }
  }

  /** Writes an entry otherwise that this server holds, or nobody does. */
  async function adjust(
    id: string,
    adjusted: (entry: Entry) => Entry,
  ): Promise<void> {
    const holding = holdings.get(id);
    if (holding !== undefined && !holding.over) {
      await (await update(holding, adjusted)).shown;
      return;
    }
    for (;;) {
      const found = await writes.read(id);
      if (found === null) return;
      if (!isFree(found)) throw TAKEN;
      const { entry, revision } = found;
      const next = adjusted(placed(entry, revision));
      try {
        const written = await broker.write(`d.${id}`, next, revision);
        return await tools.applied(id, next, written);
      } catch (error) {
        if (error !== CONFLICT) throw error;
      }
    }
  }

  function heldFor(id: string): Holding {
    const holding = holdings.get(id);
    if (holding !== undefined && !holding.lost.signal.aborted) return holding;
    throw new DownloadError(
      "STATE",
      "This server has no claim on the download.",
    );
  }

  async function inTurn<Value>(
    id: string,
    work: () => Promise<Value>,
  ): Promise<Value> {
    const mine = work();
    const quiet = mine.catch(() => {});
    moving.set(id, quiet);
    try {
      return await mine;
    } finally {
      if (moving.get(id) === quiet) moving.delete(id);
    }
  }

  async function claim(
    id: string,
    purpose: Purpose,
    epoch?: number,
  ): Promise<Claiming> {
    const claimed = await begin(id, purpose, epoch);
    if (claimed === "gone" && leftByMoves.delete(id)) {
      await endMovesOf(id, tools).catch((error) => {
        log("leftovers", { id, message: errorMessage(error) });
      });
    }
    if (typeof claimed === "string") return claimed;
    if (purpose === "work") log("claimed", { id, epoch: claimed.epoch });
    try {
      if (await adopt(claimed) === "held") {
        leftByMoves.delete(id);
        return claimed;
      }
    } catch (error) {
      await giveUp(claimed);
      throw error;
    }
    await giveUp(claimed);
    return purpose === "work" ? "taken" : await claim(id, purpose);
  }

  return {
    get: (id) => holdings.get(id),
    all: () => holdings.values(),
    isBusy: (id) => holdings.has(id) || moving.has(id),
    claiming: () => claiming,
    async settledDown(id) {
      await moving.get(id);
    },
    async claim(id, purpose, epoch) {
      claiming++;
      try {
        return await inTurn(id, () => claim(id, purpose, epoch));
      } finally {
        claiming--;
      }
    },
    async settle(id, settled) {
      const holding = holdings.get(id);
      const isNamed = settled.state.kind === "Downloaded";
      // A file that has its name is recorded if its claim was lost to nobody yet,
      // and loses the name if it was.
      const one = isNamed && holding !== undefined ? holding : heldFor(id);
      await settle(one, settled);
    },
    async renew(id, request, state) {
      const holding = heldFor(id);
      const part = holding.purpose === "work" && holding.part !== null
        ? holding.bytes === 0 ? null : { ...holding.part, closed: true }
        : holding.part;
      const { file, bytes: downloaded } = holding;
      await end(holding, (entry) =>
        renewedAs(
          { ...entry, download: { ...entry.download, file, downloaded } },
          request,
          state,
          part,
        ));
    },
    reword: (id, rewording) =>
      adjust(id, (entry) => rewordedAs(entry, rewording)),
    place: (id, rank) => adjust(id, (entry) => movedTo(entry, rank)),
    async remove(id) {
      const holding = heldFor(id);
      await end(holding, () => null);
      removeIfThere(recordPath(partPath(parts, id, holding.epoch)));
    },
    async relocate(id, directory) {
      const holding = heldFor(id);
      const { state } = holding.download;
      if (state.kind !== "Downloaded") return;
      const { writeUntil } = membership;
      try {
        await relocate(holding, state, directory, {
          ...tools,
          update,
          writeUntil,
        });
      } finally {
        const note = notePath(partPath(parts, id, holding.epoch));
        if (lstatIfThere(note) !== null) leftByMoves.add(id);
      }
    },
    moveWasLeft: (id) => void leftByMoves.add(id),
    leftByMoves: () => leftByMoves,
    checkpoint: (id, file, { runs, bytes }) =>
      Promise.try(() => {
        const holding = heldFor(id);
        if (!mayWrite(membership.writeUntil)) throw away();
        const path = partPath(parts, id, holding.epoch);
        writeRecord(path, { file, runs }, tools);
        Object.assign(holding, { file, bytes, runs });
      }),
    forget: (id) =>
      Promise.try(() => {
        const holding = heldFor(id);
        removeIfThere(recordPath(partPath(parts, id, holding.epoch)));
        Object.assign(holding, { file: null, bytes: 0, runs: [] });
        // It may be at another server: from now on, nothing names it.
        if (holding.purpose === "command") holding.part = null;
      }),
    partOf: (id) => partPath(parts, id, holdings.get(id)?.epoch ?? 0),
    release: (holding) => inTurn(holding.id, () => giveUp(holding)),
    hear(id, entry) {
      const holding = holdings.get(id);
      if (holding === undefined || holding.over) return;
      // News of before it was claimed, or of what it gave up itself.
      if (entry !== null && entry.epoch < holding.epoch) return;
      if (isHeld(entry, holding) || isGivenUp(entry, holding)) return;
      lose(holding);
    },
    named: withdrawals.named,
    withdraw: withdrawals.look,
    loseAll() {
      for (const holding of holdings.values()) lose(holding);
    },
  };
}
