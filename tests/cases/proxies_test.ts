/** Proxies, and what they answer in an origin's place. */

import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { parseProxy } from "../../lib/origin/proxies.ts";
import { caCertificate } from "../support/certificate.ts";
import { makeDirectory } from "../support/directory.ts";
import { bytesOf, startOrigin } from "../support/origin.ts";
import { NO_PROXIES, startProxy } from "../support/proxy.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { run, taskArguments } from "../support/sluice.ts";
import { endAlone, startTrial, TLS, WHOLE } from "../support/trial.ts";

/** Has all URLs asked through one proxy. */
function through(address: string) {
  const proxy = parseProxy(address) ?? null;
  return {
    proxies: { ...NO_PROXIES, http: proxy, https: proxy },
    caCerts: [caCertificate],
  };
}

for (const tls of [false, true]) {
  for (const scheme of ["http", "socks5", "socks5h"]) {
    const url = tls ? "an https URL" : "an http URL";
    Deno.test(`${url} through ${scheme}:// comes whole`, async () => {
      await using proxy = await startProxy();
      const options = through(`${scheme}://${proxy.address}`);
      await using trial = await startTrial(options, tls ? TLS : {});
      trial.origin.serve("/a", WHOLE);
      const status = await trial.end(trial.origin.url("/a", "localhost"));
      await assertDownloaded(status, WHOLE, "a");
      const host = `localhost:${trial.origin.port}`;
      const expected = scheme !== "http"
        // The proxy resolves the name.
        ? `SOCKS ${host}`
        : tls
        ? `CONNECT ${host}`
        : `GET http://${host}/a`;
      assert(proxy.asked.includes(expected), proxy.asked.join());
    });
  }

  const url = tls ? "an https URL" : "an http URL";
  for (
    const [credentials, given] of [
      ["me:p@ss", "me:p%40ss"],
      ["token:", "token"],
    ] as const
  ) {
    Deno.test(`a proxy that wants ${credentials} gets it, for ${url}`, async () => {
      await using proxy = await startProxy({ credentials });
      const options = through(`http://${given}@${proxy.address}`);
      await using trial = await startTrial(options, tls ? TLS : {});
      const url = trial.origin.serve("/a", WHOLE);
      await assertDownloaded(await trial.end(url), WHOLE, "a");
    });
  }

  for (const given of ["", "me:wrong@"]) {
    Deno.test(`a proxy's 407 is the proxy's: ${given} for ${url}`, async () => {
      await using proxy = await startProxy({ credentials: "me:p@ss" });
      const options = through(`http://${given}${proxy.address}`);
      await using trial = await startTrial(options, tls ? TLS : {});
      const id = await trial.downloads.add({
        url: trial.origin.serve("/a", WHOLE),
      });
      const status = await trial.downloads.end(id);
      assertFailed(
        status,
        "PROXY_AUTH",
        /^The proxy .*name and password.*check/,
      );
      assertNotMatch(JSON.stringify(trial.downloads.log), /wrong/);
      assertEquals(proxy.asked.length, 1);
    });
  }

  for (const scheme of ["http", "socks5h"]) {
    Deno.test(`a dead ${scheme} proxy is blamed, for ${url}`, async () => {
      const address = await (async () => {
        await using proxy = await startProxy();
        return proxy.address;
      })();
      const options = through(`${scheme}://${address}`);
      await using trial = await startTrial(options, tls ? TLS : {});
      const id = await trial.downloads.add({
        url: trial.origin.serve("/a", WHOLE),
      });
      const status = await trial.downloads.end(id);
      assertFailed(status, "PROXY", /^The proxy does not take.*HTTP_PROXY/);
      assertEquals(trial.origin.requests, []);
    });
  }
}

for (
  const [what, scheme, granted] of [
    // curl/curl#1317
    [
      "speaks of chunks",
      "http",
      "HTTP/1.1 200 CONNECT OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    // ruby/webrick#87
    [
      "speaks of a length",
      "http",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ],
    // nmap/nmap#2365
    ["says a name", "socks5h", Uint8Array.of(5, 0, 0, 3, 1, 97, 0, 80)],
    // telegramdesktop/tdesktop#3574
    ["says an empty name", "socks5h", Uint8Array.of(5, 0, 0, 3, 0, 0, 0)],
  ] as const
) {
  for (const lines of ["right", "folded"]) {
    Deno.test(`a proxy that ${what} as it connects, heads ${lines}`, async () => {
      await using proxy = await startProxy({ granted });
      const options = through(`${scheme}://${proxy.address}`);
      await using trial = await startTrial(options, TLS);
      const folded = { headers: { "X-A": "one\r\n two" } };
      const behave = lines === "right" ? {} : folded;
      trial.origin.serve("/a", WHOLE, behave);
      const status = await trial.end(trial.origin.url("/a", "localhost"));
      await assertDownloaded(status, WHOLE, "a");
    });
  }
}

Deno.test("a SOCKS proxy that wants a name is blamed at once", async () => {
  await using proxy = await startProxy({ credentials: "me:p@ss" });
  await using trial = await startTrial(through(`socks5h://${proxy.address}`));
  const id = await trial.downloads.add({
    url: trial.origin.serve("/a", WHOLE),
  });
  assertFailed(await trial.downloads.end(id), "PROXY_AUTH", /^The proxy/);
});

Deno.test("what is no HTTP proxy is blamed at once, or the origin behind it", async () => {
  await using proxy = await startProxy({ refusal: "SSH-2.0-OpenSSH_9.6\r\n" });
  await using trial = await startTrial(through(`http://${proxy.address}`));
  const id = await trial.downloads.add({
    url: trial.origin.serve("/a", WHOLE),
  });
  const status = await trial.downloads.end(id);
  assertFailed(status, "UNREADABLE", /the proxy or the origin.*HTTP_PROXY/);
  assertEquals(proxy.asked.length, 2);
});

for (
  const refusal of [
    "HTTP/1.1 403 Forbidden\r\n\r\n",
    "HTTP/1.1 503 Busy\r\n\r\n",
  ]
) {
  Deno.test(`a proxy that refuses a tunnel is blamed: ${refusal.slice(9, 12)}`, async () => {
    await using proxy = await startProxy({ refusal });
    await using trial = await startTrial(through(proxy.address), TLS);
    const id = await trial.downloads.add({
      url: trial.origin.serve("/a", WHOLE),
    });
    const status = await trial.downloads.end(id);
    assertFailed(status, "PROXY", /^The proxy does not connect.*check/);
  });
}

for (
  const [status, code] of [[502, "ORIGIN_FAULT"], [503, "BUSY"]] as const
) {
  Deno.test(`a ${status} may be the proxy's own`, async () => {
    const refusal = `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`;
    await using proxy = await startProxy({ refusal });
    await using trial = await startTrial(through(`http://${proxy.address}`));
    const url = trial.origin.serve("/a", WHOLE);
    const { error } = await endAlone(trial, url);
    assertEquals(error?.code, code);
    assertMatch(error?.message ?? "", /^The origin, or the proxy before it,/);
  });

  Deno.test(`a ${status} through a tunnel is the origin's`, async () => {
    await using proxy = await startProxy();
    await using trial = await startTrial(through(`socks5h://${proxy.address}`));
    const url = trial.origin.serve("/a", WHOLE, { status });
    const { error } = await endAlone(trial, url);
    assertEquals(error?.code, code);
    assertMatch(error?.message ?? "", /^The origin answered/);
  });
}

Deno.test("an origin's certificate is the origin's through a proxy, too", async () => {
  await using proxy = await startProxy();
  const options = { ...through(proxy.address), caCerts: [] };
  await using trial = await startTrial(options, TLS);
  const id = await trial.downloads.add({
    url: trial.origin.serve("/a", WHOLE),
  });
  assertFailed(await trial.downloads.end(id), "TLS", /CA_FILE/);
});

/** Fetches with `get` as a process, with these in its environment. */
async function getWith(
  environment: (address: string) => Record<string, string>,
) {
  await using proxy = await startProxy();
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const url = origin.serve("/a", WHOLE);
  const words = [...taskArguments("get", directory.path), url];
  const ran = await run(words, environment(proxy.address));
  const bytes = ran.code === 0
    ? await Deno.readFile(`${directory.path}/a`)
    : null;
  return { ...ran, bytes, asked: proxy.asked, origin: origin.requests };
}

for (
  const [what, environment, proxied] of [
    ["http_proxy", (a) => ({ http_proxy: a }), true],
    ["HTTP_PROXY", (a) => ({ HTTP_PROXY: `http://${a}` }), true],
    ["ALL_PROXY", (a) => ({ ALL_PROXY: `socks5h://${a}` }), true],
    ["all_proxy", (a) => ({ all_proxy: `http://${a}` }), true],
    ["HTTP_PROXY before ALL_PROXY", (a) => ({
      HTTP_PROXY: a,
      ALL_PROXY: "http://127.0.0.1:1",
    }), true],
    ["HTTPS_PROXY for an http URL", (a) => ({ HTTPS_PROXY: a }), false],
    ["NO_PROXY=*", (a) => ({ HTTP_PROXY: a, NO_PROXY: "*" }), false],
    ["no_proxy with the host among others", (a) => ({
      HTTP_PROXY: a,
      no_proxy: "example.org 127.0.0.1",
    }), false],
    ["NO_PROXY with another host", (a) => ({
      HTTP_PROXY: a,
      NO_PROXY: "example.org",
    }), true],
  ] as [string, (address: string) => Record<string, string>, boolean][]
) {
  Deno.test(`get goes ${proxied ? "by" : "without"} the proxy: ${what}`, async () => {
    const { code, stderr, bytes, asked } = await getWith(environment);
    assertEquals([code, stderr.includes("error")], [0, false], stderr);
    assertEquals(bytes, bytesOf(WHOLE));
    assertEquals(asked.length > 0, proxied);
  });
}

for (
  const [name, value] of [
    ["HTTP_PROXY", "foo://me:secret@127.0.0.1:1"],
    ["https_proxy", "socks4://127.0.0.1:1"],
    ["ALL_PROXY", "not a url"],
    ["all_proxy", "http://"],
  ] as const
) {
  Deno.test(`${name}=${value} is refused at the start, in one line`, async () => {
    const { code, stdout, stderr, origin } = await getWith(() => ({
      [name]: value,
    }));
    assertEquals([code, stdout, origin], [2, "", []]);
    assertMatch(
      stderr,
      new RegExp(`^sluice: ${name} must be a proxy's URL.*\n$`),
    );
    assertNotMatch(stderr, /secret/);
  });
}

Deno.test("a dead proxy is never gone round", async () => {
  const { code, stderr, origin } = await getWith(() => ({
    ALL_PROXY: "http://me:secret@127.0.0.1:1",
    ATTEMPTS: "2",
    RETRY_WAIT: "10",
  }));
  assertEquals([code, origin], [1, []]);
  assertMatch(stderr, /The proxy does not take the connection/);
  assertNotMatch(stderr, /secret/);
});
