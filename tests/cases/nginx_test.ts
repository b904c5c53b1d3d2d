import { assertEquals } from "@std/assert";
import { caCertificate } from "../support/certificate.ts";
import { nginxInstalled, startNginx } from "../support/nginx.ts";
import { bytesOf, file } from "../support/origin.ts";

const missing = !nginxInstalled();
if (missing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs nginx");
  console.warn("nginx is not installed: its tests are ignored");
}

Deno.test(
  "nginx serves ranges of a directory",
  { ignore: missing },
  async () => {
    const content = bytesOf(file(1000));
    await using nginx = await startNginx();
    await Deno.writeFile(`${nginx.root}/a`, content);

    const answer = await fetch(`${nginx.url}/a`, {
      headers: { Range: "bytes=10-19" },
    });
    assertEquals(answer.status, 206);
    assertEquals(await answer.bytes(), content.slice(10, 20));
  },
);

Deno.test("nginx speaks HTTP/1.1 and HTTP/2 over TLS", {
  ignore: missing,
}, async () => {
  for (const tls of ["http/1.1", "h2"] as const) {
    await using nginx = await startNginx({ tls });
    using client = Deno.createHttpClient({ caCerts: [caCertificate] });
    const answer = await fetch(`${nginx.url}/none`, { client });
    await answer.body?.cancel();
    assertEquals(answer.status, 404);

    using connection = await Deno.connectTls({
      hostname: "127.0.0.1",
      port: Number(new URL(nginx.url).port),
      caCerts: [caCertificate],
      alpnProtocols: ["h2", "http/1.1"],
    });
    assertEquals((await connection.handshake()).alpnProtocol, tls);
  }
});

Deno.test("nginx limits connections and their rate", {
  ignore: missing,
}, async () => {
  await using nginx = await startNginx({
    limitRate: 1000,
    limitConnections: 1,
  });
  await Deno.writeFile(`${nginx.root}/a`, bytesOf(file(10_000)));

  // Without its rate, the first would be over before the second.
  const slow = await fetch(`${nginx.url}/a`);
  const refused = await fetch(`${nginx.url}/a`);
  assertEquals([slow.status, refused.status], [200, 503]);
  await refused.body?.cancel();
  await slow.body?.cancel();
});

Deno.test("nginx leaves nothing behind", { ignore: missing }, async () => {
  const nginx = await startNginx({ workers: "auto" });
  await nginx[Symbol.asyncDispose]();
  assertEquals(await Deno.lstat(nginx.root).catch(() => null), null);
  assertEquals(await fetch(nginx.url).catch(() => null), null);
});
