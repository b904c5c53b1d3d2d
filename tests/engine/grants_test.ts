import { assert, assertEquals } from "@std/assert";
import { createGrants } from "../../lib/engine/grants.ts";
import { createRates, type Reader } from "../../lib/engine/rates.ts";

/** At this rate, a grant is waited for for a quarter of an hour. */
const CRAWL: Reader = { id: "1", host: "a.test", own: 1 };

function create() {
  const given: [thread: number, bytes: number][] = [];
  const rates = createRates({ server: null, host: null });
  const grants = createGrants(rates, (...one) => void given.push(one));
  return { given, rates, grants };
}

Deno.test("who waits goes on at once when its own limit is lifted", () => {
  const { given, grants } = create();
  using _grants = grants;
  grants.wants(1, CRAWL);
  grants.wants(2, CRAWL);
  assert(grants.holds("1"));
  grants.changed(new Map([[2, { ...CRAWL, own: null }]]));
  assertEquals(given, [[2, Infinity]]);
});

Deno.test("who does not wait is given nothing when limits change", () => {
  const { given, grants } = create();
  using _grants = grants;
  grants.wants(1, CRAWL);
  grants.ended(1, CRAWL, 0);
  grants.changed(new Map([[1, { ...CRAWL, own: null }]]));
  assertEquals(given, []);
});

Deno.test("who waits by the server's limit goes on when that is lifted", () => {
  const { given, rates, grants } = create();
  using _grants = grants;
  rates.limits = { server: 1, host: null };
  grants.wants(1, { ...CRAWL, own: null });
  assertEquals(given, []);
  rates.limits = { server: null, host: null };
  grants.changed(new Map());
  assertEquals(given, [[1, Infinity]]);
});
