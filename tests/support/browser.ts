import type { Browser, Page } from "./playwright.ts";

/** Debian's. Without what draws windows, the tests take half the time. */
const BINARIES = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/** Whether there is a Chromium to start. */
export function chromiumInstalled(): boolean {
  return BINARIES.some(isThere);
}

/** Starts Chromium without a window, and with no calls home. */
export async function startChromium(): Promise<Browser> {
  // Playwright looks below /proc/sys for WSL as it is loaded, which Deno allows
  // to nobody without --allow-all. With this set it does not.
  Deno.env.set("__IS_WSL_TEST__", "true");
  const { chromium } = await import("./playwright.ts");
  return await chromium.launch({
    executablePath: BINARIES.find(isThere) ?? "",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** How a page is opened. */
export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce" | "no-preference";
  /** Where its clock is read, such as `Asia/Kolkata`; where the machine is. */
  readonly timezoneId?: string;
  /** Whether it takes certificates that nobody vouches for. */
  readonly ignoreHTTPSErrors?: boolean;
}

/** A page of its own, and all that it complained of. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors in the console, exceptions and breaches of the policy. */
  readonly complaints: readonly string[];
}

/** Opens an empty page that keeps what it complains of. */
export async function openPage(
  browser: Browser,
  options: PageOptions = {},
): Promise<OpenPage> {
  const { width = 1280, height = 800, ...rest } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    ...rest,
  });
  const page = await context.newPage();
  // Busy machines take longer than the 30 s that Playwright has patience for.
  page.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => void complaints.push(String(error)));
  return {
    page,
    complaints,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
