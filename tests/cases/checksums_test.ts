/** Checksums. */

import { assertEquals } from "@std/assert";
import { exists } from "@std/fs";
import { join } from "@std/path";
import * as fc from "../support/fast_check.ts";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { digest } from "../../lib/threads/digest.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import {
  type Behaviour,
  bytesOf,
  file,
  firstDifference,
  forever,
  type OriginFile,
  startOrigin,
} from "../support/origin.ts";
import { startDownloads } from "../support/downloads.ts";
import { startGet } from "../support/process.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  isLater,
  OTHER,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

/** Files whose answers prove nothing of each other. */
const BARE = file(WHOLE.size, 1, { etag: null });
const ANOTHER = file(WHOLE.size, 2, { etag: null });

function sha256(content: OriginFile): string {
  return createHash("sha256").update(bytesOf(content)).digest("hex");
}

Deno.test("a body of another file under the right headers fails its checksum", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ n }) => n === 4 ? { file: { ...OTHER, etag: WHOLE.etag } } : {},
  );
  const status = await trial.end({ url, sha256: sha256(WHOLE) });
  assertFailed(status, "CHECKSUM", /Check .* trying again fetches/);
  assertEquals(filesIn(trial.downloads.directory), []);
});

Deno.test("a range that the file does not reach has no digest", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/a`;
  await Deno.writeTextFile(path, "abcd");
  const ranges = [{ start: 0, end: 4 }, { start: 2, end: 5 }];
  const [whole, short] = await digest({ path, algorithm: "crc32", ranges });
  assertEquals([whole, short], [String(crc32("abcd")), ""]);
});

for (
  const [what, cut] of [
    ["are cut", { after: SLICE, by: "fin" }],
    ["are reset", { after: SLICE - 1000, by: "reset" }],
  ] as const
) {
  Deno.test(`without validator, answers that ${what} are gone on with, and the checksum proves them`, async () => {
    await using trial = await startTrial({ bytesAmount: 4 * SLICE });
    const url = trial.origin.serve("/a", BARE, { cut });
    const status = await trial.end({ url, sha256: sha256(BARE) });
    await assertDownloaded(status, BARE, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

Deno.test("without validator and checksum, answers that are cut come to no file", async () => {
  await using trial = await startTrial();
  const cut = { after: SLICE, by: "fin" } as const;
  const url = trial.origin.serve("/a", BARE, { cut });
  const said = /retry later.*always.*another URL/;
  assertFailed(await trial.end(url), "CUT", said);
});

Deno.test("without validator, a checksum lets a file come in slices at once", async () => {
  await using trial = await startTrial();
  const both = Promise.withResolvers<void>();
  // No slice ends before two run.
  const url = trial.origin.serve("/a", BARE, ({ running, range }) => {
    if (running > 1) both.resolve();
    return range === null ? {} : { gates: { 1000: () => both.promise } };
  });
  const status = await trial.end({ url, sha256: sha256(BARE) });
  await assertDownloaded(status, BARE, "a");
});

for (const kind of ["modified at the answer's own time", "weak tag"] as const) {
  Deno.test(`a checksum proves a file whose answers have a ${kind}`, async () => {
    await using trial = await startTrial();
    const date = new Date().toUTCString();
    const content = kind === "weak tag"
      ? file(WHOLE.size, 1, { etag: 'W/"1"' })
      : file(WHOLE.size, 1, { etag: null, lastModified: date });
    const url = trial.origin.serve("/a", content, ({ n }) => ({
      headers: { Date: date },
      ...(n < 3 && { cut: { after: 1000, by: "fin" } }),
    }));
    const status = await trial.end({ url, sha256: sha256(content) });
    await assertDownloaded(status, content, "a");
  });
}

Deno.test("without validator, a server's next start goes on, and the checksum proves the whole", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const options = { directory: directory.path };
  let holds = true;
  const url = origin.serve(
    "/a",
    BARE,
    where(
      ({ range }) => holds && range !== null && range.start >= 2 * SLICE,
      { gates: { head: forever } },
    ),
  );
  let id: string;
  {
    await using downloads = await startDownloads(options);
    id = await downloads.add({ url, sha256: sha256(BARE) });
    await downloads.until(id, ({ downloaded }) => downloaded >= 2 * SLICE);
  }
  holds = false;
  const before = origin.requests.length;
  await using downloads = await startDownloads(options);
  await assertDownloaded(await downloads.end(id), BARE, "a");
  const later = origin.requests.slice(before);
  assertEquals(later.filter((request) => !isLater(request)), []);
});

Deno.test("answers of two files are fetched once more, in one answer", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve(
    "/a",
    BARE,
    where(isLater, { file: ANOTHER }),
  );
  const status = await trial.end({ url, sha256: sha256(BARE) });
  await assertDownloaded(status, BARE, "a");
  assertEquals(askedWhole(trial.origin).length, 1);
});

Deno.test("a wrong checksum fails after one answer with the whole file", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", BARE);
  const status = await trial.end({ url, sha256: sha256(ANOTHER) });
  assertFailed(status, "CHECKSUM", /Check .* trying again fetches/);
  assertEquals(askedWhole(trial.origin).length, 1);
  assertEquals(filesIn(trial.downloads.directory), []);
});

Deno.test("a wrong checksum of a file that came in one answer fails at once", async () => {
  await using trial = await startTrial({ bytesAmount: WHOLE.size });
  const url = trial.origin.serve("/a", BARE);
  const status = await trial.end({ url, sha256: sha256(ANOTHER) });
  assertFailed(status, "CHECKSUM", /Check/);
  assertEquals(trial.origin.requests.length, 1);
});

Deno.test("whatever its answers are, no file has another checksum than asked for", async () => {
  await using trial = await startTrial();
  let n = 0;
  const behaviour = fc.record<Behaviour>({
    file: fc.constantFrom(BARE, BARE, BARE, ANOTHER),
    cut: fc.option(
      fc.record({
        // With a few bytes in each answer, a file takes 50,000 of them.
        after: fc.integer({ min: SLICE / 8, max: 2 * SLICE }),
        by: fc.constantFrom("fin", "reset"),
      }),
      { nil: undefined },
    ),
    ranges: fc.constantFrom(undefined, undefined, undefined, "ignore"),
  });
  const property = fc.asyncProperty(
    fc.array(behaviour, { minLength: 1, maxLength: 12 }),
    async (behaviours) => {
      const url = trial.origin.serve(
        `/${n++}`,
        BARE,
        ({ nth }) => behaviours[nth % behaviours.length] ?? {},
      );
      const { downloads } = trial;
      const fields = { url, sha256: sha256(BARE) };
      const status = await downloads.end(await downloads.add(fields));
      if (status.process_status !== "Downloaded") return;
      await assertDownloaded(status, BARE);
    },
  );
  await fc.assert(property, { numRuns: 10, seed: 14 });
});

for (const [what, proves] of [["with", true], ["without", false]] as const) {
  Deno.test(`after a kill, get goes on ${what} the checksum as it may`, async () => {
    await using origin = await startOrigin();
    await using directory = await makeDirectory();
    let holds = true;
    const url = origin.serve(
      "/a",
      BARE,
      where(
        ({ range }) => holds && range !== null && range.start >= 2 * SLICE,
        { gates: { head: forever } },
      ),
    );
    const flags = ["--bytes-amount", "64KiB", "--threads-amount", "2", url];
    const checked = ["--sha256", sha256(BARE), ...flags];
    {
      await using get = startGet(directory.path, checked);
      await recordIn(join(directory.path, ".sluice", "get"));
      get.kill("SIGKILL");
      await get.ended;
    }
    holds = false;
    const before = origin.sent;
    const again = proves ? checked : flags;
    const { code, stderr } = await startGet(directory.path, again).ended;
    assertEquals(code, 0, stderr);
    assertEquals(await firstDifference(join(directory.path, "a"), BARE), null);
    assertEquals(origin.sent - before < BARE.size, proves);
    assertEquals(directory.names(), ["a"]);
  });
}

/** Resolves once there is a record in the directory, which may not be there yet. */
async function recordIn(directory: string): Promise<void> {
  for (;;) {
    const names = await exists(directory) ? filesIn(directory) : [];
    if (names.some((name) => name.endsWith(".json"))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
