import { assertEquals } from "@std/assert";
import type { Fields } from "../../lib/base/log.ts";
import { createRefusalLog } from "../../lib/server/refusal_log.ts";

/** What a log of refusals writes; `close` ends the time that is summed up. */
function collect() {
  const lines: (Fields & { event: string })[] = [];
  const refusals = createRefusalLog((event, fields) =>
    void lines.push({ event, ...fields })
  );
  return {
    lines,
    note: refusals.note,
    close: () => refusals[Symbol.dispose](),
  };
}

Deno.test("a refusal is a line at once, and its like are one more with their number", () => {
  const { lines, note, close } = collect();
  const fields = { address: "192.0.2.1", header: "host" };
  for (let n = 0; n < 1_000; n++) note("refused", fields);
  note("refused", { ...fields, address: "192.0.2.2" });
  note("turned away", fields);
  assertEquals(lines, [
    { event: "refused", ...fields },
    { event: "refused", ...fields, address: "192.0.2.2" },
    { event: "turned away", ...fields },
  ]);
  close();
  assertEquals(lines.slice(3), [{ event: "refused", ...fields, again: 999 }]);
});

Deno.test("refusals of many kinds are counted, once a hundred were told", () => {
  const { lines, note, close } = collect();
  for (let n = 0; n < 10_000; n++) note("refused", { value: `${n}.test` });
  assertEquals(lines.length, 100);
  close();
  assertEquals(lines.slice(100), [{ event: "more refused", count: 9_900 }]);
});

Deno.test("a log without refusals writes nothing when it ends", () => {
  const { lines, close } = collect();
  close();
  assertEquals(lines, []);
});

Deno.test("each minute is told anew", async () => {
  const again = Promise.withResolvers<void>();
  const lines: string[] = [];
  using refusals = createRefusalLog((event, fields) => {
    lines.push(`${event} ${fields?.again ?? ""}`);
    if (fields?.again) again.resolve();
  }, 20);
  refusals.note("refused", {});
  refusals.note("refused", {});
  await again.promise;
  refusals.note("refused", {});
  assertEquals(lines, ["refused ", "refused 1", "refused "]);
});
