/** Mirrors that origins tell of: Metalink/HTTP, RFC 6249. */

import { assert, assertEquals } from "@std/assert";
import {
  type Behaviour,
  digestOf,
  type Origin,
  type OriginRequest,
  redirect,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { makeDirectory } from "../support/directory.ts";
import { firstDifference } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import { isLater, OTHER, SLICE, startTrial, WHOLE } from "../support/trial.ts";

/** Headers that tell of a mirror. */
function telling(mirror: string, digest: string | null): Behaviour {
  return {
    headers: {
      "Link": [
        `<${mirror}>; rel=duplicate; pri=1; geo=de`,
        `</a.meta4>; rel=describedby; type="application/metalink4+xml"`,
      ],
      ...(digest !== null && { "Repr-Digest": digest }),
    },
  };
}

/** Holds slices after the first until both origins have been asked for one. */
function together(origins: readonly Origin[]) {
  const both = Promise.withResolvers<void>();
  return (request: OriginRequest): Behaviour => {
    if (origins.every(({ requests }) => requests.some(isLater))) both.resolve();
    return isLater(request) ? { gates: { head: () => both.promise } } : {
      cut: { after: SLICE, by: "fin" },
    };
  };
}

for (const how of ["answer", "redirect"] as const) {
  Deno.test(`a mirror that the ${how} tells of helps, with a strong digest`, async () => {
    await using trial = await startTrial();
    await using mirror = await startOrigin();
    const { origin } = trial;
    const behave = together([origin, mirror]);
    const other = mirror.serve("/b", { ...WHOLE, etag: '"b"' }, behave);
    const told = telling(other, digestOf(WHOLE));
    const file = origin.serve(
      "/a",
      WHOLE,
      (request) => ({ ...behave(request), ...(how === "answer" && told) }),
    );
    const to = redirect(file);
    const url = how === "answer" ? file : origin.serve("/to", null, {
      ...to,
      headers: { ...to.headers, ...told.headers },
    });
    const status = await trial.end({ url });
    await assertDownloaded(status, WHOLE);
    assertEquals(
      status.sources?.map(({ url, standing }) => [url, standing]),
      [[url, "used"], [other, "used"]],
    );
    assertEquals(status.checksum?.from, "Repr-Digest");
  });
}

for (
  const [what, digest] of [
    ["no digest", null],
    ["a weak digest", `md5=:${btoa("0".repeat(16))}:`],
  ] as const
) {
  Deno.test(`with ${what}, no mirror is believed`, async () => {
    await using trial = await startTrial();
    await using mirror = await startOrigin();
    const other = mirror.serve("/b", OTHER);
    const url = trial.origin.serve("/a", WHOLE, telling(other, digest));
    const status = await trial.end({ url });
    await assertDownloaded(status, WHOLE);
    assertEquals([status.sources, mirror.requests.length], [undefined, 0]);
  });
}

Deno.test("a mirror that is told of and has another file does no harm", async () => {
  await using trial = await startTrial();
  await using mirror = await startOrigin();
  const behave = together([trial.origin, mirror]);
  const other = mirror.serve("/b", { ...OTHER, etag: WHOLE.etag }, behave);
  const told = telling(other, digestOf(WHOLE));
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    (request) => ({ ...behave(request), ...told }),
  );
  await assertDownloaded(await trial.end({ url }), WHOLE);
});

for (const [what, tells] of [["another", true], ["no", false]] as const) {
  Deno.test(`a file that has changed, with ${what} digest, is fetched anew`, async () => {
    await using trial = await startTrial();
    const { origin, downloads } = trial;
    await using mirror = await startOrigin();
    let now = WHOLE;
    const held = Promise.withResolvers<void>();
    const other = mirror.serve("/b", WHOLE, () => ({
      file: now,
      gates: { head: () => held.promise },
    }));
    const url = origin.serve("/a", WHOLE, (request) => ({
      ...(now === WHOLE || tells) && telling(other, digestOf(now)),
      file: now,
      ...(isLater(request) && { gates: { head: () => held.promise } }),
    }));
    const id = await downloads.add({ url });
    await downloads.until(
      id,
      ({ downloaded, sources }) => downloaded > 0 && sources !== undefined,
    );
    await downloads.coordinator.command(id, { kind: "pause" });
    now = OTHER;
    held.resolve();
    await downloads.coordinator.command(id, { kind: "resume" });
    const status = await downloads.until(
      id,
      ({ process_status: now }) => now === "Downloaded" || now === "Failed",
    );
    await assertDownloaded(status, OTHER);
  });
}

Deno.test("get is helped by mirrors that it is told of, too", async () => {
  await using origin = await startOrigin();
  await using mirror = await startOrigin();
  await using directory = await makeDirectory();
  const other = mirror.serve("/b", WHOLE);
  const told = telling(other, digestOf(WHOLE));
  const url = origin.serve("/a", WHOLE, (request) => ({
    ...told,
    // It goes on only when the mirror has been asked.
    ...(isLater(request) &&
      { gates: { head: () => mirror.request(isLater) } }),
  }));
  const flags = ["--bytes-amount=64KiB", "--threads-amount=4", url];
  const { code, stdout, stderr } = await startGet(directory.path, flags).ended;
  assertEquals(code, 0, stderr);
  assertEquals(await firstDifference(stdout.trim(), WHOLE), null);
  assert(mirror.requests.length > 0);
  assertEquals(directory.names(), ["a"]);
});
