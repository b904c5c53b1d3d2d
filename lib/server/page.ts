/** The page: which of its files is at which path, and under which rules. */

import { eTag, ifNoneMatch } from "@std/http/etag";

const STYLES = [
  "add.css",
  "base.css",
  "detail.css",
  "frame.css",
  "list.css",
  "login.css",
  "messages.css",
  "selection.css",
  "strip.css",
  "theme.css",
];

/** What an installed page shows itself with. */
const ICONS = [
  "icon.svg",
  "icon-192.png",
  "icon-512.png",
  "icon-maskable.png",
];

const SCRIPTS = [
  "actions.js",
  "add.js",
  "add_words.js",
  "advice.js",
  "app.js",
  "bulk.js",
  "chart.js",
  "commands.js",
  "connection.js",
  "curl.js",
  "detail.js",
  "dialogs.js",
  "dom.js",
  "done.js",
  "dragging.js",
  "entry.js",
  "folders.js",
  "format.js",
  "given.js",
  "incoming.js",
  "kept.js",
  "keys.js",
  "known.js",
  "language.js",
  "limits.js",
  "list.js",
  "login.js",
  "media_types.js",
  "model.js",
  "nodes.js",
  "notices.js",
  "options.js",
  "overview.js",
  "proxies.js",
  "row.js",
  "selecting.js",
  "selection.js",
  "session.js",
  "strip.js",
  "urls.js",
  "view.js",
  "webhook.js",
  "words.js",
  "words/de.js",
  "words/en.js",
  "words/es.js",
  "words/ru.js",
  "words/zh.js",
];

/** Nothing is served that is not named here. */
const FILES: ReadonlyMap<string, string> = new Map([
  ["/", "index.html"],
  ...[...ICONS, ...STYLES, ...SCRIPTS, "manifest.webmanifest"]
    .map((name) => [`/ui/${name}`, name] as const),
]);

/** The paths of the page's files, `/` aside: the login page needs some, too. */
export const PAGE_PATHS: readonly string[] = [...FILES.keys()]
  .filter((path) => path !== "/");

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};

/**
 * The file of the page that a request asks for; null if it asks for none. None
 * of them holds a secret.
 *
 * @param path As routes know it, without the path of the public URL.
 * @param publicUrl By which people reach the server; null if they do directly.
 */
export function servePage(
  request: Request,
  path: string = new URL(request.url).pathname,
  publicUrl: string | null = null,
): Promise<Response> | null {
  const name = FILES.get(path);
  return name === undefined ? null : serve(request, name, 200, publicUrl);
}

/** The page that asks for the token; it posts the field `token` to `/login`. */
export function serveLogin(
  request: Request,
  publicUrl: string | null = null,
): Promise<Response> {
  return serve(request, "login.html", 401, publicUrl);
}

async function serve(
  request: Request,
  name: string,
  status: 200 | 401,
  publicUrl: string | null,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const body = await Deno.readFile(new URL(`./ui/${name}`, import.meta.url));
  const etag = await eTag(body) ?? "";
  const headers = new Headers({
    ...rules([request.url, publicUrl ?? request.url]),
    etag,
    // Ask each time: a new version's files must never mix with an old one's.
    "cache-control": status === 200 ? "no-cache" : "no-store",
    vary: "Cookie",
    ...(status === 401 && { "www-authenticate": "Bearer" }),
  });
  const known = !ifNoneMatch(request.headers.get("if-none-match"), etag);
  if (known && status === 200) {
    return new Response(null, { status: 304, headers });
  }
  headers.set("content-type", TYPES[name.split(".").at(-1) ?? ""] ?? "");
  headers.set("content-length", String(body.length));
  return new Response(request.method === "HEAD" ? null : body, {
    status,
    headers,
  });
}

/**
 * What a browser is to allow the page: its own files and its own socket.
 *
 * @param urls By which the page may be reached: a proxy may ask by another host
 * than the browser does.
 */
function rules(urls: readonly string[]): Record<string, string> {
  const hosts = new Set(urls.map((url) => new URL(url).host));
  const sockets = [...hosts].map((host) => `ws://${host} wss://${host}`);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "manifest-src 'self'",
    // Some browsers do not take a WebSocket of the same host for 'self'.
    `connect-src 'self' ${sockets.join(" ")}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-resource-policy": "same-origin",
    // With no-referrer a form would post with `Origin: null`.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  };
}
