/// <reference lib="dom" />
import { assert, assertEquals, assertLess } from "@std/assert";
import type { Page } from "../../support/playwright.ts";
import { servePage } from "../../../lib/server/page.ts";
import { openPage } from "../../support/browser.ts";
import { file, literal } from "../../support/origin.ts";
import {
  add,
  button,
  inState,
  openScene,
  row,
  type Step,
  testSteps,
} from "../../support/scene.ts";
import { status } from "./statuses.ts";

const KiB = 2 ** 10;

function names(page: Page): Promise<string[]> {
  return page.locator(".row[data-id] .title").allTextContents();
}

async function namesAre(page: Page, ...wanted: string[]): Promise<void> {
  await page.waitForFunction((wanted) => {
    const found = document.querySelectorAll(".row[data-id] .title");
    return [...found].map((name) => name.textContent).join() === wanted;
  }, wanted.join());
}

const STEPS: Record<string, Step> = {
  async "columns sort, and the URL holds what is looked at"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, url, complaints } = scene;
    for (const [name, size] of [["b", 3], ["C", 1], ["a", 2]] as const) {
      await add(page, origin.serve(`/${name}`, file(size * KiB)));
      await inState(page, name, "Downloaded");
    }
    assertEquals(await names(page), ["a", "C", "b"]);
    const head = (name: string) =>
      page.getByRole("columnheader", { name }).getByRole("button");
    await head("Name").click();
    await namesAre(page, "a", "b", "C");
    await head("Size").click();
    await namesAre(page, "b", "a", "C");
    assertEquals(page.url(), `${url}?sort=-size`);
    await page.locator('.size[aria-sort="descending"]').waitFor();
    await page.getByRole("button", { name: "Finished 3" }).click();
    await page.getByLabel("Search names and URLs").fill("a");
    await namesAre(page, "a");
    assertEquals(page.url(), `${url}?sort=-size&tab=finished&search=a`);

    await page.reload();
    await namesAre(page, "a");
    await page.getByRole("button", { name: "Finished", pressed: true })
      .waitFor();
    const search = page.getByLabel("Search names and URLs");
    assertEquals(await search.inputValue(), "a");
    await page.goBack();
    await namesAre(page, "b", "a", "C");
    assertEquals(await search.inputValue(), "");
    await page.goBack();
    await page.getByRole("button", { name: "All", pressed: true }).waitFor();
    await page.goBack();
    await namesAre(page, "a", "b", "C");
    await page.goForward();
    await namesAre(page, "b", "a", "C");
    await page.getByLabel("Sort by").selectOption("Oldest first");
    await namesAre(page, "b", "C", "a");
    assertEquals(complaints, []);
  },

  async "the end of a name is seen, and what it is called in full"(browser) {
    await using scene = await openScene(browser);
    const { page, origin, url, directory } = scene;
    const name = `${"отчёт ".repeat(20)}за год.tar.gz`;
    await add(page, origin.serve(`/${encodeURI(name)}`, literal("x")));
    await inState(page, "отчёт", "Downloaded");
    await using narrow = await openPage(browser, { width: 360, height: 640 });
    const phone = narrow.page;
    await phone.goto(url);
    const title = row(phone, "отчёт").locator(".title");
    await title.waitFor();
    assertEquals(await title.getAttribute("title"), name);
    const end = await title.locator(".end").boundingBox();
    const buttons = await button(phone, "отчёт", "Save").boundingBox();
    assert(end !== null && buttons !== null);
    assert((await title.locator(".end").textContent())?.endsWith(".tar.gz"));
    assertLess(end.x + end.width, buttons.x + 1);
    await row(phone, "отчёт").locator(".amount").getByText("1 B").waitFor();
    await title.click();
    await phone.getByText(`${directory}/${name}`).waitFor();
    await phone.getByText("1 byte", { exact: true }).waitFor();
    await phone.getByRole("complementary")
      .getByRole("button", { name: "Remove" }).click();
    await phone.locator("dialog bdi").getByText(name).waitFor();
  },

  async "what is not of the tab leaves it; its details stay"(browser) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    const gate = Promise.withResolvers<void>();
    await add(
      page,
      origin.serve("/a", literal("a"), { gates: { head: () => gate.promise } }),
    );
    await page.keyboard.press("Escape");
    await page.keyboard.press("2");
    await row(page, "a").locator(".name").click();
    const panel = page.getByRole("complementary");
    await panel.getByRole("button", { name: "Pause" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Nothing is running").waitFor();
    // The button that was pressed is gone; the focus is on the one in its place.
    await panel.locator("button:focus", { hasText: "Resume" }).waitFor();
    await panel.getByText("Paused", { exact: true }).waitFor();
    gate.resolve();
  },

  async "a double click does not undo itself, nor does a key held down"(
    browser,
  ) {
    await using scene = await openScene(browser);
    const { page, origin, sluice } = scene;
    const client = await sluice.connect();
    const id = await client.add({
      url: origin.serve("/a", literal("a"), {
        gates: { head: () => new Promise(() => {}) },
      }),
    });
    await inState(page, "a", "Downloading");
    await button(page, "a", "Pause").dblclick({ delay: 150 });
    await inState(page, "a", "Paused");
    await row(page, "a").locator(".name").dblclick();
    await page.getByRole("complementary").waitFor();
    await page.keyboard.press("Escape");
    await row(page, "a").focus();
    await page.keyboard.down("Space");
    await inState(page, "a", "Downloading");
    await page.keyboard.down("Space");
    await page.keyboard.up("Space");
    const states = client.messages.flatMap((message) =>
      "data" in message && Array.isArray(message.data) ? message.data : []
    ).filter((status) => status.id === id)
      .map(({ process_status: state }) => state)
      // On a busy machine, a resumed one is seen while it waits for its thread.
      .filter((state) => state !== "Queued");
    assertEquals(states.filter((state, n) => state !== states[n - 1]), [
      "Downloading",
      "Paused",
      "Downloading",
    ]);
    await client[Symbol.asyncDispose]();
  },

  async "the focus is in the list after what it was on is gone"(browser) {
    await using scene = await openScene(browser);
    const { page, origin } = scene;
    for (const name of ["a", "b", "c"]) {
      await add(page, origin.serve(`/${name}`, literal(name)));
      await inState(page, name, "Downloaded");
    }
    const dialog = page.getByRole("dialog");
    await row(page, "b").locator(".name").click();
    await page.getByRole("complementary")
      .getByRole("button", { name: "Remove" }).click();
    await dialog.getByRole("button", { name: "Take off the list" }).click();
    await page.locator('.row[aria-label^="a"]:focus').waitFor();
    await page.getByLabel("Select all").check();
    await page.getByRole("toolbar").getByRole("button", { name: "Remove" })
      .click();
    await dialog.getByRole("button", { name: "Take off the list" }).click();
    await page.locator("#grid:focus").waitFor();
  },

  async "a command that takes minutes does not end the connection"(browser) {
    let pings = 0;
    let paused = () => {};
    const heard = new EventTarget();
    let waiting = status({ id: "a" });
    const totals = {
      Queued: 1,
      Downloading: 0,
      Paused: 0,
      Downloaded: 0,
      Failed: 0,
    };
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
    }, (request) => {
      if (!request.headers.has("upgrade")) {
        return servePage(request) ?? new Response(null, { status: 404 });
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      const send = (message: object) => socket.send(JSON.stringify(message));
      socket.onopen = () => send({ data: [waiting], totals, snapshot: true });
      socket.onmessage = ({ data }) => {
        const { action, request_id } = JSON.parse(data);
        if (action === "list") {
          send({ data: [waiting], total: 1, offset: 0, request_id });
        } else if (action === "ping") {
          send({ data: { message: "" }, request_id });
          waiting = status({ id: "a", filename: `ping ${++pings}.bin` });
          send({ data: [waiting], totals });
        } else {
          const after = status({ id: "a", process_status: "Paused" });
          paused = () => {
            send({ data: { message: "", id: "a" }, request_id });
            send({
              data: [after],
              totals: { ...totals, Queued: 0, Paused: 1 },
            });
          };
        }
        heard.dispatchEvent(new Event(action));
      };
      return response;
    });
    const next = (action: string) =>
      new Promise((resolve) =>
        heard.addEventListener(action, resolve, { once: true })
      );
    await using open = await openPage(browser);
    const { page } = open;
    await page.clock.install();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await row(page, "a.bin").waitFor();
    const banner = page.locator("#banner");
    const asked = next("pause");
    await button(page, "a.bin", "Pause").click();
    await asked;
    for (let round = 1; round <= 8; round++) {
      const ping = next("ping");
      await page.clock.fastForward(9_000);
      await Promise.race([ping, banner.waitFor()]);
      // The page waits anew only once it has heard the answer.
      await row(page, `ping ${round}.bin`).waitFor();
    }
    assert(await banner.isHidden());
    paused();
    await inState(page, "a.bin", "Paused");
    assertEquals(pings, 8);
  },
};

testSteps("looking at the list in Chromium", STEPS);
