import { assert, assertEquals } from "@std/assert";
import { hash } from "../../lib/base/fingerprint.ts";
import {
  addedAt,
  claimedForCommand,
  claimedForWork,
  type Entry,
  type Held,
  isFavourite,
  isGivenUp,
  isHeld,
  movedTo,
  newEntry,
  opened,
  type Place,
  placed,
  releasedAs,
  renewedAs,
  revoked,
  settledAs,
} from "../../lib/cluster/entry.ts";
import { isLeftover } from "../../lib/cluster/leftovers.ts";
import { fateOf } from "../../lib/cluster/withdrawals.ts";
import { createDownload } from "../../lib/download/download.ts";
import { rankOfAdded } from "../../lib/store/places.ts";
import * as fc from "../support/fast_check.ts";

const REQUEST = {
  ...{ url: "http://a.test/", filename: null, headers: {} },
  ...{ checksum: null, threads: null },
};
const FILE = { size: 10, ranges: true, validator: null, name: "a" };
const HERE: Place = { storage: "here", node: "a" };
const THERE: Place = { storage: "there", node: "b" };
const NEW = newEntry(createDownload(REQUEST, 0, "id"));

/** The claim that an entry is under. */
function heldBy({ owner, epoch }: Entry): Held {
  assert(owner !== null);
  return { session: owner, epoch };
}

Deno.test("a claim counts on, and is its holder's alone", () => {
  const first = claimedForWork(NEW, "one", HERE);
  assertEquals([first.owner, first.epoch], ["one", 1]);
  assert(isHeld(first, heldBy(first)));
  const next = claimedForCommand(first, "two");
  assertEquals([next.owner, next.epoch], ["two", 2]);
  assert(!isHeld(next, heldBy(first)));
  assert(isHeld(next, heldBy(next)));
  // Even the same session has another claim then.
  const again = claimedForWork(next, "one", HERE);
  assert(!isHeld(again, heldBy(first)));
  assert(!isHeld(null, heldBy(again)));
});

Deno.test("when an entry was added is known after its changes", () => {
  assertEquals(addedAt(NEW, 7), 7);
  const claimed = claimedForCommand(placed(NEW, 7), "one");
  assertEquals([claimed.order, addedAt(claimed, 9)], [7, 7]);
  const moved = movedTo(claimed, rankOfAdded(3));
  assertEquals([moved.order, addedAt(placed(moved, 9), 12)], [3, 7]);
  const { added: _, ...old } = claimed;
  assertEquals(addedAt(old, 9), 7);
  assertEquals(addedAt(placed(old, 9), 12), 7);
  assertEquals(addedAt({ ...old, order: -3.5 }, 9), 9);
});

Deno.test("a claim for work names where the part will be", () => {
  const first = claimedForWork(NEW, "one", HERE);
  assertEquals(first.part, { ...HERE, epoch: 1, closed: false });
  // Where it was before is where it is looked for.
  const near = claimedForWork(first, "two", { ...HERE, node: "c" });
  assertEquals(near.part, first.part);
  assertEquals(opened(near, { ...HERE, node: "c" }).part, {
    ...{ storage: "here", node: "c", epoch: 2, closed: false },
  });
  // What another disk has is left behind.
  const far = claimedForWork(near, "three", THERE);
  assertEquals(far.part, { ...THERE, epoch: 3, closed: false });
});

Deno.test("a claim for a command leaves the part where it is", () => {
  const first = claimedForWork(NEW, "one", HERE);
  assertEquals(claimedForCommand(first, "two").part, first.part);
});

Deno.test("what settles is given up, and what begins anew stays claimed", () => {
  const entry = claimedForWork(NEW, "one", HERE);
  const part = { ...HERE, epoch: 1, closed: true };
  const settled = {
    state: { kind: "Paused", error: null },
    ...{ file: FILE, downloaded: 5, finishedAt: null },
  } as const;
  const paused = settledAs(entry, settled, part, false);
  assertEquals(paused, {
    ...entry,
    ...{ owner: null, part },
    download: { ...entry.download, ...settled },
  });
  assert(isGivenUp(paused, heldBy(entry)));
  const queued = { ...settled, state: { kind: "Queued" } } as const;
  const goesOn = settledAs(entry, queued, part, true);
  assert(isHeld(goesOn, heldBy(entry)) && !isGivenUp(goesOn, heldBy(entry)));
});

Deno.test("what is asked for anew is in the queue, and keeps its place there", () => {
  const failed = {
    ...claimedForCommand({ ...NEW, order: 7 }, "one"),
    download: {
      ...NEW.download,
      state: {
        kind: "Failed",
        error: { code: "DISK", message: "", retryAfter: null },
      },
      finishedAt: 3,
    },
  } as const;
  const request = { ...REQUEST, url: "http://b.test/" };
  const renewed = renewedAs(failed, request, { kind: "Queued" }, null);
  assertEquals(renewed.download.state, { kind: "Queued" });
  assertEquals(renewed.download.request, request);
  assertEquals(renewed.download.finishedAt, null);
  assertEquals([renewed.order, renewed.owner, renewed.part], [7, null, null]);
  const state = { kind: "Paused", error: null, startAt: 5 } as const;
  const later = renewedAs(failed, request, state, null);
  assertEquals([later.owner, later.download.state], [null, state]);
});

Deno.test("what is given up says what is there of it", () => {
  const entry = claimedForWork(NEW, "one", HERE);
  const part = { ...HERE, epoch: 1, closed: true };
  const released = releasedAs(entry, part, { file: FILE, downloaded: 5 });
  assertEquals(released.download.downloaded, 5);
  assertEquals(released.download.file, FILE);
  assertEquals(released.download.state, { kind: "Queued" });
  assert(isGivenUp(released, heldBy(entry)));
});

Deno.test("a claim that is taken away was not given up", () => {
  const entry = claimedForWork(NEW, "one", HERE);
  const taken = revoked(entry);
  assertEquals(taken.owner, null);
  assert(!isHeld(taken, heldBy(entry)));
  assert(!isGivenUp(taken, heldBy(entry)));
  assertEquals(taken.part, entry.part);
});

Deno.test("whatever becomes of an entry, a claim that is over is never held again", () => {
  const step = fc.record({
    kind: fc.constantFrom("work", "command", "settle", "release", "revoke"),
    session: fc.constantFrom("one", "two", "three"),
    place: fc.constantFrom(HERE, THERE),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const claims: Held[] = [];
    let entry = NEW;
    for (const { kind, session, place } of steps) {
      const before = entry;
      if (kind === "work") entry = claimedForWork(entry, session, place);
      if (kind === "command") entry = claimedForCommand(entry, session);
      if (kind === "revoke") entry = revoked(entry);
      if (kind === "settle" || kind === "release") {
        if (entry.owner === null) continue;
        entry = releasedAs(entry, entry.part, { file: null, downloaded: 0 });
      }
      assert(entry.epoch >= before.epoch);
      if (entry.owner !== null) claims.push(heldBy(entry));
      const held = claims.filter((claim) => isHeld(entry, claim));
      assertEquals(held, entry.owner === null ? [] : [heldBy(entry)]);
      // A part is never of a claim to come.
      assert((entry.part?.epoch ?? 0) <= entry.epoch);
    }
  }));
});

Deno.test("parts that nothing is left to go on from are known", () => {
  const part = { ...HERE, epoch: 3, closed: true };
  const entry = { epoch: 5, owner: null, part, state: "Queued" } as const;
  const storage = "here";
  assert(isLeftover(null, 1, storage));
  assert(isLeftover(entry, 2, storage));
  assert(!isLeftover(entry, 3, storage));
  // The holder of the claim may have just taken it over.
  assert(!isLeftover(entry, 4, storage));
  assert(!isLeftover(entry, 6, storage));
  assert(isLeftover(entry, 3, "there"));
  assert(isLeftover({ ...entry, owner: "one" }, 3, "there"));
  assert(!isLeftover({ ...entry, owner: "one", part: null }, 3, "here"));
  assert(isLeftover({ ...entry, state: "Downloaded" }, 3, storage));
});

Deno.test("a file that has its name keeps it unless another storage has the download", () => {
  const fate = (value: Entry, storage: string) =>
    fateOf({ kind: "there", value, revision: 1 }, storage);
  const here = claimedForWork(NEW, "one", HERE);
  assertEquals(fate(here, "here"), "open");
  assertEquals(fate(claimedForCommand(here, "two"), "here"), "open");
  assertEquals(fate(claimedForWork(here, "two", THERE), "here"), "lost");
  assertEquals(fateOf({ kind: "removed", revision: 1 }, "here"), "lost");
  assertEquals(fateOf({ kind: "unknown" }, "here"), "kept");
  const state = {
    ...{ kind: "Downloaded", path: "a", identity: null },
  } as unknown as Entry["download"]["state"];
  const finished = { ...here, download: { ...here.download, state } };
  assertEquals(fate(finished, "here"), "kept");
  assertEquals(fate(finished, "there"), "lost");
});

Deno.test("each download is one session's favourite, and they have alike", () => {
  const live = ["one", "two", "three", "four"];
  const counts = new Map(live.map((session) => [session, 0]));
  const ids = Array.from({ length: 4_000 }, (_, n) => `download-${n}`);
  for (const id of ids) {
    const whose = live.filter((session) => isFavourite(id, session, live));
    assertEquals(whose.length, 1);
    const [session = ""] = whose;
    counts.set(session, (counts.get(session) ?? 0) + 1);
    // Whoever looks, and in whichever order.
    assert(isFavourite(id, session, live.toReversed()));
  }
  for (const count of counts.values()) assert(count > 850 && count < 1_150);
  assert(ids.every((id) => hash(id) >= 0));
});

Deno.test("an entry that is moved tells its rank, and never an unknown one", () => {
  for (const order of [1, 7.5, -3, 12.25 + 2 ** -18]) {
    const moved = movedTo(NEW, rankOfAdded(order));
    assertEquals(moved, { ...NEW, order });
  }
  const { order } = movedTo(NEW, rankOfAdded(0));
  assertEquals([order === 0, Math.round(order)], [false, 0]);
  assertEquals(rankOfAdded(order), rankOfAdded(0) + 1);
});
