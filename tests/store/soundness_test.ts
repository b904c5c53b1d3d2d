import { assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createDownload, type Download } from "../../lib/download/download.ts";
import {
  prepareCheck,
  refuseDamagedRecords,
} from "../../lib/store/soundness.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { makeDirectory } from "../support/directory.ts";

const REQUEST = {
  url: "https://example.org/a",
  ...{ filename: null, headers: {}, checksum: null, threads: null },
};

for (
  const [what, change] of [
    [
      "whose record is",
      (db) => db.exec(`UPDATE downloads SET detail = '"'`),
    ],
    [
      "whose runs begin before its file",
      (db) => db.exec("UPDATE runs SET start = -1"),
    ],
    [
      "whose runs end before they begin",
      (db) => db.exec("UPDATE runs SET end = start - 1"),
    ],
    [
      "whose runs have no CRC-32",
      (db) => db.exec("UPDATE runs SET crc = 1 << 32"),
    ],
    // What an index says of a record may be another id than the record's own.
    ["that is not there", (db) => db.exec("DELETE FROM downloads")],
  ] satisfies (readonly [string, (db: DatabaseSync) => void])[]
) {
  Deno.test(`a download is damaged ${what}`, async () => {
    await using directory = await makeDirectory();
    const path = `${directory.path}/state.db`;
    using store = openStore(path, { sync: false });
    const download: Download = createDownload(REQUEST, 0);
    const { id } = download;
    const file = { size: 9, ranges: true, validator: null, name: "a" };
    const fresh = [{ start: 0, end: 5, crc: 1 }];
    await store.add([download]);
    await store.checkpoint(id, file, { runs: fresh, fresh, bytes: 5 });
    using db = new DatabaseSync(path);
    const check = prepareCheck(db);
    check(id);
    change(db);
    assertThrows(() => check(id), Error, `download ${id} is damaged`);
  });
}

for (
  const [what, change] of [
    ["places", "UPDATE downloads SET place = place % (1 << 51)"],
    ["too many in line", "UPDATE line_blocks SET count = 2"],
    ["none in line", "DELETE FROM line_blocks"],
    ["others in line", "INSERT INTO line_blocks VALUES (1, 'Paused', 1)"],
  ] as const
) {
  Deno.test(`a state is damaged whose records say otherwise: ${what}`, async () => {
    await using directory = await makeDirectory();
    const path = `${directory.path}/state.db`;
    using store = openStore(path, { sync: false });
    await store.add([createDownload(REQUEST, 0)]);
    using db = new DatabaseSync(path);
    refuseDamagedRecords(db);
    db.exec(change);
    assertThrows(() => refuseDamagedRecords(db), Error, "is damaged");
  });
}
