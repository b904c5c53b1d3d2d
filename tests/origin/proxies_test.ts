import { assertEquals } from "@std/assert";
import {
  parseNoProxy,
  parseProxy,
  proxyFor,
} from "../../lib/origin/proxies.ts";

Deno.test("what is a proxy's URL", () => {
  for (
    const [text, url] of [
      ["http://p.test:3128", "http://p.test:3128/"],
      ["p.test:3128", "http://p.test:3128/"],
      ["localhost:3128", "http://localhost:3128/"],
      ["127.0.0.1:3128", "http://127.0.0.1:3128/"],
      ["https://p.test", "https://p.test/"],
      ["HTTP://me:p%40ss@p.test:1/", "http://me:p%40ss@p.test:1/"],
      ["me:p@ss@p.test:1", "http://me:p%40ss@p.test:1/"],
      ["http://token@p.test:1", "http://token:@p.test:1/"],
      ["https://token:@p.test", "https://token:@p.test/"],
      ["http://:p@p.test:1", "http://:p@p.test:1/"],
      ["socks5://p.test", "socks5://p.test:1080"],
      ["socks5h://[::1]:9", "socks5h://[::1]:9"],
    ] as const
  ) assertEquals(parseProxy(text), url, text);
  for (
    const text of [
      "socks4://p.test:1",
      "socks://p.test:1",
      "ftp://p.test",
      "foo://p.test",
      "not a url",
      "http://",
      "socks5://",
      "socks5://me@p.test:1",
      "socks5h://:p@p.test:1",
      "://p.test",
      "p.test:99999",
      "http://p.test/path",
      "p.test?x",
    ]
  ) assertEquals(parseProxy(text), undefined, text);
});

Deno.test("what NO_PROXY keeps from the proxy, as curl reads it", () => {
  const direct: [string, string][] = [
    ["*", "http://a.test/"],
    ["a.test", "http://a.test/"],
    ["a.test", "http://b.a.test/"],
    [".a.test", "http://b.a.test/"],
    [".a.test", "http://a.test/"],
    ["A.Test", "http://a.TEST/"],
    ["a.test.", "http://a.test/"],
    ["a.test", "http://a.test./"],
    ["b.test, a.test", "http://a.test/"],
    ["b.test a.test", "https://a.test/"],
    ["a.test:8080", "http://a.test:8080/"],
    ["a.test:443", "https://a.test/"],
    ["127.0.0.1", "http://127.0.0.1:9/"],
    ["127.0.0.1", "http://2130706433/"],
    ["10.0.0.0/8", "http://10.1.2.3/"],
    ["192.168.1.0/25", "http://192.168.1.127/"],
    ["::1", "http://[::1]/"],
    ["[::1]", "http://[::1]/"],
    ["[::1]:80", "http://[0:0::1]/"],
    ["fe80::/10", "http://[febf::1]/"],
  ];
  const proxied: [string, string][] = [
    ["", "http://a.test/"],
    ["a.test", "http://ba.test/"],
    ["b.a.test", "http://a.test/"],
    ["a.test:8080", "http://a.test/"],
    ["*.test", "http://a.test/"],
    ["127.0.0.1", "http://127.0.0.2/"],
    ["0.0.1", "http://127.0.0.1/"],
    ["10.0.0.0/8", "http://11.1.2.3/"],
    ["192.168.1.0/25", "http://192.168.1.128/"],
    ["fe80::/10", "http://[fec0::1]/"],
    ["0.0.0.0/0", "http://[::1]/"],
    [".", "http://a.test/"],
  ];
  const proxy = "http://p.test:1/";
  for (const [entries, cases] of [[null, direct], [proxy, proxied]] as const) {
    for (const [list, url] of cases) {
      const proxies = { http: proxy, https: proxy, direct: parseNoProxy(list) };
      const said = proxyFor(new URL(url), proxies);
      assertEquals(said, entries, `${list} for ${url}`);
    }
  }
});
