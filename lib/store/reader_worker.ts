/** A Web Worker: pages of downloads in, the ids that are found out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { DatabaseSync } from "node:sqlite";
import { toRecord } from "../download/errors.ts";
import type { Found, Page } from "./catalogue.ts";
import { stateError } from "./database.ts";
import { preparePages } from "./pages.ts";
import type { ReaderOrder, ReaderReport } from "./reader.ts";

let path: string;
let connection: Connection | null = null;

interface Connection {
  readonly db: DatabaseSync;
  readonly find: (page: Page) => Found;
}

self.onmessage = ({ data }: MessageEvent<ReaderOrder>) => {
  switch (data.type) {
    case "open":
      path = data.path;
      return openAhead();
    case "find":
      return report(find(data.id, data.page));
    case "close":
      connection?.db.close();
      connection = null;
      return report({ type: "closed" });
  }
};

/** Opens the connection while there are files left to open. */
function openAhead(): void {
  try {
    connection = connect();
  } catch {
    // The first page tries again, and says what is wrong.
  }
}

function find(id: number, page: Page): ReaderReport {
  try {
    connection ??= connect();
    return { type: "found", id, found: connection.find(page) };
  } catch (error) {
    return { type: "failed", id, error: toRecord(stateError(error)) };
  }
}

function connect(): Connection {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    return { db, find: preparePages(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function report(message: ReaderReport): void {
  self.postMessage(message);
}
