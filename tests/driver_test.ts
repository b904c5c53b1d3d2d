import { assertEquals } from "@std/assert";
import { openContentDirectory } from "../lib/content_directory.ts";
import { createDownload } from "../lib/download.ts";
import { createDriver } from "../lib/driver.ts";
import { DownloadError, toRecord } from "../lib/errors.ts";
import { openStore } from "../lib/store.ts";
import type { Published } from "../lib/threads/messages.ts";
import { createPool } from "../lib/threads/pool.ts";
import { createTransfer } from "../lib/transfer.ts";
import { OPTIONS } from "./downloads.ts";

const SIZE = 1000;
const REQUEST = {
  url: "https://origin.test/a",
  filename: null,
  headers: {},
  checksum: null,
  threads: null,
};

/** A whole file that waits for its name, and who drives it. */
async function finishing(directory: string) {
  const parts = await openContentDirectory(directory, { sync: false });
  const store = openStore(":memory:", { sync: false });
  const pool = createPool({ ...OPTIONS, directory }, () => {});
  const download = createDownload(REQUEST, 0);
  const validator = { kind: "etag", value: '"1"' } as const;
  await store.add([download]);
  await Deno.writeFile(parts.path(download.id), new Uint8Array(SIZE));
  const run = { start: 0, end: SIZE, crc: 0 };
  const transfer = createTransfer(download, [], 0);
  transfer.file = { size: SIZE, ranges: true, validator, name: "a" };
  transfer.runs = transfer.done = [run];
  const publishing = Promise.withResolvers<Published>();
  let over = false;
  const driver = createDriver({
    store,
    parts,
    pool,
    publish: () => publishing.promise,
    removePart: (path) => Deno.remove(path),
    log: () => {},
    retryWait: 0,
    stopThread: () => {},
    failed: (transfer) =>
      driver.bring(transfer, { kind: "restart", ask: "slices" }),
    worked(transfer) {
      if (!over) driver.drive(transfer);
    },
    left() {
      over = true;
    },
  });
  driver.drive(transfer);
  return {
    driver,
    transfer,
    publishing,
    state: () => store.get(download.id)?.state,
    [Symbol.dispose]() {
      pool.close();
      store[Symbol.dispose]();
      parts[Symbol.dispose]();
    },
  };
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
    const directory = await Deno.makeTempDir({ prefix: "sluice-" });
    try {
      using file = await finishing(directory);
      const stopped = file.driver.stop(file.transfer, PAUSE);
      file.publishing.resolve(published);
      assertEquals(await stopped, true);
      assertEquals(file.state(), PAUSE.state);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("a file that gets its name is not stopped any more", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-" });
  try {
    using file = await finishing(directory);
    const stops = [0, 1].map(() => file.driver.stop(file.transfer, PAUSE));
    const path = `${directory}/a`;
    file.publishing.resolve({ kind: "named", name: "a", path });
    assertEquals(await Promise.all(stops), [false, false]);
    assertEquals(file.state(), { kind: "Downloaded", path });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
