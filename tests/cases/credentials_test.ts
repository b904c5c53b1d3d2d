/** Names and passwords, shown as an origin asks for them. */

import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { caCertificate } from "../support/certificate.ts";
import { SEVERAL_WORKERS } from "../support/downloads.ts";
import type { Behaviour, OriginRequest } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { startTrial, TLS, type Trial, WHOLE } from "../support/trial.ts";

/** A user, and the realm that the user is known in. */
const [NAME, PASSWORD, REALM] = ["me", "secret", "r"];

function refused(challenge: string): Behaviour {
  return { status: 401, headers: { "WWW-Authenticate": challenge } };
}

/** The parameters of a request's Digest; null if it has none. */
function digestOf({ headers }: OriginRequest): Map<string, string> | null {
  const value = headers.get("authorization") ?? "";
  if (!value.startsWith("Digest ")) return null;
  const pairs = value.matchAll(/([\w*]+)=(?:"([^"]*)"|([^\s,]+))/g);
  return new Map(
    pairs.map(([, name = "", quoted, plain]) => [name, quoted ?? plain ?? ""]),
  );
}

/**
 * Whether a request shows the password, by RFC 7616 §3.4.1 with qop=auth, or in
 * the older way, without.
 */
function isRight(
  request: OriginRequest,
  { hash = "md5", session = false, qop = true } = {},
): boolean {
  const given = digestOf(request);
  if (given === null || given.has("qop") !== qop) return false;
  const h = (text: string) => createHash(hash).update(text).digest("hex");
  const [nonce, nc, cnonce] = ["nonce", "nc", "cnonce"]
    .map((name) => given.get(name));
  const secret = h(`${NAME}:${REALM}:${PASSWORD}`);
  const first = session ? h(`${secret}:${nonce}:${cnonce}`) : secret;
  const second = h(`${request.method}:${request.path}`);
  const use = qop ? `${nc}:${cnonce}:auth:` : "";
  return given.get("uri") === request.path &&
    given.get("response") === h(`${first}:${nonce}:${use}${second}`);
}

function withUser(url: string, password = PASSWORD): string {
  return url.replace("//", `//${NAME}:${password}@`);
}

/** No request told the password to everybody on the way. */
function assertNoBasic({ origin }: Trial): void {
  for (const { headers } of origin.requests) {
    assertNotMatch(headers.get("authorization") ?? "", /^Basic/);
  }
}

for (
  const [what, challenge, options] of [
    ["MD5", `Digest realm="r", qop="auth", nonce="abc", algorithm=MD5`, {}],
    [
      "SHA-256-sess, with Basic beside it",
      `Basic realm="r", Digest realm="r", qop="auth-int,auth", nonce="abc", algorithm=SHA-256-sess`,
      { hash: "sha256", session: true },
    ],
    [
      "no algorithm named, the scheme in lower case",
      `digest realm="r",qop=auth,nonce="a, b"`,
      {},
    ],
    // imroc/req#269
    [
      "no qop",
      `Digest realm="r",nonce="abc", algorithm=SHA-256`,
      { hash: "sha256", qop: false },
    ],
  ] as const
) {
  Deno.test(`Digest: ${what}`, async () => {
    await using trial = await startTrial(SEVERAL_WORKERS);
    const { origin } = trial;
    const counts = new Set<string>();
    const url = origin.serve("/a", WHOLE, (request) => {
      if (!isRight(request, options)) return refused(challenge);
      const given = digestOf(request);
      if (given?.has("nc") !== true) return {};
      const count = `${given?.get("cnonce")} ${given?.get("nc")}`;
      assert(!counts.has(count), "a count was used twice");
      counts.add(count);
      return {};
    });
    // With its query, which is a part of what is hashed.
    const status = await trial.end(`${withUser(url)}?b=it's`);
    await assertDownloaded(status, WHOLE, "a");
    assertNoBasic(trial);
    // Each of two workers is refused once, for each thread that it has by then.
    const vain = origin.requests.filter((one) => digestOf(one) === null);
    assert(vain.length <= 4, `${vain.length} requests were refused`);
  });
}

Deno.test("Digest: a nonce that gets too old is replaced", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const used = new Map<string, number>();
  const url = trial.origin.serve("/a", WHOLE, (request) => {
    const nonce = digestOf(request)?.get("nonce") ?? "";
    const uses = (used.get(nonce) ?? 0) + 1;
    used.set(nonce, uses);
    if (isRight(request) && uses <= 2) return {};
    const stale = isRight(request) ? ", stale=true" : "";
    return refused(
      `Digest realm="r", qop="auth", nonce="${request.n}"${stale}`,
    );
  });
  await assertDownloaded(await trial.end(withUser(url)), WHOLE, "a");
});

Deno.test("Digest: a nonce that is always too old comes to an end", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ n }) =>
      refused(`Digest realm="r", qop="auth", nonce="${n}", stale=true`),
  );
  assertFailed(await trial.end(withUser(url)), "EXPIRED", /credentials/);
  assertEquals(trial.origin.requests.length, 3);
});

Deno.test("Digest: a wrong password is tried once, and told to nobody", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    refused(`Digest realm="r", qop="auth", nonce="abc", Basic realm="r"`),
  );
  const status = await trial.end(withUser(url, "wr0ng"));
  assertFailed(status, "EXPIRED", /credentials/);
  assertEquals(trial.origin.requests.length, 2);
  assertNoBasic(trial);
  const told = JSON.stringify([status.error, trial.downloads.log]);
  assertNotMatch(told, /wr0ng/);
});

Deno.test("Digest of a kind that is not known is answered with no Basic", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    refused(`Digest realm="r", nonce="a", algorithm=SHA-1, Basic realm="r"`),
  );
  assertFailed(await trial.end(withUser(url)), "EXPIRED", /credentials/);
  assertNoBasic(trial);
});

Deno.test("over http, Basic is sent once it is asked for, and then at once", async () => {
  await using trial = await startTrial(SEVERAL_WORKERS);
  const url = trial.origin.serve(
    "/a",
    WHOLE,
    ({ headers }) =>
      headers.get("authorization") === `Basic ${btoa(`${NAME}:${PASSWORD}`)}`
        ? {}
        : refused(`Basic realm="r"`),
  );
  await assertDownloaded(await trial.end(withUser(url)), WHOLE, "a");
  assertEquals(trial.origin.requests[0]?.headers.get("authorization"), null);
});

Deno.test("over https, Basic is sent at once, and Digest where that is wanted", async () => {
  await using trial = await startTrial({
    ...SEVERAL_WORKERS,
    caCerts: [caCertificate],
  }, TLS);
  const { origin } = trial;
  const basic = withUser(origin.serve("/a", WHOLE));
  await assertDownloaded(await trial.end(basic), WHOLE, "a");
  const wanted = `Basic ${btoa(`${NAME}:${PASSWORD}`)}`;
  for (const { headers } of origin.requests) {
    assertEquals(headers.get("authorization"), wanted);
  }
  const digest = withUser(
    origin.serve(
      "/b",
      WHOLE,
      (request) =>
        isRight(request)
          ? {}
          : refused(`Digest realm="r", qop=auth, nonce="n"`),
    ),
  );
  await assertDownloaded(await trial.end(digest), WHOLE, "b");
});
