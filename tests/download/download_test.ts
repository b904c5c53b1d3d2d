import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createIds, refuseUnlessAllowed } from "../../lib/download/download.ts";

const UUID =
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Deno.test("ids are UUIDs that differ in their first digits", () => {
  const ids = createIds(100_000);
  for (const id of ids) assertMatch(id, UUID);
  assertEquals(new Set(ids.map((id) => id.slice(0, 5))).size, ids.length);
});

Deno.test("what was paused by itself can be paused for good", () => {
  const error = {
    code: "DISK_FULL",
    message: "full",
    retryAfter: null,
  } as const;
  refuseUnlessAllowed({ kind: "pause" }, { kind: "Paused", error });
  assertThrows(() =>
    refuseUnlessAllowed({ kind: "pause" }, { kind: "Paused", error: null })
  );
});
