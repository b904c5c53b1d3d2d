/// <reference lib="dom" />
/** The server behind a real nginx, with the settings that the README gives. */

import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { freePort } from "../support/free_port.ts";
import type { Browser, Page } from "../support/playwright.ts";
import { openPage } from "../support/browser.ts";
import { caCertificate } from "../support/certificate.ts";
import { makeDirectory } from "../support/directory.ts";
import {
  nginxInstalled,
  type NginxOptions,
  startNginx,
} from "../support/nginx.ts";
import { literal, startOrigin } from "../support/origin.ts";
import { add, inState, row, type Step, testSteps } from "../support/scene.ts";
import {
  projectPath,
  run,
  type Sluice,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";

const missing = !nginxInstalled();
if (missing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs nginx");
  console.warn("nginx is not installed: what needs it as a proxy is ignored");
}

const TOKEN = "a-token-of-32-characters-or-more";
/** Chromium takes all names below localhost for loopback; Sluice does not. */
const NAME = "nasofaverylongname.localhost";

/** The lines for nginx that the README gives. */
async function recipe(): Promise<string> {
  const readme = await Deno.readTextFile(projectPath("README.md"));
  const [, block = ""] = readme.split("\n```nginx\n");
  const [text = ""] = block.split("\n```\n");
  assertStringIncludes(text, "proxy_pass http://127.0.0.1:8888/;");
  return text;
}

/** A server, and the proxy by which it is reached. */
interface Behind extends AsyncDisposable {
  /** By which people reach it. */
  readonly url: string;
  readonly sluice: Sluice;
}

/**
 * Starts both.
 *
 * @param rules For nginx, with the server at 127.0.0.1:8888.
 * @param path Of the public URL; null for a server that is told of none.
 */
async function startBehind(
  { rules, path, tls, environment = {} }: {
    rules: string;
    path: string | null;
    tls?: NginxOptions["tls"];
    environment?: Record<string, string>;
  },
): Promise<Behind> {
  await using stack = new AsyncDisposableStack();
  // Each has to know the other's port.
  const port = freePort();
  const proxy = stack.use(
    await startNginx({
      rules: rules.replaceAll("127.0.0.1:8888", `127.0.0.1:${port}`),
      ...(tls && { tls }),
    }),
  );
  const url = proxy.url.replace("127.0.0.1", NAME) + (path ?? "/");
  const sluice = stack.use(
    await startSluice({
      flags: [`--port=${port}`],
      environment: {
        ...(path !== null && {
          PUBLIC_URL: url,
          AUTH_TOKEN: TOKEN,
          ALLOW_PRIVATE: "true",
          TRUSTED_PROXIES: "loopback",
        }),
        ...environment,
      },
    }),
  );
  const both = stack.move();
  return { url, sluice, [Symbol.asyncDispose]: () => both.disposeAsync() };
}

/** How far to the right a page's texts and buttons reach, in pixels. */
function widthOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const range = document.createRange();
    const ends = [...document.querySelectorAll("p, button")].map((element) => {
      range.selectNodeContents(element);
      return range.getBoundingClientRect().right;
    });
    return Math.max(...ends);
  });
}

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
}

/** Logs in, downloads a file, reads it back, and logs out again. */
async function useAll(browser: Browser, { url }: Behind): Promise<void> {
  await using origin = await startOrigin();
  await using open = await openPage(browser, { ignoreHTTPSErrors: true });
  const { page, complaints } = open;
  await page.goto(url);
  await logIn(page, "wrong");
  await page.getByText("That is not the token").waitFor();
  await logIn(page, TOKEN);
  await page.getByText("Nothing here yet").waitFor();
  assertEquals(page.url(), url);
  const [cookie] = await page.context().cookies();
  const { pathname, protocol } = new URL(url);
  assertEquals([cookie?.path, cookie?.secure, cookie?.httpOnly], [
    pathname,
    protocol === "https:",
    true,
  ]);
  await add(page, origin.serve("/a.txt", literal("its bytes")));
  await inState(page, "a.txt", "Downloaded");
  const id = await row(page, "a.txt").getAttribute("data-id");
  const bytes = await page.evaluate(
    (id) => fetch(`files/${id}`).then((answer) => answer.text()),
    id,
  );
  assertEquals(bytes, "its bytes");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Access token").waitFor();
  assertEquals(page.url(), url);
  // Chromium says of each 401 that it failed to load; those are meant.
  const others = complaints.filter((text) => !/status of 401/.test(text));
  assertEquals(others, []);
}

const STEPS: Record<string, Step> = {
  async "with the README's lines: a path that is taken off, and TLS"(browser) {
    await using behind = await startBehind({
      rules: await recipe(),
      path: "/sluice/",
      tls: "h2",
    });
    await useAll(browser, behind);
    await behind.sluice.printed(/People reach it by https:\/\/nas/);
  },

  async "a path that is left on"(browser) {
    await using behind = await startBehind({
      rules: (await recipe()).replace(":8888/;", ":8888;"),
      path: "/sluice/",
    });
    await useAll(browser, behind);
  },

  async "a path without its slash leads to where links are right"(browser) {
    await using behind = await startBehind({
      // It hands on /sluice as well, which nginx would lead on otherwise.
      rules: (await recipe()).replace(":8888/;", ":8888;")
        .replace("location /sluice/", "location /sluice"),
      path: "/sluice/",
    });
    await using open = await openPage(browser);
    await open.page.goto(behind.url.replace(/\/$/, "?a=b"));
    assertEquals(open.page.url(), `${behind.url}?a=b`);
    await useAll(browser, behind);
  },

  async "slashes that do not match"(browser) {
    await using behind = await startBehind({
      rules: (await recipe()).replace("location /sluice/", "location /sluice"),
      path: "/sluice/",
    });
    await useAll(browser, behind);
  },

  async "a name of its own, whose Host is handed on"(browser) {
    await using behind = await startBehind({
      rules: (await recipe())
        .replace("location /sluice/", "location /")
        .replace("}", "proxy_set_header Host $host; }"),
      path: "/",
      tls: "http/1.1",
    });
    await useAll(browser, behind);
  },

  async "a page whose socket is refused says why, and loses nothing"(browser) {
    await using behind = await startBehind({
      rules: (await recipe()).replace("/sluice/", "/"),
      path: null,
    });
    const { origin } = new URL(behind.url);
    await using open = await openPage(browser, { width: 360, height: 640 });
    const { page } = open;
    await page.goto(behind.url);
    const banner = page.locator("#banner");
    await banner.getByText(`Pages of "${origin}" may not connect`).waitFor();
    await banner.getByText(`PUBLIC_URL=${origin}/`).waitFor();
    assertLess(await widthOf(page), 360);
    await add(page, "https://a.test/typed");
    await page.getByText("There is no connection").waitFor();
    const field = page.getByLabel("Links to download");
    assertEquals(await field.inputValue(), "https://a.test/typed");
  },

  async "a login that would be refused says why before the token is typed"(
    browser,
  ) {
    await using behind = await startBehind({
      rules: (await recipe()).replace("/sluice/", "/"),
      path: null,
      environment: { AUTH_TOKEN: TOKEN },
    });
    const { origin } = new URL(behind.url);
    await using open = await openPage(browser, { width: 360, height: 640 });
    const { page } = open;
    await page.goto(behind.url);
    await page.getByText(`PUBLIC_URL=${origin}/`).waitFor();
    assertLess(await widthOf(page), 360);
    await logIn(page, TOKEN);
    await page.getByRole("heading", { name: "Not let in" })
      .waitFor();
    await page.getByText(`PUBLIC_URL=${origin}/`).waitFor();
  },

  async "a proxy that lets no WebSocket through is named"(browser) {
    await using behind = await startBehind({
      rules: (await recipe()).replace(/.*(Upgrade|Connection).*/g, ""),
      path: "/sluice/",
    });
    await using open = await openPage(browser);
    const { page } = open;
    await page.goto(behind.url);
    await logIn(page, TOKEN);
    await page.getByText("no WebSocket gets through").waitFor();
  },
};

if (!missing) testSteps("the page behind nginx in Chromium", STEPS);

Deno.test({
  name: "programs go through the proxy, and guess by their own address",
  ignore: missing,
  async fn() {
    await using behind = await startBehind({
      rules: await recipe(),
      path: "/sluice/",
      tls: "http/1.1",
    });
    const { sluice } = behind;
    const url = behind.url.replace(NAME, "localhost");
    await using directory = await makeDirectory();
    const ca = `${directory.path}/ca.pem`;
    await Deno.writeTextFile(ca, caCertificate);
    const listed = await run(
      [...taskArguments("list", ""), "--server", url.replace("https", "wss")],
      { SLUICE_TOKEN: TOKEN, DENO_CERT: ca },
    );
    assertEquals([listed.code, listed.stderr], [0, ""]);

    using client = Deno.createHttpClient({ caCerts: [caCertificate] });
    async function guess(address: string, token: string): Promise<number> {
      const answer = await fetch(`${url}metrics`, {
        client,
        headers: {
          authorization: `Bearer ${token}`,
          "x-forwarded-for": address,
        },
      });
      await answer.body?.cancel();
      return answer.status;
    }
    // nginx adds loopback, where these come from, which is trusted here.
    for (let n = 0; n < 10; n++) {
      assertEquals(await guess("192.0.2.1", `wrong${n}`), 401);
    }
    assertEquals(await guess("192.0.2.1", TOKEN), 429);
    assertEquals(await guess("192.0.2.2", TOKEN), 200);
    await sluice.printed(/turned away address="192\.0\.2\.1"/);
    assert(!sluice.output().includes('address="127.0.0.1"'));
  },
});
