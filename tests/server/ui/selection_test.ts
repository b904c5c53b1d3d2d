import { assertEquals } from "@std/assert";
import {
  ALL,
  countOf,
  isSelected,
  NONE,
  toggled,
  without,
  withThese,
} from "../../../lib/server/ui/selection.js";
import { status } from "./statuses.ts";

const [a, b, c] = ["a", "b", "c"].map((id) => status({ id })) as [
  ReturnType<typeof status>,
  ReturnType<typeof status>,
  ReturnType<typeof status>,
];

Deno.test("some are selected, one by one or together", () => {
  const some = withThese(toggled(NONE, a), [b, c]);
  assertEquals(countOf(some, 100), 3);
  const fewer = toggled(some, b);
  assertEquals(["a", "b", "c"].map((id) => isSelected(fewer, id)), [
    true,
    false,
    true,
  ]);
  assertEquals(countOf(without(fewer, ["a", "x"]), 100), 1);
  assertEquals(countOf(NONE, 100), 0);
});

Deno.test("all are selected, known or not, but for a few", () => {
  const most = toggled(toggled(ALL, a), b);
  assertEquals(countOf(most, 1_500), 1_498);
  assertEquals([isSelected(most, "a"), isSelected(most, "unknown")], [
    false,
    true,
  ]);
  assertEquals(countOf(withThese(most, [a, b]), 1_500), 1_500);
  // One that has left was not counted any more.
  assertEquals(countOf(without(most, ["a"]), 1_499), 1_498);
});
