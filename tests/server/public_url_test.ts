import { assertEquals } from "@std/assert";
import {
  cookiePlace,
  pathsBelow,
  withSlash,
} from "../../lib/server/public_url.ts";

const PUBLIC = "https://nas.test/a/sluice/";

Deno.test("a path is known with the public URL's path, and without", () => {
  for (
    const [pathname, paths] of [
      ["/", ["/"]],
      ["/files/1", ["/files/1"]],
      ["/a/sluice/", ["/a/sluice/", "/"]],
      ["/a/sluice", ["/a/sluice", "/"]],
      ["/a/sluice/files/1", ["/a/sluice/files/1", "/files/1"]],
      ["/a/sluices/files/1", ["/a/sluices/files/1"]],
      ["/a/", ["/a/"]],
      ["//ui/app.js", ["/ui/app.js"]],
    ] as const
  ) assertEquals(pathsBelow(pathname, PUBLIC), paths, pathname);
  for (const url of [null, "https://nas.test/"]) {
    assertEquals(pathsBelow("/a/sluice/", url), ["/a/sluice/"]);
  }
});

Deno.test("a page without its slash is led to where its links are right", () => {
  function led(path: string, publicUrl: string | null = PUBLIC) {
    const url = new URL(path, "http://127.0.0.1:8888");
    const location = withSlash(url, publicUrl);
    return location === null ? null : new URL(location, url).href;
  }
  assertEquals(led("/a/sluice"), "http://127.0.0.1:8888/a/sluice/");
  assertEquals(led("/a/sluice?b=c"), "http://127.0.0.1:8888/a/sluice/?b=c");
  for (const path of ["/", "/a", "/a/sluice/", "/sluice"]) {
    assertEquals(led(path), null, path);
    assertEquals(led(path, null), null, path);
    assertEquals(led(path, "https://nas.test/"), null, path);
  }
});

Deno.test("a session goes where the browser is, over TLS if it is there", () => {
  function scope(origin: string | null, publicUrl: string | null = PUBLIC) {
    const headers = new Headers(origin === null ? {} : { origin });
    const { path, secure } = cookiePlace(headers, publicUrl);
    return [path, secure];
  }
  assertEquals(scope("https://nas.test"), ["/a/sluice/", true]);
  assertEquals(scope("http://192.168.0.2:8888"), ["/", false]);
  assertEquals(scope("http://nas.test"), ["/", false]);
  assertEquals(scope("https://nas.test", null), ["/", true]);
  assertEquals(scope("http://nas.test", "http://nas.test/"), ["/", false]);
  assertEquals(scope(null), ["/", false]);
  assertEquals(scope("null"), ["/", false]);
});
