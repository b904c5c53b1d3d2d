import { assertStringIncludes } from "@std/assert";
import type { Browser, Page } from "./playwright.ts";
import { chromiumInstalled, openPage, startChromium } from "./browser.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { type Sluice, startSluice } from "./sluice.ts";

const missing = !chromiumInstalled();
if (missing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs Chromium");
  console.warn("Chromium is not installed: the tests of the page are ignored");
}

/** A server with its content directory, an origin, and an open page. */
export interface Scene extends AsyncDisposable {
  /** Of the page. */
  readonly url: string;
  readonly directory: string;
  readonly origin: Origin;
  readonly sluice: Sluice;
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens the page of a new server that tries each thread once. */
export async function openScene(
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

/** Adds URLs as a person does: in the field of the page. */
export async function add(page: Page, ...urls: string[]): Promise<void> {
  await page.getByLabel("Links to download").fill(urls.join("\n"));
  await page.getByRole("button", { name: "Download", exact: true }).click();
}

/** The row of the download whose name begins so. */
export function row(page: Page, name: string) {
  return page.locator(`.row[aria-label^="${name}"]`);
}

/** Waits until the download whose name begins so is in a state. */
export function inState(
  page: Page,
  name: string,
  state: string,
): Promise<void> {
  return page.locator(`.row[aria-label^="${name}"][data-state="${state}"]`)
    .waitFor();
}

/** A button in the row of the download whose name begins so. */
export function button(page: Page, name: string, label: string) {
  return row(page, name).getByRole("button", { name: label });
}

/** Adds URLs all at once, as a program does: over a socket of its own. */
export async function addByProgram(
  sluice: Sluice,
  urls: string[],
): Promise<void> {
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

/** What is tested in one browser, beside other steps. */
export type Step = (browser: Browser) => Promise<void>;

/** Runs steps one after another in one browser, or none where there is none. */
export function testSteps(name: string, steps: Record<string, Step>): void {
  Deno.test({
    name,
    ignore: missing,
    async fn(t) {
      const browser = await startChromium();
      try {
        for (const [name, step] of Object.entries(steps)) {
          await t.step(name, () => step(browser));
        }
      } finally {
        await browser.close();
      }
    },
  });
}
