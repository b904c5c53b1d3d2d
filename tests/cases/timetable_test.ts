/** A timetable in force, through real sockets; only the time of day is made up. */

import { assert, assertEquals } from "@std/assert";
import { parseTimetable, type Timetable } from "../../lib/engine/timetable.ts";
import type { ServerMessage } from "../../lib/server/messages.ts";
import type { TimetableStatus } from "../../lib/status/status.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";

const WHOLE = file(300_000, 1);

/** A clock that a test sets, to a time of one day. */
function clockAt(first: string) {
  const timeOf = (time: string) => new Date(`2026-11-23T${time}`).getTime();
  let now = timeOf(first);
  return {
    timeOf,
    timeOfDay: () => now,
    set: (time: string) => void (now = timeOf(time)),
  };
}

function read(text: string): Timetable {
  const timetable = parseTimetable(text);
  assert("moments" in timetable);
  return timetable;
}

Deno.test("a timetable's pause stops threads, begins nothing, and ends by itself", async () => {
  await using origin = await startOrigin();
  const clock = clockAt("07:59");
  const told: TimetableStatus[] = [];
  await using downloads = await startDownloads({
    timetable: read("08:00,pause 09:00,off"),
    timeOfDay: clock.timeOfDay,
    onTold: ({ timetable }) => void (timetable && told.push(timetable)),
  });
  const { coordinator } = downloads;
  const over = Promise.withResolvers<void>();
  const url = origin.serve("/a", WHOLE, {
    gates: { 40_000: () => over.promise },
  });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= 40_000);
  clock.set("08:00");
  await downloads.until(id, ({ threads }) => threads === 0);
  const { length } = origin.requests;
  const { downloaded, process_status, error } = coordinator.get(id) ?? {};
  assert(downloaded !== undefined && downloaded >= 40_000);
  assertEquals([process_status, error], ["Downloading", null]);
  const other = await downloads.add({ url: origin.serve("/b", WHOLE) });
  await downloads.until(other, (status) => status.process_status === "Queued");
  over.resolve();
  // A user's own pause is another, and outlives the timetable's.
  const third = await downloads.add({ url: origin.serve("/c", WHOLE) });
  await downloads.command("pause", third);
  assertEquals(origin.requests.length, length);
  assertEquals(coordinator.timetable(), {
    holds: "pause",
    limit_rate: null,
    until: new Date(clock.timeOf("09:00")).toISOString(),
  });
  clock.set("09:00");
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
  await assertDownloaded(await downloads.end(other), WHOLE, "b");
  assertEquals(coordinator.get(third)?.process_status, "Paused");
  assertEquals([...new Set(told.map(({ holds }) => holds))], ["off", "pause"]);
  assertEquals(told.at(-1)?.holds, "off");
  const lines = downloads.log.filter(({ event }) => event === "timetable");
  assertEquals(lines.map(({ fields }) => fields.holds), [
    "off",
    "pause",
    "off",
  ]);
});

Deno.test("what cannot be fetched in slices begins anew after a timetable's pause", async () => {
  await using origin = await startOrigin();
  const clock = clockAt("07:59");
  await using downloads = await startDownloads({
    timetable: read("08:00,pause 09:00,off"),
    timeOfDay: clock.timeOfDay,
  });
  const over = Promise.withResolvers<void>();
  const url = origin.serve("/a", WHOLE, {
    ranges: "ignore",
    gates: { 40_000: () => over.promise },
  });
  const id = await downloads.add({ url });
  await downloads.until(id, ({ downloaded }) => downloaded >= 40_000);
  clock.set("08:00");
  await downloads.until(id, ({ threads }) => threads === 0);
  over.resolve();
  clock.set("09:00");
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
});

Deno.test("of the timetable's rate and others, the strictest counts", async () => {
  await using origin = await startOrigin();
  const clock = clockAt("08:00");
  await using downloads = await startDownloads({
    timetable: read("08:00,2K 09:00,off"),
    timeOfDay: clock.timeOfDay,
    limitRate: 1_000_000,
  });
  const { coordinator } = downloads;
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  await downloads.until(id, ({ limited_by }) => limited_by === "timetable");
  coordinator.limit({ rates: { server: 1_000, host: null } });
  await downloads.until(id, ({ limited_by }) => limited_by === "server");
  coordinator.limit({ rates: { server: null, host: null } });
  await downloads.until(id, ({ limited_by }) => limited_by === "timetable");
  clock.set("09:00");
  await assertDownloaded(await downloads.end(id), WHOLE, "a");
});

Deno.test("clients are greeted with what a server's timetable says", async () => {
  await using sluice = await startSluice({
    environment: { TIMETABLE: "Mon-Sun 500K" },
  });
  await using client = await sluice.connect();
  // On a busy machine, it comes together with the connection.
  const isGreeting = (message: ServerMessage) => "totals" in message;
  const greeting = client.messages.find(isGreeting) ??
    await client.message(isGreeting);
  assertEquals("timetable" in greeting && greeting.timetable, {
    holds: "rate",
    limit_rate: 512_000,
    until: null,
  });
  await sluice.printed(/timetable.*512000/);
});
