import { assertEquals, assertExists } from "@std/assert";
import { createModel, type Model } from "../../../lib/server/ui/model.js";
import type { Status, Totals } from "../../../lib/status/status.ts";
import { status } from "./statuses.ts";

function totals(more: Partial<Totals> = {}): Totals {
  return {
    Queued: 0,
    Downloading: 0,
    Paused: 0,
    Downloaded: 0,
    Failed: 0,
    ...more,
  };
}

function queued(count: number): Status[] {
  return Array.from({ length: count }, (_, n) => status({ id: `id ${n}` }));
}

/** Answers what the model asks for, as the server would. */
function answer(
  model: Model,
  all: readonly Status[],
  first: number,
  end: number,
) {
  const query = model.missing(first, end);
  assertExists(query);
  const { offset, limit } = { offset: 0, limit: 0, ...query.message };
  const data = all.slice(offset, offset + limit);
  model.take(query, { data, total: all.length, offset });
  return data.length;
}

Deno.test("rows are asked for as they come into sight, and only they", () => {
  const model = createModel();
  const all = queued(10_000);
  assertEquals(model.isLoaded(), false);
  assertEquals(answer(model, all, 0, 20), 50);
  assertEquals(model.length(), 10_000);
  assertEquals(model.missing(0, 20), null);
  assertEquals(model.at(3)?.id, "id 3");
  assertEquals(model.at(5_000), null);
  assertEquals(answer(model, all, 5_000, 5_020), 80);
  assertEquals(model.at(5_000)?.id, "id 5000");
  assertEquals(model.indexOf("id 5010"), 5_010);
  // What is far away is forgotten, so that memory stays small.
  assertEquals(model.at(3), null);
});

Deno.test("changes come in without asking; rows that move are asked for", () => {
  const model = createModel();
  model.hear({ data: [], totals: totals({ Queued: 3 }), snapshot: true }, 0);
  answer(model, queued(3), 0, 10);
  const running = status({
    id: "id 1",
    process_status: "Downloading",
    speed: 7,
  });
  const after = totals({ Queued: 2, Downloading: 1 });
  assertEquals(model.hear({ data: [running], totals: after }, 1_000), []);
  assertEquals(model.missing(0, 10), null);
  assertEquals(model.at(1), running);
  assertEquals([model.speed(), model.running().length], [7, 1]);

  const done = status({ id: "id 1", process_status: "Downloaded" });
  const finished = totals({ Queued: 2, Downloaded: 1 });
  assertEquals(model.hear({ data: [done], totals: finished }, 2_000), [done]);
  assertEquals(model.speed(), 0);
  assertEquals(model.missing(0, 10), null);

  model.hear({ data: [], totals: totals({ Queued: 3, Downloaded: 1 }) }, 3_000);
  assertEquals(answer(model, queued(4), 0, 10), 4);
});

Deno.test("a removed download is gone, and its row asked for anew", () => {
  const model = createModel();
  answer(model, queued(3), 0, 10);
  model.hear({ data: [], removed: ["id 1"], totals: totals({ Queued: 2 }) }, 0);
  assertEquals(model.get("id 1"), null);
  const [first, , third] = queued(3);
  assertExists(first);
  assertExists(third);
  answer(model, [first, third], 0, 10);
  assertEquals([model.length(), model.at(1)?.id], [2, "id 2"]);
});

Deno.test("a view has its own rows; a late answer for another is dropped", () => {
  const model = createModel();
  answer(model, queued(3), 0, 10);
  model.hear({ data: [], totals: totals({ Queued: 3 }) }, 0);
  model.show({ tab: "Failed", search: "", order: null });
  const late = model.missing(0, 10);
  assertExists(late);
  model.show({ tab: "Active", search: "x", order: null });
  model.take(late, { data: queued(3), total: 3, offset: 0 });
  assertEquals(model.isLoaded(), false);
  const query = model.missing(0, 10);
  assertEquals(query?.message, {
    action: "list",
    offset: 0,
    limit: 40,
    status: ["Queued", "Downloading"],
    search: "x",
    order: "queue",
  });
});

Deno.test("what no longer belongs to a view makes it ask", () => {
  const model = createModel();
  model.hear({ data: [], totals: totals({ Queued: 2 }), snapshot: true }, 0);
  model.show({ tab: "Active", search: "", order: null });
  answer(model, queued(2), 0, 10);
  // One left and another one came: the count is the same.
  const left = status({ id: "id 0", process_status: "Failed" });
  model.hear({ data: [left], totals: totals({ Queued: 2, Failed: 1 }) }, 1);
  assertExists(model.missing(0, 10));
});

Deno.test("an empty view is asked for once, until something changes", () => {
  const model = createModel();
  answer(model, [], 0, 10);
  assertEquals(model.missing(0, 10), null);
  model.hear({ data: [], totals: totals({ Queued: 1 }) }, 0);
  assertExists(model.missing(0, 10));
});

Deno.test("a count that changed between two answers makes it ask again", () => {
  const model = createModel();
  answer(model, queued(500), 0, 20);
  answer(model, queued(501), 100, 120);
  assertEquals(model.missing(100, 120), null);
  assertExists(model.missing(0, 20));
});

Deno.test("after a snapshot nothing is believed to run that is not in it", () => {
  const model = createModel();
  const running = status({ process_status: "Downloading", speed: 5 });
  model.hear({ data: [running] }, 0);
  assertEquals(model.speed(), 5);
  assertEquals(model.hear({ data: [], snapshot: true }, 1), []);
  assertEquals(model.speed(), 0);
});

Deno.test("what a snapshot of all there is does not hold, is gone", () => {
  const model = createModel();
  answer(model, queued(3), 0, 10);
  model.watch("id 1");
  const [first, second] = queued(2);
  assertExists(first);
  assertExists(second);
  const some = { data: [first], totals: totals({ Queued: 2 }) };
  model.hear({ ...some, snapshot: true }, 0);
  assertEquals(model.get("id 1"), second);
  model.hear({ ...some, totals: totals({ Queued: 1 }), snapshot: true }, 0);
  assertEquals(model.get("id 1"), null);
  assertEquals(model.get("id 0"), first);
});

Deno.test("the one that is watched is known wherever it is", () => {
  const model = createModel();
  const all = queued(5_000);
  answer(model, all, 0, 20);
  model.watch("id 0");
  answer(model, all, 4_000, 4_020);
  assertEquals(model.get("id 0")?.id, "id 0");
  assertEquals(model.get("id 1"), null);
  model.hear({ data: [status({ id: "id 0", size: 9 })] }, 0);
  assertEquals(model.get("id 0")?.size, 9);
});

Deno.test("what leaves a view does not stand in it until the server is asked", () => {
  const model = createModel();
  model.hear({ data: [], totals: totals({ Queued: 4 }), snapshot: true }, 0);
  model.show({ tab: "Active", search: "", order: null });
  answer(model, queued(4), 0, 10);
  model.takeLeft();
  const left = status({ id: "id 1", process_status: "Paused" });
  const after = totals({ Queued: 2, Paused: 1 });
  model.hear({ data: [left], removed: ["id 2"], totals: after }, 1);
  assertEquals(model.length(), 2);
  assertEquals([model.at(0)?.id, model.at(1)?.id], ["id 0", "id 3"]);
  assertEquals(model.at(2), null);
  assertEquals(model.takeLeft(), ["id 1", "id 2"]);
  assertEquals(model.takeLeft(), []);
});

Deno.test("rows are asked for in their order, and again as that may change", () => {
  const model = createModel();
  model.hear({ data: [], totals: totals({ Queued: 2 }) }, 0);
  model.show({ tab: "All", search: "", order: "name" });
  const query = model.missing(0, 10);
  assertEquals({ order: "", ...query?.message }.order, "name");
  answer(model, queued(2), 0, 10);
  model.hear({ data: [status({ id: "id 0", size: 5 })] }, 1);
  assertEquals(model.missing(0, 10), null);
  model.hear({ data: [status({ id: "id 0", size: 5, filename: "z" })] }, 2);
  assertExists(model.missing(0, 10));

  model.show({ tab: "All", search: "", order: "-speed" });
  answer(model, queued(2), 0, 10);
  const running = status({ id: "id 0", process_status: "Downloading" });
  model.hear({ data: [running] }, 9_999);
  model.hear({ data: [running] }, 10_000);
  answer(model, queued(2), 0, 10);
  model.hear({ data: [running] }, 11_000);
  assertEquals(model.missing(0, 10), null);
  model.hear({ data: [running] }, 13_000);
  assertExists(model.missing(0, 10));
});

Deno.test("in the queue's order, rows are asked for again as that changes", () => {
  const model = createModel();
  model.hear({ data: [], totals: totals({ Queued: 2 }) }, 0);
  model.show({ tab: "Active", search: "", order: null });
  answer(model, queued(2), 0, 10);
  model.hear({ data: queued(2) }, 1);
  assertEquals(model.missing(0, 10), null);
  model.hear({ data: queued(1), reordered: true }, 2);
  assertExists(model.missing(0, 10));
  answer(model, queued(2), 0, 10);
  const begun = { process_status: "Downloading" } as const;
  model.hear({ data: [status({ id: "id 1", ...begun })] }, 3);
  assertExists(model.missing(0, 10));
  answer(model, queued(2), 0, 10);
  // One that was out of sight comes before all that wait.
  model.hear({ data: [status({ id: "id 9", ...begun })] }, 4);
  assertExists(model.missing(0, 10));
});
