/** The client where there is no Deno: in a browser, and in Node. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { stripTypeScriptTypes } from "node:module";
import {
  chromiumInstalled,
  openPage,
  startChromium,
} from "../support/browser.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";

const LIB = fromFileUrl(new URL("../../lib", import.meta.url));

/** What a program runs that has the client. */
const PROGRAM = `
  const sluice = await connect(place);
  const id = await sluice.add(url);
  const { process_status } = await sluice.ended(id);
  sluice.close();
`;

/** A module of the client's, as what knows no types runs it. */
function script(name: string): string {
  const text = Deno.readTextFileSync(join(LIB, "client", name));
  const imported = text.matchAll(
    /^(import|export) (?!type\b)[^;]*?from "(.*)";/gms,
  )
    .map(([, , path = ""]) => path).toArray();
  // What it imports to run, and not for its types, stands beside it.
  for (const path of imported) {
    assert(path.startsWith("./"), `${name}: ${path}`);
  }
  return stripTypeScriptTypes(text);
}

Deno.test({
  name: "the client runs in a browser",
  ignore: !chromiumInstalled(),
  async fn() {
    await using origin = await startOrigin();
    await using page = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => {
        const [, name] = new URL(url).pathname.match(/^\/(\w+\.ts)$/) ?? [];
        const type = name === undefined ? "text/html" : "text/javascript";
        const body = name === undefined ? "<!DOCTYPE html>" : script(name);
        return new Response(body, { headers: { "content-type": type } });
      },
    );
    const place = `http://127.0.0.1:${page.addr.port}`;
    await using sluice = await startSluice({
      environment: { ALLOWED_ORIGINS: place },
    });
    const browser = await startChromium();
    try {
      await using open = await openPage(browser);
      await open.page.goto(place);
      const url = origin.serve("/f.bin", file(1_000));
      const status = await open.page.evaluate(`(async () => {
        const { connect } = await import("/client.ts");
        const [place, url] = ${JSON.stringify([sluice.url, url])};
        ${PROGRAM}
        return process_status;
      })()`);
      assertEquals([status, open.complaints], ["Downloaded", []]);
    } finally {
      await browser.close();
    }
  },
});

/** Whether there is a Node that has WebSockets, as it has from 22 on. */
function nodeInstalled(): boolean {
  try {
    const { stdout } = new Deno.Command("node", { args: ["--version"] })
      .outputSync();
    const version = new TextDecoder().decode(stdout).match(/^v(\d+)/)?.[1];
    return Number(version) >= 22;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "the client runs in Node, which ends once it is closed",
  ignore: !nodeInstalled(),
  async fn() {
    await using origin = await startOrigin();
    await using sluice = await startSluice();
    const url = origin.serve("/f.bin", file(1_000));
    const { stdout, stderr } = await new Deno.Command("node", {
      args: [
        "--experimental-strip-types",
        "--input-type=module",
        "--eval",
        `import { connect } from ${
          JSON.stringify(join(LIB, "client/client.ts"))
        };
         const [place, url] = ${JSON.stringify([sluice.url, url])};
         ${PROGRAM}
         console.log(process_status);`,
      ],
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertEquals(text, "Downloaded\n", new TextDecoder().decode(stderr));
  },
});
