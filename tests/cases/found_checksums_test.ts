/** Checksums that are looked for where origins publish them. */

import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import {
  bytesOf,
  literal,
  type OriginFile,
  redirect,
  startOrigin,
} from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import { makeDirectory } from "../support/directory.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { OTHER, startTrial, type Trial, WHOLE } from "../support/trial.ts";

function sum(content: OriginFile, algorithm = "sha256"): string {
  return createHash(algorithm).update(bytesOf(content)).digest("hex");
}

/** `sha-256` of a file as RFC 9530 has it in a header. */
function reprDigest(content: OriginFile): Record<string, string> {
  const base64 = Uint8Array.fromHex(sum(content)).toBase64();
  return { "Repr-Digest": `sha-256=:${base64}:` };
}

function asked({ origin }: Trial): string[] {
  return [...new Set(origin.requests.map(({ path }) => path))].sort();
}

for (
  const [what, headers] of [
    ["Repr-Digest", reprDigest],
    ["x-goog-hash", (file: OriginFile) => ({
      "x-goog-hash": "crc32c=AAAAAA==,md5=" +
        Uint8Array.fromHex(sum(file, "md5")).toBase64(),
    })],
  ] as const
) {
  Deno.test(`${what} beside the first answer proves the file, or fails it`, async () => {
    await using trial = await startTrial();
    const right = trial.origin.serve("/a", WHOLE, { headers: headers(WHOLE) });
    const good = await trial.end({ url: right, checksum_from: "auto" });
    await assertDownloaded(good, WHOLE, "a");
    assertEquals(good.checksum?.from, what);
    const wrong = trial.origin.serve("/b", WHOLE, { headers: headers(OTHER) });
    const bad = await trial.end({ url: wrong, checksum_from: "auto" });
    assertFailed(bad, "CHECKSUM", new RegExp(`as ${what} says`));
    assertEquals(asked(trial), ["/a", "/b"]);
  });
}

Deno.test("files of checksums beside the URL are read, the file's own first", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/dir/a.bin", WHOLE) + "?sig=secret";
  origin.serve("/dir/a.bin?sig=secret", WHOLE);
  origin.serve("/dir/SHA256SUMS", literal(`${sum(OTHER)}  a.bin\n`));
  origin.serve("/dir/a.bin.sha256", literal(`${sum(WHOLE)}  build/x\n`));
  const good = await trial.end({
    url,
    checksum_from: "auto",
    headers: { A: "b" },
  });
  await assertDownloaded(good, WHOLE, "a.bin");
  assertEquals(good.checksum, {
    algorithm: "sha256",
    digest: sum(WHOLE),
    from: origin.url("/dir/a.bin.sha256"),
  });
  const { headers } = await origin.request(({ path }) =>
    path === "/dir/a.bin.sha256"
  );
  assertEquals(headers.get("a"), "b");
  const other = origin.serve("/other/a.bin", WHOLE);
  origin.serve("/other/SHA256SUMS", literal(`${sum(OTHER)}  a.bin\n`));
  const bad = await trial.end({ url: other, checksum_from: "auto" });
  assertFailed(bad, "CHECKSUM", /as http:\S+\/other\/SHA256SUMS says/);
});

Deno.test("a file of checksums holds no worker up, whatever stands in it", async () => {
  await using trial = await startTrial({ stallTimeout: 2_000 });
  const { origin } = trial;
  const url = origin.serve("/a", WHOLE);
  const spaces = " ".repeat(500_000);
  origin.serve("/a.sha256", literal(`${sum(WHOLE)} x${spaces}y`));
  const status = await trial.end({ url, checksum_from: "auto" });
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.checksum?.digest, sum(WHOLE));
  const { log } = trial.downloads;
  assertEquals(log.filter(({ event }) => event === "setback"), []);
});

Deno.test("where there is no checksum, the file is there all the same", async () => {
  await using trial = await startTrial();
  const { origin } = trial;
  const url = origin.serve("/a", WHOLE);
  const broken = origin.serve("/a.sha256", literal("x"), { raw: "" });
  origin.serve("/SHA256SUMS", literal("x"), { status: 503 });
  const auto = await trial.end({ url, checksum_from: "auto" });
  await assertDownloaded(auto, WHOLE, "a");
  assertEquals(auto.checksum, null);
  const named = await trial.end({ url, checksum_from: broken });
  await assertDownloaded(named, WHOLE, "a (1)");
  assertEquals(named.checksum, null);
});

Deno.test("nothing is looked for that was not asked for", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, { headers: reprDigest(OTHER) });
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals("checksum" in status, false);
  const given = await trial.end({ url, sha256: sum(WHOLE) });
  assertEquals(given.checksum?.from, "request");
  assertEquals(asked(trial), ["/a"]);
});

Deno.test("headers and passwords stay with the file's own origin", async () => {
  await using elsewhere = await startOrigin();
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE).replace("//", "//me:pw@");
  const sums = elsewhere.serve(
    "/SHA512SUMS",
    literal(`${sum(WHOLE, "sha512")}  a`),
  );
  elsewhere.serve(
    "/SHA512SUMS?token=secret",
    literal(`${sum(WHOLE, "sha512")}  a`),
  );
  const from = trial.origin.serve("/sums", literal(""), redirect(sums));
  for (const checksum_from of [from, `${sums}?token=secret`]) {
    const status = await trial.end({
      url,
      checksum_from,
      headers: { "X-Key": "secret", "User-Agent": "me" },
    });
    assertEquals(status.process_status, "Downloaded");
    assertEquals(status.checksum?.from, checksum_from.replace(/\?.*/, ""));
  }
  for (const { headers } of elsewhere.requests) {
    const sent = ["x-key", "authorization", "user-agent"].map((name) =>
      headers.get(name)
    );
    assertEquals(sent, [null, null, "me"]);
  }
  assertEquals(elsewhere.requests.length, 2);
});

Deno.test("a file of checksums in a private network is not asked for", async () => {
  await using inside = await startOrigin({ hostname: "::1" });
  inside.serve("/sums", literal(sum(OTHER)));
  const { port } = new URL(inside.url("/"));
  const sums = `http://[::1]:${port}/sums`;
  // The good one is asked for at an address that only flags of Deno's deny.
  await using trial = await startTrial({ allowPrivate: false });
  const url = trial.origin.serve("/a", WHOLE);
  trial.origin.serve("/to", literal(""), redirect(sums));
  for (const checksum_from of [sums, trial.origin.url("/to")]) {
    const status = await trial.end({ url, checksum_from });
    assertEquals([status.process_status, status.checksum], [
      "Downloaded",
      null,
    ]);
  }
  assertEquals(inside.requests, []);
});

Deno.test("get says where a checksum is from, and fails by it", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", WHOLE, { headers: reprDigest(WHOLE) });
  const bare = origin.serve("/b", WHOLE);
  const sums = origin.serve("/sums", literal(`${sum(OTHER)} *b\n`));
  const get = (...args: string[]) => startGet(directory.path, args).ended;
  const good = await get("--checksum-from", "auto", url);
  assertEquals(good.code, 0, good.stderr);
  assertMatch(good.stderr, /^a: .*, sha256 as Repr-Digest says$/m);
  const none = await get("--checksum-from=auto", bare);
  assertMatch(none.stderr, /^b: .*, no checksum found$/m);
  const bad = await get("--checksum-from", sums, "-o", "c", bare);
  assertEquals(bad.code, 1);
  assertMatch(bad.stderr, /as http:\S+\/sums says: either is wrong/);
  const both = await get("--checksum-from=auto", "--md5", "0".repeat(32), url);
  assertEquals(both.code, 2);
  assertMatch(both.stderr, /Give the md5, or "checksum_from", not both/);
});
