import {
  assert,
  assertEquals,
  assertNotMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as fc from "./support/fast_check.ts";
import { ConfigError, ENVIRONMENT, readConfig, settingsOf } from "../config.ts";

const FLAGS = settingsOf("serve").map(({ flag }) => flag);

const MiB = 1024 * 1024;

function read(
  flags: Record<string, unknown> = {},
  environment: Record<string, string> = {},
) {
  return readConfig(flags, (name) => environment[name]);
}

Deno.test("the ancestor's defaults hold", () => {
  const { threadsAmount, bytesAmount, broadcastTimeout, host, port } = read();
  assertEquals(
    { threadsAmount, bytesAmount, broadcastTimeout, host, port },
    {
      threadsAmount: 16,
      bytesAmount: 16 * MiB,
      broadcastTimeout: 500,
      host: "localhost",
      port: 8888,
    },
  );
});

Deno.test("a flag comes before the environment, that before the default", () => {
  const environment = { PORT: "1", THREADS_AMOUNT: "2" };
  const { port, threadsAmount, attempts } = read({ port: "3" }, environment);
  assertEquals({ port, threadsAmount, attempts }, {
    port: 3,
    threadsAmount: 2,
    attempts: 10,
  });
});

Deno.test("every setting can be set by its flag and by its variable", () => {
  const values = [
    "700",
    "20MiB",
    "true",
    "false",
    "https://example.org",
    "json",
    "loopback",
    "5",
    "20000",
    "nats://localhost/home",
  ];
  for (const [n, name] of ENVIRONMENT.entries()) {
    const differs = values.some((value) => {
      try {
        const byFlag = read({ [FLAGS[n] ?? ""]: value });
        assertEquals(read({}, { [name]: value }), byFlag);
        return JSON.stringify(byFlag) !== JSON.stringify(read());
      } catch (error) {
        if (error instanceof ConfigError) return false;
        throw error;
      }
    });
    assert(differs, name);
  }
});

Deno.test("an empty variable counts as unset, an empty flag does not", () => {
  const empty = Object.fromEntries(ENVIRONMENT.map((name) => [name, ""]));
  assertEquals(read({}, empty), read());
  assertThrows(() => read({ port: "" }), ConfigError, "PORT");
});

Deno.test("a setting's spaces around it do not count", () => {
  assertEquals(read({}, { PORT: " 80 " }).port, 80);
});

Deno.test("sizes have suffixes", () => {
  for (
    const [text, bytes] of [
      ["4096", 4096],
      ["4096B", 4096],
      ["64k", 65_536],
      ["64KiB", 65_536],
      ["64kb", 64_000],
      ["3 MiB", 3 * MiB],
      ["1g", 1024 * MiB],
      ["1GB", 1e9],
      ["1TiB", 2 ** 40],
    ] as const
  ) assertEquals(read({ "bytes-amount": text }).bytesAmount, bytes, text);
});

Deno.test("rates and their like may be left empty, for no limit", () => {
  const none = read();
  assertEquals(
    [none.limitRate, none.limitRatePerHost, none.maxDownloads],
    [null, null, null],
  );
  const set = read({ "limit-rate": "500k", "limit-rate-per-host": "2MB" });
  assertEquals([set.limitRate, set.limitRatePerHost], [512_000, 2_000_000]);
  assertEquals(read({ "max-downloads": "3" }).maxDownloads, 3);
});

Deno.test("a wrong value is named in one line, with its setting and what is allowed", () => {
  for (
    const [flag, value, allowed] of [
      ["threads-amount", "0", "from 1 to 1024"],
      ["threads-amount", "1025", "from 1 to 1024"],
      ["threads-amount", "-1", "a whole number"],
      ["threads-amount", "1.5", "a whole number"],
      ["threads-amount", "1e1", "a whole number"],
      ["threads-amount", "0x10", "a whole number"],
      ["threads-amount", "٣", "a whole number"],
      ["threads-amount", "NaN", "a whole number"],
      ["threads-amount", "9".repeat(400), "a whole number"],
      ["port", "65536", "from 0 to 65535"],
      ["bytes-amount", "1023", "from 1024"],
      ["bytes-amount", "16 Mibibyte", "16MiB"],
      ["bytes-amount", "1constructor", "16MiB"],
      ["bytes-amount", "MiB", "16MiB"],
      ["bytes-amount", "2TiB", "16MiB"],
      ["sync", "yes", "true or false"],
      ["sync", "constructor", "true or false"],
      ["sync", "__proto__", "true or false"],
      ["allow-private", "yes", "true or false"],
      ["allow-private", "constructor", "true or false"],
      ["host", "a b", "a host name"],
      ["host", "http://a/", "a host name"],
      ["log-format", "xml", "text or json"],
      ["allowed-origins", "*", "https://example.org"],
      ["allowed-origins", "https://a.test,null", "https://example.org"],
      ["allowed-origins", "null", "https://example.org"],
      ["allowed-origins", "https://a.test/app", ": write https://a.test"],
      ["allowed-origins", "wss://A.test:81/x", ": write https://a.test:81"],
      ["allowed-origins", "b.test", ": write https://b.test"],
      ["allowed-origins", "https://me@b.test", "without a path"],
      ["allowed-origins", "file:///a", "without a path"],
      ["public-url", "nas.test/sluice", "a URL such as"],
      ["public-url", "ws://nas.test/", "a URL such as"],
      ["public-url", "https://me:pw@nas.test/", "a URL such as"],
      ["public-url", "https://nas.test/?a=1", "a URL such as"],
      ["public-url", "https://nas.test/#a", "a URL such as"],
      ["trusted-proxies", "proxy.test", "10.0.0.0/8"],
      ["trusted-proxies", "10.0.0.0/33", "10.0.0.0/8"],
      ["trusted-proxies", "10", "10.0.0.0/8"],
      ["trusted-proxies", "10.0.0.1,,*", "10.0.0.0/8"],
      ["trusted-proxies", "::1/129", "10.0.0.0/8"],
      ["port", "80\n81", "from 0 to 65535"],
      ["content-directory", "", "a path"],
    ] as const
  ) {
    const { message } = assertThrows(
      () => read({ [flag]: value }),
      ConfigError,
    );
    assertStringIncludes(message, flag.toUpperCase().replaceAll("-", "_"));
    assertStringIncludes(message, JSON.stringify(value));
    assertStringIncludes(message, allowed);
    assertNotMatch(message, /\n/);
  }
});

Deno.test("a wrong piece of a timetable is named", () => {
  const { message } = assertThrows(
    () => read({ timetable: "Mon-Fri 08:00,512K 18:00,fast" }),
    ConfigError,
  );
  assertEquals(
    message,
    'TIMETABLE must be days, times and rates such as "Mon-Fri 08:00,512K ' +
      '18:00,off Sat-Sun pause", not "18:00,fast".',
  );
  assertEquals(read().timetable, null);
});

Deno.test("whatever is set, it is used or named as wrong", () => {
  const flag = fc.constantFrom(...FLAGS);
  fc.assert(
    fc.property(flag, fc.string(), (flag, value) => {
      try {
        read({ [flag]: value });
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("paths are absolute, and no CA file is none", () => {
  assertEquals(read().contentDirectory, `${Deno.cwd()}/downloads`);
  assertEquals(read({ "content-directory": "/x/../y" }).contentDirectory, "/y");
  assertEquals(read().caFile, null);
  assertEquals(read({ "ca-file": "ca.pem" }).caFile, `${Deno.cwd()}/ca.pem`);
});

Deno.test("origins are separated by commas", () => {
  const origins = read({
    "allowed-origins": "https://a.test, http://b.test:81,",
  });
  assertEquals(origins.allowedOrigins, ["https://a.test", "http://b.test:81"]);
  assertEquals(read().allowedOrigins, []);
});

Deno.test("origins are written as browsers write them", () => {
  for (
    const [text, origin] of [
      ["https://a.test/", "https://a.test"],
      ["HTTPS://A.test:443", "https://a.test"],
      ["http://[::1]:80/", "http://[::1]"],
      ["chrome-extension://ahfgeienlihckogm", undefined],
      ["moz-extension://11111111-2222-3333-4444-555555555555", undefined],
      [
        "safari-web-extension://1A2B3C4D/",
        "safari-web-extension://1a2b3c4d",
      ],
    ] as const
  ) {
    const { allowedOrigins } = read({ "allowed-origins": text });
    assertEquals(allowedOrigins, [origin ?? text], text);
  }
});

Deno.test("a public URL ends in a slash", () => {
  for (
    const [text, url] of [
      ["https://nas.test", "https://nas.test/"],
      ["HTTPS://Nas.test:443/Sluice", "https://nas.test/Sluice/"],
      ["http://nas.test:81/a/b/", "http://nas.test:81/a/b/"],
    ]
  ) assertEquals(read({ "public-url": text }).publicUrl, url);
  assertEquals(read().publicUrl, null);
});

Deno.test("proxies are addresses and networks, and loopback is two", () => {
  const text = "loopback, 10.0.0.0/8,FD00::/8, 192.0.2.1";
  const { trustedProxies } = read({ "trusted-proxies": text });
  const wanted = ["127.0.0.0/8", "::1", "10.0.0.0/8", "fd00::/8", "192.0.2.1"];
  assertEquals(trustedProxies, wanted);
  assertEquals(read().trustedProxies, []);
});

Deno.test("settings cannot be changed afterwards", () => {
  const config = read() as { port: number };
  assertThrows(() => config.port = 1, TypeError);
});

Deno.test("there are no more workers than threads", () => {
  for (const [workers, expected] of [["2", 2], ["3", 3], ["8", 3]] as const) {
    const environment = { WORKERS: workers, THREADS_AMOUNT: "3" };
    assertEquals(read({}, environment).workers, expected);
  }
});
