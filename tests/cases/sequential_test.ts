/** Files that are asked for from front to back, and read while they come. */

import { createHash } from "node:crypto";
import {
  assert,
  assertEquals,
  assertLess,
  assertNotMatch,
  assertRejects,
} from "@std/assert";
import {
  bytesOf,
  file,
  literal,
  type Origin,
  startOrigin,
} from "../support/origin.ts";
import { type Client, type Sluice, startSluice } from "../support/sluice.ts";
import { gate } from "../support/trial.ts";

const MiB = 2 ** 20;
/** The longest slice of a file that is asked for in order. */
const SLICE = MiB;
const THREADS = 4;
const FILM = file(12 * MiB + 7, 5);

interface Stage extends AsyncDisposable {
  readonly origin: Origin;
  readonly sluice: Sluice;
  readonly client: Client;
  /** Asks for a range of a download's file; all of it without one. */
  read(id: string, range?: string): Promise<Response>;
}

async function openStage(...flags: string[]): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const sluice = stack.use(
    await startSluice({
      flags: [
        "--broadcast-timeout=50",
        `--threads-amount=${THREADS}`,
        ...flags,
      ],
    }),
  );
  const client = stack.use(await sluice.connect());
  const page = sluice.url.replace("ws:", "http:");
  const open = stack.move();
  return {
    origin,
    sluice,
    client,
    read: (id, range) =>
      fetch(`${page}files/${id}`, { headers: range ? { range } : {} }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A download in order whose origin keeps back what is behind `held` bytes. */
async function begin({ origin, client }: Stage, held: number) {
  const { opened, open } = gate();
  const url = origin.serve("/film.mp4", FILM, ({ range }) => ({
    gates: (range?.start ?? 0) >= held
      ? { head: () => opened }
      : { [held - (range?.start ?? 0)]: () => opened },
  }));
  const id = await client.add({ url, order: "sequential" });
  await client.until(
    id,
    ({ slices: [first] }) =>
      first !== undefined && first[0] === 0 && first[1] > SLICE,
  );
  return { id, open };
}

Deno.test("a file that comes in order is read while it comes", async () => {
  await using stage = await openStage();
  const held = 3 * SLICE + 1000;
  const { id, open } = await begin(stage, held);
  const wanted = bytesOf(FILM);

  const front = await stage.read(id, `bytes=100-${SLICE}`);
  assertEquals(front.status, 206);
  assertEquals(
    front.headers.get("content-range"),
    `bytes 100-${SLICE}/${FILM.size}`,
  );
  assertEquals(front.headers.get("etag"), null);
  assertEquals(front.headers.get("cache-control"), "no-store");
  assertEquals(front.headers.get("content-type"), "video/mp4");
  assertEquals(await front.bytes(), wanted.slice(100, SLICE + 1));

  const tail = stage.read(id, "bytes=-1000");
  const whole = await stage.read(id);
  assertEquals(whole.status, 200);
  assertEquals(whole.headers.get("content-length"), String(FILM.size));
  const all = new Uint8Array(FILM.size);
  let at = 0;
  for await (const piece of whole.body ?? []) {
    all.set(piece, at);
    at += piece.length;
    // More than this the origin has not sent yet.
    if (at > SLICE) open();
  }
  assertEquals(all, wanted);
  assertEquals(await (await tail).bytes(), wanted.slice(-1000));

  assertEquals((await stage.client.end(id)).process_status, "Downloaded");
  const finished = await stage.read(id, "bytes=5-9");
  assert(finished.headers.has("etag"));
  assertEquals(await finished.bytes(), wanted.slice(5, 10));
});

Deno.test("a mirror that joins in cuts nobody off who reads what comes", async () => {
  await using stage = await openStage();
  await using mirror = await startOrigin();
  const { origin, client, read } = stage;
  const { opened, open } = gate();
  const held = 2 * SLICE;
  const url = origin.serve("/film.mp4", FILM, ({ range }) => ({
    gates: { [range?.start === 0 ? held : "head"]: () => opened },
  }));
  const behind = { gates: { head: () => opened } };
  const mirrors = [mirror.serve("/film.mp4", FILM, behind)];
  const sha256 = createHash("sha256").update(bytesOf(FILM)).digest("hex");
  const id = await client.add({ url, mirrors, sha256, order: "sequential" });
  await client.until(id, ({ slices: [first] }) => (first?.[1] ?? 0) > SLICE);
  const reading = await read(id);
  open();
  assertEquals(await reading.bytes(), bytesOf(FILM));
  const { sources } = await client.end(id);
  assertEquals(sources?.map(({ standing }) => standing), ["used", "used"]);
});

Deno.test("slices come from front to back, none of them long", async () => {
  await using stage = await openStage("--bytes-amount=16MiB");
  const { id, open } = await begin(stage, 5 * SLICE);
  open();
  assertEquals((await stage.client.end(id)).process_status, "Downloaded");
  const starts = stage.origin.requests.map(({ range }) => range?.start ?? 0);
  // Where threads help each other at the end, they begin within a slice. And two
  // requests may overtake each other on their way.
  const cut = starts.filter((start) => start % SLICE === 0);
  for (const [n, start] of cut.entries()) {
    const before = new Set([...cut.slice(0, n), start]);
    assertLess(start / SLICE - before.size, THREADS);
  }
  for (const { range } of stage.origin.requests.slice(1)) {
    assert(range !== null);
    assertLess(range.end - range.start, SLICE + 1);
  }
});

Deno.test("what is paused, or begun anew, is read no further", async () => {
  await using stage = await openStage();
  const paused = await begin(stage, 3 * SLICE);
  const first = await stage.read(paused.id);
  await stage.client.request({ action: "pause", id: paused.id });
  await assertRejects(() => first.bytes());
  assertEquals((await stage.read(paused.id)).status, 404);
  paused.open();

  const { origin, client } = stage;
  const changed = gate();
  const other = file(FILM.size, 6);
  const url = origin.serve("/other.mp4", null, ({ range }) => {
    const isBehind = (range?.start ?? 0) >= 3 * SLICE;
    return {
      file: isBehind ? other : FILM,
      ...isBehind && { gates: { head: () => changed.opened } },
    };
  });
  const id = await client.add({ url, order: "sequential" });
  await client.until(id, ({ downloaded }) => downloaded > SLICE);
  const second = await stage.read(id);
  changed.open();
  await assertRejects(() => second.bytes());
  await client.request({ action: "remove", id });
  // The log tells of it, and calls it no mistake.
  await stage.sluice.printed(/request failed .*does not come any more/);
  await stage.sluice.printed(/request failed .*being fetched anew/);
  assertNotMatch(stage.sluice.output(), /mistake/);
});

Deno.test("only what is asked for in order is shown before it is finished", async () => {
  await using stage = await openStage();
  const { origin, client, read } = stage;
  const { opened, open } = gate();
  const answers: [string, number, RegExp][] = [];
  for (
    const [name, order, gates, status, words] of [
      ["plain", null, { [SLICE]: () => opened }, 404, /no such file/],
      ["silent", "sequential", { head: () => opened }, 503, /ask again/],
    ] as const
  ) {
    const url = origin.serve(`/${name}`, FILM, { gates });
    const id = await client.add({ url, order });
    await client.until(id, ({ threads }) => threads > 0);
    answers.push([id, status, words]);
  }
  const unsized = origin.serve("/unsized", literal("0123456789"), {
    ranges: "ignore",
    framing: "chunked",
    gates: { 5: () => opened },
  });
  const id = await client.add({ url: unsized, order: "sequential" });
  await client.until(id, ({ downloaded }) => downloaded > 0);
  answers.push([id, 409, /does not tell how long/]);
  for (const [id, status, words] of answers) {
    const answer = await read(id);
    const text = await answer.text();
    assertEquals([answer.status, words.test(text)], [status, true], text);
  }
  open();
  assertEquals((await client.end(id)).process_status, "Downloaded");
});

Deno.test("an order that there is not is refused", async () => {
  await using stage = await openStage();
  const { client } = stage;
  await assertRejects(
    () => client.add({ url: "http://localhost:1/a", order: "backwards" }),
    Error,
    '"order" must be "sequential", or left out.',
  );
});
