import { assertEquals } from "@std/assert";
import { createTimekeeper } from "../../lib/engine/timekeeper.ts";
import { parseTimetable, type Timetable } from "../../lib/engine/timetable.ts";

const timeOf = (time: string) => new Date(`2026-11-23T${time}`).getTime();

Deno.test("a timekeeper tells of each turn of its timetable once", () => {
  let now = timeOf("07:59");
  const timetable = parseTimetable("08:00,pause 18:00,off") as Timetable;
  const time = createTimekeeper(timetable, () => now);
  assertEquals(time.held(), null);
  assertEquals(time.turn()?.rule, { kind: "off" });
  assertEquals(time.turn(), null);
  now = timeOf("08:00");
  assertEquals(time.turn()?.rule, { kind: "pause" });
  now = timeOf("17:59");
  assertEquals(time.turn(), null);
  assertEquals(time.held()?.rule, { kind: "pause" });
});

Deno.test("a clock that is set back has a timekeeper look anew", () => {
  let now = timeOf("12:00");
  const timetable = parseTimetable("08:00,pause 18:00,off") as Timetable;
  const time = createTimekeeper(timetable, () => now);
  assertEquals(time.turn()?.rule, { kind: "pause" });
  now = timeOf("07:00");
  assertEquals(time.turn()?.rule, { kind: "off" });
});

Deno.test("without a timetable, nothing is held", () => {
  const time = createTimekeeper(null, () => timeOf("12:00"));
  assertEquals(time.turn(), null);
  assertEquals(time.held(), null);
});
