/** Who is in the cluster: a lease for each session, and the end of the dead. */

import type { Log } from "../base/log.ts";
import {
  allowWrites,
  clocks,
  createWriteUntil,
  mayWrite,
  type WriteUntil,
} from "../base/write_until.ts";
import { errorMessage } from "../base/error_message.ts";
import type { Broker } from "./broker.ts";
import { CONFLICT } from "./outcomes.ts";
import type { Change } from "./bucket.ts";
import { type Lease, silenceOf } from "./entry.ts";

/** For which part of its lease a session may write, from when it asked for it. */
const WRITABLE = .8;
/** How often a lease is renewed, as a part of it. */
const RENEWED = 1 / 5;
/** A renewal that takes longer than this part of a lease is an interruption. */
const UNINTERRUPTED = .4;
/** How often the others' leases are looked at, in milliseconds. */
const LOOK_EVERY = 500;

/** A session as it is seen from here. */
export interface Seen {
  readonly lease: Lease;
  readonly revision: number;
  /** When its last renewal was heard of, by the steady clock. */
  readonly at: number;
}

/** The sessions, this server's own among them. */
export interface Membership {
  /** This server's session; an empty text while it has none. */
  session(): string;
  /** The revision of its last renewal; 0 for none. */
  revision(): number;
  /** All that are alive, as far as is heard. */
  sessions(): ReadonlyMap<string, Seen>;
  readonly writeUntil: WriteUntil;
  /** Takes in what is heard of a session. */
  hear(change: Change, lease: Lease | null): void;
  /** Begins a session, if there is none; what fails is tried again later. */
  join(): Promise<void>;
  /** What the lease says has changed: it is renewed at once. */
  refresh(): void;
  /** Ends the session, and begins none any more. */
  leave(): Promise<void>;
}

/** What a membership works with. */
export interface MembershipTools {
  readonly broker: Pick<Broker, "write" | "read">;
  readonly log: Log;
  /** What this server's lease says, but for how long it holds. */
  lease(): Lease;
  /** The session is over: what was claimed in it is another's. */
  onLost(): void;
  /** Another session has begun or ended. */
  onChange(): void;
}

/**
 * Makes a membership without a session.
 *
 * @param length How long a lease holds, in milliseconds.
 */
export function createMembership(
  length: number,
  { broker, log, lease, onLost, onChange }: MembershipTools,
): Membership {
  const sessions = new Map<string, Seen>();
  const writeUntil = createWriteUntil();
  let session = "";
  /** The session that is there, or about to begin. */
  let current = "";
  let revision = 0;
  let joining: Promise<void> | null = null;
  let over = false;
  let isBeating = false;
  /** Whether the lease is to be renewed as soon as it can be. */
  let isDue = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Since when every renewal has come in time: until then, others are not judged. */
  let steadySince = performance.now();

  /** What this server's lease says, and how long it holds. */
  function said(): Lease {
    return { ...lease(), length };
  }

  async function renew(mine: string): Promise<void> {
    const sent = clocks();
    const start = performance.now();
    const lapsed = revision > 0 && !mayWrite(writeUntil);
    const within = length * WRITABLE;
    const written = await broker.write(`n.${mine}`, said(), revision, within);
    if (current !== mine) return;
    revision = written;
    const took = performance.now() - start;
    if (lapsed || took > UNINTERRUPTED * length) {
      steadySince = performance.now();
    }
    // Counted from when it was sent first: a retry of it is the same renewal.
    allowWrites(writeUntil, sent, length * WRITABLE);
  }

  function schedule(): void {
    clearTimeout(timer);
    if (!over) timer = setTimeout(beat, isDue ? 0 : length * RENEWED);
    isDue = false;
  }

  async function beat(): Promise<void> {
    const mine = session;
    isBeating = true;
    try {
      await renew(mine);
    } catch (error) {
      if (error === CONFLICT && await isGone(mine)) return lose(mine);
      // The next one tries again; what is claimed is held meanwhile.
    } finally {
      isBeating = false;
    }
    if (session === mine) schedule();
  }

  /**
   * Whether the lease is not there any more. A renewal whose answer was lost
   * looks like a conflict, too.
   */
  async function isGone(mine: string): Promise<boolean> {
    try {
      const found = await broker.read(`n.${mine}`);
      if (found === null) return true;
      revision = found.revision;
    } catch {
      // It is asked again with the next beat.
    }
    return false;
  }

  function lose(mine: string): void {
    if (session !== mine || over) return;
    writeUntil.fill(0);
    log("expelled", { session: mine });
    session = current = "";
    revision = 0;
    sessions.delete(mine);
    onLost();
    join();
  }

  function join(): Promise<void> {
    if (session !== "" || over) return Promise.resolve();
    return joining ??= begin().catch((error) => {
      current = "";
      log("not joined", { message: errorMessage(error) });
      if (!over) timer = setTimeout(join, length * RENEWED);
    }).finally(() => joining = null);
  }

  async function begin(): Promise<void> {
    const mine = crypto.randomUUID();
    revision = 0;
    current = mine;
    await renew(mine);
    if (current !== mine) return;
    session = mine;
    steadySince = performance.now();
    sessions.set(mine, { lease: said(), revision, at: performance.now() });
    schedule();
    onChange();
  }

  const judging = setInterval(() => {
    const now = performance.now();
    if (session === "" || now - steadySince < length) return;
    if (!mayWrite(writeUntil)) return;
    for (const [name, { lease, revision, at }] of sessions) {
      if (name === session) continue;
      // While this server itself was away, it may have missed renewals.
      const silent = now - Math.max(at, steadySince);
      if (silent >= silenceOf(lease, length)) expel(name, revision);
    }
  }, LOOK_EVERY + Math.random() * LOOK_EVERY);

  async function expel(name: string, revision: number): Promise<void> {
    try {
      await broker.write(`n.${name}`, null, revision, LOOK_EVERY);
      log("expelled", { session: name });
    } catch (error) {
      if (error === CONFLICT) await lookAgain(name);
    }
  }

  /** It has been renewed or ended, which was not heard of. */
  async function lookAgain(name: string): Promise<void> {
    try {
      const found = await broker.read(`n.${name}`);
      if (found !== null) {
        const { revision, value } = found;
        const at = performance.now();
        sessions.set(name, { lease: value as Lease, revision, at });
      } else if (sessions.delete(name)) onChange();
    } catch {
      // It is looked at again.
    }
  }

  return {
    session: () => session,
    revision: () => revision,
    sessions: () => sessions,
    writeUntil,
    hear({ key, revision }, lease) {
      const name = key.slice(2);
      if (revision <= (sessions.get(name)?.revision ?? 0)) return;
      const isNews = lease === null
        ? sessions.delete(name)
        : !sessions.has(name);
      if (lease !== null) {
        sessions.set(name, { lease, revision, at: performance.now() });
      }
      if (lease === null && name === session) lose(name);
      if (isNews) onChange();
    },
    join,
    refresh() {
      isDue = true;
      if (session !== "" && !isBeating) schedule();
    },
    async leave() {
      over = true;
      clearTimeout(timer);
      clearInterval(judging);
      writeUntil.fill(0);
      if (session === "") return;
      const mine = session;
      session = current = "";
      try {
        await broker.write(`n.${mine}`, null, revision, LOOK_EVERY);
      } catch {
        // It ends by itself.
      }
    },
  };
}
