import { assertEquals } from "@std/assert";
import { createLiveStatuses } from "../../lib/cluster/live.ts";
import type { Status } from "../../lib/status/schema.ts";
import { status } from "../server/ui/statuses.ts";

/** Live statuses of a server whose copy tells these owners of downloads. */
function createScene(owners: ReadonlyMap<string, string>) {
  let asked = 0;
  const place = { storage: "s", node: "n" };
  const lease = { ...place, url: "", draining: false };
  const seen = { lease, revision: 1, at: 0 };
  const live = createLiveStatuses({
    broker: { isConnected: () => true, tell: () => {} },
    membership: {
      session: () => "here",
      sessions: () => new Map([["one", seen], ["two", seen]]),
    },
    replica: {
      owned: () => [],
      store: { totals: () => ({} as never) },
    },
    whereabouts: {
      ownerOf(id) {
        asked++;
        return owners.get(id) ?? null;
      },
      nodeOf: () => "n",
      hasFile: () => false,
    },
    shares: { hear: () => {}, divide: () => ({}) },
  });
  return {
    live,
    /** A session tells how downloads stand. */
    hear(session: string, ...statuses: Status[]): void {
      const figures = { threads: 0, speed: 0, disk: null, limits: null };
      live.hear({ session, statuses, parts: {}, ...figures });
    },
    /** How many statuses are gone through to find those that run. */
    kept(): number {
      asked = 0;
      live.running();
      return asked;
    },
  };
}

const RUNNING = { process_status: "Downloading" } as const;

Deno.test("what is told of a download after it has come to rest is not kept", () => {
  const owners = new Map([["a", "one"]]);
  const { live, hear, kept } = createScene(owners);
  hear("one", status({ id: "a", ...RUNNING }));
  assertEquals([live.running(), kept()], [["a"], 1]);
  // The watch and the messages are two ways, and the watch is first now and then.
  owners.delete("a");
  live.changed("a");
  hear("one", status({ id: "a", ...RUNNING }));
  assertEquals([live.running(), kept()], [[], 0]);
});

Deno.test("what a download's former owner tells late takes nothing from what its owner told", () => {
  const owners = new Map([["a", "two"]]);
  const { live, hear } = createScene(owners);
  hear("two", status({ id: "a", ...RUNNING, downloaded: 2 }));
  hear("one", status({ id: "a", ...RUNNING, downloaded: 1 }));
  assertEquals(live.running(), ["a"]);
  assertEquals(live.show(status({ id: "a" })).downloaded, 2);
});
