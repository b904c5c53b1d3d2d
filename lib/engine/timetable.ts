/** What a timetable lets downloads do at a moment, and until when. Pure. */

import { parseBytes } from "../base/whole_number.ts";
import type { Held, Rule } from "../download/download.ts";
import { FASTEST, SLOWEST } from "../download/fields.ts";

/** A week, in the machine's own time. */
export interface Timetable {
  /** What holds on days as a whole; null for days of which that is not said. */
  readonly days: readonly (Rule | null)[];
  /** What holds from a moment of a day on, until the next one: by their minutes. */
  readonly moments: readonly Moment[];
}

interface Moment {
  /** 0 for Sunday, as `Date.getDay` has it. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
  readonly rule: Rule;
}

const OFF: Rule = { kind: "off" };

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const EVERY_DAY = DAYS.map((_, day) => day);
const DAY = "(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?";

/** Days for what follows: `Mon`, `Mon-Fri`, `Mon,Wed-Fri`. */
const SOME_DAYS = new RegExp(`^${DAY}(-${DAY})?(,${DAY}(-${DAY})?)*$`, "i");
/** A moment, and what holds from it on: `18:00,off`; also `Mon-18:00,off`. */
const MOMENT = new RegExp(
  `^(?:(${DAY})-)?([01]?\\d|2[0-3]):([0-5]\\d),(.+)$`,
  "i",
);

/** What is wrong with a timetable: the piece of it that makes no sense. */
export interface Fault {
  readonly piece: string;
}

/**
 * Reads a timetable as `rclone --bwlimit` takes it, with ranges of days before
 * moments, whole days, and `pause`: `Mon-Fri 08:00,512K 18:00,off Sat-Sun pause`.
 */
export function parseTimetable(text: string): Timetable | Fault {
  const days: (Rule | null)[] = DAYS.map(() => null);
  const moments: Moment[] = [];
  const taken = new Set<string>();
  let named: readonly number[] = EVERY_DAY;
  /** Days that nothing has been said of yet. */
  let open: string | null = null;

  /** Whether nothing has been said of a time of these days before. */
  function take(of: readonly number[], minute: number | "day"): boolean {
    const keys = of.map((day) => `${day} ${minute}`);
    if (keys.some((key) => taken.has(key))) return false;
    for (const key of keys) taken.add(key);
    return true;
  }

  for (const piece of text.trim().split(/\s+/)) {
    if (SOME_DAYS.test(piece)) {
      if (open !== null) return { piece: open };
      open = piece;
      named = daysIn(piece);
      continue;
    }
    const [, day, hours, minutes, words = piece] = piece.match(MOMENT) ?? [];
    const rule = ruleIn(words);
    if (rule === null) return { piece };
    const of = day === undefined ? named : daysIn(day);
    if (hours === undefined) {
      if (!take(of, "day")) return { piece };
      for (const day of of) days[day] = rule;
    } else {
      const minute = Number(hours) * 60 + Number(minutes);
      if (!take(of, minute)) return { piece };
      moments.push(...of.map((day) => ({ day, minute, rule })));
    }
    open = null;
  }
  if (open !== null) return { piece: open };
  return { days, moments: moments.toSorted((a, b) => a.minute - b.minute) };
}

function ruleIn(words: string): Rule | null {
  if (/^off$/i.test(words)) return OFF;
  if (/^pause$/i.test(words)) return { kind: "pause" };
  const rate = parseBytes(words, SLOWEST, FASTEST);
  return rate === undefined ? null : { kind: "rate", rate };
}

/** The days of `Mon,Wed-Fri`; a range may go over Sunday. */
function daysIn(piece: string): number[] {
  return piece.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map((name) =>
      DAYS.indexOf(name.slice(0, 3).toLowerCase())
    );
    const length = (last - first + DAYS.length) % DAYS.length + 1;
    return EVERY_DAY.slice(0, length).map((n) => (first + n) % DAYS.length);
  });
}

/**
 * What holds at a moment: from the latest moment on that was named; on a day of
 * which something is said as a whole that, until a moment of the same day comes.
 * Moments are those of the machine's time zone; those that a change of its clock
 * leaves out come with that change, and one that comes twice counts the first time.
 *
 * @param time In milliseconds since 1970.
 */
export function heldAt(timetable: Timetable, time: number): Held {
  const rule = ruleAt(timetable, time);
  const until = turnsFrom(timetable, time)
    .filter((turn) => turn > time)
    .sort((a, b) => a - b)
    .find((turn) => !isSame(ruleAt(timetable, turn), rule));
  return { rule, until: until ?? null };
}

function ruleAt({ days, moments }: Timetable, time: number): Rule {
  let latest: { rule: Rule; at: number } | null = null;
  for (let back = 0; back <= DAYS.length; back++) {
    const { day, at } = dayBeside(time, -back);
    for (const moment of moments) {
      if (moment.day !== day) continue;
      const when = at(moment.minute);
      if (when <= time && when >= (latest?.at ?? -Infinity)) {
        latest = { rule: moment.rule, at: when };
      }
    }
    const whole = back === 0 ? days[day] : null;
    if (whole && latest === null) return whole;
    if (latest !== null) break;
  }
  return latest?.rule ?? OFF;
}

/** When something may change within a week: at moments, and at midnight. */
function turnsFrom({ moments }: Timetable, time: number): number[] {
  return Array.from({ length: DAYS.length + 2 }, (_, ahead) => {
    const { day, at } = dayBeside(time, ahead);
    const named = moments.filter((moment) => moment.day === day);
    return [at(0), ...named.map(({ minute }) => at(minute))];
  }).flat();
}

/** A day some days beside that of a moment, and when its minutes are. */
function dayBeside(time: number, days: number) {
  const here = new Date(time);
  const year = here.getFullYear();
  const month = here.getMonth();
  const date = here.getDate() + days;
  return {
    day: new Date(year, month, date, 12).getDay(),
    at: (minute: number) => timeOf(year, month, date, minute),
  };
}

/** In milliseconds. */
const MINUTE = 60_000;

/**
 * When it is a minute of a day by the machine's clock; when that clock is put forward
 * if this leaves the minute out.
 */
function timeOf(
  year: number,
  month: number,
  date: number,
  minute: number,
): number {
  const [hours, minutes] = [Math.floor(minute / 60), minute % 60];
  const time = new Date(year, month, date, hours, minutes).getTime();
  const offset = offsetAt(time);
  const exists = time - offset === Date.UTC(year, month, date, hours, minutes);
  if (exists) return time;
  // `Date` takes such a minute as if the clock had not been put forward yet.
  let change = time;
  while (offsetAt(change - MINUTE) === offset) change -= MINUTE;
  return change;
}

/** How far the machine's clock is behind UTC, in milliseconds. */
function offsetAt(time: number): number {
  return new Date(time).getTimezoneOffset() * MINUTE;
}

function isSame(a: Rule, b: Rule): boolean {
  const rateOf = (rule: Rule) => rule.kind === "rate" ? rule.rate : null;
  return a.kind === b.kind && rateOf(a) === rateOf(b);
}
