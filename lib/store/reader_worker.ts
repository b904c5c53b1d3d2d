/** A Web Worker: pages of downloads in, the ids that are found out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { DatabaseSync } from "node:sqlite";
import { type ErrorRecord, toRecord } from "../download/errors.ts";
import type { Found, Page } from "./catalogue.ts";
import type { CheckOrder, CheckReport } from "./checker.ts";
import { stateError } from "./database.ts";
import { preparePages } from "./pages.ts";
import type { ReaderOrder, ReaderReport } from "./reader.ts";
import { refuseDamagedFile, refuseDamagedRecords } from "./soundness.ts";

let path: string;
let connection: Connection | null = null;

interface Connection {
  readonly db: DatabaseSync;
  readonly find: (page: Page) => Found;
}

self.onmessage = ({ data }: MessageEvent<ReaderOrder | CheckOrder>) => {
  switch (data.type) {
    case "open":
      path = data.path;
      return openAhead();
    case "find":
      return report(find(data.id, data.page));
    case "check":
      return report({ type: "checked", error: check() });
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

/** What is wrong with the state; null if nothing is. */
function check(): ErrorRecord | null {
  try {
    connection ??= connect();
    refuseDamagedFile(connection.db);
    refuseDamagedRecords(connection.db);
    return null;
  } catch (error) {
    return toRecord(stateError(error, path));
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

function report(message: ReaderReport | CheckReport): void {
  self.postMessage(message);
}
