import { assertEquals } from "@std/assert";
import { createDownload } from "../../lib/download/download.ts";
import { DownloadError, toRecord } from "../../lib/download/errors.ts";
import type { Run } from "../../lib/download/ranges.ts";
import { createDriver } from "../../lib/engine/driver.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { crc32 } from "../../lib/threads/crc32.ts";
import type { Published } from "../../lib/threads/messages.ts";
import { createPool } from "../../lib/threads/pool.ts";
import { createTransfer, type Transfer } from "../../lib/transfer/transfer.ts";
import { makeDirectory } from "../support/directory.ts";
import { OPTIONS } from "../support/downloads.ts";
import { REQUEST } from "../support/transfers.ts";

const SIZE = 1000;
/** A file whose part is there, with runs of it recorded; and who drives it. */
async function open(
  directory: string,
  runs: readonly Run[],
  fields: (transfer: Transfer) => Partial<Transfer> = () => ({}),
) {
  const parts = await openContentDirectory(directory, { sync: false });
  const store = openStore(":memory:", { sync: false });
  const pool = createPool({ ...OPTIONS, directory }, () => {});
  const validator = { kind: "etag", value: '"1"' } as const;
  const file = { size: SIZE, ranges: true, validator, name: "a" };
  const download = { ...createDownload(REQUEST, 0), file };
  await store.add([download]);
  await Deno.writeFile(parts.path(download.id), new Uint8Array(SIZE));
  const begun = createTransfer(download, runs, 0);
  const transfer = { ...begun, ...fields(begun) };
  const worked = Promise.withResolvers<void>();
  const publishing = Promise.withResolvers<Published>();
  let over = false;
  const tools = {
    catalogue: store,
    records: store,
    parts,
    pool,
    publish: () => publishing.promise,
    rules: [],
    removePart: (path: string) => Deno.remove(path),
    tell: () => {},
  };
  const driver = createDriver(tools, 0, (transfer, { kind }) => {
    if (kind === "failed") {
      driver.bring(transfer, { kind: "restart", ask: "slices" });
    }
    if (kind === "left") over = true;
    worked.resolve();
    if (!over) driver.drive(transfer);
  });
  return {
    driver,
    transfer,
    publishing,
    worked: worked.promise,
    state: () => store.get(download.id)?.state,
    [Symbol.dispose]() {
      pool.close();
      store[Symbol.dispose]();
      parts[Symbol.dispose]();
    },
  };
}

/** A whole file that waits for its name. */
async function finishing(directory: string) {
  const file = await open(directory, [], ({ download }) => ({
    file: download.file,
    done: [{ start: 0, end: SIZE }],
  }));
  file.driver.drive(file.transfer);
  return file;
}

const PAUSE = {
  kind: "settle",
  state: { kind: "Paused", error: null },
} as const;

for (
  const [what, published] of [
    ["cannot be published", {
      kind: "failed",
      error: toRecord(new DownloadError("PART_LOST", "gone")),
    }],
    ["has to be verified again", { kind: "holes" }],
  ] as const
) {
  Deno.test(`a file that ${what} is stopped if it was to be`, async () => {
    await using temporary = await makeDirectory();
    const directory = temporary.path;
    using file = await finishing(directory);
    const stopped = file.driver.stop(file.transfer, PAUSE);
    file.publishing.resolve(published);
    assertEquals(await stopped, true);
    assertEquals(file.state(), PAUSE.state);
  });
}

Deno.test("a file that gets its name is not stopped any more", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  using file = await finishing(directory);
  const stops = [0, 1].map(() => file.driver.stop(file.transfer, PAUSE));
  const path = `${directory}/a`;
  const identity = "1 2";
  file.publishing.resolve({ kind: "named", name: "a", path, identity });
  assertEquals(await Promise.all(stops), [false, false]);
  assertEquals(file.state(), { kind: "Downloaded", path, identity });
});

Deno.test("what was lost and comes again is progress", async () => {
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const good = crc32(new Uint8Array(100));
  using file = await open(directory, [
    { start: 0, end: 100, crc: good },
    { start: 100, end: 900, crc: good },
  ]);
  const { transfer } = file;
  file.driver.drive(transfer);
  await file.worked;
  assertEquals(transfer.done, [{ start: 0, end: 100 }]);
  assertEquals(transfer.best, 100);
});
