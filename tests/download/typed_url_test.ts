import { assertEquals } from "@std/assert";
import { completeUrl } from "../../lib/download/typed_url.ts";
import { urlsByCurl } from "../support/curl.ts";
import { NO_URLS, TYPED_URLS } from "../support/typed_urls.ts";

Deno.test("a URL without a scheme is read as curl reads it", async () => {
  for (const [typed, meant] of TYPED_URLS) {
    assertEquals(completeUrl(` ${typed}\n`), meant);
    if (!/^https:/i.test(typed)) {
      assertEquals(await urlsByCurl(typed), [meant]);
    }
  }
});

Deno.test("what has no host in it is left as it is", () => {
  for (const typed of NO_URLS) assertEquals(completeUrl(typed), typed);
});
