/** Who is told how downloads stand, and what each of them knows already. */

import type { Coordinator } from "../coordinator.ts";
import { openStatusChannel } from "../status/channel.ts";
import type { Lists } from "../status/lists.ts";
import type { Changes } from "../status/status.ts";
import type { ServerMessage } from "./messages.ts";
import { renderChanges } from "./protocol.ts";

/**
 * Listeners that are told in one turn of the event loop. A message is copied for
 * each client, and written only after the turn: the copies for a few clients are
 * still in the CPU's cache then, and those for the next few reuse their memory.
 */
const AT_ONCE = 20;

/** A client that is told how downloads stand. */
export interface Listener {
  /** Whether it has not read yet all that it was told. */
  isBehind(): boolean;
  /** @param text JSON: all that it is to know, or what has changed. */
  tell(text: string, kind: "snapshot" | "changes"): void;
}

/** Tells all listeners. */
export interface Telling {
  /** Tells a listener how all stands, and then of changes, until it leaves. */
  add(listener: Listener): void;
  remove(listener: Listener): void;
  close(): void;
}

/** Settings of the telling. */
export interface TellingOptions {
  /** How often clients that were too slow for changes are greeted anew, in ms. */
  readonly broadcastTimeout: number;
  /** The name of the channel that carries the status of all downloads. */
  readonly channel: string;
}

/** Makes what tells clients of changes. */
export function createTelling(
  options: TellingOptions,
  { coordinator, lists }: {
    readonly coordinator: Coordinator;
    readonly lists: Lists;
  },
): Telling {
  /** Each listener, and the number of the latest changes that it was told. */
  const listeners = new Map<Listener, number>();
  /** The number of the latest changes, and whether listeners are being told. */
  let changes = 0;
  let telling = false;
  const channel = openStatusChannel(options.channel, tellAll);
  const timer = setInterval(catchUp, options.broadcastTimeout);
  /** The first message to clients that connect before the next changes. */
  let snapshot: string | null = null;

  async function tellAll(changed: Changes): Promise<void> {
    const text = renderChanges(changed);
    snapshot = null;
    const latest = ++changes;
    telling = true;
    let told = 0;
    for (const [listener, known] of listeners) {
      // A client with unread messages gets the newest state later.
      if (known !== latest - 1 || listener.isBehind()) continue;
      listeners.set(listener, latest);
      listener.tell(text, "changes");
      if (++told % AT_ONCE > 0) continue;
      await nextTurn();
      // Newer changes came: a client must not hear of older ones after them.
      if (latest !== changes) return;
    }
    telling = false;
  }

  function catchUp(): void {
    const expected = telling ? changes - 1 : changes;
    for (const [listener, known] of listeners) {
      if (known < expected && !listener.isBehind()) greet(listener);
    }
  }

  function greet(listener: Listener): void {
    listeners.set(listener, changes);
    snapshot ??= takeSnapshot();
    listener.tell(snapshot, "snapshot");
  }

  function takeSnapshot(): string {
    const data = lists.snapshot();
    const totals = coordinator.totals();
    const disk = coordinator.disk();
    const timetable = coordinator.timetable();
    const limits = coordinator.limits();
    const told = { totals, disk, timetable, limits };
    const message: ServerMessage = { data, ...told, snapshot: true };
    return JSON.stringify(message);
  }

  return {
    add: greet,
    remove: (listener) => void listeners.delete(listener),
    close() {
      clearInterval(timer);
      channel[Symbol.dispose]();
    },
  };
}

/** Resolves once the messages that wait to be written have been. */
function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
