/** Servers that share a queue as lines of text. Pure. */

import type { NodeStatus } from "../../status/schema.ts";
import { formatBytes } from "./format.ts";
import { fit, printable, widthOf } from "./width.ts";

/** What is said of a server's state, beside what it does. */
const STATES: Readonly<Record<NodeStatus["state"], string>> = {
  here: "here",
  there: "there",
  draining: "stopping",
  away: "not heard of",
};

/** One line for each server: name, state, threads, speed, room. */
export function renderNodes(nodes: readonly NodeStatus[]): string[] {
  const rows = nodes.map(({ node, state, threads, speed, room }) => [
    printable(node),
    STATES[state],
    `${threads} ${threads === 1 ? "thread" : "threads"}`,
    `${formatBytes(speed)}/s`,
    room === null ? "" : `room for ${formatBytes(Math.max(0, room))}`,
  ]);
  const columns =
    rows[0]?.map((_, n) =>
      Math.max(...rows.map((row) => widthOf(row[n] ?? "")))
    ) ?? [];
  return rows.map((row) =>
    row.map((cell, n) => fit(cell, columns[n] ?? 0)).join("  ").trimEnd()
  );
}
