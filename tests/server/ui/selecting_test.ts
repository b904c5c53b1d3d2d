/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import type { Page } from "../../support/playwright.ts";
import { filesIn } from "../../support/directory.ts";
import { file, literal, type Origin } from "../../support/origin.ts";
import {
  add,
  addByProgram,
  inState,
  openScene,
  row,
  type Step,
  testSteps,
} from "../../support/scene.ts";
import { startSluice } from "../../support/sluice.ts";

const MiB = 2 ** 20;

/** What never answers, so that it runs or waits for as long as a test does. */
function held(origin: Origin, name: string): string {
  return origin.serve(`/${name}`, literal(name), {
    gates: { head: () => new Promise(() => {}) },
  });
}

function box(page: Page, name: string) {
  return page.getByLabel(`Select ${name}`, { exact: true });
}

/** The names of the rows that are selected, from the top. */
function selected(page: Page): Promise<string[]> {
  return page.locator('.row[aria-selected="true"] .title').allTextContents();
}

function bar(page: Page) {
  return page.getByRole("toolbar", { name: "Selected downloads" });
}

async function finish(page: Page, origin: Origin, names: readonly string[]) {
  for (const name of names) {
    await add(page, origin.serve(`/${name}`, literal(name)));
    await inState(page, name, "Downloaded");
  }
}

const STEPS: Record<string, Step> = {
  async "what finishes while somebody is asked about all is not removed"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, sluice, directory, complaints } = scene;
    for (const [tab, count] of [["Finished", 2], ["All", 3]] as const) {
      await finish(page, origin, [`a${tab}`, `b${tab}`]);
      await page.getByRole("button", { name: RegExp(`^${tab} `) }).click();
      await row(page, `a${tab}`).waitFor();
      await page.getByLabel("Select all").check();
      await bar(page).getByRole("button", { name: "Remove" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText(`Remove ${count} downloads?`).waitFor();
      await addByProgram(sluice, [
        origin.serve(`/late${tab}`, literal("c")),
      ]);
      await page.waitForFunction(
        (name) => document.querySelector(`.row[aria-label^="${name}"]`),
        `late${tab}, Finished`,
      );
      await dialog.getByRole("button", { name: "Delete the files" }).click();
      await page.getByText(`${count} removed`).waitFor();
      await inState(page, `late${tab}`, "Downloaded");
      await page.waitForFunction(() =>
        document.querySelectorAll(".row[data-id]").length === 1
      );
    }
    assertEquals(filesIn(directory), ["lateAll"]);
    assertEquals(complaints, []);
  },

  async "who was asked about all while the connection was lost is asked again"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, sluice, directory } = scene;
    await finish(page, origin, ["a", "b"]);
    await page.getByRole("button", { name: /^Finished / }).click();
    await page.getByLabel("Select all").check();
    await bar(page).getByRole("button", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Remove 2 downloads?").waitFor();
    sluice.kill("SIGKILL");
    await sluice.ended;
    const { port } = new URL(sluice.url);
    await using again = await startSluice({
      directory,
      flags: ["--port", port],
    });
    await addByProgram(again, [origin.serve("/c", literal("c"))]);
    await row(page, "c, Finished").waitFor();
    const remove = dialog.getByRole("button", { name: "Delete the files" });
    await remove.click();
    await dialog.getByText("Remove 3 downloads?").waitFor();
    assertEquals(filesIn(directory), ["a", "b", "c"]);
    await remove.click();
    await page.getByText("3 removed").waitFor();
    assertEquals(filesIn(directory), []);
  },

  async "some are selected by boxes, with Shift and with Ctrl"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await finish(page, origin, ["a", "b", "c", "d", "e"]);
    await box(page, "d").check();
    await bar(page).getByText("1 selected").waitFor();
    await box(page, "b").click({ modifiers: ["Shift"] });
    await bar(page).getByText("3 selected").waitFor();
    assertEquals(await selected(page), ["d", "c", "b"]);
    // A range is drawn out anew from where it began.
    await row(page, "e").locator(".name").click({ modifiers: ["Shift"] });
    await bar(page).getByText("2 selected").waitFor();
    assertEquals(await selected(page), ["e", "d"]);
    await row(page, "a").locator(".name").click({ modifiers: ["Control"] });
    await bar(page).getByText("3 selected").waitFor();
    await row(page, "e").locator(".name").click({ modifiers: ["Control"] });
    await bar(page).getByText("2 selected").waitFor();
    assertEquals(await selected(page), ["d", "a"]);
    assertEquals(await page.getByRole("complementary").count(), 0);
    await bar(page).getByRole("button", { name: "Select none" }).click();
    await bar(page).waitFor({ state: "hidden" });
    assertEquals(complaints, []);
  },

  async "the keyboard selects, and acts on what is selected"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, complaints } = scene;
    for (const name of ["a", "b", "c", "d"]) {
      await add(page, held(origin, name));
    }
    await inState(page, "d", "Queued");
    await row(page, "d").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await bar(page).getByText("3 selected").waitFor();
    await page.keyboard.press("Shift+ArrowUp");
    await bar(page).getByText("2 selected").waitFor();
    assertEquals(await selected(page), ["c", "b"]);
    await page.keyboard.press("Space");
    await inState(page, "b", "Paused");
    await inState(page, "c", "Paused");
    assertEquals(await selected(page), ["c", "b"]);
    await page.keyboard.press("Space");
    await page.locator('.row[data-state="Paused"]').first()
      .waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await bar(page).waitFor({ state: "hidden" });
    assertEquals(await selected(page), []);
    await page.keyboard.press("Shift+Space");
    await bar(page).getByText("1 selected").waitFor();
    await page.keyboard.press("Control+a");
    await bar(page).getByText("4 selected").waitFor();
    await bar(page).getByRole("button", { name: "Pause" }).click();
    await page.getByText("4 paused.").waitFor();
    await page.getByRole("button", { name: "Paused 4" }).waitFor();
    assertEquals(complaints, []);
  },

  async "all that a search finds are removed, and nothing else"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, sluice, complaints } = scene;
    const url = held(origin, "a");
    await addByProgram(
      sluice,
      Array.from({ length: 2_000 }, (_, n) => `${url}?entry=${1_000 + n}`),
    );
    await page.getByLabel("Search names and URLs").fill("entry=1");
    await page.locator('[aria-rowcount="1001"]').waitFor();
    await page.getByLabel("Select all").check();
    await bar(page).getByText("1,000 selected").waitFor();
    await page.locator(".row .pick input").nth(2).uncheck();
    await bar(page).getByText("999 selected").waitFor();
    await bar(page).getByRole("button", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Remove 999 downloads?").waitFor();
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("999 removed.").waitFor();
    await bar(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "All 1,001" }).waitFor();
    assertEquals(await page.locator(".row[data-id]").count(), 1);
    assertEquals(complaints, []);
  },

  async "a range reaches rows that were never in sight"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, sluice } = scene;
    const url = held(origin, "a");
    await addByProgram(
      sluice,
      Array.from({ length: 3_000 }, (_, n) => `${url}?entry=${n}`),
    );
    await page.locator(".row[data-state]").first().focus();
    await page.keyboard.press("Shift+End");
    await bar(page).getByText("3,000 selected").waitFor();
    await page.keyboard.press("Escape");
    await bar(page).waitFor({ state: "hidden" });
    assertEquals(await selected(page), []);
  },

  async "finished files stay, unless they are to be deleted, too"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, directory, complaints } = scene;
    await finish(page, origin, ["a", "b", "c", "d"]);
    const dialog = page.getByRole("dialog");
    await box(page, "a").check();
    await box(page, "b").check();
    await page.keyboard.press("Delete");
    await dialog.getByText("Remove 2 downloads?").waitFor();
    // No key counts until the question is heard to be over, after it is closed.
    await bar(page).and(page.locator('[aria-busy="true"]')).waitFor();
    await page.keyboard.press("Escape");
    await bar(page).and(page.locator('[aria-busy="false"]')).waitFor();
    await bar(page).getByText("2 selected").waitFor();
    await page.keyboard.press("Delete");
    await dialog.getByRole("button", { name: "Take off the list" }).click();
    await row(page, "a").waitFor({ state: "detached" });
    assertEquals(filesIn(directory), ["a", "b", "c", "d"]);
    await page.getByLabel("Select all").check();
    await bar(page).getByRole("button", { name: "Remove" }).click();
    await dialog.getByRole("button", { name: "Delete the files too" }).click();
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(filesIn(directory), ["a", "b"]);
    assertEquals(complaints, []);
  },

  async "what leaves the tab is not acted upon with the others"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin } = scene;
    for (const name of ["a", "b", "c"]) await add(page, held(origin, name));
    await inState(page, "c", "Queued");
    await page.keyboard.press("Escape");
    await page.keyboard.press("2");
    await box(page, "b").check();
    await box(page, "c").check();
    await row(page, "c").getByRole("button", { name: "Pause" }).click();
    await row(page, "c").waitFor({ state: "detached" });
    await bar(page).getByText("1 selected").waitFor();
    assertEquals(await selected(page), ["b"]);
    await page.keyboard.press("1");
    await inState(page, "c", "Paused");
    await bar(page).waitFor({ state: "hidden" });
  },

  async "the URLs of what is selected are copied"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await page.context().grantPermissions([
      "clipboard-read",
      "clipboard-write",
    ]);
    const urls = ["a", "b"].map((name) =>
      origin.serve(`/${name}?x=%20`, literal(name))
    );
    await add(page, ...urls);
    for (const name of ["a", "b"]) await inState(page, name, "Downloaded");
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByLabel("Select all").check();
    await bar(page).getByRole("button", { name: "Copy URLs" }).click();
    await page.getByText("Copied 2 URLs.").waitFor();
    assertEquals((await copied()).split("\n"), urls.toReversed());
    await page.keyboard.press("Escape");
    await row(page, "a").locator(".name").click();
    await page.getByRole("button", { name: "Copy URL", exact: true }).click();
    await page.getByText("Copied the URL.").waitFor();
    assertEquals(await copied(), urls[0]);
    assertEquals(complaints, []);
  },

  async "a bar shows how much there is, and where threads are"(browser) {
    await using scene = await openScene(browser, ["--bytes-amount=2MiB"]);
    const { page, origin } = scene;
    const url = origin.serve("/a.bin", file(8 * MiB), ({ range }) => {
      const hold = () => new Promise<void>(() => {});
      return { gates: { [range?.start === 0 ? 1_000 : 0]: hold } };
    });
    await add(page, url);
    const strip = row(page, "a.bin").locator(".strip");
    await strip.locator(".thread").nth(1).waitFor({ state: "attached" });
    const drawn = await strip.evaluate((strip) => {
      const widthOf = (selector: string) =>
        [...strip.querySelectorAll(selector)]
          .reduce((sum, part) => sum + part.getBoundingClientRect().width, 0);
      return { all: widthOf(".track"), done: widthOf(".done") };
    });
    assertEquals(Math.round(100 * drawn.done / drawn.all), 0);
  },
};

testSteps("selecting downloads in Chromium", STEPS);
