/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { openPage } from "../../support/browser.ts";
import { literal } from "../../support/origin.ts";
import {
  add,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";
import { startSluice } from "../../support/sluice.ts";

testSteps("the page's connection in Chromium", {
  async "the page outlives a restart of its server"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, sluice, directory } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    sluice.kill("SIGINT");
    const banner = page.getByText("Not connected to the server:");
    await banner.waitFor();
    assertEquals(await page.title(), "Not connected · Sluice");
    await sluice.ended;
    const { port } = new URL(sluice.url);
    const flags = ["--port", port];
    await using _again = await startSluice({ directory, flags });
    await banner.waitFor({ state: "hidden" });
    await add(page, origin.serve("/b.bin", literal("b")));
    await inState(page, "b.bin", "Downloaded");
    await inState(page, "a.bin", "Downloaded");
  },

  async "a download removed while the server was away is closed"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, sluice, directory } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    await page.getByRole("heading", { name: "a.bin" }).waitFor();
    sluice.kill("SIGINT");
    await sluice.ended;
    await page.getByText("Not connected to the server:").waitFor();
    await Deno.remove(`${directory}/.sluice`, { recursive: true });
    const { port } = new URL(sluice.url);
    const flags = ["--port", port];
    await using _again = await startSluice({ directory, flags });
    await page.getByRole("heading", { name: "a.bin" })
      .waitFor({ state: "hidden" });
    await page.getByText("Nothing here yet").waitFor();
  },

  async "a server that hangs is noticed, and heard again"(browser) {
    await using scene = await openScene(browser);
    const { page, sluice, origin } = scene;
    await page.clock.install();
    await page.goto(scene.url);
    await page.getByText("Nothing here yet").waitFor();
    sluice.kill("SIGSTOP");
    await page.clock.fastForward(31_000);
    await page.clock.fastForward(21_000);
    const banner = page.getByText("Not connected to the server:");
    await banner.waitFor();
    sluice.kill("SIGCONT");
    await page.clock.fastForward(16_000);
    await banner.waitFor({ state: "hidden" });
    await page.clock.resume();
    await add(page, origin.serve("/b.bin", literal("b")));
    await inState(page, "b.bin", "Downloaded");
  },

  async "a page of another origin gets nothing"(browser) {
    await using scene = await openScene(browser);
    const { origin, sluice, url } = scene;
    await using foreign = await openPage(browser);
    const html = literal("<!DOCTYPE html><title>Foreign</title>", {
      headers: { "Content-Type": "text/html" },
    });
    await foreign.page.goto(origin.serve("/", html));
    const came = await foreign.page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve("open");
          socket.onerror = () => resolve("refused");
        }),
      sluice.url,
    );
    assertEquals(came, "refused");
    const read = await foreign.page.evaluate(
      (url) => fetch(url).then(() => "read", () => "refused"),
      url,
    );
    assertEquals(read, "refused");
  },
});
