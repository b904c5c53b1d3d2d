import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { Broker } from "../../lib/cluster/broker.ts";
import type { Value } from "../../lib/cluster/bucket.ts";
import { CONFLICT } from "../../lib/cluster/outcomes.ts";
import type { Lease } from "../../lib/cluster/entry.ts";
import { createMembership } from "../../lib/cluster/membership.ts";

/** A lease that holds for as long, in milliseconds; by itself, none says. */
function leaseOf(node: string, length?: number): Lease {
  const lease = { storage: node, node, url: "", draining: false };
  return length === undefined ? lease : { ...lease, length };
}

/** What keeps keys with their revisions, and tells of each change. */
function createKeys(heard: (key: string, value: Value | null) => void) {
  const keys = new Map<string, { value: Value; revision: number }>();
  let last = 0;
  const broker: Pick<Broker, "read" | "write"> = {
    read: (key) => Promise.resolve(keys.get(key) ?? null),
    async write(key, value, revision) {
      await Promise.resolve();
      if ((keys.get(key)?.revision ?? 0) !== revision) throw CONFLICT;
      last++;
      if (value === null) keys.delete(key);
      else keys.set(key, { value, revision: last });
      heard(key, value);
      return last;
    },
  };
  return { broker, last: () => last };
}

Deno.test("a server is not expelled before its own lease is over, however short those of others are", async () => {
  /** How long each was silent before it was expelled, in milliseconds. */
  const silent = new Map<string, number>();
  const begun = performance.now();
  const all = Promise.withResolvers<void>();
  const { broker, last } = createKeys((key, value) => {
    const lease = value as Lease | null;
    const revision = last();
    membership.hear({ key, value, revision }, lease);
    if (value !== null) return;
    silent.set(key, performance.now() - begun);
    if (silent.size === 3) all.resolve();
  });
  const membership = createMembership(500, {
    broker,
    log: () => {},
    lease: () => leaseOf("judge"),
    onLost: () => {},
    onChange: () => {},
  });
  await membership.join();
  await broker.write("n.older", leaseOf("older"), 0);
  await broker.write("n.short", leaseOf("short", 100), 0);
  await broker.write("n.long", leaseOf("long", 2_500), 0);
  await all.promise;
  for (
    const [key, least] of [["older", 500], ["short", 500], ["long", 2_500]]
  ) {
    assertGreaterOrEqual(silent.get(`n.${key}`) ?? 0, Number(least), `${key}`);
  }
  const own = membership.sessions().get(membership.session());
  assert(own !== undefined);
  assertEquals(own.lease, leaseOf("judge", 500));
  await membership.leave();
});
