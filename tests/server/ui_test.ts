/// <reference lib="dom" />
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { serveLogin, servePage } from "../../lib/server/page.ts";
import {
  chromiumInstalled,
  openPage,
  startChromium,
} from "../support/browser.ts";
import {
  file,
  firstDifference,
  literal,
  type Origin,
  startOrigin,
} from "../support/origin.ts";
import { type Sluice, startSluice } from "../support/sluice.ts";

const missing = !chromiumInstalled();
if (missing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs Chromium");
  console.warn("Chromium is not installed: the tests of the page are ignored");
}

const MiB = 2 ** 20;

/** A server with its content directory, an origin, and an open page. */
interface Scene extends AsyncDisposable {
  /** Of the page. */
  readonly url: string;
  readonly directory: string;
  readonly origin: Origin;
  readonly sluice: Sluice;
  readonly page: Page;
  readonly complaints: readonly string[];
}

async function openScene(
  browser: Browser,
  flags: readonly string[] = [],
): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const sluice = stack.use(
    await startSluice({
      flags: [
        "--broadcast-timeout=50",
        "--bytes-amount=1MiB",
        "--retry-wait=10",
        "--attempts=1",
        ...flags,
      ],
    }),
  );
  const { page, complaints } = stack.use(await openPage(browser));
  const url = sluice.url.replace("ws:", "http:");
  await page.goto(url);
  const open = stack.move();
  return {
    url,
    directory: sluice.directory,
    origin,
    sluice,
    page,
    complaints,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function add(page: Page, ...urls: string[]): Promise<void> {
  await page.getByLabel("Links to download").fill(urls.join("\n"));
  await page.getByRole("button", { name: "Download", exact: true }).click();
}

/** The row of the download whose name begins so. */
function row(page: Page, name: string) {
  return page.locator(`.row[aria-label^="${name}"]`);
}

function inState(page: Page, name: string, state: string): Promise<void> {
  return page.locator(`.row[aria-label^="${name}"][data-state="${state}"]`)
    .waitFor();
}

function button(page: Page, name: string, label: string) {
  return row(page, name).getByRole("button", { name: label });
}

type Step = (browser: Browser) => Promise<void>;

const STEPS: Record<string, Step> = {
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
    await row(page, "a.bin").locator(".strip .fetching").first().waitFor();
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
      new URL("./ui/pixel.png", import.meta.url),
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
    await row(page, "a.bin").locator(".strip .done").waitFor();
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

  async "ten thousand entries stay quick and small"(browser) {
    await using scene = await openScene(browser, ["--threads-amount=1"]);
    const { page, origin, sluice, complaints } = scene;
    // The first one never ends, so that all the others wait.
    const url = origin.serve("/a", literal("a"), {
      gates: { head: () => new Promise(() => {}) },
    });
    await addByProgram(
      sluice,
      Array.from({ length: 10_000 }, (_, n) => `${url}?entry=${n}`),
    );
    const started = performance.now();
    await page.goto(scene.url);
    await page.locator(".row[data-state]").first().waitFor();
    const painted = performance.now() - started;
    const elements = () =>
      page.evaluate(() => document.querySelectorAll("*").length);
    const atTop = await elements();
    await page.getByRole("button", { name: "All 10,000" }).waitFor();

    await page.locator(".row[data-state]").first().focus();
    const jumped = performance.now();
    await page.keyboard.press("End");
    await page.locator('.row[aria-rowindex="10001"][data-state]').waitFor();
    const scrolled = performance.now() - jumped;
    const atEnd = await elements();

    for (const [key, index] of [["Home", 2], ["End", 10_001]] as const) {
      await page.keyboard.press(key);
      await page.locator(`.row[aria-rowindex="${index}"][data-id]:focus`)
        .waitFor();
    }

    const typed = performance.now();
    await page.getByLabel("Search names and URLs").fill("entry=4321");
    await page.waitForFunction(() =>
      document.querySelector("#grid")?.getAttribute("aria-rowcount") === "2"
    );
    const searched = performance.now() - typed;
    console.log(
      `10,000 entries: first rows after ${painted.toFixed(0)} ms, ` +
        `the last after ${scrolled.toFixed(0)} ms more, ` +
        `one searched for in ${searched.toFixed(0)} ms; ` +
        `${atTop} elements at the top, ${atEnd} at the end`,
    );
    assertLess(painted, 5_000);
    assertLess(Math.max(atTop, atEnd), 1_500);
    assertEquals(complaints, []);
  },

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

  async "with a token, the page is behind a login that says if it was wrong"(
    browser,
  ) {
    const token = "a-token+of&some=length";
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: token },
    });
    await using origin = await startOrigin();
    await using open = await openPage(browser, { width: 360, height: 640 });
    const { page, complaints } = open;
    await page.goto(sluice.url.replace("ws:", "http:"));
    assert(await page.getByRole("alert").isHidden());
    const field = page.getByLabel("Access token");
    await field.fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the token").waitFor();
    await field.fill(token);
    await page.keyboard.press("Enter");
    await page.getByText("Nothing here yet").waitFor();
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    // Chromium says of each 401 that it failed to load; those are meant.
    const others = complaints.filter((text) => !/status of 401/.test(text));
    assertEquals(others, []);
  },

  async "a page whose socket is refused for want of a login leads to it"(
    browser,
  ) {
    let loggedIn = true;
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
    }, (request) => {
      if (request.headers.has("upgrade")) {
        loggedIn = false;
        return new Response(null, { status: 401 });
      }
      const { pathname } = new URL(request.url);
      const answer = loggedIn || pathname !== "/" ? servePage(request) : null;
      return answer ?? serveLogin(request);
    });
    await using open = await openPage(browser);
    await open.page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await open.page.getByLabel("Access token").waitFor();
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
};

async function addByProgram(sluice: Sluice, urls: string[]): Promise<void> {
  const socket = new WebSocket(sluice.url);
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.onopen = () => socket.send(JSON.stringify({ urls, request_id: 1 }));
  socket.onmessage = ({ data }) => {
    if (data.includes("request_id")) resolve(data);
  };
  const reply = await promise;
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  assertStringIncludes(reply, `${urls.length} URLs have been added.`);
}

Deno.test({
  name: "the page in Chromium",
  ignore: missing,
  async fn(t) {
    const browser = await startChromium();
    try {
      for (const [name, step] of Object.entries(STEPS)) {
        await t.step(name, () => step(browser));
      }
    } finally {
      await browser.close();
    }
  },
});
