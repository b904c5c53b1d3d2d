/** Prints what a timetable holds at some moments, in the time zone of `TZ`. */

import { heldAt, parseTimetable } from "../../lib/engine/timetable.ts";

const [text = "", ...times] = Deno.args;
const timetable = parseTimetable(text);
if ("piece" in timetable) throw new Error(timetable.piece);
console.log(
  JSON.stringify(times.map((time) => heldAt(timetable, Number(time)))),
);
