import { assertEquals } from "@std/assert";
import {
  createDownload,
  type Download,
  type State,
} from "../../lib/download/download.ts";
import { createLists } from "../../lib/status/lists.ts";
import { statusOf } from "../../lib/status/status.ts";
import type { Found } from "../../lib/store/catalogue.ts";

const FAILED: State = {
  kind: "Failed",
  error: { code: "CUT", message: "It was cut.", retryAfter: null },
};

Deno.test("a list tells what is so now, not what was so when it was read", async () => {
  const all = new Map<string, Download>();
  function stands(id: string, state: State): void {
    const url = `https://example.org/${id}`;
    const rest = { filename: null, headers: {}, checksum: null, threads: null };
    all.set(id, { ...createDownload({ url, ...rest }, 0, id), state });
  }
  for (const id of ["stays", "retried", "removed"]) stands(id, FAILED);
  const finding = Promise.withResolvers<Found>();
  const lists = createLists({
    excerpt: { open: () => [], finished: () => [], idsFrom: () => [] },
    listing: { find: () => finding.promise },
    downloads: {
      running: () => [],
      standing: statusOf,
      get(id) {
        const download = all.get(id);
        return download === undefined ? null : statusOf(download);
      },
    },
  });
  const listing = lists.list({
    offset: 0,
    limit: 10,
    statuses: ["Failed"],
    search: "",
    order: "latest",
  });
  const found = { ids: [...all.keys()], total: all.size };
  stands("retried", { kind: "Queued" });
  all.delete("removed");
  finding.resolve(found);
  const { statuses, total } = await listing;
  assertEquals(statuses.map(({ id }) => id), ["stays"]);
  assertEquals(total, 3);
});

Deno.test("a download that ends while a page is read is on it once", async () => {
  const url = "https://example.org/";
  const rest = { filename: null, headers: {}, checksum: null, threads: null };
  const running = createDownload({ url, ...rest }, 0, "ends");
  const path = "/downloads/ends";
  const ended = { ...running, state: { kind: "Downloaded", path } } as const;
  let now: Download = running;
  const lists = createLists({
    excerpt: { open: () => [], finished: () => [], idsFrom: () => [] },
    listing: {
      find({ states }) {
        const isIn = states.includes(now.state.kind);
        // It is read as running, and has ended when the next part is read.
        now = ended;
        const ids = isIn ? ["ends"] : [];
        return Promise.resolve({ ids, total: ids.length });
      },
    },
    downloads: {
      running: () => ["ends"],
      standing: statusOf,
      get: () => statusOf(now),
    },
  });
  const { statuses } = await lists.list({
    offset: 0,
    limit: 10,
    statuses: ["Downloading", "Downloaded"],
    search: "",
    order: "queue",
  });
  assertEquals(statuses.map(({ id }) => id), ["ends"]);
});
