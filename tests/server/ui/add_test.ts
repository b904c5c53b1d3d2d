/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { literal } from "../../support/origin.ts";
import { add, inState, openScene, testSteps } from "../../support/scene.ts";

testSteps("links added to the page in Chromium", {
  async "links come in by pasting and dropping, anywhere"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const pasted = origin.serve("/pasted.bin", literal("1"));
    const dropped = origin.serve("/dropped.bin", literal("2"));
    await page.getByText("Nothing here yet").waitFor();
    await page.evaluate((url) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", url);
      const options = { clipboardData, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new ClipboardEvent("paste", options));
    }, pasted);
    assertEquals(
      await page.getByLabel("Links to download").inputValue(),
      pasted,
    );
    await page.keyboard.press("Enter");
    await inState(page, "pasted.bin", "Downloaded");
    await page.evaluate((url) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData("text/uri-list", `# from a test\r\n${url}\r\n`);
      const options = { dataTransfer, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent("drop", options));
    }, dropped);
    await inState(page, "dropped.bin", "Downloaded");
    await add(page, "javascript:alert(1)");
    await page.getByRole("alert").getByText("There is no link").waitFor();
    assertEquals(complaints, []);
  },

  async "of a long list, what did not fit stays to be added later"(browser) {
    const flags = ["--threads-amount=1", "--queue-length=1500"];
    await using scene = await openScene(browser, flags);
    const { page, origin } = scene;
    const url = origin.serve("/a", literal("a"), {
      gates: { head: () => new Promise(() => {}) },
    });
    const urls = Array.from({ length: 2_500 }, (_, n) => `${url}?entry=${n}`);
    const links = page.getByLabel("Links to download");
    // To have them typed takes ten seconds.
    await links.evaluate(
      (field: HTMLTextAreaElement, text) => void (field.value = text),
      urls.join("\n"),
    );
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await page.getByRole("alert").getByText("no more than 1500").waitFor();
    await page.getByRole("button", { name: "All 1,000" }).waitFor();
    assertEquals((await links.inputValue()).split("\n"), urls.slice(1_000));
  },

  async "links that could not be added come back, beside what is there"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, sluice, origin } = scene;
    await page.getByText("Nothing here yet").waitFor();
    sluice.kill("SIGINT");
    await page.getByText("Not connected to the server:").waitFor();
    const links = page.getByLabel("Links to download");
    await links.fill(origin.url("/typed"));
    await page.evaluate((url) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData("text/plain", url);
      const options = { dataTransfer, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent("drop", options));
    }, origin.url("/dropped"));
    await page.getByRole("alert").getByText("no connection").waitFor();
    assertEquals(
      await links.inputValue(),
      `${origin.url("/typed")}\n${origin.url("/dropped")}`,
    );
  },

  async "markup in names is only text"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const evil = "<img src=x onerror=alert(1)>&amp;.bin";
    const url = origin.serve(`/${encodeURIComponent(evil)}`, null);
    await add(page, url);
    await page.getByText(evil, { exact: true }).waitFor();
    await page.locator('.row[data-state="Failed"]').click();
    await page.getByRole("heading", { name: evil }).waitFor();
    assertEquals(await page.locator("img[src=x]").count(), 0);
    assertEquals(complaints, []);
  },
});
