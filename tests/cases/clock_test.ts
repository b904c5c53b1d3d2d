/** The machine's clock, set back while something runs. */

import { assert, assertEquals } from "@std/assert";
import { parseDownload } from "../../lib/download/request.ts";
import { get } from "../../lib/get/get.ts";
import type { Effort } from "../../lib/get/reporter.ts";
import { makeDirectory } from "../support/directory.ts";
import { OPTIONS, startDownloads } from "../support/downloads.ts";
import { file, startOrigin } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";

const DAY = 24 * 3600 * 1000;

/** Sets the clock back by a day, whenever it is read. */
function setBack(): Disposable {
  const { now } = Date;
  let days = 0;
  Date.now = () => now() - ++days * DAY;
  return {
    [Symbol.dispose]() {
      Date.now = now;
    },
  };
}

Deno.test("what get says of its speed does not go by a clock that is set back", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const whole = file(100_000);
  const url = origin.serve("/a", whole);
  const request = parseDownload({ url }, { urlLength: 1_000 });
  const efforts: Effort[] = [];
  const started = performance.now();
  {
    using _clock = setBack();
    await get(
      [request],
      { ...OPTIONS, existing: "number", contentDirectory: directory.path },
      {
        reporter: {
          changed() {},
          waiting() {},
          kept() {},
          stuck() {},
          ended: (_status, effort) => void efforts.push(effort),
          [Symbol.dispose]() {},
        },
        interrupt: new AbortController().signal,
      },
    );
  }
  const most = (performance.now() - started) / 1000;
  assertEquals(efforts.length, 1);
  const [{ seconds, bytes } = { seconds: -1, bytes: 0 }] = efforts;
  assert(seconds > 0 && seconds <= most, `${seconds} s`);
  assertEquals(bytes, whole.size);
});

Deno.test("a retry does not wait for a clock that is set back", async () => {
  await using origin = await startOrigin();
  const whole = file(100_000);
  const url = origin.serve(
    "/a",
    whole,
    ({ n }) =>
      n < 3 ? { status: 503, headers: { "Retry-After": "0" }, body: "" } : {},
  );
  using _clock = setBack();
  await using downloads = await startDownloads();
  await assertDownloaded(
    await downloads.end(await downloads.add({ url })),
    whole,
  );
});
