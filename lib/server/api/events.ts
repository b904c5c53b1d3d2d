/** What changes, as Server-Sent Events (HTML Standard, §9.2). */

import type { Log } from "../../base/log.ts";
import type { Listener, Telling } from "../telling.ts";

/** How often a client that is told nothing gets a comment, in milliseconds. */
const HEARTBEAT = 15_000;

/** How soon a browser that has lost the stream asks again, in milliseconds. */
const AGAIN = 2_000;

/** All streams of events. */
export interface Events {
  /**
   * A stream that begins with a snapshot, also for a client that names the last
   * event it had: it may have missed changes.
   */
  open(): Response;
  /** How many clients are told. */
  count(): number;
  /** Ends all streams, as the server goes away. */
  close(): void;
}

/** A client of a stream. */
interface Client {
  /** Sends a comment; a client that has not read since the last is let go of. */
  beat(): void;
  close(): void;
}

/**
 * Makes what opens streams.
 *
 * @param heartbeat How often a client that is told nothing gets a comment, in
 * milliseconds. One that has read nothing for two of them is cut off.
 */
export function createEvents(
  telling: Pick<Telling, "add" | "remove">,
  log: Log,
  heartbeat: number = HEARTBEAT,
): Events {
  const clients = new Set<Client>();
  const encoder = new TextEncoder();
  const encode = sameForAll((text, kind) =>
    encoder.encode(`event: ${kind}\ndata: ${text}\n\n`)
  );
  const comment = encoder.encode(":\n\n");
  let timer: ReturnType<typeof setInterval> | undefined;

  function enter(client: Client): void {
    clients.add(client);
    timer ??= setInterval(() => {
      for (const client of clients) client.beat();
    }, heartbeat);
  }

  function leave(client: Client, listener: Listener): void {
    telling.remove(listener);
    clients.delete(client);
    if (clients.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function stream(): ReadableStream<Uint8Array> {
    let client: Client;
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        /** Whether it had not read all at the last beat. */
        let wasBehind = false;
        const isBehind = () => (controller.desiredSize ?? 0) <= 0;
        const send = (bytes: Uint8Array) => controller.enqueue(bytes);
        listener = {
          isBehind,
          tell: (text, kind) => send(encode(text, kind)),
        };
        client = {
          beat() {
            if (!isBehind()) send(comment);
            else if (wasBehind) {
              log("client too slow");
              leave(client, listener);
              controller.error(new Error("The client does not read."));
            }
            wasBehind = isBehind();
          },
          close: () => controller.close(),
        };
        send(encoder.encode(`retry: ${AGAIN}\n\n`));
        enter(client);
        telling.add(listener);
      },
      cancel: () => leave(client, listener),
    });
  }

  return {
    open: () =>
      new Response(stream(), {
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          // nginx would gather events before it hands them on.
          "x-accel-buffering": "no",
          "x-content-type-options": "nosniff",
        },
      }),
    count: () => clients.size,
    close() {
      clearInterval(timer);
      for (const client of clients) client.close();
      clients.clear();
    },
  };
}

/** Makes what is told to many clients in turn once for all of them. */
function sameForAll<Kind, Made>(
  make: (text: string, kind: Kind) => Made,
): (text: string, kind: Kind) => Made {
  let last: { text: string; made: Made } | null = null;
  return (text, kind) => {
    if (last?.text !== text) last = { text, made: make(text, kind) };
    return last.made;
  };
}
