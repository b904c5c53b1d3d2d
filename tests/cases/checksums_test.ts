/** Checksums. */

import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { digest } from "../../lib/threads/digest.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { bytesOf } from "../support/origin.ts";
import { assertFailed } from "../support/status.ts";
import { OTHER, startTrial, WHOLE } from "../support/trial.ts";

Deno.test("a body of another file under the right headers fails its checksum", async () => {
  await using trial = await startTrial();
  const sha256 = createHash("sha256").update(bytesOf(WHOLE)).digest("hex");
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ n }) => n === 4 ? { file: { ...OTHER, etag: WHOLE.etag } } : {},
  );
  const status = await trial.end({ url, sha256 });
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
