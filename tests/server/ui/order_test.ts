/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import type { Browser, Page } from "../../support/playwright.ts";
import { literal } from "../../support/origin.ts";
import {
  add,
  openScene,
  row,
  type Scene,
  type Step,
  testSteps,
} from "../../support/scene.ts";

/** A page that shows a queue: `a` runs, and `b` to `e` wait. */
async function openQueue(browser: Browser): Promise<Scene> {
  const scene = await openScene(browser, ["--max-downloads=1"]);
  const { page, origin, url } = scene;
  const names = ["a", "b", "c", "d", "e"];
  const gates = { head: () => new Promise(() => {}) };
  await page.goto(`${url}?tab=active`);
  await add(
    page,
    ...names.map((name) => origin.serve(`/${name}`, literal(name), { gates })),
  );
  await order(page, "abcde");
  return scene;
}

/** Waits until the rows stand in an order. */
async function order(page: Page, names: string): Promise<void> {
  await page.waitForFunction((names) => {
    const rows = [...document.querySelectorAll<HTMLElement>("#rows .row")];
    const index = (row: HTMLElement) =>
      Number(row.getAttribute("aria-rowindex"));
    return rows.toSorted((one, other) => index(one) - index(other))
      .map((row) => row.querySelector(".title")?.textContent)
      .join("") === names;
  }, names);
}

const STEPS: Record<string, Step> = {
  async "keys move one in the queue, or all that are selected"(browser) {
    await using scene = await openQueue(browser);
    const { page, complaints } = scene;
    await row(page, "d").focus();
    await page.keyboard.press("Alt+ArrowUp");
    await order(page, "abdce");
    await page.keyboard.press("Alt+Home");
    await order(page, "adbce");
    await page.keyboard.press("Alt+End");
    await order(page, "abced");
    await page.getByLabel("Select b", { exact: true }).check();
    await page.getByLabel("Select c", { exact: true }).check();
    await row(page, "c").focus();
    await page.keyboard.press("Alt+ArrowDown");
    await order(page, "aebcd");
    const bar = page.getByRole("toolbar", { name: "Selected downloads" });
    await bar.getByRole("button", { name: "To the top" }).click();
    await order(page, "abced");
    await page.getByText("2 moved.").first().waitFor();
    assertEquals(complaints, []);
  },

  async "the details move it, and give it a priority"(browser) {
    await using scene = await openQueue(browser);
    const { page, complaints } = scene;
    await row(page, "e").locator(".name").click();
    const panel = page.locator("#detail");
    await panel.getByRole("button", { name: "Up", exact: true }).click();
    await order(page, "abced");
    await panel.getByRole("button", { name: "To the top" }).click();
    await order(page, "aebcd");
    await panel.getByRole("button", { name: "Down", exact: true }).click();
    await order(page, "abecd");
    await panel.getByLabel("Priority").selectOption("low");
    await order(page, "abcde");
    await row(page, "e").getByText("Waiting, low priority").waitFor();
    await panel.getByLabel("Priority").selectOption("high");
    await order(page, "aebcd");
    assertEquals(complaints, []);
  },

  async "a row is dragged by its grip, with all that are selected"(browser) {
    await using scene = await openQueue(browser);
    const { page, complaints } = scene;
    async function drag(name: string, to: string, part: number) {
      await row(page, name).locator(".grip").hover();
      await page.mouse.down();
      const { x = 0, y = 0, height = 0 } = await row(page, to).boundingBox() ??
        {};
      await page.mouse.move(x + 50, y + height * part, { steps: 5 });
      await page.locator(".drop-line").waitFor();
    }
    await drag("e", "c", .2);
    await page.mouse.up();
    await order(page, "abecd");
    await drag("e", "d", .9);
    await page.mouse.up();
    await order(page, "abcde");
    // Above what runs: it begins next.
    await drag("d", "a", .1);
    await page.mouse.up();
    await order(page, "adbce");
    await page.getByLabel("Select b", { exact: true }).check();
    await page.getByLabel("Select e", { exact: true }).check();
    await drag("e", "d", .1);
    await page.mouse.up();
    await order(page, "abedc");
    await drag("c", "b", .1);
    await page.keyboard.press("Escape");
    await page.mouse.up();
    assertEquals(await page.locator(".drop-line").count(), 0);
    await order(page, "abedc");
    // In another order, and for what runs, there is nothing to take hold of.
    assertEquals(await row(page, "a").locator(".grip").isVisible(), false);
    await page.getByLabel("Sort by").selectOption("latest");
    await order(page, "edcba");
    assertEquals(await row(page, "b").locator(".grip").isVisible(), false);
    assertEquals(complaints, []);
  },

  async "a link is added with a priority"(browser) {
    await using scene = await openQueue(browser);
    const { page, origin, complaints } = scene;
    await page.getByRole("button", { name: "More" }).click();
    await page.locator("#options").getByLabel("Priority").selectOption("high");
    await add(page, origin.serve("/f", literal("f")));
    await order(page, "afbcde");
    await row(page, "f").getByText("Waiting, high priority").waitFor();
    assertEquals(complaints, []);
  },
};

testSteps("the queue's order in Chromium", STEPS);
