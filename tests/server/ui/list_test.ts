/// <reference lib="dom" />
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { openPage } from "../../support/browser.ts";
import { literal } from "../../support/origin.ts";
import {
  add,
  addByProgram,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";

testSteps("the list on the page in Chromium", {
  async "ten thousand entries stay quick and small"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, sluice, complaints } = scene;
    // The first one never ends, so that all the others wait.
    const url = origin.serve("/a", literal("a"), {
      gates: { head: () => new Promise(() => {}) },
    });
    const paintedWithout = await timeOf(async () => {
      await page.goto(scene.url);
      await page.getByText("Nothing here yet").waitFor();
    });
    await addByProgram(
      sluice,
      Array.from({ length: 10_000 }, (_, n) => `${url}?entry=${n}`),
    );
    const painted = await timeOf(async () => {
      await page.goto(scene.url);
      await page.locator(".row[data-state]").first().waitFor();
    });
    const elements = () =>
      page.evaluate(() => document.querySelectorAll("*").length);
    const atTop = await elements();
    await page.getByRole("button", { name: "All 10,000" }).waitFor();

    await page.locator(".row[data-state]").first().focus();
    const scrolled = await timeOf(async () => {
      await page.keyboard.press("End");
      await page.locator('.row[aria-rowindex="10001"][data-state]').waitFor();
    });
    const atEnd = await elements();

    for (const [key, index] of [["Home", 2], ["End", 10_001]] as const) {
      await page.keyboard.press(key);
      await page.locator(`.row[aria-rowindex="${index}"][data-id]:focus`)
        .waitFor();
    }

    const searched = await timeOf(async () => {
      await page.getByLabel("Search names and URLs").fill("entry=4321");
      await page.waitForFunction(() =>
        document.querySelector("#grid")?.getAttribute("aria-rowcount") === "2"
      );
    });
    console.log(
      `10,000 entries: first rows after ${painted.toFixed(0)} ms ` +
        `(${paintedWithout.toFixed(0)} ms without any), ` +
        `the last after ${scrolled.toFixed(0)} ms more, ` +
        `one searched for in ${searched.toFixed(0)} ms; ` +
        `${atTop} elements at the top, ${atEnd} at the end`,
    );
    assertLess(painted, 10 * paintedWithout);
    assertLess(Math.max(atTop, atEnd), 1_500);
    assertEquals(complaints, []);
  },

  async "rows are read in the order in which they are seen"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, sluice } = scene;
    const url = origin.serve("/a", literal("a"), {
      gates: { head: () => new Promise(() => {}) },
    });
    await addByProgram(
      sluice,
      Array.from({ length: 200 }, (_, n) => `${url}?entry=${n}`),
    );
    const indexes = () =>
      page.locator(".row[data-state]").evaluateAll((rows) =>
        rows.map((row) => Number(row.getAttribute("aria-rowindex")))
      );
    await page.locator(".row[data-state]").first().focus();
    await page.keyboard.press("End");
    await page.locator('.row[aria-rowindex="201"]:focus').waitFor();
    const [atEnd = 0] = await indexes();
    for (let up = 0; up < 20; up++) await page.keyboard.press("ArrowUp");
    const seen = await indexes();
    assertEquals(seen, seen.toSorted((a, b) => a - b));
    assertLess(seen[0] ?? Infinity, atEnd);
  },

  async "details stay beside or before the list as the window changes"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    await page.getByRole("heading", { name: "a.bin" }).waitFor();
    const covered = page.locator("main[inert]");
    assertEquals(await covered.count(), 0);
    await page.setViewportSize({ width: 360, height: 640 });
    await covered.waitFor({ state: "attached" });
    await page.setViewportSize({ width: 1280, height: 720 });
    await covered.waitFor({ state: "detached" });
  },

  async "details show where a file is from if it has mirrors"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, sluice, complaints } = scene;
    const url = origin.serve("/a.bin", null, { status: 403 });
    const mirrors = [origin.serve("/b", literal("a")), origin.url("/c")];
    await using client = await sluice.connect();
    await client.end(await client.add({ url, mirrors }));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    await page.getByRole("heading", { name: "Sources" }).waitFor();
    assertEquals(
      await page.locator("ol.sources li").allInnerTexts(),
      [url, ...mirrors].map((url, n) =>
        `${url}\n${n === 1 ? "used" : "not in use"}`
      ),
    );
    assertEquals(complaints, []);
  },

  async "a narrow and dark page shows all without scrolling sideways"(browser) {
    await using scene = await openScene(browser);
    const { origin, url, page } = scene;
    await add(
      page,
      origin.serve(`/${"long-name-".repeat(20)}.bin`, literal("a")),
      origin.serve("/failed.bin", null),
    );
    await using narrow = await openPage(browser, {
      width: 360,
      height: 640,
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    const phone = narrow.page;
    await phone.goto(url);
    await inState(phone, "failed.bin", "Failed");
    await row(phone, "long-name").click();
    await phone.getByRole("heading", { name: "long-name" }).waitFor();
    const [wide, background] = await phone.evaluate(() => [
      document.documentElement.scrollWidth,
      getComputedStyle(document.body).backgroundColor,
    ]);
    assertEquals(wide, 360);
    assertMatch(String(background), /^rgb\((\d|[12]\d), /);
    await phone.getByRole("button", { name: "Close details" }).click();
    await row(phone, "failed.bin").click();
    await phone.getByText("The origin answered 404").last().waitFor();
    assertEquals(narrow.complaints, []);
  },
});

/** How long something takes, in milliseconds. */
async function timeOf(action: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}
