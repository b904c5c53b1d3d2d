import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveLogin, servePage } from "../../lib/server/page.ts";

const UI = new URL("../../lib/server/ui/", import.meta.url);

function ask(path: string, init?: RequestInit): Promise<Response> {
  const answer = servePage(new Request(`http://localhost:8888${path}`, init));
  if (answer === null) throw new Error(`${path} is not of the page`);
  return answer;
}

/** Names of all files, with those of folders before them. */
async function* filesOf(folder: URL, before = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = before + name;
    if (!isDirectory) yield path;
    else yield* filesOf(new URL(`${name}/`, folder), `${path}/`);
  }
}

Deno.test("the page and all of its files are served with their types", async () => {
  const types: Record<string, string> = {
    css: "text/css; charset=utf-8",
    html: "text/html; charset=utf-8",
    js: "text/javascript; charset=utf-8",
    png: "image/png",
    svg: "image/svg+xml",
    webmanifest: "application/manifest+json",
  };
  const page = await ask("/");
  assertEquals(page.status, 200);
  assertEquals(page.headers.get("content-type"), types.html);
  assertStringIncludes(await page.text(), "<title>Sluice</title>");
  for await (const name of filesOf(UI)) {
    const type = types[name.split(".").at(-1) ?? ""];
    if (name.endsWith(".html")) continue;
    const answer = await ask(`/ui/${name}`);
    assertEquals([answer.status, answer.headers.get("content-type")], [
      200,
      type,
    ], name);
    const wanted = await Deno.readFile(new URL(name, UI));
    assertEquals(await answer.bytes(), wanted, name);
  }
});

Deno.test("what the pages and modules refer to is there", async () => {
  for await (const name of filesOf(UI)) {
    if (!/\.(html|js)$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(name, UI));
    const base = `http://localhost/${name.endsWith(".js") ? `ui/${name}` : ""}`;
    const links = text.matchAll(
      /(?:src|href)="([^"#]+)"|(?:^(?:import|\} from)[^"\n]* |\bimport\()"(\.[^"]+)"/gm,
    );
    for (const [, attribute, module] of links) {
      const { pathname } = new URL(attribute ?? module ?? "", base);
      const answer = await ask(pathname);
      await answer.body?.cancel();
      assertEquals(answer.status, 200, `${name}: ${pathname}`);
    }
  }
});

Deno.test("nothing is served that is not named", () => {
  for (
    const path of [
      "/ui/",
      "/ui/index.html",
      "/ui/login.html",
      "/ui/../page.ts",
      "/ui/%2e%2e/page.ts",
      "/ui/..%2fpage.ts",
      "/page.ts",
      "/ui/toString",
      "/favicon.ico",
    ]
  ) {
    const request = new Request(`http://localhost:8888${path}`);
    assertEquals(servePage(request), null, path);
  }
});

Deno.test("the policy allows the page's own files and socket only", async () => {
  const answer = await ask("/", { method: "HEAD" });
  assertEquals(answer.body, null);
  const policy = answer.headers.get("content-security-policy") ?? "";
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "manifest-src 'self'",
    "connect-src 'self' ws://localhost:8888 wss://localhost:8888",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
  assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
  assertEquals(answer.headers.get("referrer-policy"), "same-origin");
});

Deno.test("the policy allows the socket of the public URL, whatever Host is asked", async () => {
  const request = new Request("http://127.0.0.1:8888/", { method: "HEAD" });
  const url = "https://nas.test:8443/sluice/";
  const answer = await servePage(request, "/", url);
  assertStringIncludes(
    answer?.headers.get("content-security-policy") ?? "",
    "connect-src 'self' ws://127.0.0.1:8888 wss://127.0.0.1:8888 " +
      "ws://nas.test:8443 wss://nas.test:8443;",
  );
});

Deno.test("a file that is known already is not sent again", async () => {
  const first = await ask("/ui/app.js");
  await first.body?.cancel();
  const etag = first.headers.get("etag") ?? "";
  assertEquals(/^"[^"]+"$/.test(etag), true);
  const again = await ask("/ui/app.js", {
    headers: { "if-none-match": `"x", W/${etag}` },
  });
  assertEquals([again.status, again.body], [304, null]);
  const other = await ask("/ui/app.js", {
    headers: { "if-none-match": '"x"' },
  });
  await other.body?.cancel();
  assertEquals(other.status, 200);
});

Deno.test("the page can only be read", async () => {
  const answer = await ask("/", { method: "POST" });
  assertEquals([answer.status, answer.headers.get("allow")], [
    405,
    "GET, HEAD",
  ]);
});

Deno.test("the login is a 401 that nobody keeps", async () => {
  const answer = await serveLogin(new Request("http://localhost:8888/"));
  assertEquals(answer.status, 401);
  assertEquals(answer.headers.get("cache-control"), "no-store");
  const text = await answer.text();
  assertStringIncludes(text, '<form method="post" action="login">');
  assertStringIncludes(text, 'name="token"');
});
