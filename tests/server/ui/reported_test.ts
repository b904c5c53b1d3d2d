/// <reference lib="dom" />
/** What users of other download managers' pages met. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { Page } from "../../support/playwright.ts";
import { makeDirectory } from "../../support/directory.ts";
import { file, literal, redirect } from "../../support/origin.ts";
import {
  add,
  addByProgram,
  button,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";
import { startSluice } from "../../support/sluice.ts";

function unseen(): never {
  throw new Error("It is not seen.");
}

/** Has files, and data of these types, dropped on the page. */
function drop(
  page: Page,
  files: Record<string, Uint8Array>,
  data: Record<string, string> = {},
): Promise<void> {
  const contents = Object.entries(files)
    .map(([name, bytes]) => ({ name, text: bytes.toBase64() }));
  return page.evaluate(([contents, data]) => {
    const dataTransfer = new DataTransfer();
    for (const { name, text } of contents) {
      dataTransfer.items.add(new File([Uint8Array.fromBase64(text)], name));
    }
    for (const [type, text] of Object.entries(data)) {
      dataTransfer.setData(type, text);
    }
    const options = { dataTransfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent("drop", options));
  }, [contents, data] as const);
}

testSteps("what users of other pages met, in Chromium", {
  // qbittorrent/qBittorrent#14033
  async "Ctrl-A and Delete in a field change its text, and no download"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").click();
    const search = page.getByRole("searchbox");
    await search.fill("a");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    assertEquals(await search.inputValue(), "");
    assertEquals(await page.getByRole("dialog").count(), 0);
    assertEquals(await page.getByText("1 selected").count(), 0);
    assertEquals(complaints, []);
  },

  // VueTorrent/VueTorrent#1414
  async "the page works on plain HTTP, where browsers leave things out"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints, url } = scene;
    await page.addInitScript(() => {
      for (const name of ["clipboard", "serviceWorker", "locks", "share"]) {
        Object.defineProperty(navigator, name, { value: undefined });
      }
      Object.defineProperty(globalThis, "Notification", { value: undefined });
      Object.defineProperty(crypto, "randomUUID", { value: undefined });
    });
    await page.goto(url);
    const source = origin.serve("/a.bin?x=%20", literal("a"));
    await add(page, source);
    await inState(page, "a.bin", "Downloaded");
    await row(page, "a.bin").locator(".name").click();
    await page.getByRole("button", { name: "Copy URL", exact: true }).click();
    await page.getByText("Copied the URL.").waitFor();
    const search = page.getByRole("searchbox");
    await search.focus();
    await page.keyboard.press("Control+v");
    assertEquals(await search.inputValue(), source);
    assertEquals(complaints, []);
  },

  // ActivityWatch/activitywatch#304, ipfs/ipfs-webui#2190
  async "the page works where the browser blocks cookies, and all storage"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints, url } = scene;
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(globalThis, name, {
          get() {
            throw new DOMException("Access is denied.", "SecurityError");
          },
        });
      }
    });
    const source = origin.serve("/a.bin", literal("a"));
    await page.goto(`${url}?add=${encodeURIComponent(source)}`);
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await inState(page, "a.bin", "Downloaded");
    await page.getByRole("button", { name: "Notify me when all is done" })
      .click();
    await page.getByText("The browser lets this page show no notifications")
      .waitFor();
    assertEquals(complaints, []);
  },

  // agalwood/Motrix#679, #1488; qbittorrent/qBittorrent#7307
  async "of what is dropped, text is read for links, and nothing else"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const [json, wide, link] = ["/json.bin", "/wide.bin", "/link.bin"]
      .map((path) => origin.serve(path, literal(path)));
    const text = new TextEncoder();
    const picture = text.encode(`\x89PNG\r\n\0\0 xmlns="${link}2"`);
    await drop(page, { "a.png": picture });
    await page.getByText("“\u2068a.png\u2069” is not read").waitFor();
    const disk = new Uint8Array(4 * 1024 * 1024 + 1).fill(32);
    await drop(page, { "a.iso": disk, "b.png": picture });
    await page.getByText("2 files are not read, such as “\u2068a.iso\u2069”")
      .waitFor();
    await drop(page, { "empty.txt": new Uint8Array() });
    await page.getByText("There is no link in this").waitFor();
    const links = page.getByLabel("Links to download");
    assertEquals(await links.inputValue(), "");
    assertEquals(await page.locator("#rows .row").count(), 0);
    const units = [...`\ufeff${wide}\r\n`].map((unit) => unit.charCodeAt(0));
    await drop(page, {
      "list.json": text.encode(JSON.stringify([{ url: json }])),
      "list.txt": new Uint8Array(Uint16Array.from(units).buffer),
    });
    await inState(page, "json.bin", "Downloaded");
    await inState(page, "wide.bin", "Downloaded");
    await drop(page, { "picture.png": picture }, {
      "text/uri-list": `${link}`,
    });
    await inState(page, "link.bin", "Downloaded");
    assertEquals(await page.getByText("picture.png").count(), 0);
    assertEquals(complaints, []);
  },

  // qbittorrent/qBittorrent#23649
  async "a new URL that is of no use stays where it was typed"(browser) {
    await using scene = await openScene(browser, ["--attempts=1"]);
    const { page, origin } = scene;
    const source = origin.serve("/a.bin", literal("a"));
    await add(page, origin.serve("/gone.bin", literal("a"), { status: 404 }));
    await inState(page, "gone.bin", "Failed");
    await button(page, "gone.bin", "New URL").click();
    const field = page.getByRole("textbox", { name: "New URL" });
    await field.fill(`  ${source}\t`);
    scene.sluice.kill("SIGKILL");
    await page.getByText("Not connected to the server: what").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("There is no connection").waitFor();
    assertEquals(await field.inputValue(), source);
    await page.getByRole("button", { name: "Cancel" }).click();
    await field.waitFor({ state: "detached" });
  },

  // qbittorrent/qBittorrent#22639
  async "what is typed and what is chosen hold together, and in the address"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, url } = scene;
    const paths = ["/one.bin", "/two.bin"];
    await add(page, ...paths.map((path) => origin.serve(path, literal(path))));
    await inState(page, "one.bin", "Downloaded");
    await inState(page, "two.bin", "Downloaded");
    const search = page.getByRole("searchbox");
    await page.evaluate(() => {
      const field = document.querySelector("#search");
      if (!(field instanceof HTMLInputElement)) return;
      field.value = "two";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      document.querySelector("button[data-tab=Finished]")
        ?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    });
    await row(page, "one.bin").waitFor({ state: "detached" });
    assertEquals(await search.inputValue(), "two");
    assertEquals(page.url(), `${url}?tab=finished&search=two`);
    await page.goBack();
    await row(page, "one.bin").waitFor();
    assertEquals(await search.inputValue(), "");
  },

  // qbittorrent/qBittorrent#22704, VueTorrent/VueTorrent#1413
  async "text is selected with the pointer, and stays so while bytes come"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, complaints } = scene;
    const answered = Promise.withResolvers<void>();
    const url = origin.serve("/a-long-name.bin", file(1e9), {
      gates: { head: () => answered.promise },
      rate: 300_000,
    });
    await add(page, url);
    await inState(page, "a-long-name.bin", "Downloading");
    const name = row(page, "a-long-name.bin").locator(".title");
    const { x, y, height } = await name.boundingBox() ?? unseen();
    await page.mouse.move(x + 1, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + 40, y + height / 2, { steps: 4 });
    await page.mouse.up();
    const selected = () => page.evaluate(() => String(getSelection()));
    assertMatch(await selected(), /^a-l/);
    const details = page.getByRole("complementary");
    assertEquals(await details.isVisible(), false);
    await name.click();
    const [fetched, source] = ["Fetched", "URL"].map((term) =>
      details.locator(`dt:text-is("${term}") + dd`)
    );
    await source?.selectText();
    assertEquals(await fetched?.isVisible(), false);
    answered.resolve();
    await fetched?.waitFor();
    const before = await fetched?.textContent();
    await details.locator(
      `dt:text-is("Fetched") + dd:not(:text-is("${before}"))`,
    )
      .waitFor();
    assertEquals(await selected(), url);
    assertEquals(complaints, []);
  },

  // GopeedLab/gopeed#288
  async "all is in reach on a phone held sideways, and much zoomed"(browser) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    const paths = ["/one.bin", "/two.bin", "/three.bin"];
    await add(page, ...paths.map((path) => origin.serve(path, literal(path))));
    await inState(page, "one.bin", "Downloaded");
    await page.getByRole("button", { name: "More", exact: true }).click();
    for (const [width, height] of [[568, 320], [320, 256]] as const) {
      await page.setViewportSize({ width, height });
      for (
        const element of [
          page.getByLabel("Do not begin yet"),
          page.getByRole("searchbox"),
          row(page, "one.bin").getByRole("button", { name: "Remove" }),
        ]
      ) {
        await element.scrollIntoViewIfNeeded();
        // Of what is beyond the window, nothing can be hit.
        await element.hover({ timeout: 5_000 });
      }
      const grid = await page.locator("#grid").boundingBox() ?? unseen();
      assertGreater(grid.height, height / 2);
    }
  },

  // syncthing/syncthing#4264, Sonarr/Sonarr#383
  async "on a phone, Back leaves the details, and not the page"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, url } = scene;
    await page.setViewportSize({ width: 360, height: 640 });
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    const details = page.getByRole("complementary");
    const length = await page.evaluate(() => history.length);
    for (let n = 0; n < 2; n++) {
      await row(page, "a.bin").locator(".name").click();
      await details.waitFor();
      await page.goBack();
      await details.waitFor({ state: "hidden" });
      assertEquals(page.url(), url);
    }
    await row(page, "a.bin").locator(".name").click();
    await page.getByRole("button", { name: "Close details" }).click();
    await details.waitFor({ state: "hidden" });
    await page.waitForFunction(() => history.state === null);
    assertEquals(await page.evaluate(() => history.length), length + 1);
    await row(page, "a.bin").waitFor();
  },

  // agalwood/Motrix#1647, #1976, #1992; AnInsomniacy/motrix-next#293
  async "names are people's: letters, spaces, brackets, ends of redirects"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, directory } = scene;
    const sharp = "Das%20gro%C3%9Fe%20Finale.ts";
    const brackets = "%5Baaa%5D%20%5Bbbb%5D%20(1)%5Bccc%5D.iso";
    const ends = ["x-1.2.deb", "y-1.2.exe"].map((name) => {
      const end = origin.serve(`/files/${name}`, literal(name));
      const path = `/${name[0]}/stable`;
      return origin.serve(path, literal(""), () => redirect(end));
    });
    const urls = [sharp, brackets].map((name) =>
      origin.serve(`/${name}`, literal(name))
    );
    await add(page, ...urls, ...ends);
    const names = [
      "Das große Finale.ts",
      "[aaa] [bbb] (1)[ccc].iso",
      "x-1.2.deb",
      "y-1.2.exe",
    ];
    for (const name of names) {
      const found = page.locator('.row[data-state="Downloaded"]')
        .filter({ has: page.locator(".name", { hasText: name }) });
      await found.waitFor();
      assert((await Deno.stat(`${directory}/${name}`)).isFile, name);
    }
  },

  async "what is above the list stays within it, at any width"(browser) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    const missing = () => ({ status: 404 });
    await add(page, origin.serve("/a.bin", literal("a"), missing));
    await inState(page, "a.bin", "Failed");
    await row(page, "a.bin").locator(".name").click();
    for (let width = 320; width <= 1_600; width += 40) {
      await page.setViewportSize({ width, height: 660 });
      const outside = await page.locator(".tools").evaluate((tools) =>
        [...tools.children].filter((child) =>
          child.getBoundingClientRect().right >
            tools.getBoundingClientRect().right + 1
        ).map((child) => child.outerHTML)
      );
      assertEquals(outside, [], `${width}`);
    }
  },

  // mayswind/AriaNg#136, #130
  async "1,500 that failed are tried again at once, and stand there once"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, sluice } = scene;
    let isGone = true;
    const urls = Array.from(
      { length: 1_500 },
      (_, n) =>
        origin.serve(
          `/${n}.bin`,
          literal(`${n}`),
          () => isGone ? { status: 404 } : {},
        ),
    );
    await addByProgram(sluice, urls);
    await page.getByRole("button", { name: /^Failed.*1,500/ }).waitFor();
    isGone = false;
    await page.getByRole("button", { name: "Try all failed again" }).click();
    await page.getByRole("button", { name: /^Finished.*1,500/ }).waitFor();
    await page.getByRole("button", { name: /^All.*1,500/ }).waitFor();
  },

  // qbittorrent/qBittorrent#20993, #18443
  async "a session outlives the browser, and no change of the token"(browser) {
    await using directory = await makeDirectory();
    const context = await browser.newContext();
    const page = await context.newPage();
    async function open(AUTH_TOKEN: string, port: string) {
      return await startSluice({
        directory: directory.path,
        environment: { AUTH_TOKEN, PORT: port },
      });
    }
    const url = await (async () => {
      await using sluice = await open("the-first-token-of-all", "0");
      const url = sluice.url.replace("ws:", "http:");
      await page.goto(url);
      await page.getByLabel("Access token").fill("the-first-token-of-all");
      await page.keyboard.press("Enter");
      await page.getByText("Nothing here yet").waitFor();
      const [cookie] = await context.cookies();
      assert((cookie?.expires ?? 0) > Date.now() / 1000 + 24 * 3600);
      return url;
    })();
    await using _sluice = await open("quite-another-token", new URL(url).port);
    await page.getByLabel("Access token").waitFor();
    await page.goto(url);
    await page.getByLabel("Access token").waitFor();
    await context.close();
  },
});
