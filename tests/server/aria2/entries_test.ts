import { assertEquals } from "@std/assert";
import { createDownload, type State } from "../../../lib/download/download.ts";
import type { ErrorCode } from "../../../lib/download/errors.ts";
import { parseDownload } from "../../../lib/download/request.ts";
import {
  beginningOf,
  entryOf,
  gidOf,
  idWith,
  isGid,
  knownOf,
} from "../../../lib/server/aria2/entries.ts";
import { type Status, statusOf } from "../../../lib/status/status.ts";

const MiB = 2 ** 20;

/** The entry of a download that stands so. */
function entry(state: State, facts: Partial<Status> = {}, keys: string[] = []) {
  const url = "https://a.test/b";
  const request = parseDownload({ url }, { urlLength: 100 });
  const download = { ...createDownload(request, 0), state };
  const status = { ...statusOf(download), ...facts };
  return entryOf(knownOf(status, request), keys, "/srv");
}

Deno.test("a bit stands for each piece that is there whole", () => {
  const bits = (size: number, slices: Status["slices"]) =>
    entry({ kind: "Queued" }, { size, slices }).bitfield;
  assertEquals(bits(3 * MiB, []), "00");
  assertEquals(bits(3 * MiB, [[0, MiB]]), "80");
  assertEquals(bits(3 * MiB, [[1, MiB * 2]]), "40");
  assertEquals(bits(2.5 * MiB, [[MiB, 2.5 * MiB]]), "60");
  assertEquals(bits(9 * MiB, [[0, MiB - 1], [8 * MiB, 9 * MiB]]), "0080");
  assertEquals(bits(1, [[0, 1]]), "80");
  assertEquals(bits(0, []), undefined);
});

Deno.test("there are never more pieces than AriaNg draws", () => {
  for (const size of [10_240 * MiB, 10_240 * MiB + 1, 5 * 2 ** 40]) {
    const slices = [[0, size]] as const;
    const { numPieces, pieceLength, bitfield } = entry(
      { kind: "Queued" },
      { size, slices },
    );
    const pieces = Math.ceil(size / Number(pieceLength));
    assertEquals(numPieces, String(pieces));
    assertEquals(pieces <= 10_240, true);
    const ones = [...String(bitfield)].map((digit) =>
      parseInt(digit, 16).toString(2).replaceAll("0", "").length
    );
    const set = ones.reduce((sum, count) => sum + count, 0);
    assertEquals(set, pieces);
  }
});

Deno.test("what failed has aria2's code for it", () => {
  const codeOf = (code: ErrorCode, message: string) => {
    const error = { code, message, retryAfter: null };
    return entry({ kind: "Failed", error }).errorCode;
  };
  assertEquals(codeOf("ORIGIN_STATUS", "The origin answered 404: …"), "3");
  assertEquals(codeOf("ORIGIN_STATUS", "The origin answered 401: …"), "24");
  assertEquals(codeOf("ORIGIN_STATUS", "The origin answered 418: …"), "22");
  assertEquals(codeOf("BUSY", "The origin answered 503: …"), "29");
  assertEquals(codeOf("STALLED", "Nothing came."), "2");
  assertEquals(codeOf("CHECKSUM", "Another file."), "32");
  assertEquals(codeOf("DISK_FULL", "Full."), "9");
  assertEquals(codeOf("INTERNAL", "A mistake."), "1");
});

Deno.test("only what is over has an error's code, and none says why it went well", () => {
  const keys = ["errorCode", "errorMessage"];
  const path = "/srv/b c.bin";
  const done = entry({ kind: "Downloaded", path }, {}, [...keys, "files"]);
  assertEquals(done.errorCode, "0");
  assertEquals(done.errorMessage, "");
  assertEquals((done.files as [{ path: string }])[0].path, path);
  assertEquals(entry({ kind: "Queued" }, {}, keys), {});
  const error = {
    code: "DISK_FULL",
    message: "Full.",
    retryAfter: null,
  } as const;
  assertEquals(entry({ kind: "Paused", error }, {}, keys), {});
});

Deno.test("a gid is the beginning of an id, and an id can be made to begin so", () => {
  const gid = "0123456789abcdef";
  const id = idWith(gid);
  assertEquals(id.length, crypto.randomUUID().length);
  assertEquals(gidOf(id), gid);
  for (let digits = 1; digits <= 16; digits++) {
    const beginning = beginningOf(gid.slice(0, digits).toUpperCase());
    assertEquals(id.startsWith(beginning), true, beginning);
  }
  assertEquals([gid, "0".repeat(16), "1", "g".repeat(16)].map(isGid), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("a file that was moved is in the directory that it was moved to", () => {
  const dirOf = (asked: string, directory: string) => {
    const url = "https://a.test/b";
    const request = {
      ...parseDownload({ url, directory }, { urlLength: 100 }),
      kept: { options: { dir: asked } },
    };
    const status = statusOf(createDownload(request, 0));
    return entryOf(knownOf(status, request), ["dir"], "/srv").dir;
  };
  assertEquals(dirOf("films", "films"), "/srv/films");
  // The rest is of its `out`.
  assertEquals(dirOf("films", "films/new"), "/srv/films");
  assertEquals(dirOf("", "films"), "/srv");
  assertEquals(dirOf("films", "films-2"), "/srv/films-2");
  assertEquals(dirOf("films", "."), "/srv");
});
