/** Commands that one server gives another, which has the download or its file. */

import type { Here } from "../coordinator.ts";
import type { Command } from "../download/download.ts";
import {
  DownloadError,
  type ErrorRecord,
  fromRecord,
  toRecord,
} from "../download/errors.ts";
import { createAnswers, type Working } from "./answers.ts";
import type { Broker } from "./broker.ts";
import { CONFLICT } from "./outcomes.ts";
import { TAKEN } from "./claims.ts";
import { type Entry, revoked } from "./entry.ts";
import type { ClusterQueue } from "./line.ts";
import type { Membership } from "./membership.ts";
import type { Replica } from "./replica.ts";
import type { Whereabouts } from "./whereabouts.ts";
import { away } from "./writes.ts";

/** How long a server may say that it is about to carry out a command, in ms. */
const DONE_WITHIN = 30_000;
/** How often in turn a server that has begun a command may be silent. */
const MOST_SILENT = 3;
/** How long the copy may take to show what another server did, in milliseconds. */
const SHOWN_WITHIN = 2_000;
/** How long a command is sent on, as the download changes hands, in milliseconds. */
const SENT_ON_WITHIN = 30_000;

/** A command for a download that another server works on. */
export interface Order {
  /** The session that is meant. */
  readonly session: string;
  /** Tells the order from all others; servers of an older version lack it. */
  readonly ask?: string;
  readonly id: string;
  /** How often it was claimed then: an order that comes late is none any more. */
  readonly epoch: number;
  readonly command: Command;
}

/** What has come of an order: the entry's revision then, or what went wrong. */
export type Report =
  | { readonly kind: "done"; readonly revision: number }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  /** It is not that session's any more. */
  | { readonly kind: "elsewhere" };

/** What orders work with. */
export interface OrdersTools {
  readonly broker: Broker;
  readonly membership: Pick<Membership, "session" | "sessions">;
  readonly replica: Replica;
  readonly queue: Pick<ClusterQueue, "during">;
  readonly whereabouts: Pick<Whereabouts, "placeOf">;
  /** Asks a session; null if it does not answer, or is not there. */
  ask(session: string, question: unknown): Promise<unknown>;
  /** Takes in an entry that was written or read here. */
  applied(id: string, entry: Entry | null, revision: number): Promise<void>;
}

/** Gives orders to other servers, and carries out theirs. */
export interface Orders {
  /** From now on, orders are carried out here. */
  begin(here: Pick<Here, "obey">): void;
  /**
   * Has a command carried out: here, or by another server.
   *
   * @throws {DownloadError} What the command throws; STATE if no broker answers,
   * if the download changes hands again and again, or if the server that has its
   * file does not answer.
   */
  carryOut(
    id: string,
    command: Command,
    obeyHere: () => Promise<void>,
  ): Promise<void>;
  /**
   * Takes in a download that another server has just added, if there is one.
   *
   * @throws {DownloadError} STATE if no broker answers that knows, or if it cannot
   * be written to the copy.
   */
  heardOf(id: string): Promise<void>;
  /** Whether an order was begun here, and what has come of it is kept. */
  isBegun(ask: string): boolean;
  /** Carries out another server's order. */
  answer(order: Order): Promise<Report | Working>;
}

/** Makes orders: none is given yet. */
export function createOrders(tools: OrdersTools): Orders {
  const { broker, membership, replica, queue, whereabouts } = tools;
  const answers = createAnswers<Report>();
  let here: Pick<Here, "obey"> | null = null;

  /** What has come of an order; null if its session does not say so in time. */
  async function give(order: Order): Promise<Report | null> {
    const { session } = order;
    const until = performance.now() + DONE_WITHIN;
    let isBegun = false;
    for (let silent = 0; silent < (isBegun ? MOST_SILENT : 1);) {
      if (!membership.sessions().has(session)) {
        return isBegun ? null : { kind: "elsewhere" };
      }
      const report = await tools.ask(session, order) as Report | Working | null;
      if (report?.kind === "working") isBegun = true;
      else if (report !== null) return report;
      silent = report === null ? silent + 1 : 0;
      if (performance.now() > until) break;
    }
    return null;
  }

  /** Takes a download from an owner that does not answer, if it is there still. */
  async function revoke(
    id: string,
    session: string,
  ): Promise<"gone" | "there" | "revoked"> {
    for (;;) {
      const found = await broker.read(`d.${id}`);
      if (found === null) return "gone";
      const entry = found.value as Entry;
      if (entry.owner !== session) return "there";
      const next = revoked(entry);
      try {
        const written = await broker.write(`d.${id}`, next, found.revision);
        await tools.applied(id, next, written);
        return "revoked";
      } catch (error) {
        if (error !== CONFLICT) throw error;
      }
    }
  }

  async function heardOf(id: string): Promise<void> {
    const isShown = () => replica.store.get(id) !== null;
    if (isShown() || !broker.isConnected()) return;
    if (replica.known(id) === undefined) {
      const found = await broker.read(`d.${id}`);
      if (found === null) return;
      // What tells of it may be late, or may have come to its end.
      tools.applied(id, found.value as Entry, found.revision);
    }
    const isLagging = () => replica.lagging().has(id);
    if (replica.known(id) === undefined) return;
    await shown(() => isShown() || isLagging());
    if (!isShown() && isLagging()) throw unshown();
  }

  async function report({ id, epoch, command }: Order): Promise<Report> {
    if (here === null) return { kind: "elsewhere" };
    try {
      const begin = () => queue.during(id, epoch);
      const isDone = await here.obey(id, command, begin);
      if (!isDone) return { kind: "elsewhere" };
      const revision = replica.known(id)?.revision ?? replica.position();
      return { kind: "done", revision };
    } catch (error) {
      return error === TAKEN
        ? { kind: "elsewhere" }
        : { kind: "failed", error: toRecord(error) };
    }
  }

  return {
    begin: (now) => void (here = now),
    async carryOut(id, command, obeyHere) {
      if (!broker.isConnected() || membership.session() === "") throw away();
      await heardOf(id);
      let until = performance.now() + SENT_ON_WITHIN;
      do {
        const session = whereabouts.placeOf(id, command);
        const { epoch = 0, revision: known = 0 } = replica.known(id) ?? {};
        const revisionNow = () => replica.known(id)?.revision ?? 0;
        const isElsewhere = () => revisionNow() !== known;
        if (session === null) {
          try {
            return await obeyHere();
          } catch (error) {
            if (error !== TAKEN) throw error;
            await shown(isElsewhere);
            continue;
          }
        }
        const number = crypto.randomUUID();
        const report = await give({ session, ask: number, id, epoch, command });
        if (report === null) {
          const found = await revoke(id, session);
          // Its owner has removed it, and did not say so in time.
          if (found === "gone" && command.kind === "remove") {
            return await shown(() => replica.known(id) === undefined);
          }
          // However long its owner took: it is carried out without it now.
          if (found === "revoked") until = performance.now() + SENT_ON_WITHIN;
          else await shown(isElsewhere);
        } else if (report.kind === "elsewhere") await shown(isElsewhere);
        else if (report.kind === "failed") throw fromRecord(report.error);
        else {
          const { revision } = report;
          return await shown(() =>
            replica.position() >= revision || revisionNow() >= revision
          );
        }
      } while (performance.now() < until);
      throw new DownloadError(
        "STATE",
        "The download changes hands just now, or the server that has its file " +
          "does not answer: try again.",
      );
    },
    heardOf,
    isBegun: (ask) => answers.has(ask),
    answer: (order) =>
      order.ask === undefined
        ? report(order)
        : answers.answer(order.ask, () => report(order)),
  };
}

function unshown(): DownloadError {
  return new DownloadError(
    "STATE",
    "The download is in the queue, and this server cannot show it: the disk of " +
      "its STATE_DIRECTORY cannot be written. Make room there; do not add it again.",
  );
}

/** Waits until the copy shows something, or for as long as that may take. */
async function shown(isShown: () => boolean): Promise<void> {
  const until = performance.now() + SHOWN_WITHIN;
  while (!isShown() && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
