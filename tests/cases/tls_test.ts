/** HTTPS. */

import { assertEquals, assertMatch } from "@std/assert";
import { caCertificate, serverKey } from "../support/certificate.ts";
import { makeDirectory } from "../support/directory.ts";
import {
  authority,
  client,
  expired,
  future,
  key,
  old,
  other,
} from "../support/faulty_certificates.ts";
import { nginxInstalled, startNginx } from "../support/nginx.ts";
import { bytesOf } from "../support/origin.ts";
import { run, taskArguments } from "../support/sluice.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { startTrial, TLS, where, WHOLE } from "../support/trial.ts";

Deno.test("HTTPS with an unknown certificate is a clear error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  assertFailed(await trial.end(url), "TLS", /not trusted.*CA_FILE/);
  assertEquals(trial.origin.requests, []);
});

Deno.test("HTTPS with a CA that the user names", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const url = trial.origin.serve("/a", WHOLE);
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

Deno.test("HTTPS to a port that speaks HTTP is a clear error", async () => {
  await using trial = await startTrial();
  const url = trial.origin.serve("/a", WHOLE).replace("http:", "https:");
  assertFailed(await trial.end(url), "TLS", /does not speak TLS.*check/);
});

Deno.test("HTTP to a port that speaks HTTPS is an error", async () => {
  await using trial = await startTrial({}, TLS);
  const url = trial.origin.serve("/a", WHOLE).replace("https:", "http:");
  assertFailed(await trial.end(url), "UNREADABLE", /check the URL/);
});

Deno.test("HTTPS that is cut without a goodbye goes on from there", async () => {
  await using trial = await startTrial({ caCerts: [caCertificate] }, TLS);
  const cut = { after: 1000, by: "reset" } as const;
  const url = trial.origin.serve("/a", WHOLE, where(({ n }) => n < 3, { cut }));
  await assertDownloaded(await trial.end(url), WHOLE, "a");
});

for (
  const [what, cert, advice] of [
    ["has expired", expired, /has expired.*owner.*check/],
    ["is not valid yet", future, /not valid yet.*check.*clock/],
    ["is another host's", other, /another host name.*check the URL/],
    ["is for clients", client, /for clients, not for servers.*check/],
  ] as const
) {
  Deno.test(`HTTPS whose certificate ${what} is named, and asked for once`, async () => {
    const options = { caCerts: [authority], attempts: 4 };
    await using trial = await startTrial(options, { tls: { cert, key } });
    const url = trial.origin.serve("/a", WHOLE);
    const status = await trial.end(url.replace("127.0.0.1", "localhost"));
    assertFailed(status, "TLS", advice);
  });
}

const ignore = !nginxInstalled();

for (
  const [what, rules, advice] of [
    [
      "no cipher in common",
      "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-SHA;",
      /no cipher in common.*Check the URL/,
    ],
    [
      "no version in common",
      "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;",
      /1\.2 and 1\.3.*check/i,
    ],
  ] as const
) {
  Deno.test(`HTTPS with ${what} is named`, { ignore }, async () => {
    await using nginx = await startNginx({ tls: "http/1.1", rules });
    await using trial = await startTrial({ caCerts: [caCertificate] });
    assertFailed(await trial.end(`${nginx.url}/a`), "TLS", advice);
  });
}

Deno.test(
  "an origin that wants a client certificate gets it",
  { ignore },
  async () => {
    await using directory = await makeDirectory();
    const path = `${directory.path}/authority.pem`;
    await Deno.writeTextFile(path, authority);
    const rules = `ssl_verify_client on; ssl_client_certificate "${path}";`;
    await using nginx = await startNginx({ tls: "http/1.1", rules });
    await Deno.writeFile(`${nginx.root}/a`, bytesOf(WHOLE));
    const clientCertificate = { cert: client, key };
    const options = { caCerts: [caCertificate], clientCertificate };
    await using trial = await startTrial(options);
    await assertDownloaded(await trial.end(`${nginx.url}/a`), WHOLE, "a");
  },
);

/** Runs `get` with the settings, and may read the directory besides. */
async function getWith(directory: string, settings: string[], url: string) {
  const words = taskArguments("get", directory);
  return await run([...words, ...settings, url]);
}

Deno.test("get shows the certificate of CLIENT_CERT", { ignore }, async () => {
  await using directory = await makeDirectory();
  const at = (name: string) => `${directory.path}/${name}`;
  await Deno.writeTextFile(at("authority.pem"), authority);
  await Deno.writeTextFile(at("ca.pem"), caCertificate);
  await Deno.writeTextFile(at("both.pem"), client + key);
  const rules = `ssl_verify_client on; ssl_client_certificate "${
    at("authority.pem")
  }";`;
  await using nginx = await startNginx({ tls: "http/1.1", rules });
  await Deno.writeFile(`${nginx.root}/a`, bytesOf(WHOLE));
  const settings = ["--ca-file", at("ca.pem"), "--client-cert", at("both.pem")];
  const ran = await getWith(directory.path, settings, `${nginx.url}/a`);
  assertEquals(ran.code, 0, ran.stderr);
  assertEquals(await Deno.readFile(at("a")), bytesOf(WHOLE));
});

for (
  const [what, cert, keyText, line] of [
    ["no certificate", "", key, /CLIENT_CERT cannot be used: there is no cert/],
    ["no key", client, "", /CLIENT_KEY cannot be used: there is no key/],
    [
      "an encrypted key",
      client,
      key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"),
      /CLIENT_KEY cannot be used: .*encrypted/,
    ],
    [
      "another's key",
      client,
      serverKey,
      /CLIENT_CERT with its key cannot be used: the key is another's/,
    ],
    [
      "an old version",
      old,
      key,
      /CLIENT_CERT with its key cannot be used: .*X.509 v1.*signed as v3\.$/m,
    ],
    ["a key alone", null, key, /CLIENT_KEY is of no use without CLIENT_CERT/],
  ] as const
) {
  Deno.test(`a client certificate with ${what} is one line`, async () => {
    await using directory = await makeDirectory();
    const at = (name: string) => `${directory.path}/${name}`;
    await Deno.writeTextFile(at("cert.pem"), cert ?? "");
    await Deno.writeTextFile(at("key.pem"), keyText);
    const settings = [
      ...(cert === null ? [] : ["--client-cert", at("cert.pem")]),
      ...["--client-key", at("key.pem")],
    ];
    const ran = await getWith(directory.path, settings, "http://127.0.0.1:1/");
    assertEquals([ran.code, ran.stdout], [2, ""]);
    assertMatch(ran.stderr, /^sluice: .*\n$/);
    assertMatch(ran.stderr, line);
  });
}
