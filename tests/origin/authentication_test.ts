import { assertEquals } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { createHash } from "node:crypto";
import {
  basicAuthorization,
  chooseChallenge,
  digestAuthorization,
  type DigestHash,
  parseChallenges,
} from "../../lib/origin/authentication.ts";

const digest = (hash: DigestHash, text: string) =>
  createHash(hash).update(text, "latin1").digest("hex");

/** The parameters of what answers a challenge. */
function answerTo(
  challenge: string,
  [username, password]: [string, string],
  use: { target: string; cnonce: string; count?: number },
): ReadonlyMap<string, string> {
  const choice = chooseChallenge(challenge);
  if (choice.kind !== "digest") throw new Error(choice.kind);
  const value = digestAuthorization(
    choice.challenge,
    { username, password },
    { method: "GET", count: 1, ...use },
    digest,
  );
  return parseChallenges(value)[0]?.parameters ?? new Map();
}

const MUFASA: [string, string] = ["Mufasa", "Circle of Life"];
/** RFC 7616 §3.9.1. */
const CHALLENGE = `realm="http-auth@example.org", qop="auth, auth-int", ` +
  `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
  `opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
const USE = {
  target: "/dir/index.html",
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

for (
  const [algorithm, response] of [
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    [
      "SHA-256",
      "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    ],
  ] as const
) {
  Deno.test(`Digest with ${algorithm} is as RFC 7616 §3.9.1 has it`, () => {
    const challenge = `Digest ${CHALLENGE}, algorithm=${algorithm}`;
    assertEquals(
      Object.fromEntries(answerTo(challenge, MUFASA, USE)),
      {
        username: "Mufasa",
        realm: "http-auth@example.org",
        uri: "/dir/index.html",
        algorithm,
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        nc: "00000001",
        cnonce: USE.cnonce,
        qop: "auth",
        response,
        opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
      },
    );
  });
}

Deno.test("Digest with SHA-512-256, charset and userhash is as RFC 7616 §3.9.2 and its erratum 4897 have it", () => {
  const challenge = `Digest realm="api@example.org", qop="auth", ` +
    `algorithm=SHA-512-256, ` +
    `nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ` +
    `opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", ` +
    `charset=UTF-8, userhash=true`;
  const answer = answerTo(
    challenge,
    ["J\u00e4s\u00f8n Doe", "Secret, or not?"],
    {
      target: "/doe.json",
      cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    },
  );
  assertEquals(
    [answer.get("username"), answer.get("response"), answer.get("userhash")],
    [
      "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
      "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
      "true",
    ],
  );
});

for (
  const [what, qop, response] of [
    [
      "qop=auth (RFC 2617 §3.5)",
      ', qop="auth"',
      "6629fae49393a05397450978507c4ef1",
    ],
    ["no qop (RFC 2069)", "", "670fd8c2df070c60b045671b8b24ff02"],
  ] as const
) {
  Deno.test(`Digest without an algorithm, with ${what}`, () => {
    const challenge = `digest Realm="testrealm@host.com"${qop}, ` +
      `nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"`;
    const use = { target: "/dir/index.html", cnonce: "0a4f113b" };
    const answer = answerTo(challenge, ["Mufasa", "Circle Of Life"], use);
    assertEquals(answer.get("response"), response);
    assertEquals(answer.has("algorithm"), false);
    assertEquals(answer.get("nc"), qop === "" ? undefined : "00000001");
  });
}

Deno.test("a -sess hashes name and password with nonce and cnonce", () => {
  const challenge = `Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess`;
  const use = { target: "/", cnonce: "c", count: 10 };
  const md5 = (text: string) => digest("md5", text);
  const first = md5(`${md5("me:r:secret")}:n:c`);
  const answer = answerTo(challenge, ["me", "secret"], use);
  const wanted = md5(`${first}:n:0000000a:c:auth:${md5("GET:/")}`);
  assertEquals(answer.get("response"), wanted);
  assertEquals(answer.get("nc"), "0000000a");
});

Deno.test("names that are not ASCII are sent as the challenge's charset has it", () => {
  const use = { target: "/", cnonce: "c" };
  const name = (charset: string, username: string) =>
    Object.fromEntries(
      answerTo(`Digest realm="r", nonce="n"${charset}`, [username, "p"], use),
    );
  const utf8 = name(", charset=UTF-8", "J\u00e4s(\u00f8n)");
  assertEquals(utf8["username*"], "UTF-8''J%C3%A4s%28%C3%B8n%29");
  assertEquals(name("", "J\u00e4").username, "J\u00c3\u00a4");
  assertEquals(name("", 'a"\\b').username, 'a"\\b');
  // A line end in a header would be an error that shows it.
  assertEquals(name("", "a\r\nb")["username*"], "UTF-8''a%0D%0Ab");
});

for (
  const [value, kind] of [
    [null, "basic"],
    ['Basic realm="a"', "basic"],
    ['BASIC realm="a", Bearer', "basic"],
    ["Bearer", "none"],
    ["Negotiate YII=, NTLM", "none"],
    ["", "none"],
    ['Basic realm="a", Digest realm="b", nonce="c"', "digest"],
    ['Negotiate, Basic realm="a, Digest", Digest nonce=c', "digest"],
    ['Basic realm="Digest nonce=c"', "basic"],
    ['Digest realm="a", nonce="b", algorithm=SHA-1, Basic', "none"],
    ['Digest realm="a", nonce="b", qop="auth-int", Basic', "none"],
    ['Digest realm="a"', "none"],
  ] as const
) {
  Deno.test(`a 401 with ${value} is answered with ${kind}`, () => {
    assertEquals(chooseChallenge(value).kind, kind);
  });
}

Deno.test("the first Digest that is known is answered", () => {
  const challenges = ["SHA-1", "SHA-256", "MD5"].map((algorithm) =>
    `Digest realm="a, \\"b\\"", nonce="${algorithm}", algorithm=${algorithm}, stale=TRUE`
  );
  const choice = chooseChallenge(challenges.join(", "));
  const challenge = choice.kind === "digest" ? choice.challenge : null;
  assertEquals([challenge?.hash, challenge?.stale], ["sha256", true]);
  assertEquals(challenge?.parameters.get("nonce"), "SHA-256");
  assertEquals(challenge?.parameters.get("realm"), 'a, "b"');
});

Deno.test("any value of WWW-Authenticate is read to an end", () => {
  const words = fc.constantFrom(
    ...["Digest ", "Basic", "nonce=", '"', "\\", ",", "=", " ", "a", "realm="],
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(words).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(value, (value) => {
      chooseChallenge(value);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("Basic is name and password in UTF-8", () => {
  const credentials = { username: "m\u00fcller", password: "p:w" };
  assertEquals(basicAuthorization(credentials), "Basic bcO8bGxlcjpwOnc=");
});
