import { assertEquals, assertThrows } from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import {
  isInterim,
  refuseOtherProtocol,
  repairHead,
} from "../../lib/origin/repaired_head.ts";

/** A head with these header lines, and the lines of what is made of it. */
function repaired(...lines: string[]): string[] {
  const head = ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
  return repairHead(head).split("\r\n").slice(1, -2);
}

Deno.test("a head that is right keeps its headers", () => {
  const head = 'HTTP/1.1 206 Partial Content\r\nETag: "a"\r\n' +
    "Content-Range: bytes 0-4/9\r\nX-É: ü\r\nContent-Length: 5\r\n\r\n";
  assertEquals(
    repairHead(head.replace("X-É", "X-E")),
    'HTTP/1.1 206 \r\nETag: "a"\r\nContent-Range: bytes 0-4/9\r\n' +
      "X-E: ü\r\nContent-Length: 5\r\n\r\n",
  );
});

Deno.test("header lines are written as HTTP has them", () => {
  for (
    const [lines, wanted] of [
      [["A: b", " c", "\td"], ["A: b c d"]],
      [[" a", "B: c"], ["B: c"]],
      [["A : b"], ["A: b"]],
      [["A:b\x01c\x7fd"], ["A: b c d"]],
      [["A:"], ["A: "]],
      [["HTTP/1.0 200 OK", "garbage", ": x", "a b: c", "é: f"], []],
      [["A: Content-Length: 6"], ["A: Content-Length: 6"]],
      [["Content-Length: 5", "content-length: 5, 5"], ["Content-Length: 5"]],
      [["transfer-encoding: Chunked"], ["Transfer-Encoding: Chunked"]],
    ] as const
  ) assertEquals(repaired(...lines), [...wanted], lines.join());
});

Deno.test("lengths, ranges and codings that are not certain are refused", () => {
  for (
    const lines of [
      ["Content-Length: 5", "Content-Length: 6"],
      ["Content-Length: 5, 6"],
      ["Content-Length: "],
      ["Content-Length: 0x5"],
      ["Content-Length: -5"],
      ["Content-Length:", " 5"],
      ["Content-Length: 5", " 5"],
      ["Content-Length : 5"],
      ["Content-Length 5"],
      ["Content Length: 5"],
      ["\x01Content-Length: 5"],
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", "Content-Length: 5"],
      ["Transfer-Encoding: identity"],
      ["Transfer-Encoding: gzip, chunked"],
      ["Transfer-Encoding: chunked, chunked"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: \x0bchunked-not"],
      ["Transfer-Encoding:", " chunked"],
      ["Content-Range: bytes 0-4", " /5"],
      ["Content-Encoding gzip"],
      ["X: a\rContent-Length: 3", "Content-Length: 5"],
      ["X: a\0b"],
    ]
  ) {
    const refused = () => repaired(...lines);
    const { code } = assertThrows(refused, DownloadError, "check");
    assertEquals(code, "UNREADABLE");
  }
});

Deno.test("what is no answer of HTTP is refused", () => {
  for (
    const line of ["ICY 200 OK", "HTTP", "HTTP/1.1", "HTTP/1.1 20 OK", "", "a"]
  ) assertThrows(() => repairHead(`${line}\r\n\r\n`), DownloadError, "HTTP");
  for (const text of ["S", "HTTQ", "SSH-2.0", "\x15\x03"]) {
    assertThrows(
      () => refuseOtherProtocol(text, "origin"),
      DownloadError,
      "not speak",
    );
    assertThrows(
      () => refuseOtherProtocol(text, "proxy"),
      DownloadError,
      "the proxy or the origin behind it",
    );
  }
  for (const text of ["", "H", "HTTP", "HTTP/1"]) {
    refuseOtherProtocol(text, "origin");
  }
});

Deno.test("interim answers are told from final ones", () => {
  assertEquals(isInterim("HTTP/1.1 100 Continue\r\n\r\n"), true);
  assertEquals(isInterim("HTTP/1.1  103\r\n\r\n"), true);
  assertEquals(isInterim("HTTP/1.1 200 100\r\n\r\n"), false);
  assertEquals(isInterim("HTTP/1.1 1000\r\n\r\n"), false);
});
