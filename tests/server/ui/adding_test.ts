/// <reference lib="dom" />
import {
  assertEquals,
  assertLess,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import type { Page } from "../../support/playwright.ts";
import { openPage } from "../../support/browser.ts";
import { file, literal, startOrigin } from "../../support/origin.ts";
import {
  add,
  button,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";
import { startSluice } from "../../support/sluice.ts";

/**
 * The longest task that the page may have, in milliseconds. On idle cores it is
 * 115; tests run beside others. A browser's own paste took minutes.
 */
const LONGEST_TASK = 3_000;

/** Has the page paste into an element, as a browser does. */
function paste(
  page: Page,
  element: string,
  data: Record<string, string>,
): Promise<void> {
  return page.evaluate(([element, data]) => {
    const clipboardData = new DataTransfer();
    for (const [type, text] of Object.entries(data)) {
      clipboardData.setData(type, text);
    }
    const options = { clipboardData, bubbles: true, cancelable: true };
    document.querySelector(element)
      ?.dispatchEvent(new ClipboardEvent("paste", options));
  }, [element, data] as const);
}

testSteps("adding with more than a link in Chromium", {
  async "what was not taken is counted, and stays"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const [a = "", b = ""] = ["/a.bin", "/b.bin"].map((path) =>
      origin.serve(path, literal(path))
    );
    const links = page.getByLabel("Links to download");
    await links.fill(`(${a}), ${b}.\n${a}\nno link at all\nftp://h.test/x`);
    const rest = "2 lines hold no link that can be fetched, such as “no link";
    await page.getByRole("status")
      .getByText(`2 links. One was there twice. ${rest}`).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Added 2 links. One was there twice.").waitFor();
    await inState(page, "a.bin", "Downloaded");
    await inState(page, "b.bin", "Downloaded");
    assertEquals(await links.inputValue(), "no link at all\nftp://h.test/x");
    await page.getByRole("status").getByText(rest).waitFor();
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    assertEquals(await links.inputValue(), "");
    assertEquals(await page.getByRole("status").getByText(rest).count(), 0);
    assertEquals(complaints, []);
  },

  async "what is there already is asked about, and added by one more press"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const [a = "", b = ""] = ["/a.bin", "/b.bin"].map((path) =>
      origin.serve(path, literal(path))
    );
    const links = page.getByLabel("Links to download");
    await add(page, a);
    await inState(page, "a.bin", "Downloaded");

    await add(page, a);
    await page.getByText("This link is in the list already: a.bin (finished).")
      .waitFor();
    assertEquals(await links.inputValue(), a);
    assertEquals(await row(page, "a.bin").count(), 1);
    await links.fill("");
    const download = page.getByRole("button", {
      name: "Download",
      exact: true,
    });
    await download.click();
    assertEquals(await page.getByRole("alert").count(), 0);
    await links.fill(a);
    await download.dblclick({ delay: 100 });
    await page.getByText("This link is in the list already").waitFor();
    assertEquals(await links.inputValue(), a);
    await links.press("Enter");
    await inState(page, "a (1).bin", "Downloaded");
    assertEquals(await links.inputValue(), "");

    await add(page, a, b);
    await page.getByText("One of these links is in the list already: a (1).bin")
      .waitFor();
    await page.getByRole("button", { name: "Add the other one" }).click();
    await inState(page, "b.bin", "Downloaded");
    await add(page, b);
    await page.getByRole("button", { name: "Add anyway" }).click();
    await inState(page, "b (1).bin", "Downloaded");
    const asked = origin.requests.map(({ path }) => path);
    assertEquals(asked, ["/a.bin", "/a.bin", "/b.bin", "/b.bin"]);
    assertEquals(complaints, []);
  },

  async "a curl command is asked for as curl would, or not at all"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const url = origin.serve("/a.bin", literal("a"));
    const links = page.getByLabel("Links to download");
    const command = `curl '${url}' \\\n  -H 'X-Key: k' \\\n  -b 'a=b' -A me`;
    await links.fill(`${command} --data secret`);
    await page.getByRole("status").getByText("curl’s --data sends data")
      .waitFor();
    await links.press("Enter");
    await page.getByRole("alert").getByText("curl’s --data sends data")
      .waitFor();
    assertMatch(await links.inputValue(), /--data secret$/);
    await links.fill(`${command} -o given.bin --compressed`);
    await links.press("Enter");
    await inState(page, "given.bin", "Downloaded");
    const [{ headers } = { headers: new Headers() }, ...more] = origin.requests;
    assertEquals(more, []);
    assertEquals(
      ["x-key", "cookie", "user-agent"].map((name) => headers.get(name)),
      ["k", "a=b", "me"],
    );
    assertEquals(await links.inputValue(), "");
    assertEquals(complaints, []);
  },

  async "a name, a checksum, headers, threads and a pause go along"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const content = file(1000, 1);
    const url = origin.serve("/a.bin", content);
    const links = page.getByLabel("Links to download");
    assertEquals(await page.getByLabel("Checksum").isVisible(), false);
    await links.fill(`${url}\n${origin.url("/b")}`);
    const more = page.getByRole("button", { name: "More", exact: true });
    await more.click();
    await page.getByLabel("Name", { exact: true }).fill("given.bin");
    await page.getByLabel("Headers").fill("X-Key: k\nReferer: https://r.test/");
    await page.getByLabel("Threads at most").fill("2");
    await page.getByLabel("Do not begin yet").check();
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await page.getByRole("alert").getByText("for one link; here are 2")
      .waitFor();
    assertMatch(await links.inputValue(), /a\.bin\n/);

    await add(page, url);
    await inState(page, "given.bin", "Paused");
    assertEquals(origin.requests, []);
    assertEquals(await page.getByLabel("Checksum").isVisible(), false);
    await button(page, "given.bin", "Resume").click();
    await inState(page, "given.bin", "Downloaded");
    const { headers } = await origin.request(({ path }) => path === "/a.bin");
    assertEquals(
      [headers.get("x-key"), headers.get("referer")],
      ["k", "https://r.test/"],
    );

    // They were for that link only, and a checksum is compared.
    await more.click();
    assertEquals(await page.getByLabel("Headers").inputValue(), "");
    await page.getByLabel("Checksum").fill(`${"0".repeat(64)}  b.bin`);
    await add(page, origin.serve("/b.bin", content));
    await inState(page, "b.bin", "Failed");
    assertEquals(complaints, []);
  },

  async "a download waits for its time, or is not added at all"(browser) {
    await using scene = await openScene(browser);
    const { origin } = scene;
    const url = origin.serve("/a.bin", literal("a"));
    await using open = await openPage(browser, { timezoneId: "Asia/Kolkata" });
    const { page, complaints } = open;
    await page.goto(scene.url);
    const links = page.getByLabel("Links to download");
    const start = page.getByLabel("Begin at");
    const more = page.getByRole("button", { name: "More", exact: true });
    await more.click();
    // Without a time, the day means nothing, and is not passed over.
    await start.focus();
    await page.keyboard.type("01022099");
    await more.click();
    await add(page, url);
    await page.getByRole("alert").getByText("the day and the time").waitFor();
    assertEquals(await start.isVisible(), true);
    await start.fill("2000-01-02T18:00");
    await links.press("Enter");
    await page.getByRole("alert").getByText("is past").waitFor();
    await start.fill("2099-01-02T18:00");
    await page.getByLabel("Do not begin yet").check();
    await links.press("Enter");
    await page.getByRole("alert").getByText("begins by itself").waitFor();
    assertEquals(await links.inputValue(), url);
    await page.getByLabel("Do not begin yet").uncheck();
    await links.press("Enter");

    await inState(page, "a.bin", "Paused");
    await row(page, "a.bin").getByText("Starts Jan 2, 2099, 18:00").waitFor();
    await row(page, "a.bin, Starts Jan 2, 2099, 18:00").waitFor();
    const answer = await fetch(new URL("api/downloads", scene.url));
    const { data: [status] } = await answer.json();
    assertEquals(status.start_at, "2099-01-02T12:30:00.000Z");
    assertEquals(origin.requests, []);
    await more.click();
    assertEquals(await start.inputValue(), "");
    await button(page, "a.bin", "Resume").click();
    await inState(page, "a.bin", "Downloaded");
    assertEquals(complaints, []);
  },

  async "further links of the same file go along as its mirrors"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const gone = origin.serve("/a.bin", null, { status: 404 });
    const there = origin.serve("/there.bin", literal("a"));
    const links = page.getByLabel("Links to download");
    const mirrors = page.getByRole("textbox", { name: "Mirrors", exact: true });
    await links.fill(`${gone}\n${origin.url("/b")}`);
    await page.getByRole("button", { name: "More", exact: true }).click();
    await mirrors.fill(there);
    const download = page.getByRole("button", {
      name: "Download",
      exact: true,
    });
    /** What is said at the field, which has the focus then. */
    const minded = async (words: string) => {
      await page.locator("#mirrors:focus + [role=alert]", { hasText: words })
        .waitFor();
      assertEquals(await mirrors.getAttribute("aria-invalid"), "true");
    };
    await download.click();
    await minded("Mirrors are for one link; here are 2.");
    await links.fill(gone);
    await mirrors.fill(`${there}\nftp://h.test/a.bin`);
    assertEquals(await page.getByRole("alert").count(), 0);
    assertEquals(await mirrors.getAttribute("aria-invalid"), null);
    await download.click();
    await minded("One line holds no link that can be fetched: “ftp://h.test");
    // What the page takes, the server may refuse.
    await mirrors.fill(`${there}\n${there}?${"a".repeat(20_000)}`);
    await download.click();
    await minded("”: The URL is longer than");
    assertEquals(await links.inputValue(), gone);
    assertEquals(origin.requests, []);

    // Links that are dropped on the field are the browser's to put there.
    const isLeft = await mirrors.evaluate((field) =>
      field.dispatchEvent(
        new DragEvent("drop", {
          dataTransfer: new DataTransfer(),
          bubbles: true,
          cancelable: true,
        }),
      )
    );
    assertEquals(isLeft, true);
    await mirrors.fill(`The same: (${there}).`);
    await download.click();
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    await page.getByRole("heading", { name: "Sources" }).waitFor();
    await page.locator("ol.sources li", { hasText: there })
      .getByText("used", { exact: true }).waitFor();
    await page.getByRole("button", { name: "More", exact: true }).click();
    assertEquals(await mirrors.inputValue(), "");
    assertEquals(complaints, []);
  },

  async "a folder is chosen of those in use, and shown"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, directory, complaints } = scene;
    const [a = "", b = "", c = ""] = ["/a.bin", "/b.bin", "/c.bin"].map((
      path,
    ) => origin.serve(path, literal(path)));
    const more = page.getByRole("button", { name: "More", exact: true });
    const folder = page.getByLabel("Folder");
    const offered = page.locator("#folders option");
    await more.click();
    assertEquals(await offered.count(), 0);
    await folder.fill(" films/2026/ ");
    await add(page, a, b);
    for (const name of ["a.bin", "b.bin"]) {
      await inState(page, name, "Downloaded");
      await row(page, name).getByText(/^127\.0\.0\.1:\d+ → films\/2026$/)
        .waitFor();
      const path = `${directory}/films/2026/${name}`;
      assertEquals(await Deno.readTextFile(path), `/${name}`);
    }
    await add(page, c);
    await inState(page, "c.bin", "Downloaded");
    await row(page, "c.bin").getByText(/^127\.0\.0\.1:\d+$/).waitFor();

    await more.click();
    assertEquals(await folder.inputValue(), "");
    await offered.first().waitFor({ state: "attached" });
    assertEquals(await offered.count(), 1);
    assertEquals(await offered.getAttribute("value"), "films/2026");
    await folder.fill("../out");
    const links = page.getByLabel("Links to download");
    await links.fill(origin.url("/d.bin"));
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await page.getByRole("alert").getByText("may not lead up (..)").waitFor();
    // Nothing that was typed is lost.
    assertEquals(await links.inputValue(), origin.url("/d.bin"));
    assertEquals(await folder.inputValue(), "../out");

    await folder.fill("later");
    await page.getByLabel("Do not begin yet").check();
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await inState(page, "d.bin", "Paused");
    await row(page, "d.bin").click();
    await page.locator("dt", { hasText: /^Folder$/ }).waitFor();
    await page.locator("dd", { hasText: /^later$/ }).waitFor();
    assertEquals(complaints, []);
  },

  async "of words that hide links, the links are taken"(browser) {
    await using scene = await openScene(browser);
    const { page, complaints } = scene;
    const html = '<p><a href="https://a.example/1?x=1&amp;y=2">The file</a>, ' +
      '<a href="https://a.example/2">another</a></p>';
    const rich = { "text/plain": "The file, another", "text/html": html };
    const links = page.getByLabel("Links to download");
    const urls = "https://a.example/1?x=1&y=2\nhttps://a.example/2";
    await links.focus();
    await paste(page, "#urls", rich);
    assertEquals(await links.inputValue(), urls);
    await links.fill("");
    await paste(page, "body", rich);
    assertEquals(await links.inputValue(), urls);
    // Words that are links mean themselves.
    await links.fill("");
    await paste(page, "body", { ...rich, "text/plain": "https://b.example/" });
    assertEquals(await links.inputValue(), "https://b.example/");
    assertEquals(complaints, []);
  },

  async "12,000 pasted lines do not freeze the page"(browser) {
    await using scene = await openScene(browser, ["--min-free-space=1024TiB"]);
    const { page, complaints } = scene;
    await page.evaluate(() => {
      const observer = new PerformanceObserver((list) => {
        const { dataset } = document.body;
        const durations = list.getEntries().map(({ duration }) => duration);
        const longest = Math.max(Number(dataset.longest ?? 0), ...durations);
        dataset.longest = String(longest);
      });
      observer.observe({ type: "longtask", buffered: true });
    });
    const lines = Array.from(
      { length: 12_000 },
      (_, n) => `https://h.test/a/directory/of/files/release-${n}.tar.gz`,
    );
    const text = lines.join("\n");
    await page.getByLabel("Links to download").focus();
    await paste(page, "#urls", { "text/plain": text });
    await page.getByText("12,000 links. The text is too long").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Added 12,000 links.").waitFor();
    await paste(page, "body", { "text/plain": text });
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await page.getByText("of these links are in the list").waitFor();
    await page.getByRole("button", { name: "Add anyway" }).click();
    await page.getByRole("button", { name: "All 24,000" }).waitFor();
    const longest = await page.evaluate(() => document.body.dataset.longest);
    console.log(`The longest task: ${longest ?? 0} ms`);
    assertLess(Number(longest ?? 0), LONGEST_TASK);
    assertEquals(complaints, []);
  },

  async "a link in the page's address waits in the field, past the login"(
    browser,
  ) {
    await using origin = await startOrigin();
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: "long-enough-for-a-token" },
    });
    await using open = await openPage(browser);
    const { page } = open;
    const link = origin.url("/shared.bin?a=1&b=2");
    const { href } = new URL("./", sluice.url.replace("ws:", "http:"));
    await page.goto(`${href}?add=${encodeURIComponent(link)}`);
    const token = page.getByLabel("Access token");
    await token.fill("wrong");
    await token.press("Enter");
    await page.getByRole("alert").waitFor();
    await token.fill("long-enough-for-a-token");
    await token.press("Enter");
    const links = page.getByLabel("Links to download");
    await page.getByText("press Download if you want it").waitFor();
    assertEquals([await links.inputValue(), page.url()], [link, href]);

    // As other apps share a link: into any field, with words around it.
    const shared = new URLSearchParams({
      title: "A page",
      text: `See ${link}`,
    });
    await page.goto(`${href}?${shared}`);
    await page.getByText("press Download if you want it").waitFor();
    assertEquals([await links.inputValue(), page.url()], [link, href]);
    await page.reload();
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(await links.inputValue(), "");
    assertEquals(origin.requests, []);
  },

  async "another site's bookmark leads to the page, logged in"(browser) {
    await using other = await startOrigin();
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: "long-enough-for-a-token" },
    });
    await using open = await openPage(browser);
    const { page } = open;
    await page.goto(sluice.url.replace("ws:", "http:"));
    const token = page.getByLabel("Access token");
    await token.fill("long-enough-for-a-token");
    await token.press("Enter");
    await page.getByText("Nothing here yet").waitFor();
    await page.getByRole("button", { name: "More", exact: true }).click();
    const script = await page.getByRole("link", { name: "Add to Sluice" })
      .getAttribute("href") ?? "";
    const site = other.serve("/page.html", literal("a page"), {
      headers: { "content-type": "text/html" },
    });
    assertNotEquals(new URL(site).hostname, new URL(page.url()).hostname);
    await page.goto(site);
    const opening = page.waitForEvent("popup");
    await page.evaluate(script.replace("javascript:", ""));
    const opened = await opening;
    await opened.getByText("press Download if you want it").waitFor();
    assertEquals(
      await opened.getByLabel("Links to download").inputValue(),
      new URL(site).href,
    );
  },

  async "the disk's room is shown, and that there is little"(browser) {
    await using scene = await openScene(browser);
    const { page } = scene;
    const room = page.locator("#room");
    await room.getByText(/^[\d.]+ [MGT]iB free$/).waitFor();
    await using full = await openScene(browser, ["--min-free-space=1024TiB"]);
    const low = full.page.locator("#room.low");
    await low.getByText(/^Disk full: [\d.]+ [MGT]iB free$/).waitFor();
  },

  async "only whoever asks for it is notified, when all is done"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await page.addInitScript(() => {
      class Recorder {
        static permission = "default";
        static requestPermission() {
          this.permission = "granted";
          return Promise.resolve("granted");
        }
        constructor(title: string, { body }: { body: string }) {
          document.body.dataset.notified = `${title}: ${body}`;
        }
      }
      Object.assign(globalThis, { Notification: Recorder });
      Object.defineProperty(document, "hidden", { value: true });
    });
    await page.reload();
    const notified = () => page.evaluate(() => document.body.dataset.notified);
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    assertEquals(await notified(), undefined);
    const bell = page.getByRole("button", { name: "Notify me when all is" });
    await bell.click();
    assertEquals(await bell.getAttribute("aria-pressed"), "true");
    await add(
      page,
      origin.serve("/b.bin", literal("b")),
      origin.serve("/none", null, { status: 404 }),
    );
    await page.waitForFunction(() => document.body.dataset.notified);
    assertEquals(
      await notified(),
      "All downloads are done: 1 finished, 1 failed",
    );
    await bell.click();
    assertEquals(await bell.getAttribute("aria-pressed"), "false");
    assertEquals(complaints, []);
  },

  async "the page can be installed"(browser) {
    await using scene = await openScene(browser);
    const { page } = scene;
    await page.getByText("Nothing here yet").waitFor();
    const session = await page.context().newCDPSession(page);
    const { errors, manifest } = await session.send("Page.getAppManifest");
    assertEquals(errors, []);
    assertEquals(manifest?.startUrl, new URL("/", scene.url).href);
    const { installabilityErrors } = await session.send(
      "Page.getInstallabilityErrors",
    );
    // A window of the tests is an incognito one, which installs nothing.
    const ids = installabilityErrors.map(({ errorId }) => errorId);
    assertEquals(ids.filter((id) => id !== "in-incognito"), []);
  },
});
