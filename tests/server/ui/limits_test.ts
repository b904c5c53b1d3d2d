/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { ask } from "../../support/api.ts";
import { openPage } from "../../support/browser.ts";
import { openScene, testSteps } from "../../support/scene.ts";
import { startWithTokens, TOKENS } from "../../support/tokens.ts";

testSteps("limits for all downloads in Chromium", {
  async "they are seen, set, and heard of from others"(browser) {
    await using scene = await openScene(browser, ["--limit-rate=2M"]);
    const { page, sluice, complaints } = scene;
    const button = page.getByRole("button", {
      name: "Limits for all downloads: at most 2.0 MiB/s",
      exact: true,
    });
    const dialog = page.getByRole("dialog", {
      name: "Limits for all downloads",
    });
    const all = dialog.getByLabel("Speed of all together");
    const host = dialog.getByLabel("Speed from each host");
    const most = dialog.getByLabel("Downloads at a time");
    await button.focus();
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    assertEquals(
      [await all.inputValue(), await host.inputValue()],
      ["2M", ""],
    );
    assertEquals(await all.evaluate((e) => e === document.activeElement), true);
    // What is not changed here is not sent: another one may change it meanwhile.
    await ask(sluice, "PATCH /limits", { limit_rate: 3_000_000 });
    await host.fill("fast");
    await most.fill("0");
    await page.keyboard.press("Enter");
    assertEquals(await host.evaluate((e) => e.matches(":invalid")), true);
    assertEquals(await most.evaluate((e) => e.matches(":invalid")), true);
    await host.fill("500k");
    await most.fill("3");
    await page.keyboard.press("Enter");
    await page.getByText("The limits are set.").waitFor();
    assertEquals((await ask(sluice, "GET /limits")).body, {
      limit_rate: 3_000_000,
      limit_rate_per_host: 512_000,
      max_downloads: 3,
    });

    await page.getByRole("button", {
      name: "Limits for all downloads: at most 2.9 MiB/s, " +
        "500 KiB/s from each host, 3 at a time",
    }).click();
    assertEquals(
      [await all.inputValue(), await most.inputValue()],
      ["3 MB/s", "3"],
    );
    for (const field of [all, host, most]) await field.fill("");
    await dialog.getByRole("button", { name: "Set them" }).click();
    await page.getByRole("button", {
      name: "Limits for all downloads",
      exact: true,
    }).click();
    assertEquals(await all.inputValue(), "");
    await page.keyboard.press("Escape");
    assertEquals(complaints, []);
  },

  async "where they cannot be set, nothing that was typed is lost"(browser) {
    await using scene = await openScene(browser);
    const { page, sluice } = scene;
    await page.getByRole("button", { name: "Limits for all downloads" })
      .click();
    const dialog = page.getByRole("dialog");
    const all = dialog.getByLabel("Speed of all together");
    await all.fill("2 MB/s");
    sluice.kill("SIGKILL");
    await page.getByText("Not connected to the server:").waitFor();
    await page.keyboard.press("Enter");
    await dialog.getByRole("alert").getByText("no connection").waitFor();
    assertEquals(await all.inputValue(), "2 MB/s");
  },

  async "who may not set them is not offered to"(browser) {
    await using sluice = await startWithTokens();
    const url = sluice.url.replace("ws:", "http:");
    for (const scope of ["add", "all"] as const) {
      await using open = await openPage(browser, { width: 360, height: 640 });
      const { page } = open;
      await page.goto(url);
      await page.getByLabel("Access token").fill(TOKENS[scope]);
      await page.keyboard.press("Enter");
      await page.locator(`html[data-scope="${scope}"]`).waitFor();
      await page.locator("#limits:not([hidden])").waitFor({
        state: scope === "all" ? "visible" : "attached",
      });
      const shown = await page.locator("#limits").isVisible();
      assertEquals(shown, scope === "all");
    }
  },
});
