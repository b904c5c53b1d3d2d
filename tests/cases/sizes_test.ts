/** Files of all sizes. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { type Behave, file, startOrigin } from "../support/origin.ts";
import { projectPath, taskArguments } from "../support/sluice.ts";
import { assertDownloaded } from "../support/status.ts";
import { SLICE, startTrial, where } from "../support/trial.ts";

const KiB = 1024;

for (const ranges of [undefined, "ignore"] as const) {
  for (
    const [what, size] of [
      ["zero-length file", 0],
      ["one-byte file", 1],
      ["file of one slice less one byte", SLICE - 1],
      ["file of exactly one slice", SLICE],
      ["file of one slice and one byte", SLICE + 1],
      ["file of as many slices as there are threads", 4 * SLICE],
    ] as const
  ) {
    Deno.test(`a ${what} comes whole, ranges: ${ranges}`, async () => {
      await using trial = await startTrial();
      const whole = file(size, 5);
      const url = trial.origin.serve("/a.bin", whole, { ranges });
      await assertDownloaded(await trial.end(url), whole, "a.bin");
    });
  }
}

for (
  const [what, behave] of [
    [
      "a 416 without Content-Range",
      where(({ range }) => range !== null, {
        status: 416,
        headers: { "Content-Range": null },
      }),
    ],
    ["a chunk of nothing", { ranges: "ignore", framing: "chunked" }],
    ["a connection that ends", { ranges: "ignore", framing: "close" }],
  ] as [string, Behave][]
) {
  Deno.test(`a zero-length file, told by ${what}`, async () => {
    await using trial = await startTrial();
    const whole = file(0);
    const url = trial.origin.serve("/a", whole, behave);
    await assertDownloaded(await trial.end(url), whole, "a");
  });
}

Deno.test("a file of 5 GiB comes whole, beyond what 32 bits can count", async () => {
  const bytesAmount = 16 * KiB * KiB;
  await using trial = await startTrial({ bytesAmount });
  const whole = file(5 * 2 ** 30, 6);
  const status = await trial.end(trial.origin.serve("/a", whole));
  assertEquals(status.process_status, "Downloaded");
  assertMatch(status.path_to_file ?? "", /\/a$/);
  // To read all of it again takes too long; where slices meet tells enough.
  using written = await Deno.open(new URL(status.path_to_file ?? ""));
  assertEquals((await written.stat()).size, whole.size);
  const got = new Uint8Array(4 * KiB);
  for (let at = 0; at <= whole.size; at += bytesAmount) {
    const start = Math.max(0, Math.min(at - 2 * KiB, whole.size - got.length));
    await written.seek(start, Deno.SeekMode.Start);
    assertEquals(await written.read(got), got.length);
    const wanted = whole.read(start, got.length);
    assertEquals(Buffer.compare(got, wanted), 0, `wrong near ${at}`);
  }
});

Deno.test("a file larger than the file system takes says so", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", file(12 * KiB * KiB));
  // As on FAT beyond 4 GiB, the system says EFBIG; here beyond 8 MiB.
  const limited = 'trap "" XFSZ; ulimit -f 8192; exec "$@"';
  const get = [...taskArguments("get", directory.path), "--json", url];
  const { code, stdout } = await new Deno.Command("bash", {
    args: ["-c", limited, "bash", Deno.execPath(), ...get],
    cwd: projectPath("."),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 1, text);
  assertStringIncludes(text, "FILE_TOO_LARGE");
  assertStringIncludes(text, "4 GiB");
  assertEquals(filesIn(directory.path), []);
});
