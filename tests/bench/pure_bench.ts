/** The pure parts that grow with what there is to do: `deno bench`. */

import type { Download } from "../../lib/download/download.ts";
import { insert, missing, type Range } from "../../lib/download/ranges.ts";
import { statusOf, statusOfTransfer } from "../../lib/status/status.ts";
import { plan } from "../../lib/transfer/plan.ts";
import { cut } from "../../lib/transfer/slices.ts";
import { begin, createTransfer, goOn } from "../../lib/transfer/transfer.ts";

const SLICE = 16 * 2 ** 20;
const LIMITS = { bytesAmount: SLICE, threads: 16 };

function download(size: number): Download {
  return {
    id: crypto.randomUUID(),
    request: {
      url: "https://example.org/files/file.bin",
      filename: null,
      headers: {},
      checksum: null,
      threads: null,
    },
    state: { kind: "Queued" },
    file: {
      size,
      ranges: true,
      validator: { kind: "etag", value: '"1"' },
      name: "file.bin",
    },
    downloaded: 0,
    addedAt: 0,
    finishedAt: null,
  };
}

/** Every second slice of a file. */
function everySecond(count: number): Range[] {
  return Array.from(
    { length: count },
    (_, n) => ({ start: 2 * n * SLICE, end: (2 * n + 1) * SLICE }),
  );
}

for (const count of [1_000, 10_000, 100_000]) {
  const size = 2 * count * SLICE;
  const done = everySecond(count);
  const runs = done.map((range) => ({ ...range, crc: 0 }));
  const transfer = createTransfer(download(size), runs, 0);
  goOn(transfer);

  Deno.bench(`plan the next slice, ${count} done`, { group: "plan" }, () => {
    plan(transfer, LIMITS, 0);
  });

  Deno.bench(`insert a slice, ${count} done`, { group: "insert" }, () => {
    insert(done, { start: size - SLICE, end: size });
  });

  Deno.bench(`cut all slices, ${count}`, { group: "cut" }, () => {
    for (let at = 0; at < count * SLICE;) {
      const slice = cut(
        missing(count * SLICE, [{ start: 0, end: at }]),
        SLICE,
        SLICE,
      );
      at = slice?.end ?? Infinity;
    }
  });
}

for (const count of [100, 1_000, 10_000]) {
  const waiting = Array.from({ length: count }, () => download(SLICE));
  const running = waiting.map((download) => {
    const transfer = createTransfer(download, [], 0);
    begin(transfer, { kind: "slice", slice: { start: 0, end: SLICE } }, 1, 0);
    return transfer;
  });

  Deno.bench(`encode ${count} waiting`, { group: "encode waiting" }, () => {
    JSON.stringify(waiting.map(statusOf));
  });

  Deno.bench(`encode ${count} running`, { group: "encode running" }, () => {
    JSON.stringify(
      running.map((transfer) => statusOfTransfer(transfer, 1, null)),
    );
  });
}
