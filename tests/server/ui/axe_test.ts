/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import type { Browser, Page } from "../../support/playwright.ts";
import { faultsOf, readAxe } from "../../support/axe.ts";
import { openPage } from "../../support/browser.ts";
import { file, literal, type Origin } from "../../support/origin.ts";
import {
  add,
  inState,
  openScene,
  row,
  type Step,
  testSteps,
} from "../../support/scene.ts";
import { startSluice } from "../../support/sluice.ts";

const MiB = 2 ** 20;

const LOOKS = [
  { width: 1280, height: 800, colorScheme: "light" },
  { width: 1280, height: 800, colorScheme: "dark" },
  { width: 360, height: 640, colorScheme: "light" },
  { width: 360, height: 640, colorScheme: "dark" },
] as const;

const axe = readAxe();

/** Looks at a page in all sizes and colours, each time from its start. */
async function look(
  browser: Browser,
  url: string,
  views: (page: Page, check: (view: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  for (const options of LOOKS) {
    await using open = await openPage(browser, {
      ...options,
      reducedMotion: "reduce",
    });
    const { page } = open;
    await page.goto(url);
    await views(page, async (view) => {
      const { width, colorScheme } = options;
      const faults = await faultsOf(page, await axe);
      assertEquals(faults, [], `${view}, ${width} pixels, ${colorScheme}`);
    });
  }
}

/** One download in each state, the running one with a part of it here. */
async function fill(page: Page, origin: Origin): Promise<void> {
  const never = () => new Promise<void>(() => {});
  const runs = origin.serve("/runs.bin", file(8 * MiB), ({ range }) => {
    return (range?.start ?? 0) >= MiB ? { gates: { head: never } } : {};
  });
  const waits = origin.serve("/waits.bin", literal(""), {
    gates: { head: never },
  });
  await add(page, origin.serve("/done.txt", literal("done")));
  await inState(page, "done.txt", "Downloaded");
  await add(page, origin.serve("/failed.bin", null, { status: 403 }));
  await inState(page, "failed.bin", "Failed");
  await add(page, runs);
  await inState(page, "runs.bin", "Downloading");
  await add(page, ...Array.from({ length: 9 }, (_, n) => `${waits}?n=${n}`));
  // No row moves any more, so that the click is on the one that is meant.
  await page.getByRole("button", { name: "All 12" }).waitFor();
  await page.locator('.row[data-state="Queued"]').first().waitFor();
  await row(page, "waits.bin").first()
    .getByRole("button", { name: "Pause" }).click();
  await inState(page, "waits.bin", "Paused");
}

const STEPS: Record<string, Step> = {
  async "an empty page"(browser) {
    await using scene = await openScene(browser);
    await look(browser, scene.url, async (page, check) => {
      await page.getByText("Nothing here yet").waitFor();
      await check("empty");
      await page.getByRole("button", { name: "More", exact: true }).click();
      await page.getByLabel("Begin at").waitFor();
      await check("more about the links");
      await page.getByLabel("Mirrors").fill("none");
      await add(page, "https://a.test/1");
      await page.getByRole("alert").waitFor();
      await check("a field that is wrong");
    });
  },

  async "the list, a selection, details and dialogs"(browser) {
    // What runs must not fail before all is looked at, on a busy machine, too.
    const flags = ["--threads-amount=4", "--answer-timeout=3600000"];
    await using scene = await openScene(browser, flags);
    await fill(scene.page, scene.origin);
    await look(browser, scene.url, async (page, check) => {
      const dialog = page.getByRole("dialog");
      await inState(page, "runs.bin", "Downloading");
      await check("the list");
      await page.getByLabel("Select runs.bin").check();
      await page.getByRole("toolbar").waitFor();
      await check("a selection");
      await page.keyboard.press("Delete");
      await dialog.getByText("Remove 1 download?").waitFor();
      await check("the removal of many");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      for (const name of ["runs.bin", "failed.bin", "done.txt"]) {
        await row(page, name).locator(".name").click();
        await page.getByRole("heading", { name }).waitFor();
        await check(`the details of ${name}`);
        await page.keyboard.press("x");
        await dialog.getByText("Remove this download?").waitFor();
        await check(`the removal of ${name}`);
        await page.keyboard.press("Escape");
        await page.getByRole("button", { name: "Close details" }).click();
      }
      await row(page, "failed.bin").focus();
      await page.keyboard.press("u");
      await dialog.getByLabel("New URL").waitFor();
      await check("a new URL");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Limits for all downloads" })
        .click();
      await dialog.getByLabel("Speed of all together").waitFor();
      await check("the limits");
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await dialog.getByText("Anywhere", { exact: true }).waitFor();
      await check("the keys");
      await page.keyboard.press("Escape");
      await page.keyboard.press("/");
      await page.keyboard.insertText("nothing is called so");
      await page.getByText("Nothing matches").waitFor();
      await check("a search in vain");
    });
  },

  async "the login, and a server that is gone"(browser) {
    const token = "a-token-of-some-length";
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: token },
    });
    const url = sluice.url.replace("ws:", "http:");
    await look(browser, url, async (page, check) => {
      const field = page.getByLabel("Access token");
      await field.waitFor();
      await check("the login");
      await field.fill(token);
      await page.keyboard.press("Enter");
      await page.getByText("Nothing here yet").waitFor();
    });
    await using scene = await openScene(browser);
    await scene.page.getByText("Nothing here yet").waitFor();
    scene.sluice.kill("SIGKILL");
    await scene.page.getByText("Not connected to the server:").waitFor();
    assertEquals(await faultsOf(scene.page, await axe), []);
  },
};

testSteps("axe-core finds nothing in Chromium", STEPS);
