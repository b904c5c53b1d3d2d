import { assert, assertEquals } from "@std/assert";
import { post } from "../../support/aria2.ts";
import * as fc from "../../support/fast_check.ts";
import { TEST_LOCK } from "../../support/metalink.ts";
import { startSluice } from "../../support/sluice.ts";

/** Calls of one message, and how many messages there are. */
const CALLS = 25;
const MESSAGES = 400;

const GIDS = ["a".repeat(16), "ab", "b".repeat(16), "zz", "", "A"];
const URIS = [
  "http://127.0.0.1:1/a",
  "https://127.0.0.1:1/b?c#d",
  "http://127.0.0.1:1/../x",
  "magnet:?xt=urn:btih:0",
  "\0",
];
const NAMES = [
  ...["dir", "out", "header", "split", "checksum", "gid", "pause", "referer"],
  ...["max-download-limit", "on-download-stop", "__proto__", "constructor"],
];

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("true", "../x", "/", "C:\\x", "5M", "sha-1=", "a/b", "A: b"),
);
const value = fc.oneof(
  text,
  fc.integer({ min: -1_100, max: 1_100 }),
  fc.constantFrom(...GIDS),
  fc.array(fc.oneof(fc.constantFrom(...URIS), text), { maxLength: 3 }),
  fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), text), text, {
    maxKeys: 4,
  }),
  fc.constantFrom("POS_SET", "POS_CUR", "POS_END", null, true, 1e300),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
);

/** Parameters of any kind, and those that methods mostly want. */
const params = fc.oneof(
  fc.array(value, { maxLength: 5 }),
  fc.tuple(
    fc.array(fc.constantFrom(...URIS), { minLength: 1, maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...NAMES), text, { maxKeys: 3 }),
  ),
  fc.tuple(fc.constantFrom(...GIDS), value, value, value),
  fc.tuple(
    fc.integer({ min: -20, max: 20 }),
    fc.integer({ min: 0, max: 1_000 }),
    fc.array(fc.constantFrom("gid", "files", "bitfield", "x")),
  ),
);

Deno.test("10,000 random calls leave the server well", async () => {
  await using sluice = await startSluice({
    deno: TEST_LOCK,
    environment: { ATTEMPTS: "1", ALLOW_PRIVATE: "true" },
  });
  const url = `${sluice.url.replace(/^ws/, "http")}jsonrpc`;
  const ask = async (body: unknown) =>
    JSON.parse((await post(url, JSON.stringify(body))).text);
  const { result: methods } = await ask({
    id: 1,
    method: "system.listMethods",
  });
  const call = fc.record({
    id: fc.jsonValue({ maxDepth: 1 }),
    method: fc.oneof(fc.constantFrom(...methods as string[]), fc.string()),
    params,
  });
  const message = fc.array(call, { minLength: CALLS, maxLength: CALLS });
  await fc.assert(
    fc.asyncProperty(message, async (calls) => {
      const replies = await ask(calls);
      assertEquals(replies.length, calls.length);
      for (const [n, reply] of replies.entries()) {
        const { id, jsonrpc, result, error } = reply;
        assertEquals(id, JSON.parse(JSON.stringify(calls[n]?.id)));
        assertEquals(jsonrpc, "2.0");
        assert((result === undefined) !== (error === undefined));
        if (error === undefined) continue;
        assert([1, -32600, -32602].includes(error.code), error.message);
        const { message } = error;
        assert(!/INTERNAL|mistake|undefined/.test(message), message);
      }
    }),
    { numRuns: MESSAGES, endOnFailure: true },
  );
  const { result } = await ask({ id: 1, method: "aria2.getVersion" });
  assertEquals(result.version, "1.36.0");
  const failed = /request failed|unexpected error|stuck/;
  assert(!failed.test(sluice.output()), sluice.output().slice(-2_000));
  const stray = [...Deno.readDirSync(sluice.directory)]
    .map(({ name }) => name).filter((name) => name !== ".sluice");
  assertEquals(stray, []);
});

Deno.test("random bytes get an error, by POST, GET and sockets", async () => {
  await using sluice = await startSluice({ deno: TEST_LOCK });
  const url = `${sluice.url.replace(/^ws/, "http")}jsonrpc`;
  const near = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constant('{"id":1,"method":"aria2.getVersion"}').chain((right) =>
      fc.tuple(fc.nat(right.length), fc.string({ maxLength: 3 }))
        .map(([at, odd]) => right.slice(0, at) + odd + right.slice(at + 1))
    ),
  );
  await fc.assert(
    fc.asyncProperty(near, async (body) => {
      const { status, text } = await post(url, body);
      assert([200, 400, 500].includes(status), String(status));
      const reply = JSON.parse(text);
      assert(Array.isArray(reply) || reply.jsonrpc === "2.0");
      const query = body.replaceAll("#", "");
      const got = await fetch(`${url}?${query}&params=${query}`);
      assert([200, 400, 500].includes(got.status), String(got.status));
      await got.body?.cancel();
    }),
    { numRuns: 300 },
  );
  assert(!/request failed|unexpected/.test(sluice.output()));
});
