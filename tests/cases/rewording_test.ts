/** What several change of how a download is asked for holds together. */

import { assertEquals } from "@std/assert";
import type { DownloadRequest } from "../../lib/download/download.ts";
import type { Rule } from "../../lib/download/rules.ts";
import type { Catalogue } from "../../lib/store/catalogue.ts";
import { type Downloads, startDownloads } from "../support/downloads.ts";
import { metalinkOf } from "../support/metalink.ts";
import {
  digestOf,
  literal,
  type Origin,
  startOrigin,
} from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import { gate, WHOLE } from "../support/trial.ts";

const RULE: Rule = {
  ...{ hosts: [], extensions: [], mediaTypes: ["video/*"] },
  ...{ minSize: null, maxSize: null },
  ...{ directory: "films", headers: {}, threads: null, limitRate: null },
  proxy: null,
};

/** More than any origin of a test sends in a second. */
const LIMIT = 1e9;

/** Of the first two changes, the second is recorded first. */
function crossed() {
  const first = gate();
  const second = gate();
  const both: Promise<void>[] = [];
  let changes = 0;
  function reword(record: Catalogue["reword"]): Catalogue["reword"] {
    return (id, rewording) => {
      const number = ++changes;
      if (number === 1) first.open();
      const recorded = number === 1
        ? second.opened.then(() => record(id, rewording))
        : record(id, rewording).finally(second.open);
      if (number <= 2) both.push(recorded);
      return recorded;
    };
  }
  return {
    reword,
    /** Resolves once the first change waits for the second. */
    begun: first.opened,
    /** Resolves once both are recorded. */
    recorded: async () => {
      await second.opened;
      await Promise.all(both);
    },
  };
}

/** A download, and what has another change of it made beside a client's. */
interface Case {
  readonly url: string;
  /** Leads to the change. */
  readonly begin: () => void;
  /** Lets the rest of the file come. */
  readonly go: () => void;
  readonly changed: (request: DownloadRequest) => unknown;
  readonly wanted: unknown;
}

const CASES: Readonly<Record<string, (origin: Origin) => Case>> = {
  "the directory of a rule": (origin) => {
    const { opened, open } = gate();
    const headers = { "Content-Type": "video/mp4" };
    return {
      url: origin.serve(
        "/a",
        { ...WHOLE, headers },
        { gates: { 1000: () => opened } },
      ),
      begin: open,
      go: open,
      changed: ({ directory }) => directory,
      wanted: "films",
    };
  },
  "the mirrors that an answer tells of": (origin) => {
    const [head, body] = [gate(), gate()];
    const mirror = origin.url("/b");
    return {
      url: origin.serve("/a", WHOLE, {
        headers: {
          "Link": `<${mirror}>; rel=duplicate`,
          "Repr-Digest": digestOf(WHOLE),
        },
        gates: { head: () => head.opened, 1000: () => body.opened },
      }),
      begin: head.open,
      go: body.open,
      changed: ({ mirrors, checksum }) => [mirrors, checksum?.algorithm],
      wanted: [[mirror], "sha256"],
    };
  },
  "what a document tells": (origin) => {
    const [head, body] = [gate(), gate()];
    const file = origin.serve("/a", WHOLE, {
      gates: { 1000: () => body.opened },
    });
    const document = metalinkOf({ name: "x", content: WHOLE, urls: [file] });
    const headers = { "Content-Type": "application/metalink4+xml" };
    return {
      url: origin.serve("/get", literal(document, { headers }), {
        gates: { head: () => head.opened },
      }),
      begin: head.open,
      go: body.open,
      changed: ({ mirrors, size, described }) => [mirrors, size, described],
      wanted: [[file], WHOLE.size, ["filename", "size", "checksum"]],
    };
  },
};

for (const [what, make] of Object.entries(CASES)) {
  for (const first of ["the limit", "it"] as const) {
    Deno.test(`${what} and a limit are recorded, also where ${first} began earlier`, async () => {
      await using origin = await startOrigin();
      const { reword, begun, recorded } = crossed();
      await using downloads = await startDownloads({ rules: [RULE], reword });
      const { url, begin, go, changed, wanted } = make(origin);
      const id = await downloads.add({ url });
      await downloads.until(id, ({ threads }) => threads > 0);
      if (first === "it") begin();
      else void limit(downloads, id);
      await begun;
      if (first === "it") void limit(downloads, id);
      else begin();
      await recorded();
      go();
      await assertDownloaded(await downloads.end(id), WHOLE);
      const request = downloads.coordinator.requestOf(id);
      assertEquals(request && changed(request), wanted);
      assertEquals(request?.limitRate, LIMIT);
    });
  }
}

function limit({ coordinator }: Downloads, id: string): Promise<void> {
  return coordinator.command(id, { kind: "limit", limitRate: LIMIT });
}
