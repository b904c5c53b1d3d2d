import { assertEquals } from "@std/assert";
import type { DownloadRequest } from "../../lib/download/download.ts";
import { createLines, type Lines } from "../../lib/get/host_turns.ts";

function requestFor(url: string): DownloadRequest {
  return { url, filename: null, headers: {}, checksum: null, threads: null };
}

function linesOf(...paths: string[]): Lines {
  return createLines(paths.map((path) => requestFor(`http://${path}`)));
}

function take(lines: Lines, most: number): string[] {
  return Array.from({ length: most }, () => lines.next()?.url ?? "none")
    .map((url) => url.replace("http://", ""));
}

Deno.test("downloads of one host begin in their order", () => {
  const lines = linesOf("a/1", "a/2", "a/3");
  assertEquals(take(lines, 2), ["a/1", "a/2"]);
  assertEquals(lines.waiting, 1);
  assertEquals(take(lines, 2), ["a/3", "none"]);
  assertEquals(lines.waiting, 0);
});

Deno.test("hosts take turns, until their lines are empty", () => {
  const lines = linesOf("a/1", "a/2", "a/3", "b:1/1", "b:2/1", "b:2/2");
  const turns = ["a/1", "b:1/1", "b:2/1", "a/2", "b:2/2", "a/3", "none"];
  assertEquals(take(lines, 7), turns);
});

Deno.test("a host whose downloads do not end leaves the turns to others", () => {
  const down = Array.from({ length: 8 }, (_, n) => `down/${n}`);
  const well = Array.from({ length: 8 }, (_, n) => `well/${n}`);
  const lines = linesOf(...down, ...well);
  const begun: string[] = [];
  for (let n = 0; n < 9; n++) {
    const [path = ""] = take(lines, 1);
    begun.push(path);
    if (path.startsWith("well")) lines.ended(requestFor(`http://${path}`));
  }
  assertEquals(begun, ["down/0", ...well]);
});
