/** Origins that allow few connections, lose some, or speak no HTTP on them. */

import { assertEquals, assertGreater } from "@std/assert";
import { SEVERAL_WORKERS } from "../support/downloads.ts";
import { filesIn } from "../support/directory.ts";
import {
  type Behave,
  file,
  forever,
  literal,
  type OriginRequest,
  startOrigin,
} from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  askedWhole,
  gate,
  IMPATIENT,
  PATIENT,
  SLICE,
  startTrial,
  where,
  WHOLE,
} from "../support/trial.ts";

// Not 403: that is the end where no thread is left to show that it is not.
for (
  const further of ["close", "reset", { status: 503 }, { status: 429 }] as const
) {
  const how = typeof further === "string" ? further : further.status;
  Deno.test(`an origin that allows 4 connections, and then a ${how}`, async () => {
    const limit = { connections: 4, further };
    await using trial = await startTrial(
      { ...SEVERAL_WORKERS, threadsAmount: 8, threadsPerHost: 8, ...PATIENT },
      { limit },
    );
    const whole = file(40 * SLICE, 7);
    const held = gate();
    let arrived = 0;
    const url = trial.origin.serve("/a", whole, ({ n }) =>
      n === 0 ? {} : {
        gates: {
          1000() {
            if (++arrived === 3) held.open();
            return held.opened;
          },
        },
      });
    await assertDownloaded(await trial.end(url), whole, "a");
    assertEquals(askedWhole(trial.origin), []);
  });
}

Deno.test("an origin whose fifth connection is refused", async () => {
  await using trial = await startTrial({
    ...SEVERAL_WORKERS,
    threadsAmount: 8,
    threadsPerHost: 8,
  });
  const behave: Behave = ({ connection }) => ({
    connection: "close",
    ...(connection === 4 && { raw: "", cut: { after: 0, by: "reset" } }),
  });
  const url = trial.origin.serve("/a", WHOLE, behave);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("an origin that resets every seventh connection", async () => {
  await using trial = await startTrial({ ...SEVERAL_WORKERS, ...PATIENT });
  const whole = file(40 * SLICE, 7);
  const behave: Behave = ({ connection }) => ({
    connection: "close",
    ...(connection % 7 === 6 && { cut: { after: 20_000, by: "reset" } }),
  });
  const url = trial.origin.serve("/a", whole, behave);
  await assertDownloaded(await trial.end(url), whole, "a");
  assertGreater(trial.origin.requests.length, 40);
});

Deno.test("an origin that takes no connection is an error", async () => {
  const url = await (async () => {
    await using closed = await startOrigin();
    return closed.url("/a");
  })();
  await using trial = await startTrial(SEVERAL_WORKERS);
  assertFailed(await trial.end(url), "REFUSED", /check the URL.*retry/);
});

for (
  const [what, raw] of [
    ["nothing", ""],
    ["half a status line", "HTTP/1.1 2"],
  ] as const
) {
  Deno.test(`an origin that answers ${what} is an error`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const url = trial.origin.serve("/a", WHOLE, { raw });
    assertFailed(await trial.end(url), "REFUSED", /check the URL.*retry/);
    assertEquals(filesIn(trial.downloads.directory), []);
  });
}

for (
  const [what, dropped] of [
    ["ends", { raw: "" }],
    ["resets", { raw: "", cut: { after: 0, by: "reset" } }],
    ["never answers", { gates: { head: forever } }],
  ] as const
) {
  Deno.test(`the last attempt goes without ranges where an origin ${what} what has them`, async () => {
    await using trial = await startTrial({
      ...SEVERAL_WORKERS,
      ...IMPATIENT,
      attempts: 4,
    });
    const inRanges = ({ range }: OriginRequest) => range !== null;
    const url = trial.origin.serve("/a", WHOLE, where(inRanges, dropped));
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    const asked = trial.origin.requests.map(({ range }) => range !== null);
    assertEquals(asked, [true, true, true, false]);
  });
}

Deno.test("hints before an answer are not taken for it", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const body = "the file";
  const raw = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" +
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const url = trial.origin.serve("/a", null, { raw });
  await assertDownloaded(await trial.end(url), literal(body), "a");
});
