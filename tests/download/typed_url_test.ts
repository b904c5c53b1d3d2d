import { assertEquals } from "@std/assert";
import { completeUrl } from "../../lib/download/typed_url.ts";
import { askedByCurl, curlInstalled } from "../support/curl.ts";
import { NO_URLS, TYPED_URLS } from "../support/typed_urls.ts";

Deno.test("a URL without a scheme is of http", () => {
  for (const [typed, meant] of TYPED_URLS) {
    assertEquals(completeUrl(` ${typed}\n`), meant);
  }
});

Deno.test({
  name: "curl reads what is typed in the same way",
  ignore: !curlInstalled(),
  async fn() {
    for (const [typed, meant] of TYPED_URLS) {
      if (/^https:/i.test(typed)) continue;
      const { urls, hosts } = await askedByCurl(typed);
      assertEquals([urls, hosts], [[meant], [new URL(meant).host]], typed);
    }
  },
});

Deno.test("what has no host in it is left as it is", () => {
  for (const typed of NO_URLS) assertEquals(completeUrl(typed), typed);
});
