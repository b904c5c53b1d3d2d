// @ts-check
/// <reference lib="dom" />
/** The servers that share the queue, if there are others than this one. */

/** @import { NodeStatus } from "../../status/schema.ts" */
/** @import { Connection } from "./connection.js" */
import { showNodes } from "./dialogs.js";
import { html, setText } from "./dom.js";
import { formatBytes, formatSpeed } from "./format.js";
import { say } from "./words.js";

/** Between two questions for how the servers are, in milliseconds. */
const REST = 3_000;

/**
 * Makes what shows the servers: a button with how many there are, and a dialog
 * with each of them. Where the server has no cluster, neither is seen, and each
 * connection asks once.
 *
 * @param {{
 *   connection: Connection,
 *   button: HTMLButtonElement,
 *   dialog: HTMLDialogElement,
 * }} parts
 */
export function createNodes({ connection, button, dialog }) {
  const body = html("tbody");
  const table = html(
    "table",
    { class: "nodes" },
    html(
      "thead",
      {},
      html(
        "tr",
        {},
        ...[
          say("nodes.name"),
          say("nodes.state"),
          say("column.threads"),
          say("column.speed"),
          say("nodes.room"),
        ].map((name) => html("th", { scope: "col" }, name)),
      ),
    ),
    body,
  );
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {readonly NodeStatus[]} nodes */
  function draw(nodes) {
    const heard = nodes.filter(({ state }) => state !== "away").length;
    const count = nodes.length;
    button.hidden = count === 0;
    button.classList.toggle("low", heard < count);
    setText(
      button,
      heard < count
        ? say("nodes.some", { count, heard })
        : say("nodes.count", { count }),
    );
    while (body.rows.length > count) body.lastChild?.remove();
    for (const [n, node] of nodes.entries()) {
      drawRow(body.rows[n] ?? body.appendChild(createRow()), node);
    }
  }

  async function ask() {
    clearTimeout(timer);
    try {
      const { data } = await connection.request({ action: "nodes" });
      if (!("nodes" in data)) return;
      draw(data.nodes);
      if (data.nodes.length === 0) return;
    } catch {
      // The connection is gone: the next one asks anew.
      return;
    }
    timer = setTimeout(ask, REST);
  }

  button.addEventListener("click", () => void showNodes(dialog, table));
  return {
    /** There is a new connection, maybe to a server that has been set otherwise. */
    connected: () => void ask(),
  };
}

function createRow() {
  const name = html("th", { scope: "row" }, html("a", { dir: "auto" }));
  return html("tr", {}, name, ...Array.from({ length: 4 }, () => html("td")));
}

/**
 * Draws a server into a row that is there already: its link may have the focus.
 *
 * @param {HTMLTableRowElement} row
 * @param {NodeStatus} node
 */
function drawRow(row, { node, url, state, threads, speed, room }) {
  row.dataset.state = state;
  const link = row.cells[0]?.querySelector("a");
  if (link) {
    setText(link, node);
    if (state !== "here" && /^https?:\/\//.test(url)) link.href = url;
    else link.removeAttribute("href");
  }
  const silent = state === "away";
  const texts = [
    say(`nodes.${state}`),
    silent ? "" : String(threads),
    silent ? "" : formatSpeed(speed),
    silent || room === null ? "" : formatBytes(Math.max(0, room)),
  ];
  for (const [n, text] of texts.entries()) {
    const cell = row.cells[n + 1];
    if (cell) setText(cell, text);
  }
}
