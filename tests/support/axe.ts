import type { Page } from "./playwright.ts";
import { start } from "./process.ts";

const VERSION = "4.10.3";

/**
 * axe-core's source. A process of its own reads it, with no lockfile: Deno
 * fetches all that a lockfile names whenever the program is started.
 */
export async function readAxe(): Promise<string> {
  const stdin = `import axe from "npm:axe-core@${VERSION}";
    await new Response(axe.source).body.pipeTo(Deno.stdout.writable);`;
  const alone = ["run", "-q", "--no-config", "--no-lock", "--no-prompt", "-"];
  const { code, stdout, stderr } = await start(alone, { stdin }).ended;
  if (code !== 0) throw new Error(`There is no axe-core: ${stderr}`);
  return stdout;
}

/**
 * What axe-core finds wrong with a page as it is seen now: each rule, and the
 * elements that break it. The page's policy does not hold for the debugger.
 */
export async function faultsOf(page: Page, axe: string): Promise<string[]> {
  if (!await page.evaluate(() => "axe" in globalThis)) {
    await page.evaluate(axe);
  }
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; help: string; nodes: { html: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, help, nodes }) =>
      `${id} (${help}): ${nodes.map(({ html }) => html).join("\n")}`
    );
  });
}
