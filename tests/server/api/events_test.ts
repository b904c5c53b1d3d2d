import { assert, assertEquals } from "@std/assert";
import { createEvents } from "../../../lib/server/api/events.ts";
import type { ServerMessage } from "../../../lib/server/messages.ts";
import type { Listener } from "../../../lib/server/telling.ts";
import { add, apiUrl, ask, CHECKER, refusal } from "../../support/api.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { type Sluice, startSluice } from "../../support/sluice.ts";

/** One event, or a comment, as it was sent. */
interface Sent {
  readonly event: string;
  readonly data: string;
}

/** Reads a stream of events one by one. */
async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<Sent> {
  let text = "";
  for await (
    const part of body.pipeThrough(
      new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
    )
  ) {
    text += part;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) =>
        block.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1] ?? "";
      yield { event: field("event") || block, data: field("data") };
    }
  }
}

/** The number of clients that the server counts, once it is as expected. */
async function untilSockets(sluice: Sluice, expected: number): Promise<void> {
  for (;;) {
    const url = apiUrl(sluice).replace(/api$/, "metrics");
    const text = await (await fetch(url)).text();
    if (text.includes(`\nsluice_sockets ${expected}\n`)) return;
  }
}

Deno.test("events are a snapshot, and then what changes, as the socket tells it", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { BROADCAST_TIMEOUT: "20" },
  });
  const { id: old } = await add(sluice, {
    url: "http://127.0.0.1:1/",
    paused: true,
  });
  // Whatever a client had last, it may have missed changes.
  const response = await fetch(`${apiUrl(sluice)}/events`, {
    headers: { "last-event-id": "7" },
  });
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assert(response.body);
  const events = read(response.body);
  const next = async () => (await events.next()).value as Sent;
  assertEquals(await next(), { event: "retry: 2000", data: "" });
  const first = await next();
  assertEquals(first.event, "snapshot");
  const snapshot = JSON.parse(first.data);
  CHECKER.checkAs("Event", snapshot);
  assertEquals([snapshot.snapshot, snapshot.data[0].id], [true, old]);
  await untilSockets(sluice, 1);
  const { id } = await add(sluice, { url: origin.serve("/f", file(1_000)) });
  for (;;) {
    const { event, data } = await next();
    assertEquals(event, "changes");
    const message: ServerMessage = JSON.parse(data);
    CHECKER.checkAs("Event", message);
    assert("data" in message && Array.isArray(message.data));
    const [status] = message.data.filter((one) => one.id === id);
    if (status?.process_status === "Downloaded") break;
  }
  await events.return(undefined);
  await untilSockets(sluice, 0);
});

Deno.test("a browser's EventSource hears events, until the server stops", async () => {
  await using sluice = await startSluice();
  const source = new EventSource(`${apiUrl(sluice)}/events`);
  const { promise, resolve } = Promise.withResolvers<string>();
  source.addEventListener("snapshot", ({ data }) => resolve(data));
  assertEquals(JSON.parse(await promise).data, []);
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  source.onerror = () => lose();
  sluice.kill("SIGTERM");
  await lost;
  source.close();
  assertEquals((await sluice.ended).code, 0);
});

Deno.test("who hears events counts as a client that is connected", async () => {
  await using sluice = await startSluice({
    environment: { SOCKETS_AMOUNT: "1" },
  });
  const head = await ask(sluice, "HEAD /events");
  assertEquals([head.status, head.body], [200, null]);
  await untilSockets(sluice, 0);
  const first = await fetch(`${apiUrl(sluice)}/events`);
  assertEquals(refusal(await ask(sluice, "GET /events")), [503, "TOO_MUCH"]);
  await first.body?.cancel();
  await untilSockets(sluice, 0);
});

Deno.test("a server that has its queue for itself has no nodes", async () => {
  await using sluice = await startSluice();
  const { status, body } = await ask(sluice, "GET /nodes");
  assertEquals([status, body.nodes], [200, []]);
});

/** Streams of whose clients the test says what they are told. */
function makeEvents() {
  const listeners = new Set<Listener>();
  const lines: string[] = [];
  const events = createEvents(
    {
      add(listener) {
        listeners.add(listener);
        listener.tell("{}", "snapshot");
      },
      remove: (listener) => void listeners.delete(listener),
    },
    (event) => void lines.push(event),
    5,
  );
  const { body } = events.open();
  assert(body);
  const [listener] = listeners;
  assert(listener);
  return { events, listeners, lines, listener, body };
}

Deno.test("a client that reads gets comments while nothing changes", async () => {
  const { events, listener, body } = makeEvents();
  assert(listener.isBehind());
  const sent: string[] = [];
  for await (const { event } of read(body)) {
    sent.push(event);
    if (sent.length === 4) break;
  }
  assertEquals(sent, ["retry: 2000", "snapshot", ":", ":"]);
  assertEquals(events.count(), 0);
});

Deno.test("a client that does not read is cut off", async () => {
  const { events, listeners, lines, body } = makeEvents();
  const reader = body.getReader();
  await reader.read();
  await reader.closed.catch(({ message }) =>
    assertEquals(message, "The client does not read.")
  );
  assertEquals([events.count(), listeners.size], [0, 0]);
  assertEquals(lines, ["client too slow"]);
});
