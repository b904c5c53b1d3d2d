import { assert, assertEquals } from "@std/assert";
import {
  allowWrites,
  clocks,
  createWriteUntil,
} from "../../lib/base/write_until.ts";
import { createClaims } from "../../lib/cluster/claims.ts";
import {
  claimedForCommand,
  type Entry,
  newEntry,
} from "../../lib/cluster/entry.ts";
import { createClusterQueue } from "../../lib/cluster/line.ts";
import { createDownload } from "../../lib/download/download.ts";
import { REQUEST } from "../support/transfers.ts";

/** A server that has one entry claimed, on which nobody works. */
function createScene(id: string) {
  let revision = 5;
  const download = createDownload({ ...REQUEST, paused: true }, 0, id);
  let entry: Entry = claimedForCommand(newEntry(download), "session");
  const written = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const writeUntil = createWriteUntil();
  allowWrites(writeUntil, clocks(), 60_000);
  const lease = { storage: "storage", node: "one", url: "", draining: false };
  const known = () => ({
    ...{ revision, order: 1, place: 1, epoch: entry.epoch },
    ...{ owner: entry.owner, part: null, state: download.state.kind },
  });
  const tools = {
    broker: {
      read: () => Promise.resolve({ value: entry, revision }),
      async write(_key: string, value: unknown) {
        written.resolve();
        await answered.promise;
        entry = value as Entry;
        return ++revision;
      },
    },
    membership: {
      ...{ session: () => "session", revision: () => 1, writeUntil },
      sessions: () => new Map([["session", { lease, revision: 1, at: 0 }]]),
    },
    replica: {
      position: () => revision,
      known,
      owned: () => entry.owner === null ? [] : [[id, known()] as const],
      local: () => download,
      store: { waiting: () => [] },
    },
    ...{ directory: "", parts: "", sync: false, threadsAmount: 1 },
    place: { storage: "storage", node: "one" },
    log: () => {},
    applied: () => Promise.resolve(),
    recent: () => null,
    isConnected: () => true,
  };
  // What is not there is not asked for where nothing is fetched.
  const claims = createClaims(tools as never);
  const queue = createClusterQueue({ ...tools, claims } as never);
  return {
    ...{ claims, queue, entry: () => entry },
    /** Resolves once the claim is found, and is about to be given up. */
    written: written.promise,
    /** From now on, the broker answers. */
    answer: () => answered.resolve(),
  };
}

Deno.test("a command waits while a claim that nobody works on is being given up", async () => {
  const { claims, queue, entry, written, answer } = createScene("a");
  using _ = queue;
  await written;
  const claiming = queue.claim("a");
  answer();
  const claim = await claiming;
  assert(claim !== null);
  assertEquals([entry().owner, entry().epoch], ["session", 3]);
  claim.release();
  await claims.settledDown("a");
  assertEquals(entry().owner, null);
});
