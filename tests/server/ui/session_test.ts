/// <reference lib="dom" />
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Browser, Page } from "../../support/playwright.ts";
import { openPage } from "../../support/browser.ts";
import { literal, startOrigin } from "../../support/origin.ts";
import {
  add,
  inState,
  openScene,
  row,
  testSteps,
} from "../../support/scene.ts";
import { type Sluice, startSluice } from "../../support/sluice.ts";
import { startWithTokens, TOKENS } from "../../support/tokens.ts";

const TOKEN = "a-token+of&some=length";

function pageOf({ url }: Sluice): string {
  return url.replace("ws:", "http:");
}

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
}

/** Types the right token without a look at where the focus is. */
async function typeToken(page: Page): Promise<void> {
  await page.locator("#token:focus").waitFor();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Enter");
}

/** A page in a browser that runs no script. */
async function openPlain(browser: Browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  return {
    page: await context.newPage(),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

testSteps("the page's session in Chromium", {
  async "with a token, the page is behind a login that says if it was wrong"(
    browser,
  ) {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN },
    });
    await using origin = await startOrigin();
    await using open = await openPage(browser, { width: 360, height: 640 });
    const { page, complaints } = open;
    await page.goto(pageOf(sluice));
    assert(await page.getByRole("alert").isHidden());
    await logIn(page, "wrong");
    await page.getByText("That is not the token").waitFor();
    await typeToken(page);
    await page.getByText("Nothing here yet").waitFor();
    await add(page, origin.serve("/a.bin", literal("a")));
    await inState(page, "a.bin", "Downloaded");
    // Chromium says of each 401 that it failed to load; those are meant.
    const others = complaints.filter((text) => !/status of 401/.test(text));
    assertEquals(others, []);
  },

  async "the page offers what its token's scope reaches"(browser) {
    await using sluice = await startWithTokens();
    await using origin = await startOrigin();
    const url = origin.serve("/a.bin", literal("a"));
    for (const scope of ["add", "read"] as const) {
      await using open = await openPage(browser, { width: 1200, height: 640 });
      const { page } = open;
      await page.goto(pageOf(sluice));
      await logIn(page, TOKENS[scope]);
      await page.getByRole("heading", { name: "Sluice" }).waitFor();
      await page.locator(`html[data-scope="${scope}"]`).waitFor();
      if (scope === "add") await add(page, url);
      await inState(page, "a.bin", "Downloaded");
      assert(await page.getByRole("button", { name: "Save" }).isVisible());
      assert(await page.getByRole("button", { name: "Remove" }).isHidden());
      const field = page.getByLabel("Links to download");
      assertEquals(await field.isVisible(), scope === "add");
      await page.getByLabel("Select a.bin").check();
      const bar = page.getByRole("toolbar", { name: "Selected downloads" });
      await bar.getByRole("button").first().waitFor();
      assert(await bar.getByRole("button", { name: "Remove" }).isHidden());
      await row(page, "a.bin").locator(".name").click();
      const panel = page.locator("#detail");
      await panel.getByRole("button", { name: "Save" }).waitFor();
      assert(await panel.getByRole("button", { name: "Move…" }).isHidden());
    }
  },

  async "one line tells what the timetable says, if there is one"(browser) {
    for (
      const [TIMETABLE, said] of [
        ["pause", "Timetable: paused"],
        ["", null],
      ] as const
    ) {
      await using sluice = await startSluice({ environment: { TIMETABLE } });
      await using open = await openPage(browser, { width: 1200, height: 640 });
      const { page } = open;
      await page.goto(pageOf(sluice));
      await page.getByText("Nothing here yet").waitFor();
      const line = page.locator("#timetable");
      if (said === null) assert(await line.isHidden());
      else assertEquals(await line.textContent(), said);
    }
  },

  async "without script, too, a wrong token is told, and too many are"(
    browser,
  ) {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN },
    });
    await using open = await openPlain(browser);
    const { page } = open;
    await page.goto(pageOf(sluice));
    const wrong = page.getByText("That is not the token");
    assert(await wrong.isHidden());
    for (let n = 0; n < 10; n++) {
      const answered = page.waitForEvent("load");
      await logIn(page, "wrong");
      await answered;
      await wrong.waitFor();
    }
    await typeToken(page);
    await page.getByRole("heading", { name: "Too many wrong tokens" })
      .waitFor();
  },

  async "a link on another site's page leads to the page, not to the login"(
    browser,
  ) {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN },
    });
    const url = pageOf(sluice);
    await using site = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response(`<a href="${url}?a=b">Downloads</a>`, {
          headers: { "content-type": "text/html" },
        }),
    );
    await using open = await openPage(browser);
    const { page } = open;
    async function follow() {
      await page.goto(`http://127.0.0.1:${site.addr.port}/`);
      await page.getByText("Downloads").click();
    }
    await follow();
    await logIn(page, TOKEN);
    await page.getByText("Nothing here yet").waitFor();
    await follow();
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(page.url(), `${url}?a=b`);
  },

  async "who logs out is asked for the token again"(browser) {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: TOKEN },
    });
    await using open = await openPage(browser);
    const { page } = open;
    await page.goto(pageOf(sluice));
    await logIn(page, TOKEN);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Access token").waitFor();
    assertEquals(await page.context().cookies(), []);
    await page.reload();
    await page.getByLabel("Access token").waitFor();
  },

  async "where no token is asked for, there is nothing to log out of"(browser) {
    await using scene = await openScene(browser);
    const { page } = scene;
    await page.getByText("Nothing here yet").waitFor();
    await page.waitForLoadState("networkidle");
    assert(await page.getByRole("button", { name: "Log out" }).isHidden());
  },

  async "a session that ends leads to the login, and back to what was typed"(
    browser,
  ) {
    const first = await startSluice({ environment: { AUTH_TOKEN: TOKEN } });
    await using stopped = new AsyncDisposableStack();
    const { directory, url } = stopped.use(first);
    await using open = await openPage(browser);
    const { page } = open;
    await page.goto(pageOf(first));
    await logIn(page, TOKEN);
    await page.getByText("Nothing here yet").waitFor();
    const field = page.getByLabel("Links to download");
    await field.fill("https://a.test/typed");
    first.kill("SIGINT");
    await first.ended;
    await using _second = await startSluice({
      directory,
      environment: { AUTH_TOKEN: `${TOKEN}2` },
      flags: ["--port", new URL(url).port],
    });
    await page.getByLabel("Access token").waitFor();
    await logIn(page, `${TOKEN}2`);
    await page.getByText("Nothing here yet").waitFor();
    assertEquals(await field.inputValue(), "https://a.test/typed");
    await page.reload();
    assertEquals(await field.inputValue(), "");
  },

  async "a name that is not known is told on the page, without script"(
    browser,
  ) {
    await using sluice = await startSluice();
    await using open = await openPlain(browser);
    const { page } = open;
    // Chromium takes all names below localhost for loopback.
    const url = pageOf(sluice).replace("localhost", "nas.localhost");
    const answer = await page.goto(url);
    assertEquals(answer?.status(), 403);
    await page.getByRole("heading", { name: "Not let in" })
      .waitFor();
    const text = await page.locator("main").innerText();
    assertStringIncludes(text, `PUBLIC_URL=${url}`);
  },
});
