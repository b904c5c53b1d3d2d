/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import type { Browser, Page } from "../../support/playwright.ts";
import { faultsOf, readAxe } from "../../support/axe.ts";
import { file } from "../../support/origin.ts";
import { add, inState, openScene, testSteps } from "../../support/scene.ts";

const MiB = 2 ** 20;

const LANGUAGES = {
  "en-US": { tag: "en", empty: "Nothing here yet" },
  "de-AT": { tag: "de", empty: "Noch nichts hier" },
  "es-MX": { tag: "es", empty: "Aún no hay nada" },
  "ru-RU": { tag: "ru", empty: "Пока ничего нет" },
  "zh-CN": { tag: "zh-Hans", empty: "还没有下载" },
};

const axe = readAxe();

/** What is cut off, or stands beyond the edge of the window. */
async function cutOff(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = [];
    const parts = document.querySelectorAll<HTMLElement>(
      "button, h1, h2, h3, label > span, #tabs, [role=columnheader]:not(:has(button)), .state, #running, #room",
    );
    for (const part of parts) {
      if (!part.checkVisibility() || part.matches(".unseen")) continue;
      const { left, right } = part.getBoundingClientRect();
      const cut = part.scrollWidth > part.clientWidth + 1 &&
        getComputedStyle(part).display !== "inline";
      const beyond = left < -1 || right > innerWidth + 1;
      if (cut || beyond) found.push(`${part.id} ${part.textContent?.trim()}`);
    }
    return found;
  });
}

async function openIn(browser: Browser, locale: string, width: number) {
  const context = await browser.newContext({
    locale,
    reducedMotion: "reduce",
    viewport: { width, height: 720 },
  });
  return {
    page: await context.newPage(),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

testSteps("the page's language in Chromium", {
  async "each browser's language is spoken, and has room"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=2"]);
    const { origin } = scene;
    const never = () => new Promise<void>(() => {});
    await add(scene.page, origin.serve("/failed.bin", null, { status: 403 }));
    await inState(scene.page, "failed.bin", "Failed");
    const runs = origin.serve("/runs.bin", file(8 * MiB), ({ range }) => {
      return (range?.start ?? 0) >= MiB ? { gates: { head: never } } : {};
    });
    await add(scene.page, runs);
    await inState(scene.page, "runs.bin", "Downloading");
    for (const [locale, { tag }] of Object.entries(LANGUAGES)) {
      for (const width of [1280, 360]) {
        await using open = await openIn(browser, locale, width);
        const { page } = open;
        const check = async (view: string) => {
          const faults = [
            ...await cutOff(page),
            ...await faultsOf(page, await axe),
          ];
          assertEquals(faults, [], `${view}, ${locale}, ${width} pixels`);
        };
        await page.goto(scene.url);
        await inState(page, "runs.bin", "Downloading");
        assertEquals(await page.locator("html").getAttribute("lang"), tag);
        await check("the list");
        await page.locator(".row[data-id] .pick input").first().check();
        await page.locator("#selected").waitFor();
        await check("what is selected");
        await page.locator("#select-none").click();
        await page.locator('.row[data-state="Failed"] .name').click();
        await page.locator("#detail .error").waitFor();
        await check("the details");
      }
    }
  },

  async "a full disk is told in each language, and has room"(browser) {
    await using scene = await openScene(browser, ["--min-free-space=1TiB"]);
    for (const locale of Object.keys(LANGUAGES)) {
      for (const width of [1280, 360]) {
        await using open = await openIn(browser, locale, width);
        const { page } = open;
        await page.goto(scene.url);
        await page.locator("#room.low").waitFor();
        assertEquals(await cutOff(page), [], `${locale}, ${width} pixels`);
      }
    }
  },

  async "another language is chosen, kept, and loses nothing typed"(browser) {
    await using scene = await openScene(browser);
    const { page, url } = scene;
    await page.getByText("Nothing here yet").waitFor();
    const field = page.locator("#urls");
    await field.fill("https://a.test/typed");
    for (const { tag, empty } of Object.values(LANGUAGES).toReversed()) {
      await page.locator("#language").selectOption(tag);
      await page.getByText(empty).waitFor();
      assertEquals(await field.inputValue(), "https://a.test/typed");
    }
    await page.locator("#language").selectOption("ru");
    await page.getByText(LANGUAGES["ru-RU"].empty).waitFor();
    await page.goto(url);
    await page.getByText(LANGUAGES["ru-RU"].empty).waitFor();
    assertEquals(scene.complaints, []);
  },
});
