/** Heads that Sluice repairs: through proxies, and with client certificates. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { CoordinatorOptions } from "../../lib/coordinator.ts";
import { parseProxy } from "../../lib/origin/proxies.ts";
import {
  caCertificate,
  serverCertificate,
  serverKey,
} from "../support/certificate.ts";
import { filesIn } from "../support/directory.ts";
import { authority, client, key } from "../support/faulty_certificates.ts";
import type { Behaviour } from "../support/origin.ts";
import { NO_PROXIES, startProxy } from "../support/proxy.ts";
import { startSilence } from "../support/silence.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import {
  endAlone,
  IMPATIENT,
  startTrial,
  TLS,
  type Trial,
  WHOLE,
} from "../support/trial.ts";

/** Every head is folded, and right. */
const FOLDED: Behaviour = { headers: { "X-A": "one\r\n two" } };

/** Where names are resolved, and where not. */
const HOSTS = ["localhost", "127.0.0.1"] as const;

/** Has all URLs asked through one proxy. */
function through(address: string): Partial<CoordinatorOptions> {
  const proxy = parseProxy(address) ?? null;
  return {
    proxies: { ...NO_PROXIES, http: proxy, https: proxy },
    caCerts: [caCertificate],
    workers: 1,
  };
}

/** A file comes whole, and in slices. */
async function assertRepaired(
  trial: Trial,
  host: typeof HOSTS[number] = "localhost",
) {
  trial.origin.serve("/a", WHOLE, FOLDED);
  const status = await trial.end(trial.origin.url("/a", host));
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.ranges, true);
  // No answer of a wire was cut.
  const setbacks = trial.downloads.log.filter(({ event }) =>
    event === "setback"
  );
  assertEquals(setbacks, []);
}

for (const tls of [false, true]) {
  const what = tls ? "an https origin" : "an http origin";
  const served = tls ? TLS : {};

  const schemes = ["http", "socks5", "socks5h"];
  for (const scheme of tls ? schemes : [...schemes, "https"]) {
    Deno.test(`${what} that folds lines, through ${scheme}://`, async () => {
      const secrets = scheme === "https" ? TLS : {};
      await using proxy = await startProxy(secrets);
      const options = through(`${scheme}://${proxy.address}`);
      await using trial = await startTrial(options, served);
      await assertRepaired(trial);
      const host = `localhost:${trial.origin.port}`;
      const expected = scheme.startsWith("socks")
        // The proxy resolves the name.
        ? `SOCKS ${host}`
        : tls
        ? `CONNECT ${host}`
        : `GET http://${host}/a`;
      // The first one is that of `fetch`.
      const asked = proxy.asked.filter((one) => one === expected);
      assertGreater(asked.length, 1, proxy.asked.join());
    });
  }

  for (const scheme of ["http", "socks5", ...(tls ? [] : ["https"])]) {
    Deno.test(`no more than the ${scheme} proxy gets its name, for ${what}`, async () => {
      const secrets = scheme === "https" ? TLS : {};
      const credentials = "me:p@ss";
      await using proxy = await startProxy({ ...secrets, credentials });
      const options = through(`${scheme}://me:p%40ss@${proxy.address}`);
      await using trial = await startTrial(options, served);
      await assertRepaired(trial, "127.0.0.1");
      for (const { lines } of trial.origin.requests) {
        assert(!lines.some((line) => /proxy-auth/i.test(line)), lines.join());
      }
    });
  }
}

Deno.test("a proxy's own 407 stays the proxy's, whatever its head is", async () => {
  const refusal = "HTTP/1.1 407 No\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n";
  await using proxy = await startProxy({ refusal });
  await using trial = await startTrial(through(`http://${proxy.address}`));
  const url = trial.origin.serve("/a", WHOLE);
  assertFailed(await endAlone(trial, url), "PROXY_AUTH", /^The proxy/);
  assertEquals(trial.origin.requests, []);
});

Deno.test("an address of NO_PROXY is asked directly each time", async () => {
  await using proxy = await startProxy();
  const options = through(`http://${proxy.address}`);
  const proxies = { ...NO_PROXIES, ...options.proxies, direct: ["127.0.0.1"] };
  await using trial = await startTrial({ ...options, proxies });
  await assertRepaired(trial, "127.0.0.1");
  assertEquals(proxy.asked, []);
});

/** The origin takes only clients with a certificate. */
const STRICT = {
  tls: { cert: serverCertificate, key: serverKey, ca: authority },
};
const CERTIFIED = {
  caCerts: [caCertificate],
  clientCertificate: { cert: client, key },
  workers: 1,
};

for (const host of HOSTS) {
  Deno.test(`an origin at ${host} that folds lines gets the client certificate`, async () => {
    await using trial = await startTrial(CERTIFIED, STRICT);
    await assertRepaired(trial, host);
  });
}

Deno.test("an origin that wants a certificate gives nothing without one", async () => {
  const options = { caCerts: [caCertificate], attempts: 1 };
  await using trial = await startTrial(options, STRICT);
  trial.origin.serve("/a", WHOLE, FOLDED);
  const { error } = await trial.end(trial.origin.url("/a"));
  assert(error !== null);
  assertEquals(filesIn(trial.downloads.directory), []);
  assertEquals(trial.origin.requests, []);
});

for (const scheme of ["http", "https", "socks5"]) {
  const given = scheme === "https" ? "TLS within TLS" : "a client certificate";
  Deno.test(`with ${given}, heads stay as they are through ${scheme}://`, async () => {
    const isTls = scheme === "https";
    await using proxy = await startProxy(isTls ? TLS : {});
    const options = {
      ...through(`${scheme}://${proxy.address}`),
      ...(isTls ? {} : CERTIFIED),
    };
    await using trial = await startTrial(options, isTls ? TLS : STRICT);
    const url = trial.origin.serve("/a", WHOLE, FOLDED);
    const said = /RFC 9112 §5.*Over https.*no such answer.*CLIENT_CERT/;
    assertFailed(await endAlone(trial, url), "UNREADABLE", said);
    assertEquals(trial.origin.requests.length, 1);
  });
}

for (const allowPrivate of [true, false]) {
  Deno.test(`with a client certificate, no origin is told an http proxy's name, private networks: ${allowPrivate}`, async () => {
    const credentials = "me:p@ss";
    await using proxy = await startProxy({ credentials });
    const options = through(`http://me:p%40ss@${proxy.address}`);
    await using trial = await startTrial(
      { ...options, ...CERTIFIED, allowPrivate },
      STRICT,
    );
    const url = trial.origin.serve("/a", WHOLE);
    const said = /^With CLIENT_CERT.*not asked: use a socks5:\/\//;
    assertFailed(await endAlone(trial, url), "PROXY_AUTH", said);
    assertEquals(proxy.asked, []);
    assertEquals(trial.origin.requests, []);
  });
}

for (const scheme of ["https", "socks5"]) {
  Deno.test(`with a client certificate, no origin is told a ${scheme} proxy's name`, async () => {
    const credentials = "me:p@ss";
    const secrets = scheme === "https" ? TLS : {};
    await using proxy = await startProxy({ ...secrets, credentials });
    const options = through(`${scheme}://me:p%40ss@${proxy.address}`);
    await using trial = await startTrial({ ...options, ...CERTIFIED }, STRICT);
    const url = trial.origin.serve("/a", WHOLE);
    await assertDownloaded(await trial.end(url), WHOLE, "a");
    for (const { lines } of trial.origin.requests) {
      assert(!lines.some((line) => /proxy-auth/i.test(line)), lines.join());
    }
  });
}

Deno.test("where private networks are denied, certificates go by fetch only", async () => {
  await using trial = await startTrial(
    { ...CERTIFIED, allowPrivate: false },
    STRICT,
  );
  const url = trial.origin.serve("/a", WHOLE, FOLDED);
  assertFailed(await endAlone(trial, url), "UNREADABLE", /private networks/);
});

for (const given of [CERTIFIED, { caCerts: [caCertificate], workers: 1 }]) {
  const what = given === CERTIFIED ? "with" : "without";
  Deno.test(`a connection ${what} a certificate that stalls is given up`, async () => {
    const options = { ...given, ...IMPATIENT, attempts: 2 };
    await using trial = await startTrial(options, TLS);
    const url = trial.origin.serve("/a", WHOLE, {
      ...FOLDED,
      gates: { 1000: () => new Promise(() => {}) },
    });
    assertFailed(await endAlone(trial, url), "STALLED", /0.4 s.*retry/);
    for (const { ended } of trial.origin.requests) {
      assertEquals(await ended, "gone");
    }
  });
}

Deno.test("a silent proxy is blamed in the other way, too", async () => {
  using silence = await startSilence();
  const options = through(`socks5://${silence.address}`);
  await using trial = await startTrial({
    ...options,
    connectTimeout: 500,
    attempts: 1,
  });
  const url = trial.origin.serve("/a", WHOLE);
  assertFailed(await endAlone(trial, url), "PROXY", /takes no connection/);
});

/** What stands before a proxy: it lets one connection through, and holds others. */
interface Gate extends AsyncDisposable {
  readonly address: string;
  /** Resolves when Sluice has ended the connections that were held. */
  ended(): Promise<unknown>;
}

/** @param say What those that are held get to hear. */
function startGate(
  proxy: string,
  say: (client: Deno.Conn) => Promise<unknown>,
): Gate {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const held: Promise<unknown>[] = [];

  async function pass(client: Deno.Conn) {
    const port = Number(new URL(`http://${proxy}`).port);
    const upstream = await Deno.connect({ hostname: "127.0.0.1", port });
    conns.push(upstream);
    client.readable.pipeTo(upstream.writable).catch(() => {});
    upstream.readable.pipeTo(client.writable).catch(() => {});
  }

  async function hold(client: Deno.Conn) {
    const saying = say(client).catch(() => {});
    const buffer = new Uint8Array(1000);
    while (await client.read(buffer).catch(() => null) !== null);
    await saying;
  }

  const accepting = (async () => {
    for await (const client of listener) {
      conns.push(client);
      if (conns.length === 1) await pass(client);
      else held.push(hold(client));
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    ended: () => Promise.all(held),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const conn of conns) {
        try {
          conn.close();
        } catch {
          // A pipe has closed it.
        }
      }
      await Promise.all(held);
    },
  };
}

const OK = new TextEncoder().encode("HTTP/1.1 200 OK\r\n");

for (
  const [what, scheme, say] of [
    ["says nothing", "http", () => Promise.resolve()],
    ["says nothing", "socks5", () => Promise.resolve()],
    ["greets, and no more", "socks5", (client) => {
      return client.write(Uint8Array.of(5, 0));
    }],
    ["dribbles its answer", "http", async (client) => {
      await client.write(OK);
      for (;;) {
        await client.write(OK.subarray(0, 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }],
    ["makes a tunnel to silence", "http", (client) => {
      return client.write(Uint8Array.of(...OK, 13, 10));
    }],
  ] as [string, string, (client: Deno.Conn) => Promise<unknown>][]
) {
  Deno.test(`a proxy, ${scheme}, that ${what} is given up in time, and blamed`, async () => {
    await using proxy = await startProxy();
    await using gate = startGate(proxy.address, say);
    await using trial = await startTrial({
      ...through(`${scheme}://${gate.address}`),
      ...IMPATIENT,
      attempts: 1,
    }, TLS);
    const url = trial.origin.serve("/a", WHOLE, FOLDED);
    const said = /^Neither the proxy nor the origin.* 0\.4 s: check the proxy/;
    assertFailed(await endAlone(trial, url), "STALLED", said);
    assertEquals(trial.origin.requests.length, 1);
    // Deno keeps a connection whose TLS handshake was given up for as long as
    // its peer says nothing.
    if (!what.startsWith("makes a tunnel")) await gate.ended();
  });
}
