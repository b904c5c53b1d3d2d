import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import { makeDirectory } from "../../support/directory.ts";
import { file, startOrigin } from "../../support/origin.ts";
import { type Client, type Sluice, startSluice } from "../../support/sluice.ts";
import { add, type Answered, apiUrl, ask, refusal } from "../../support/api.ts";
import type { Scope } from "../../../lib/server/scopes.ts";
import { startWithTokens, TOKENS } from "../../support/tokens.ts";

const NOWHERE = "http://127.0.0.1:1/f";
const TOKEN = "0123456789abcdef";

/** What curl prints. */
async function curl(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("curl", {
    args: ["--silent", "--noproxy", "*", ...args],
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("curl -d url=… adds a download, and its end can be asked for", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  const url = origin.serve("/a%2Bb+c.bin", file(1_000));
  const added = JSON.parse(
    await curl("-d", `url=${url}`, `${apiUrl(sluice)}/downloads`),
  );
  assertEquals(added.url, url);
  await using client = await sluice.connect();
  const ended = await client.end(added.id);
  const { status, body } = await ask(sluice, `GET /downloads/${added.id}`);
  assertEquals([status, body], [200, ended]);
  assertEquals(body.process_status, "Downloaded");
});

Deno.test("a body is JSON or a form, whatever curl calls it", async () => {
  await using sluice = await startSluice();
  const url = "http://127.0.0.1:1/a%2Fb?x=1";
  const others = ["http://127.0.0.1:1/c", "http://127.0.0.1:1/d"];
  const place = `${apiUrl(sluice)}/downloads`;
  const post = async (...args: string[]) =>
    JSON.parse(await curl(...args, place));
  for (
    const args of [
      ["-d", `url=${url}`, "-d", "paused=true"],
      ["--data-urlencode", `url=${url}`, "-d", "paused=true&threads=3"],
      ["-d", JSON.stringify({ url, paused: true })],
      [
        "-H",
        "Content-Type: application/json",
        "-d",
        JSON.stringify({ url, paused: true }),
      ],
    ]
  ) {
    const added = await post(...args);
    assertEquals([added.url, added.process_status], [url, "Paused"]);
  }
  const [one, other] = others;
  const { ids } = await post("-d", `url=${one}`, "-d", `url=${other}`);
  const { body } = await ask(
    sluice,
    `GET /downloads?urls=${one}&urls=${other}&order=oldest`,
  );
  assertEquals(body.data.map(({ id }: { id: string }) => id), ids);
  const cut = await post("-d", `url=${url}&b=2`);
  assertStringIncludes(cut.detail, "--data-urlencode");
  const form = await post("-F", `url=${url}`);
  assertEquals(form.code, "MEDIA_TYPE");
});

Deno.test("what limits all downloads together is read, set, and told", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { LIMIT_RATE: "2M", MAX_DOWNLOADS: "1" },
  });
  await using client = await sluice.connect();
  const before = {
    limit_rate: 2_097_152,
    limit_rate_per_host: null,
    max_downloads: 1,
  };
  const told = (client: Client, limits: object) =>
    client.message((message) =>
      "limits" in message &&
      JSON.stringify(message.limits) === JSON.stringify(limits)
    );
  await told(client, before);
  assertEquals((await ask(sluice, "GET /limits")).body, before);
  // What waits begins at once where more may run.
  const ids: string[] = [];
  for (const path of ["/a", "/b"]) {
    const gates = { head: () => new Promise<void>(() => {}) };
    const url = origin.serve(path, file(1_000), { gates });
    ids.push((await add(sluice, { url })).id);
  }
  await origin.request(({ path }) => path === "/a");
  const two = await ask(sluice, "PATCH /limits", { max_downloads: 2 });
  assertEquals([two.status, two.body], [200, { ...before, max_downloads: 2 }]);
  await origin.request(({ path }) => path === "/b");
  const form = await fetch(`${apiUrl(sluice)}/limits`, {
    method: "PATCH",
    body: new URLSearchParams({ limit_rate: "", limit_rate_per_host: "5000" }),
  });
  const after = {
    limit_rate: null,
    limit_rate_per_host: 5_000,
    max_downloads: 2,
  };
  assertEquals(await form.json(), after);
  await told(client, after);
  await using late = await sluice.connect();
  await told(late, after);
  const reply = await client.request({ action: "limit", max_downloads: null });
  assert("data" in reply && "max_downloads" in reply.data);
  assertEquals(reply.data.max_downloads, null);
  for (const fields of [{}, { limit_rate: 1 }, { max_downloads: 0 }]) {
    const refused = await ask(sluice, "PATCH /limits", fields);
    assertEquals(refusal(refused), [400, "BAD_REQUEST"]);
  }
  const unread = await ask(sluice, "PATCH /limits", { rate: 1 });
  assertStringIncludes(unread.body.detail, "limit_rate_per_host");
  await sluice.printed(
    /limits limit_rate="none" limit_rate_per_host=5000 max_downloads=2/,
  );
});

Deno.test("a download is paused, resumed, refreshed, limited, retried and removed", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({ environment: { ATTEMPTS: "1" } });
  const held = Promise.withResolvers<void>();
  const whole = file(10_000);
  const url = origin.serve("/held", whole, () => ({
    gates: { head: () => held.promise },
  }));
  const { id } = await add(sluice, { url });
  const place = `/downloads/${id}`;
  const paused = await ask(sluice, `POST ${place}/pause`);
  assertEquals([paused.status, paused.body.process_status], [200, "Paused"]);
  const again = await ask(sluice, `POST ${place}/pause`);
  assertEquals(refusal(again), [409, "WRONG_STATE"]);
  const limited = await ask(sluice, `PATCH ${place}`, {
    limit_rate: 5_000_000,
  });
  assertEquals(limited.body.limit_rate, 5_000_000);
  const form = await fetch(apiUrl(sluice) + place, {
    method: "PATCH",
    body: new URLSearchParams({ limit_rate: "" }),
  });
  assertEquals((await form.json()).limit_rate, null);
  const start_at = "2090-01-02T18:00:00.000Z";
  const waits = await ask(sluice, `POST ${place}/resume`, { start_at });
  assertEquals([waits.status, waits.body.start_at], [200, start_at]);
  const resumed = await ask(sluice, `POST ${place}/resume`);
  assertEquals(resumed.status, 200);
  const renewed = { url: origin.serve("/f.bin", whole) };
  const refreshed = await ask(sluice, `POST ${place}/refresh`, renewed);
  assertEquals(refreshed.body.url, renewed.url);
  held.resolve();
  await using client = await sluice.connect();
  const { path_to_file } = await client.until(
    id,
    (status) => status.process_status === "Downloaded",
  );
  const failed = await add(sluice, { url: NOWHERE });
  await client.until(
    failed.id,
    (status) => status.process_status === "Failed",
  );
  const retried = await ask(sluice, `POST /downloads/${failed.id}/retry`);
  assertEquals(retried.status, 200);
  const md5 = createHash("md5").update(whole.read(0, 10_000)).digest("hex");
  const verified = await ask(sluice, `POST ${place}/verify`, { md5 });
  assertEquals([verified.body.fits, verified.body.digest], [true, md5]);
  const unknown = await ask(sluice, `POST ${place}/verify`);
  assertEquals(refusal(unknown), [400, "BAD_REQUEST"]);
  const gone = await ask(sluice, `DELETE ${place}?delete_file=true`);
  assertEquals([gone.status, gone.body], [204, null]);
  const path = new URL(path_to_file ?? "");
  assertEquals(await Deno.stat(path).catch(() => null), null);
  assertEquals(refusal(await ask(sluice, `GET ${place}`)), [404, "UNKNOWN_ID"]);
});

Deno.test("what waits is moved, and given a priority", async () => {
  await using sluice = await startSluice();
  const urls = ["a", "b", "c"].map((name) => ({
    url: `${NOWHERE}/${name}`,
    paused: true,
  }));
  const { body: { ids } } = await ask(sluice, "POST /downloads", { urls });
  const [a = "", b = "", c = ""] = ids as string[];
  const order = async () => {
    const { body } = await ask(sluice, "GET /downloads?order=queue");
    return body.data.map(({ id }: { id: string }) => id);
  };
  assertEquals(
    (await ask(sluice, `POST /downloads/${c}/move`, { to: "top" })).status,
    200,
  );
  assertEquals(await order(), [c, a, b]);
  await ask(sluice, `POST /downloads/${c}/move`, { before: b });
  assertEquals(await order(), [a, c, b]);
  const form = await curl(
    "-d",
    "to=top",
    `${apiUrl(sluice)}/downloads/${b}/move`,
  );
  assertEquals(JSON.parse(form).id, b);
  assertEquals(await order(), [b, a, c]);
  const { body } = await ask(sluice, `PATCH /downloads/${c}`, {
    priority: "high",
    limit_rate: 5_000,
  });
  assertEquals([body.priority, body.limit_rate], ["high", 5_000]);
  for (const fields of [{}, { to: "left" }, { to: 1, before: a }]) {
    const wrong = await ask(sluice, `POST /downloads/${a}/move`, fields);
    assertEquals(refusal(wrong), [400, "BAD_REQUEST"]);
  }
  const none = await ask(sluice, "POST /downloads/x/move", { to: "top" });
  assertEquals(refusal(none), [404, "UNKNOWN_ID"]);
});

Deno.test("a list has pages, as the socket's has", async () => {
  await using sluice = await startSluice();
  const urls = ["a", "b", "c"].map((name) => `${NOWHERE}/${name}`);
  const entries = urls.map((url) => ({ url, paused: true }));
  await ask(sluice, "POST /downloads", { urls: entries });
  await using client = await sluice.connect();
  for (
    const [query, fields] of [
      ["", {}],
      ["?offset=1&limit=1&order=oldest", {
        offset: 1,
        limit: 1,
        order: "oldest",
      }],
      ["?status=Paused&status=Failed&search=/b", {
        status: ["Paused", "Failed"],
        search: "/b",
      }],
      ["?status=Failed", { status: "Failed" }],
    ] as const
  ) {
    const { status, body } = await ask(sluice, `GET /downloads${query}`);
    const { request_id: _, ...reply } = await client.request({
      action: "list",
      ...fields,
    });
    assertEquals([status, body], [200, reply]);
  }
  // Deno would warn of what it calls legacy, in the midst of the log.
  assert(!sluice.output().includes("Deno"));
});

Deno.test("what is refused says why, by the socket's words and codes", async () => {
  await using sluice = await startSluice({
    environment: {
      MESSAGE_LENGTH: "5000",
      JSON_DEPTH: "4",
      URL_LENGTH: "1000",
    },
  });
  await using client = await sluice.connect();
  for (
    const [fields, status] of [
      [{}, 400],
      [{ url: NOWHERE, threads: 0 }, 400],
      [{ url: NOWHERE, file_name: "f" }, 400],
      [{ url: NOWHERE, headers: { a: 1 } }, 400],
      [{ url: "ftp://h.test/" }, 422],
      [{ urls: [NOWHERE, "x"] }, 422],
      [{ url: NOWHERE + "a".repeat(1_000) }, 422],
    ] as const
  ) {
    const answered = await ask(sluice, "POST /downloads", fields);
    const reply = await client.request(fields);
    assert("error" in reply);
    assertEquals(refusal(answered), [status, reply.error.code]);
    // What is known here differs by `urls`.
    const [words] = reply.error.message.split(";");
    assertStringIncludes(answered.body.detail, words ?? "");
  }
  for (
    const [line, fields, expected] of [
      ["POST /downloads", { url: "a".repeat(6_000) }, [413, "TOO_MUCH"]],
      ["POST /downloads", { url: [[[[1]]]] }, [400, "BAD_REQUEST"]],
      ["POST /downloads", { action: "list" }, [400, "BAD_REQUEST"]],
      ["POST /downloads?url=x", { url: NOWHERE }, [400, "BAD_REQUEST"]],
      ["POST /downloads/x/pause", { all: true }, [400, "BAD_REQUEST"]],
      ["POST /downloads/x/pause", undefined, [404, "UNKNOWN_ID"]],
      ["POST /downloads/%ff/pause", undefined, [404, "UNKNOWN_ID"]],
      ["POST /downloads/x/refresh", {}, [400, "BAD_REQUEST"]],
      ["PATCH /downloads/x", {}, [400, "BAD_REQUEST"]],
      ["PATCH /downloads/x", { url: NOWHERE }, [400, "BAD_REQUEST"]],
      ["DELETE /downloads/x?delete_file=1", undefined, [400, "BAD_REQUEST"]],
      ["DELETE /downloads/x", { delete_file: true }, [400, "BAD_REQUEST"]],
      ["GET /downloads?limit=1001", undefined, [400, "BAD_REQUEST"]],
      ["GET /downloads?limit=1&limit=2", undefined, [400, "BAD_REQUEST"]],
      ["GET /downloads?action=ping", undefined, [400, "BAD_REQUEST"]],
      ["GET /downloads?status=Done", undefined, [400, "BAD_REQUEST"]],
      ["GET /downloads?__proto__=1", undefined, [400, "BAD_REQUEST"]],
      ["GET /nothing", undefined, [404, "NOT_FOUND"]],
      ["PUT /downloads/x", {}, [405, "METHOD"]],
    ] as const
  ) {
    const answered = await ask(sluice, line, fields);
    assertEquals(refusal(answered), [...expected], line);
  }
  const odd = await fetch(`${apiUrl(sluice)}/downloads`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "url=x",
  });
  assertEquals(odd.status, 400);
  await odd.body?.cancel();
  assert(!/request failed|unexpected/.test(sluice.output()), sluice.output());
});

Deno.test("a queue that is full, or a token that is not given, refuses", async () => {
  await using sluice = await startSluice({
    environment: { QUEUE_LENGTH: "1", AUTH_TOKEN: TOKEN },
  });
  const given = { authorization: `Bearer ${TOKEN}` };
  const urls = { urls: [NOWHERE, NOWHERE] };
  const full = await ask(sluice, "POST /downloads", urls, given);
  assertEquals(refusal(full), [429, "TOO_MUCH"]);
  const unknown = await ask(sluice, "GET /downloads");
  assertEquals(refusal(unknown), [401, "UNAUTHORIZED"]);
  assertEquals(unknown.headers.get("www-authenticate"), "Bearer");
  for (const path of ["/nothing", "/downloads/x"]) {
    assertEquals(refusal(await ask(sluice, `PUT ${path}`))[0], 401);
  }
  const alien = { ...given, origin: "http://evil.test" };
  const refused = await ask(sluice, "GET /downloads", undefined, alien);
  assertEquals(refusal(refused), [403, "FORBIDDEN"]);
  assertStringIncludes(refused.body.detail, "ALLOWED_ORIGINS=http://evil.test");
});

Deno.test("a file that is gone is said to be, once its download is off the list", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  await using sluice = await startSluice({ directory: directory.path });
  const url = origin.serve("/f.bin", file(1_000));
  const { id } = await add(sluice, { url });
  await using client = await sluice.connect();
  const { path_to_file } = await client.end(id);
  await Deno.remove(new URL(path_to_file ?? ""));
  const gone = await ask(sluice, `DELETE /downloads/${id}?delete_file=true`);
  assertEquals(refusal(gone), [410, "FILE_GONE"]);
  assertEquals((await ask(sluice, `GET /downloads/${id}`)).status, 404);
});

Deno.test("an answer that has not changed is 304", async () => {
  await using sluice = await startSluice();
  const { id } = await add(sluice, { url: NOWHERE, paused: true });
  for (const path of ["/downloads", `/downloads/${id}`]) {
    const first = await ask(sluice, `GET ${path}`);
    const etag = first.headers.get("etag") ?? "";
    const known = { "if-none-match": `"other", ${etag}` };
    const same = await ask(sluice, `GET ${path}`, undefined, known);
    assertEquals([same.status, same.body], [304, null]);
    assertEquals(same.headers.get("etag"), etag);
    const head = await ask(sluice, `HEAD ${path}`);
    assertEquals([head.status, head.body], [200, null]);
    assertEquals(
      head.headers.get("content-length"),
      first.headers.get("content-length"),
    );
    await ask(sluice, `PATCH /downloads/${id}`, {
      limit_rate: 5_000 + path.length,
    });
    const changed = await ask(sluice, `GET ${path}`, undefined, known);
    assertEquals(changed.status, 200);
    assertNotEquals(changed.headers.get("etag"), etag);
  }
});

Deno.test("the same Idempotency-Key twice adds once, after a kill -9, too", async () => {
  await using directory = await makeDirectory();
  const fields = { url: NOWHERE, paused: true };
  const key = { "idempotency-key": '"a key"' };
  const many = {
    urls: [1, 2, 3].map((n) => ({ ...fields, url: NOWHERE + n })),
  };
  const total = async (sluice: Sluice) =>
    (await ask(sluice, "GET /downloads?limit=1")).body.total;
  let first: Answered;
  let ids: string[];
  {
    await using sluice = await startSluice({ directory: directory.path });
    const [one, ...others] = await Promise.all(
      Array.from(
        { length: 5 },
        () => ask(sluice, "POST /downloads", fields, key),
      ),
    );
    assert(one !== undefined);
    for (const other of others) assertEquals(other.body, one.body);
    assertEquals(one.status, 201);
    first = one;
    const reused = await ask(sluice, "POST /downloads", { url: NOWHERE }, key);
    assertEquals(refusal(reused), [422, "KEY_REUSED"]);
    const bulk = { "idempotency-key": "bulk" };
    ({ body: { ids } } = await ask(sluice, "POST /downloads", many, bulk));
    // Two of them look alike to aria2's clients if their first 16 digits do.
    assertEquals(new Set(ids.map((id) => id.slice(0, 18))).size, 3);
    await using client = await sluice.connect();
    const message = { ...many, idempotency_key: "bulk" };
    const reply = await client.request(message);
    assert("data" in reply && "ids" in reply.data);
    assertEquals(reply.data.ids, ids);
    assertEquals(await total(sluice), 4);
    sluice.kill("SIGKILL");
    await sluice.ended;
  }
  await using sluice = await startSluice({ directory: directory.path });
  const again = await ask(sluice, "POST /downloads", fields, key);
  assertEquals([again.status, again.body], [201, first.body]);
  const reused = await ask(sluice, "POST /downloads", { url: NOWHERE }, key);
  assertEquals(refusal(reused), [422, "KEY_REUSED"]);
  await ask(sluice, `DELETE /downloads/${ids[0]}`);
  const rest = await ask(sluice, "POST /downloads", many, {
    "idempotency-key": "bulk",
  });
  assertEquals(rest.body.ids, ids);
  assertEquals(await total(sluice), 3);
  await ask(sluice, `DELETE /downloads/${first.body.id}`);
  const removed = await ask(sluice, "POST /downloads", fields, key);
  assertEquals(refusal(removed), [410, "UNKNOWN_ID"]);
  for (const odd of ["", "a".repeat(256), "ä"]) {
    const wrong = await ask(sluice, "POST /downloads", fields, {
      "idempotency-key": odd,
    });
    assertEquals(refusal(wrong), [400, "BAD_REQUEST"], odd);
  }
});

Deno.test("a token does what its scope reaches", async () => {
  await using sluice = await startWithTokens();
  const as = (scope: Scope, line: string, fields?: unknown) =>
    ask(sluice, line, fields, { authorization: `Bearer ${TOKENS[scope]}` });
  const fields = { url: NOWHERE, paused: true };
  const { body: { id } } = await as("add", "POST /downloads", fields);
  const forbidden = await as("read", "POST /downloads", fields);
  assertEquals(refusal(forbidden), [403, "FORBIDDEN"]);
  assertEquals(
    forbidden.body.detail,
    "This needs a token of scope add; yours has read.",
  );
  const limits = await as("add", "PATCH /limits", { max_downloads: 1 });
  assertEquals(refusal(limits), [403, "FORBIDDEN"]);
  for (const scope of ["read", "add"] as const) {
    const paths = ["/downloads", `/downloads/${id}`, "/nodes", "/limits"];
    for (const path of paths) {
      assertEquals((await as(scope, `GET ${path}`)).status, 200);
    }
    for (
      const [line, fields] of [
        ...["pause", "resume", "retry"]
          .map((action) => [`POST /downloads/${id}/${action}`] as const),
        [`POST /downloads/${id}/refresh`, { url: NOWHERE }],
        [`PATCH /downloads/${id}`, { limit_rate: 5_000 }],
        [`DELETE /downloads/${id}`],
      ] as const
    ) assertEquals(refusal(await as(scope, line, fields)), [403, "FORBIDDEN"]);
  }
  assertEquals((await as("all", `DELETE /downloads/${id}`)).status, 204);
});
