/** Medians, ratios, and the tables they are shown in. Pure. */

import type { Cost } from "./meter.ts";
import type { Standing } from "./race.ts";

/** One measured quantity that has an aim of its own. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was aimed at, in words; empty for none. */
  readonly aim: string;
}

/** What came of a scenario. */
export type Result =
  | { readonly kind: "race"; readonly standings: readonly Standing[] }
  | { readonly kind: "figures"; readonly figures: readonly Figure[] };

/** Middle, least and most of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = NaN, high = NaN] = [
    sorted[Math.ceil(middle) - 1],
    sorted[Math.floor(middle)],
  ];
  return {
    median: (low + high) / 2,
    min: sorted[0] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

/** One contender's line. */
export interface Row {
  readonly name: string;
  readonly seconds: Spread;
  /** CPU seconds. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
  /** How many times as long it takes as the first contender. */
  readonly ratio: number;
  /** It took longer, in seconds; null if it came to its end each time. */
  readonly longerThan: number | null;
  readonly faults: readonly string[];
}

/** The lines of a race, whose first contender all others are compared with. */
export function rowsOf(standings: readonly Standing[]): Row[] {
  const median = (costs: readonly Cost[], key: keyof Cost) =>
    spreadOf(costs.map((cost) => cost[key])).median;
  const first = median(standings[0]?.costs ?? [], "seconds");
  return standings.map(({ name, costs, longerThan, faults }) => ({
    name,
    seconds: spreadOf(costs.map(({ seconds }) => seconds)),
    cpu: median(costs, "cpu"),
    memory: spreadOf(costs.map(({ memory }) => memory)).max,
    ratio: (longerThan ?? median(costs, "seconds")) / first,
    longerThan,
    faults,
  }));
}

/** The table of a result, as Markdown. */
export function render(result: Result): string {
  return result.kind === "race"
    ? table(
      ["", "median", "min", "max", "CPU", "memory", "ratio"],
      rowsOf(result.standings).map(cellsOf),
    )
    : table(
      ["", "measured", "aim"],
      result.figures.map(({ name, value, unit, aim }) => [
        name,
        `${formatted(value)} ${unit}`,
        aim,
      ]),
    );
}

function cellsOf(row: Row): string[] {
  const { seconds: { median, min, max }, cpu, memory, ratio, faults } = row;
  const name = faults.length > 0
    ? `${row.name} (${faults.length} void)`
    : row.name;
  return row.longerThan !== null
    ? [name, `> ${row.longerThan} s`, "", "", "", "", `> ${ratio.toFixed(1)} ×`]
    : [
      name,
      ...[median, min, max, cpu].map((value) => `${value.toFixed(3)} s`),
      `${Math.round(memory / 2 ** 20)} MiB`,
      `${ratio.toFixed(2)} ×`,
    ];
}

function formatted(value: number): string {
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en")
    : value.toPrecision(3);
}

function table(head: readonly string[], rows: readonly string[][]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...all.map((row) => [...row[column] ?? ""].length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, column) =>
        column === 0
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
