import { assertEquals, assertThrows } from "@std/assert";
import { createChunks } from "../../lib/origin/chunks.ts";
import * as fc from "../support/fast_check.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The content of a body that comes in these parts, and whether it is over. */
function read(...parts: string[]): [content: string, isOver: boolean] {
  const chunks = createChunks();
  const pieces = parts.flatMap((part) => chunks.take(bytesOf(part)));
  const content = pieces.map((piece) => new TextDecoder().decode(piece));
  return [content.join(""), chunks.isOver()];
}

Deno.test("chunks are put together, whatever stands around them", () => {
  for (
    const body of [
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
      "0005\r\nhello\r\n06\r\n world\r\n000\r\n\r\n",
      "B\r\nhello world\r\n0\r\n\r\n",
      // python-hyper/h11#133, eclipse-ee4j/glassfish-grizzly#1684
      "5  \r\nhello\r\n6\t\r\n world\r\n0 \r\n\r\n",
      // moonbitlang/async#618
      '5;a="b;c"\r\nhello\r\n6 ; d\r\n world\r\n0;e=f\r\n\r\n',
      // xroche/httrack#855
      "b\r\nhello world\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\n",
      "b\r\nhello world\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ]
  ) assertEquals(read(body), ["hello world", true], body);
});

Deno.test("a body that is cut is not over, wherever that is", () => {
  const body = "5;x\r\nhello\r\n6\r\n world\r\n0\r\nX: 1\r\n\r\n";
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat({ max: body.length })),
      fc.nat({ max: body.length - 1 }),
      (cuts, end) => {
        const at = [0, ...cuts.sort((a, b) => a - b)];
        const parts = at.map((start, n) => body.slice(start, at[n + 1]));
        assertEquals(read(...parts), ["hello world", true]);
        assertEquals(read(body.slice(0, end))[1], false);
      },
    ),
  );
});

Deno.test("what is no chunk is refused", () => {
  for (
    const body of [
      "hello",
      "\r\n",
      "-5\r\nhello\r\n",
      "0x5\r\nhello\r\n",
      "5 0\r\nhello\r\n",
      " 5\r\nhello\r\n",
      // nginx/nginx#1016: only CRLF ends a line here.
      "5\nhello\n0\n\n",
      "5\r\nhello\n0\r\n\r\n",
      // hyperium/hyper#441: the size counts the line's end, too.
      "7\r\nhello\r\n0\r\n\r\n",
      "5\r\nhello0\r\n\r\n",
      "4\r\nhello\r\n0\r\n\r\n",
      `${"1".repeat(14)}\r\n`,
      `5;${"x".repeat(70_000)}`,
      `0\r\n${"X: 1\r\n".repeat(20_000)}`,
    ]
  ) {
    // The first byte that is none may come with the next part.
    assertThrows(() => read(body, "\r\n\r\n"), Error, "chunk");
  }
});
