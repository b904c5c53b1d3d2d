import { assertEquals } from "@std/assert";
import {
  FIRST_VIEW,
  hrefWith,
  orderOf,
  readView,
  type View,
  withNextOrder,
  withOrder,
} from "../../../lib/server/ui/view.js";

const HERE = "https://nas.example/sluice/?add=x#top";

Deno.test("a view is written in a URL, and read from it", () => {
  const views: Record<string, View> = {
    "?add=x#top": FIRST_VIEW,
    "?add=x&tab=failed#top": { tab: "Failed", search: "", order: null },
    "?add=x&search=a+%26+b&sort=-size#top": {
      tab: "All",
      search: "a & b",
      order: "-size",
    },
  };
  for (const [end, view] of Object.entries(views)) {
    const href = hrefWith(HERE, view);
    assertEquals(href, `https://nas.example/sluice/${end}`);
    assertEquals(readView(href), view);
    assertEquals(hrefWith(href, FIRST_VIEW), HERE);
  }
  assertEquals(readView("https://a.example/?tab=ACTIVE&sort=queue"), {
    tab: "Active",
    search: "",
    order: null,
  });
  assertEquals(readView("https://a.example/?tab=x&sort=-x"), FIRST_VIEW);
});

Deno.test("a column sorts one way, the other way, and not at all", () => {
  const orders = [];
  let view: View = { ...FIRST_VIEW, order: "name" };
  for (let click = 0; click < 4; click++) {
    view = withNextOrder(view, "-size");
    orders.push(view.order);
  }
  assertEquals(orders, ["-size", "size", null, "-size"]);
});

Deno.test("what runs goes as the queue does, unless it is told otherwise", () => {
  const active: View = { ...FIRST_VIEW, tab: "Active" };
  assertEquals([orderOf(FIRST_VIEW), orderOf(active)], ["latest", "queue"]);
  assertEquals(withOrder(active, "queue").order, null);
  assertEquals(withOrder(active, "latest").order, "latest");
});
