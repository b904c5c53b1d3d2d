/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import { faultsOf, readAxe } from "../../support/axe.ts";
import { startBroker } from "../../support/broker.ts";
import { openPage } from "../../support/browser.ts";
import { nodesOn } from "../../support/cluster.ts";
import { makeDirectory } from "../../support/directory.ts";
import { file, startOrigin } from "../../support/origin.ts";
import {
  add,
  inState,
  row,
  type Step,
  testSteps,
} from "../../support/scene.ts";

const STEPS: Record<string, Step> = {
  async "servers that share a queue are seen, and one that is gone"(browser) {
    await using origin = await startOrigin();
    await using broker = await startBroker();
    await using shared = await makeDirectory();
    const start = nodesOn(broker, shared);
    await using one = await start("one");
    await using two = await start("two");
    const axe = await readAxe();
    const url = one.url.replace("ws:", "http:");
    await using narrow = await openPage(browser, { width: 360, height: 640 });
    await using wide = await openPage(browser);
    for (const { page, complaints } of [narrow, wide]) {
      await page.goto(url);
      await page.getByRole("button", { name: "2 servers", exact: true })
        .click();
      const dialog = page.getByRole("dialog", { name: "Servers" });
      const names = dialog.getByRole("rowheader");
      assertEquals(await names.allTextContents(), ["one", "two"]);
      await dialog.getByRole("row", { name: "one this one" }).waitFor();
      await dialog.getByRole("row", { name: "two running" }).waitFor();
      assertEquals(
        await dialog.getByRole("link", { name: "two" }).getAttribute("href"),
        two.url.replace("ws:", "http:"),
      );
      assertEquals(await faultsOf(page, axe), []);
      const isWhole = await page.evaluate(() =>
        document.documentElement.scrollWidth <= innerWidth
      );
      assert(isWhole);
      await dialog.getByRole("button", { name: "Close" }).click();
      assertEquals(complaints, []);
    }
    const { page } = wide;
    await add(page, origin.serve("/file.bin", file(1000)));
    await inState(page, "file.bin", "Downloaded");
    await row(page, "file.bin").click();
    await page.locator("#detail").getByText("Server", { exact: true })
      .waitFor();
    await page.locator(".facts").getByRole("button", { name: "Move…" }).click();
    await page.getByRole("dialog").getByRole("combobox").fill("films");
    await page.keyboard.press("Enter");
    await page.locator(".facts").getByText("films/file.bin").waitFor();

    two.kill("SIGKILL");
    await page.getByRole("button", { name: /^1 (of 2 servers|server)$/ })
      .waitFor();
  },
};

testSteps("the page of a server in a cluster", STEPS);
