/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import { file, firstDifference, literal } from "../../support/origin.ts";
import {
  add,
  button,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";

const MiB = 2 ** 20;

testSteps("a download on the page in Chromium", {
  async "a link that is dropped on a dialog's field is for that field"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    await add(page, origin.serve("/gone.bin", literal("a"), { status: 404 }));
    await inState(page, "gone.bin", "Failed");
    await button(page, "gone.bin", "New URL").click();
    // Chromium does nothing by itself for events that a script makes.
    const taken = await page.evaluate(
      (url) =>
        ["dialog input", "dialog"].map((selector) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.setData("text/uri-list", url);
          const options = { dataTransfer, bubbles: true, cancelable: true };
          return ["dragover", "drop"].map((type) =>
            document.querySelector(selector)
              ?.dispatchEvent(new DragEvent(type, options)) === false
          );
        }),
      origin.serve("/other.bin", literal("b")),
    );
    assertEquals(taken, [[false, false], [true, true]]);
    await page.keyboard.press("Escape");
    await add(page, origin.serve("/last.bin", literal("c")));
    await inState(page, "last.bin", "Downloaded");
    assertEquals(await page.locator(".row[data-id]").count(), 2);
  },

  async "an empty page says what to do"(browser) {
    await using scene = await openScene(browser);
    const { page, complaints } = scene;
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(await page.title(), "Sluice");
    assertEquals(complaints, []);
  },

  async "an added download moves, shows its slices, and is whole"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints, directory } = scene;
    const gate = Promise.withResolvers<void>();
    const content = file(8 * MiB, 1);
    const url = origin.serve(
      "/a.bin",
      content,
      ({ range }) =>
        range && range.start >= 4 * MiB
          ? { gates: { head: () => gate.promise } }
          : {},
    );
    await add(page, url);
    await inState(page, "a.bin", "Downloading");
    await row(page, "a.bin").locator(".strip .done").first().waitFor();
    await row(page, "a.bin").locator(".strip .thread").first()
      .waitFor({ state: "attached" });
    await row(page, "a.bin").click();
    const panel = page.getByRole("complementary");
    await panel.locator("ol.threads li").first().waitFor();
    await page.waitForFunction(() => / · .*B\/s · Sluice/.test(document.title));
    const before = await panel.locator(".figure").textContent() ?? "";
    assert(parseInt(before) < 100, before);

    gate.resolve();
    await inState(page, "a.bin", "Downloaded");
    await panel.getByText("Finished", { exact: true }).waitFor();
    assertEquals(await firstDifference(`${directory}/a.bin`, content), null);
    const saving = page.waitForEvent("download");
    await panel.getByRole("button", { name: "Save" }).click();
    const saved = await saving;
    assertEquals(saved.suggestedFilename(), "a.bin");
    assertEquals(await firstDifference(await saved.path(), content), null);
    assertEquals(complaints, []);
  },

  async "a finished picture opens in the browser"(browser) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    const icon = await Deno.readFile(
      new URL("./pixel.png", import.meta.url),
    );
    await add(page, origin.serve("/p.png", literal(icon)));
    await inState(page, "p.png", "Downloaded");
    const opening = page.context().waitForEvent("page");
    await button(page, "p.png", "Open").click();
    const tab = await opening;
    await tab.waitForFunction(() => document.images[0]?.naturalWidth === 1);
  },

  async "pause and resume, by click and by key"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, directory, complaints } = scene;
    const gate = Promise.withResolvers<void>();
    const content = file(3 * MiB, 2);
    // The first third comes, whatever slices it is asked for in.
    const url = origin.serve("/a.bin", content, ({ range }) => {
      const left = MiB - (range?.start ?? 0);
      const held = () => gate.promise;
      return { gates: left > 0 ? { [left]: held } : { head: held } };
    });
    await add(page, url);
    await row(page, "a.bin").locator(".strip .done").first().waitFor();
    await page.locator('.row[aria-label*="33 %"]').waitFor();
    await button(page, "a.bin", "Pause").click();
    await inState(page, "a.bin", "Paused");
    await page.getByRole("button", { name: "Paused 1" }).click();
    await page.locator('.row[aria-label*="Paused, 33 %"]').waitFor();
    await row(page, "a.bin").focus();
    await page.keyboard.press("Space");
    await page.getByText("Nothing is paused").waitFor();
    await page.keyboard.press("1");
    gate.resolve();
    await inState(page, "a.bin", "Downloaded");
    assertEquals(await firstDifference(`${directory}/a.bin`, content), null);
    assertEquals(complaints, []);
  },

  async "a question that follows another at once is asked, and answered"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").focus();
    await page.keyboard.press("Delete");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    // In one turn: no browser has told of the close by then.
    await page.evaluate(() => {
      document.querySelector("dialog")?.close("");
      const options = { key: "Delete", code: "Delete", bubbles: true };
      document.activeElement?.dispatchEvent(
        new KeyboardEvent("keydown", options),
      );
    });
    await dialog.getByRole("button", { name: "Take off the list" }).click();
    await row(page, "a.bin").waitFor({ state: "detached" });
    assertEquals(complaints, []);
  },

  async "removal asks first, and takes the file along if told to"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, directory, complaints } = scene;
    await add(
      page,
      origin.serve("/keep.bin", literal("keep")),
      origin.serve("/drop.bin", literal("drop")),
    );
    await inState(page, "keep.bin", "Downloaded");
    await inState(page, "drop.bin", "Downloaded");
    const dialog = page.getByRole("dialog");

    await button(page, "drop.bin", "Remove").click();
    await dialog.getByText("drop.bin").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assertEquals(await Deno.readTextFile(`${directory}/drop.bin`), "drop");

    await row(page, "drop.bin").focus();
    await page.keyboard.press("Delete");
    await dialog.getByRole("button", { name: "Delete the file too" }).click();
    await row(page, "drop.bin").waitFor({ state: "detached" });
    const names = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    assertEquals(names.sort(), [".sluice", "keep.bin"]);

    await button(page, "keep.bin", "Remove").click();
    await dialog.getByRole("button", { name: "Take off the list" }).click();
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(await Deno.readTextFile(`${directory}/keep.bin`), "keep");
    assertEquals(complaints, []);
  },

  async "what failed says why, and is tried again, alone or with all"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const names = ["a.bin", "b.bin", "c.bin"];
    await add(page, ...names.map((name) => origin.serve(`/${name}`, null)));
    for (const name of names) await inState(page, name, "Failed");
    await row(page, "a.bin").click();
    const panel = page.getByRole("complementary");
    await panel.getByText("The origin answered 404").waitFor();
    await panel.getByText("Copy a new one from the site").waitFor();

    for (const name of names) origin.serve(`/${name}`, literal(name));
    await panel.getByRole("button", { name: "Try again" }).click();
    await inState(page, "a.bin", "Downloaded");
    await page.getByRole("button", { name: "Try all failed again" }).click();
    for (const name of names) await inState(page, name, "Downloaded");
    assertEquals(complaints, []);
  },

  async "a download's speed is limited as it is added, and as it runs"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await page.getByRole("button", { name: "More", exact: true }).click();
    const rate = page.getByLabel("Speed at most");
    await rate.fill("fast");
    await add(page, origin.serve("/a.bin", file(8 * MiB, 1)));
    await page.getByText("Write the speed in bytes a second").waitFor();
    await rate.fill("1000");
    await page.keyboard.press("Enter");
    await inState(page, "a.bin", "Downloading");
    await row(page, "a.bin").click();
    const facts = page.locator(".facts");
    await facts.getByText("1.0 KiB/s").waitFor();
    const change = facts.getByRole("button", { name: "Change…" });
    await change.click();
    const dialog = page.getByRole("dialog");
    const field = dialog.getByLabel("Speed at most");
    assertEquals(await field.inputValue(), "1 kB/s");
    await field.fill("10");
    await page.keyboard.press("Enter");
    assert(await dialog.isVisible());
    await field.fill("2k");
    await page.keyboard.press("Enter");
    await facts.getByText("2.0 KiB/s").waitFor();
    await change.click();
    await field.fill("");
    await page.keyboard.press("Enter");
    await inState(page, "a.bin", "Downloaded");
    assert(await change.isHidden());
    assertEquals(complaints, []);
  },

  async "a finished file is moved, and found where it is then"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    const facts = page.locator(".facts");
    await facts.getByRole("button", { name: "Move…" }).click();
    const dialog = page.getByRole("dialog");
    const field = dialog.getByRole("combobox");
    await field.fill("../x");
    await page.keyboard.press("Enter");
    await dialog.getByText("may not lead up").waitFor();
    await field.fill("films/2026");
    await page.keyboard.press("Enter");
    await facts.getByText("films/2026/a.bin").waitFor();
    assertEquals(complaints, []);
  },

  async "a failed download is given a new URL"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await add(page, origin.serve("/a.bin", null, { status: 403 }));
    await inState(page, "a.bin", "Failed");
    await button(page, "a.bin", "New URL").click();
    const field = page.getByRole("textbox", { name: "New URL" });
    await field.fill("no link");
    await page.keyboard.press("Enter");
    assert(await field.isVisible());
    await field.fill(origin.serve("/fresh.bin", literal("fresh")));
    await page.keyboard.press("Enter");
    await page.locator('.row[data-state="Downloaded"]').waitFor();
    assertEquals(complaints, []);
  },

  async "the keyboard alone is enough"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const urls = ["a", "b", "c"].map((name) =>
      origin.serve(`/${name}.bin`, literal(name))
    );
    await page.keyboard.press("a");
    await page.keyboard.insertText(urls.join("\n"));
    await page.keyboard.press("Enter");
    for (const name of ["a", "b", "c"]) {
      await inState(page, name, "Downloaded");
    }
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.locator('.row[aria-label^="c"]:focus').waitFor();
    await page.keyboard.press("ArrowDown");
    await page.locator('.row[aria-label^="b"]:focus').waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "b.bin" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator('.row[aria-label^="b"]:focus').waitFor();
    await page.keyboard.press("x");
    await page.getByRole("button", { name: "Keep it" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await row(page, "b").waitFor({ state: "detached" });
    await page.locator('.row[aria-label^="a"]:focus').waitFor();
    await page.keyboard.press("/");
    await page.keyboard.insertText("c.b");
    await row(page, "a").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await row(page, "a").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Search").waitFor();
    assertEquals(complaints, []);
  },
});
