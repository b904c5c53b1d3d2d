/** Ways of speaking HTTP that are odd, but right. */

import { assertEquals } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import { type Behaviour, literal } from "../support/origin.ts";
import { assertDownloaded } from "../support/status.ts";
import { gate, PATIENT, startTrial, TLS, WHOLE } from "../support/trial.ts";

for (const tls of [false, true]) {
  Deno.test(`each thread has a connection of its own${tls ? " over TLS" : ""}`, async () => {
    await using trial = await startTrial(
      { caCerts: [caCertificate] },
      tls ? TLS : {},
    );
    const all = gate();
    let arrived = 0;
    const url = trial.origin.serve("/a", WHOLE, ({ n }) =>
      n === 0 ? {} : {
        gates: {
          head() {
            if (++arrived === 4) all.open();
            return all.opened;
          },
        },
      });
    const id = await trial.downloads.add({ url });
    await assertDownloaded(await trial.downloads.end(id), WHOLE, "a");
    const together = trial.origin.requests.slice(1, 5);
    assertEquals(new Set(together.map(({ connection }) => connection)).size, 4);
  });
}

for (
  const [what, behave] of [
    ["HTTP/1.0", { version: "HTTP/1.0" }],
    ["HTTP/1.0 without ranges", { version: "HTTP/1.0", ranges: "ignore" }],
    ["HTTP/1.0 without ranges or length", {
      version: "HTTP/1.0",
      ranges: "ignore",
      framing: "close",
    }],
    ["Connection: close after each answer", { connection: "close" }],
    ["connections that close without a word", { connection: "drop" }],
    ["lower-case headers", { spelling: (name: string) => name.toLowerCase() }],
    ["upper-case headers", { spelling: (name: string) => name.toUpperCase() }],
    ["headers in oDD spelling", {
      spelling: (name: string) =>
        name.replace(/./g, (c, n) => n % 2 ? c.toUpperCase() : c.toLowerCase()),
    }],
    ["chunked slices", { framing: "chunked" }],
    ["slices that end with their connection", { framing: "close" }],
    ["Accept-Ranges: none, though there are some", {
      headers: { "Accept-Ranges": "none" },
    }],
  ] as [string, Behaviour][]
) {
  Deno.test(`an origin with ${what}`, async () => {
    // Dropped connections may cost some attempts.
    await using trial = await startTrial(PATIENT);
    const status = await trial.end(trial.origin.serve("/a", WHOLE, behave));
    await assertDownloaded(status, WHOLE, "a");
    assertEquals(status.ranges, behave.ranges !== "ignore");
    const connections = trial.origin.requests.map((r) => r.connection);
    if (behave.version) {
      assertEquals(new Set(connections).size, connections.length);
    }
  });
}

Deno.test("chunk extensions and trailers are no part of the file", async () => {
  // xroche/httrack#855, moonbitlang/async#618, python-hyper/h11#133
  await using trial = await startTrial();
  const raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" +
    "Trailer: X-Sum\r\n\r\n" +
    '5;a="b;c"\r\nbytes\r\n1  \r\n!\r\n0\r\nX-Sum: 1\r\n\r\n';
  const url = trial.origin.serve("/a", null, { raw });
  await assertDownloaded(await trial.end(url), literal("bytes!"), "a");
});

Deno.test("spaces around what headers say are no part of it", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE, ({ range }) => ({
    headers: {
      "Content-Range": `  Bytes  ${range?.start}-${
        Math.min(range?.end ?? 0, WHOLE.size) - 1
      }/${WHOLE.size} \t`,
      "ETag": ` \t${WHOLE.etag}  `,
    },
  }));
  const status = await trial.end(url);
  await assertDownloaded(status, WHOLE, "a");
  assertEquals(status.ranges, true);
});
