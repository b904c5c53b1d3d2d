import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import type { Fields } from "../../lib/base/log.ts";
import { createDownload } from "../../lib/download/download.ts";
import type { DownloadEvent } from "../../lib/download/events.ts";
import { createHooks } from "../../lib/server/hooks.ts";
import { createPost } from "../../lib/threads/post.ts";
import { file, literal, startOrigin } from "../support/origin.ts";
import { startSluice } from "../support/sluice.ts";

const RULES = {
  caCerts: [],
  clientCertificate: null,
  allowPrivate: true,
  proxies: { http: null, https: null, direct: [] },
};

const SECRET = "a-secret-of-some-length";

/** What a receiver got. */
interface Got {
  readonly headers: Headers;
  readonly path: string;
  readonly body: string;
}

/** Takes POSTs, and answers each as it is told to. */
function startReceiver(answer: (n: number) => Response | Promise<Response>) {
  const got: Got[] = [];
  const more = new EventTarget();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const { headers } = request;
      const body = await request.text();
      const n = got.push({ headers, path: pathname + search, body }) - 1;
      more.dispatchEvent(new Event("more"));
      return await answer(n);
    },
  );
  return {
    got,
    port: server.addr.port,
    url: `http://me:pw@127.0.0.1:${server.addr.port}/hook?token=t0ken`,
    async until(count: number): Promise<Got[]> {
      while (got.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        more.addEventListener("more", () => resolve(), { once: true });
        await promise;
      }
      return got;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Hooks without patience, what they log, and what they are told. */
function start(url: string, allowPrivate = true) {
  const lines: { event: string; fields: Fields }[] = [];
  const more = new EventTarget();
  const totals = {
    Queued: 0,
    Downloading: 0,
    Paused: 0,
    Downloaded: 0,
    Failed: 0,
  };
  const post = createPost({ ...RULES, allowPrivate });
  const hooks = createHooks({ url, secret: SECRET, post }, {
    log(event, fields = {}) {
      lines.push({ event, fields });
      more.dispatchEvent(new Event("more"));
    },
    totals: () => totals,
  }, { within: 2_000, waits: [10, 10], rest: 20 });
  return {
    hooks,
    lines,
    totals,
    async logged(count: number) {
      while (lines.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        more.addEventListener("more", () => resolve(), { once: true });
        await promise;
      }
      return lines;
    },
  };
}

function ended(kind: "downloaded" | "failed", url: string): DownloadEvent {
  const request = {
    url,
    mirrors: ["http://u:p@b.test/b?sig=s3cret"],
    filename: "a.bin",
    headers: {},
    checksum: null,
    threads: null,
  };
  const download = createDownload(request, 0);
  const { id } = download;
  const error = {
    code: "CUT",
    message: "It broke off.",
    retryAfter: null,
  } as const;
  return {
    kind,
    id,
    download: {
      ...download,
      state: kind === "failed"
        ? { kind: "Failed", error }
        : { kind: "Downloaded", path: "/x/a.bin" },
    },
  };
}

Deno.test("what has ended is told, signed, and without the URL's secrets", async () => {
  await using receiver = startReceiver(() => new Response());
  const { hooks, logged } = start(receiver.url);
  using _ = hooks;
  hooks.hear(ended("downloaded", "http://u:p@a.test/a?sig=s3cret"));
  hooks.hear(ended("failed", "http://a.test/b"));
  const [first, second, idle] = await receiver.until(3);
  assert(first && second && idle);
  const told = [first, second, idle].map(({ body }) => JSON.parse(body));
  assertEquals(
    told.map(({ event, title, message }) => [event, title, message]),
    [
      ["finished", "Download finished", "a.bin"],
      ["failed", "Download failed", "a.bin: It broke off."],
      ["idle", "All downloads have ended", "0 finished, 0 failed"],
    ],
  );
  assertEquals(told[0].download.url, "http://a.test/a");
  assertEquals(
    told[0].download.sources.map(({ url }: { url: string }) => url),
    ["http://a.test/a", "http://b.test/b"],
  );
  assertEquals(told[0].download.path_to_file, "file:///x/a.bin");
  assertNotMatch(first.body, /s3cret|u:p/);

  const [, t = "", v1] = first.headers.get("sluice-signature")
    ?.match(/^t=(\d+),v1=([\da-f]{64})$/) ?? [];
  const mac = createHmac("sha256", SECRET).update(`${t}.${first.body}`);
  assertEquals(v1, mac.digest("hex"));
  assertEquals(first.headers.get("authorization"), `Basic ${btoa("me:pw")}`);
  assertEquals(first.headers.get("content-type"), "application/json");
  assertEquals(first.headers.get("sluice-event"), "finished");
  assertEquals(first.path, "/hook?token=t0ken");

  const lines = await logged(3);
  assertEquals(lines.map(({ event }) => event), [
    "webhook",
    "webhook",
    "webhook",
  ]);
  assertNotMatch(JSON.stringify(lines), /t0ken|127\.0|pw|secret/);
  const [last] = hooks.deliveries();
  assertEquals(
    { ...last, at: "" },
    {
      event: "idle",
      id: null,
      filename: null,
      at: "",
      tries: 1,
      delivered: true,
      status: 200,
      code: null,
    },
  );
  assertNotMatch(JSON.stringify(hooks.deliveries()), /t0ken/);
});

Deno.test("a failure of the server's is tried three times, a refusal once", async () => {
  const statuses = [500, 503, 204, 500, 500, 500, 404, 302];
  await using receiver = startReceiver((n) =>
    new Response(null, {
      status: statuses[n] ?? 200,
      headers: { location: "/elsewhere" },
    })
  );
  const { hooks, totals, logged } = start(receiver.url);
  using _ = hooks;
  totals.Queued = 1;
  for (let n = 0; n < 4; n++) hooks.hear(ended("downloaded", "http://a.test/"));
  const lines = await logged(4);
  assertEquals(
    lines.map(({ event, fields: { tries, status } }) => [event, tries, status]),
    [
      ["webhook", 3, 204],
      ["webhook failed", 3, 500],
      ["webhook failed", 1, 404],
      ["webhook failed", 1, 302],
    ],
  );
  const ids = receiver.got.map(({ headers }) => headers.get("sluice-delivery"));
  assertEquals(new Set(ids).size, 4);
  assertEquals(receiver.got.length, statuses.length);
});

Deno.test("idle is told once, when nothing waits or runs", async () => {
  await using receiver = startReceiver(() => new Response());
  const { hooks, totals } = start(receiver.url);
  using _ = hooks;
  const event = ({ body }: Got) => JSON.parse(body).event;
  totals.Queued = 1;
  hooks.hear(ended("downloaded", "http://a.test/"));
  await receiver.until(1);
  totals.Queued = 0;
  hooks.hear({ kind: "removed", id: "x" });
  hooks.hear({ kind: "removed", id: "y" });
  await receiver.until(2);
  hooks.hear({ kind: "removed", id: "z" });
  hooks.hear(ended("failed", "http://a.test/"));
  await receiver.until(4);
  assertEquals(receiver.got.map(event), ["finished", "idle", "failed", "idle"]);
});

Deno.test("a receiver that does not answer holds up nothing, and the oldest are let go", async () => {
  const gate = Promise.withResolvers<void>();
  await using receiver = startReceiver(async () => {
    await gate.promise;
    return new Response();
  });
  const { hooks, totals, logged } = start(receiver.url);
  using _ = hooks;
  totals.Queued = 1;
  for (let n = 0; n < 1_004; n++) {
    hooks.hear(ended("downloaded", `http://a.test/${n}`));
  }
  await receiver.until(1);
  gate.resolve();
  const [, dropped] = await logged(2);
  assertEquals(dropped, { event: "webhook dropped", fields: { count: 3 } });
  const { body } = (await receiver.until(2))[1] ?? { body: "{}" };
  assertEquals(JSON.parse(body).download.url, "http://a.test/4");
});

Deno.test("a webhook leads into no private network where downloads may not", async () => {
  const { hooks, logged } = start("http://[::1]:9/hook", false);
  using _ = hooks;
  hooks.hear(ended("downloaded", "http://a.test/"));
  const [line] = await logged(1);
  assertEquals([line?.fields.code, line?.fields.tries], [
    "FORBIDDEN_ADDRESS",
    1,
  ]);
});

Deno.test("a server tells what ends, and its clients what became of that", async () => {
  await using receiver = startReceiver((n) =>
    new Response(null, { status: n === 1 ? 403 : 200 })
  );
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET },
  });
  await using client = await sluice.connect();
  const id = await client.add({ url: origin.serve("/a", file(1000)) });
  await receiver.until(1);
  const none = await client.add({ url: origin.url("/none") });
  const got = await receiver.until(3);
  assertEquals(
    got.map(({ body }) => JSON.parse(body)).map(({ event, download }) => [
      event,
      download?.id,
    ]).filter(([event]) => event !== "idle"),
    [["finished", id], ["failed", none]],
  );
  await sluice.printed(/webhook failed event="\w+".* status=403/);
  assertNotMatch(sluice.output(), /t0ken|a-secret|pw@/);
  const reply = await client.request({ action: "deliveries" });
  assert("data" in reply && "deliveries" in reply.data);
  assert(reply.data.deliveries?.some(({ status }) => status === 403));
});

Deno.test("a server without a webhook says so, and one denied by Deno stays out", async () => {
  await using receiver = startReceiver(() => new Response());
  await using origin = await startOrigin();
  await using plain = await startSluice();
  await using client = await plain.connect();
  const reply = await client.request({ action: "deliveries" });
  assertEquals("data" in reply && "deliveries" in reply.data, true);
  assertMatch(JSON.stringify(reply), /"deliveries":null/);
  await using sluice = await startSluice({
    environment: { WEBHOOK_URL: receiver.url },
    deno: [`--deny-net=127.0.0.1:${receiver.port}`],
  });
  await using other = await sluice.connect();
  await other.add({ url: origin.serve("/a", literal("a")) });
  await sluice.printed(/webhook failed .*code="FORBIDDEN_ADDRESS"/);
  assertEquals(receiver.got, []);
});
