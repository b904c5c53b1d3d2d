import { assertEquals } from "@std/assert";
import { sharedIn } from "../../../lib/server/ui/incoming.js";

const url = "https://a.example/1?x=1&y=2";
const encoded = encodeURIComponent(url);

Deno.test("what the page's address brings are its links, each once", () => {
  for (
    const query of [
      `?add=${encoded}`,
      `?url=${encoded}&title=A+page`,
      `?title=A+page&text=See+${encoded}`,
      `?text=${encoded}&url=${encoded}`,
    ]
  ) assertEquals(sharedIn(query), url, query);
  assertEquals(
    sharedIn(`?add=${encoded}&add=https://b.example/`),
    `${url}\nhttps://b.example/`,
  );
});

Deno.test("words without a link are for people to look at", () => {
  assertEquals(sharedIn("?text=no+link"), "no link");
  assertEquals(sharedIn("?add="), "");
  assertEquals(sharedIn("?failed&tab=Active"), "");
  assertEquals(sharedIn(""), "");
});
