import { assertEquals } from "@std/assert";
import type { Held, Rule } from "../../lib/download/download.ts";
import {
  type Fault,
  heldAt,
  parseTimetable,
  type Timetable,
} from "../../lib/engine/timetable.ts";
import { run } from "../support/sluice.ts";

const WORK = "Mon-Fri 08:00,512K 18:00,off Sat-Sun pause";

/** A timetable that makes sense. */
function read(text: string): Timetable {
  const read = parseTimetable(text);
  if ("piece" in read) throw new Error(`${read.piece} makes no sense`);
  return read;
}

/** What holds at moments where the machine is in a time zone. */
async function heldIn(
  zone: string,
  text: string,
  times: readonly number[],
): Promise<[string, number | null][]> {
  const { stdout } = await run(
    [
      ...["run", "--no-check", "--lock=tests/deno.lock"],
      "tests/engine/timetable_in_zone.ts",
      text,
      ...times.map(String),
    ],
    { TZ: zone },
  );
  const all: Held[] = JSON.parse(stdout);
  return all.map(({ rule, until }) => [words(rule), until]);
}

function words(rule: Rule): string {
  return rule.kind === "rate" ? `${rule.rate / 1024}K` : rule.kind;
}

/** What holds at a local moment, and the local moment until when. */
function held(timetable: string, moment: string): [string, string] {
  const { rule, until } = heldAt(
    read(timetable),
    new Date(moment).getTime(),
  );
  return [words(rule), until === null ? "ever" : local(until)];
}

function local(time: number): string {
  const date = new Date(time);
  const offset = date.getTimezoneOffset() * 60_000;
  return new Date(time - offset).toISOString().slice(0, 16);
}

// The 23rd of November 2026 is a Monday.

Deno.test("a working week: rates by day, full speed by night, nothing at weekends", () => {
  for (
    const [moment, rule, until] of [
      ["2026-11-23T00:00", "off", "2026-11-23T08:00"],
      ["2026-11-23T07:59", "off", "2026-11-23T08:00"],
      ["2026-11-23T08:00", "512K", "2026-11-23T18:00"],
      ["2026-11-23T17:59", "512K", "2026-11-23T18:00"],
      ["2026-11-23T18:00", "off", "2026-11-24T08:00"],
      ["2026-11-27T23:59", "off", "2026-11-28T00:00"],
      ["2026-11-28T00:00", "pause", "2026-11-30T00:00"],
      ["2026-11-29T23:59", "pause", "2026-11-30T00:00"],
    ] as const
  ) assertEquals(held(WORK, moment), [rule, until], moment);
});

Deno.test("what begins in the evening holds over midnight", () => {
  const nights = "22:00,off 06:00,pause";
  assertEquals(held(nights, "2026-11-23T23:00"), ["off", "2026-11-24T06:00"]);
  assertEquals(held(nights, "2026-11-24T05:59"), ["off", "2026-11-24T06:00"]);
  assertEquals(held(nights, "2026-11-24T06:00"), ["pause", "2026-11-24T22:00"]);
});

Deno.test("days are lists and ranges, also over Sunday; rclone's own form holds, too", () => {
  const some = "Sat-Mon,wed 10:00,100K 11:00,off";
  for (
    const [day, rule] of [
      ["23", "100K"],
      ["24", "off"],
      ["25", "100K"],
      ["26", "off"],
      ["28", "100K"],
      ["29", "100K"],
    ]
  ) assertEquals(held(some, `2026-11-${day}T10:30`)[0], rule, day);
  const rclone = "Mon-00:00,512K Fri-23:59,10M Sat-10:00,1M Sunday-20:00,off";
  for (
    const [moment, rule, until] of [
      ["2026-11-23T00:00", "512K", "2026-11-27T23:59"],
      ["2026-11-28T09:59", "10240K", "2026-11-28T10:00"],
      ["2026-11-29T19:59", "1024K", "2026-11-29T20:00"],
      ["2026-11-29T20:00", "off", "2026-11-30T00:00"],
    ] as const
  ) assertEquals(held(rclone, moment), [rule, until], moment);
});

Deno.test("a moment of a whole day's own ends what is said of the day", () => {
  const text = "Sat pause 18:00,off";
  assertEquals(held(text, "2026-11-28T17:00"), ["pause", "2026-11-28T18:00"]);
  assertEquals(held(text, "2026-11-28T18:00"), ["off", "2026-12-05T00:00"]);
});

Deno.test("what never changes holds for ever", () => {
  assertEquals(held("512K", "2026-11-28T17:00"), ["512K", "ever"]);
  assertEquals(held("08:00,1M 20:00,1M", "2026-11-28T17:00"), [
    "1024K",
    "ever",
  ]);
  assertEquals(held("Mon-Sun pause", "2026-11-28T17:00"), ["pause", "ever"]);
});

Deno.test("the machine's time zone counts", async () => {
  const noon = Date.UTC(2026, 10, 23, 12);
  for (
    const [zone, rule] of [
      ["Europe/Berlin", "512K"],
      ["America/Los_Angeles", "off"],
      ["Asia/Kolkata", "512K"],
    ] as const
  ) {
    const [[held] = []] = await heldIn(zone, WORK, [noon]);
    assertEquals(held, rule, zone);
  }
});

/** In milliseconds. */
const MINUTE = 60_000;

Deno.test("clocks put forward: moments that are left out come with the change", async () => {
  // At 2:00 it is 3:00.
  const change = Date.UTC(2026, 2, 29, 1);
  const times = [-1, 0, 30, 59].map((n) => change + n * MINUTE);
  const held = await heldIn(
    "Europe/Berlin",
    "00:00,off 02:30,pause 04:00,off",
    times,
  );
  assertEquals(held, [
    ["off", change],
    ["pause", change + 60 * MINUTE],
    ["pause", change + 60 * MINUTE],
    ["pause", change + 60 * MINUTE],
  ]);
  // In whatever order they were written down, the last one of them holds.
  for (
    const text of [
      "02:10,pause 02:50,off 12:00,off",
      "02:50,off 02:10,pause 12:00,off",
      "02:30,pause 03:00,off 12:00,off",
    ]
  ) {
    const rules = (await heldIn("Europe/Berlin", text, times))
      .map(([rule]) => rule);
    assertEquals(rules, ["off", "off", "off", "off"], text);
  }
});

Deno.test("clocks put forward by half an hour", async () => {
  // At 2:00 it is 2:30, on the 4th of October 2026.
  const change = Date.UTC(2026, 9, 3, 15, 30);
  const times = [-1, 0, 29, 30].map((n) => change + n * MINUTE);
  const text = "01:00,100K 02:15,200K 02:30,300K 03:00,off";
  assertEquals(await heldIn("Australia/Lord_Howe", text, times), [
    ["100K", change],
    ["300K", change + 30 * MINUTE],
    ["300K", change + 30 * MINUTE],
    ["off", change + 22 * 60 * MINUTE + 30 * MINUTE],
  ]);
});

Deno.test("clocks put back: a moment that comes twice counts the first time", async () => {
  // At 3:00 it is 2:00; ten minutes later, it is 2:10 for the second time.
  const change = Date.UTC(2026, 9, 25, 1);
  const held = await heldIn(
    "Europe/Berlin",
    "00:00,off 02:30,pause 04:00,off",
    [-31, -30, 10].map((n) => change + n * MINUTE),
  );
  assertEquals(held, [
    ["off", change - 30 * MINUTE],
    ["pause", change + 120 * MINUTE],
    ["pause", change + 120 * MINUTE],
  ]);
});

Deno.test("where a day begins at one, as clocks were put forward at midnight", async () => {
  // The 24th of April 2026, a Friday.
  const change = Date.UTC(2026, 3, 23, 22);
  const times = [change - MINUTE, change];
  assertEquals(await heldIn("Africa/Cairo", "Fri pause", times), [
    ["off", change],
    ["pause", change + 23 * 60 * MINUTE],
  ]);
});

Deno.test("a mistake is named by its piece", () => {
  for (
    const [text, piece] of [
      ["", ""],
      ["Mon-Fri 08:00,512K 25:00,off", "25:00,off"],
      ["08:00", "08:00"],
      ["08:00,fast", "08:00,fast"],
      ["08:60,off", "08:60,off"],
      ["08:00,512", "08:00,512"],
      ["Mo 08:00,off", "Mo"],
      ["Mon-Fri", "Mon-Fri"],
      ["Mon Tue 08:00,off", "Mon"],
      ["Mon-Fri 08:00,off 08:00,pause", "08:00,pause"],
      ["Mon-Fri off Fri-Sun pause", "pause"],
      ["08:00,10M:1M", "08:00,10M:1M"],
    ] as const
  ) assertEquals((parseTimetable(text) as Fault).piece, piece, text);
});
