/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { literal } from "../../support/origin.ts";
import { add, inState, openScene, testSteps } from "../../support/scene.ts";

testSteps("a webhook on the page in Chromium", {
  async "without one, nothing of it is shown"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    assertEquals(await page.locator("#webhook").isVisible(), false);
    assertEquals(complaints, []);
  },

  async "with one, its last deliveries are a click away"(browser) {
    await using receiver = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response(null, { status: 403 }),
    );
    const { port } = receiver.addr;
    await using scene = await openScene(browser, [
      `--webhook-url=http://127.0.0.1:${port}/?token=s3cret`,
    ]);
    const { page, origin, sluice, complaints } = scene;
    const button = page.getByRole("button", {
      name: "What the webhook was told",
    });
    await button.click();
    await page.getByText("Nothing yet.").waitFor();
    await page.keyboard.press("Escape");
    await add(page, origin.serve("/a.bin", literal("a")));
    await sluice.printed(/webhook failed event="finished"/);
    await button.click();
    await page.getByText("has finished: answered 403").waitFor();
    assertEquals((await page.content()).includes("s3cret"), false);
    assertEquals(await page.locator("#webhook.failing").count(), 1);
    assertEquals(complaints, []);
  },
});
