import { assert, assertEquals } from "@std/assert";
import { OPERATIONS } from "../../../lib/server/api/operations.ts";
import { add, type Answered, apiUrl, CHECKER } from "../../support/api.ts";
import * as fc from "../../support/fast_check.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { type Sluice, startSluice } from "../../support/sluice.ts";

/** Calls that are made side by side, and how often. */
const CALLS = 50;
const ROUNDS = 200;

/** Ticks of a server that is left alone, to compare others with. */
const CALM = 10;

const URLS = [
  "http://127.0.0.1:1/a",
  "https://127.0.0.1:1/b?c#d",
  "http://127.0.0.1:1/../x",
  "magnet:?xt=urn:btih:0",
  "",
];
const NAMES = [
  ...["url", "urls", "filename", "directory", "headers", "threads", "sha256"],
  ...["limit_rate", "paused", "delete_file", "offset", "limit", "status"],
  ...["search", "order", "action", "id", "ids", "all", "request_id"],
  ...["idempotency_key", "__proto__", "constructor"],
];

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    ...URLS,
    "true",
    "../x",
    "Paused",
    "latest",
    "5",
    "-1",
    "1e9",
  ),
);
const value = fc.oneof(
  text,
  fc.integer({ min: -1_100, max: 1_100 }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(text, fc.record({ url: text })), { maxLength: 3 }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
);
const name = fc.oneof(fc.constantFrom(...NAMES), text);
const fields = fc.dictionary(name, value, { maxKeys: 4 });
const addition = fc.record({ url: fc.constantFrom(...URLS) }).chain((url) =>
  fields.map((fields) => ({ ...fields, ...url }))
);

/** A body, and what it is called. */
const body = fc.oneof(
  fc.constant(null),
  fc.oneof(fields, addition).map((fields) => JSON.stringify(fields)),
  fc.array(fc.tuple(name, text), { maxLength: 3 })
    .map((pairs) => pairs.map((pair) => pair.join("=")).join("&")),
  text,
);
const type = fc.constantFrom(
  ...["application/json", "application/x-www-form-urlencoded"],
  ...["application/merge-patch+json", "text/plain", "image/png", ";", ""],
);

/** All but the stream, which does not end. */
const LINES = Object.values(OPERATIONS)
  .map(({ method, path }) => `${method} ${path}`)
  .filter((line) => line !== "GET /events");

/** One call, for one of some downloads or none. */
const call = fc.record({
  operation: fc.constantFrom(...LINES),
  method: fc.option(fc.constantFrom("PUT", "HEAD", "OPTIONS", "DELETE"), {
    freq: 20,
  }),
  id: fc.oneof(fc.nat(9), text),
  query: fc.option(fc.array(fc.tuple(name, text), { maxLength: 3 })),
  body,
  type,
  key: fc.option(fc.constantFrom("a", "b", '"c"', "ä".repeat(300)), {
    freq: 3,
  }),
});
type Call = typeof call extends fc.Arbitrary<infer One> ? One : never;

async function make(
  sluice: Sluice,
  ids: readonly string[],
  { operation, method, id, query, body, type, key }: Call,
): Promise<{ line: string } & Answered> {
  const known = typeof id === "number" ? ids[id] ?? "" : id;
  const [usual = "", template = ""] = operation.split(" ");
  const path = template.replace("{id}", () => encoded(known));
  const search = new URLSearchParams(query ?? []);
  const asked = method ?? usual;
  const line = `${asked} ${path}${query === null ? "" : `?${search}`}`;
  const headers = new Headers({ "content-type": type });
  if (key !== null) headers.set("idempotency-key", encodeURI(key));
  const reads = ["GET", "HEAD"].includes(asked);
  const response = await fetch(apiUrl(sluice) + line.slice(asked.length + 1), {
    method: asked,
    headers,
    body: reads ? null : body,
  });
  const answer = await response.text();
  return {
    line,
    status: response.status,
    headers: response.headers,
    body: answer === "" ? null : JSON.parse(answer),
  };
}

/** A part of a path, which no client makes a step of, such as `..`. */
function encoded(part: string): string {
  return encodeURIComponent(part.toWellFormed()).replaceAll(".", "%2E%2E!");
}

/** Counts the ticks of a server on which something changes all the time. */
async function countTicks(sluice: Sluice) {
  const client = await sluice.connect();
  const count = () => client.messages.length;
  return {
    /** Milliseconds a tick, while `work` goes on. */
    async during(work: () => Promise<unknown>): Promise<number> {
      const [before, start] = [count(), performance.now()];
      await work();
      return (performance.now() - start) / (count() - before);
    },
    more: (ticks: number) => {
      const last = count() + ticks;
      return client.message(() => count() >= last);
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

Deno.test("10,000 random calls leave the server well, and its ticks on time", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { ATTEMPTS: "1", BROADCAST_TIMEOUT: "100" },
  });
  const held = Promise.withResolvers<void>();
  const url = origin.serve("/held", file(1_000), () => ({
    gates: { head: () => held.promise },
  }));
  const running = await add(sluice, { url });
  const ids = await Promise.all(Array.from({ length: 9 }, async () => {
    const { id } = await add(sluice, { url: URLS[0], paused: true });
    return id;
  }));
  await using ticks = await countTicks(sluice);
  const calm = await ticks.during(() => ticks.more(CALM));
  const round = fc.array(call, { minLength: CALLS, maxLength: CALLS });
  const busy = await ticks.during(() =>
    fc.assert(
      fc.asyncProperty(round, async (calls) => {
        const all = await Promise.all(
          calls.map((one) => make(sluice, ids, one)),
        );
        for (const { line, status, headers, body } of all) {
          assert(status < 500, `${line}: ${JSON.stringify(body)}`);
          const type = headers.get("content-type");
          CHECKER.check(line, { status, type, body });
        }
      }),
      { numRuns: ROUNDS, endOnFailure: true },
    )
  );
  assert(busy < 5 * calm, `A tick takes ${busy} ms, not ${calm} ms`);
  held.resolve();
  await using client = await sluice.connect();
  assertEquals((await client.end(running.id)).process_status, "Downloaded");
  const failed = /request failed|unexpected error|stuck/;
  assert(!failed.test(sluice.output()), sluice.output().slice(-2_000));
});
