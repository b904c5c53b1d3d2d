import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  call,
  listen,
  type Listener,
  post,
  queryUrl,
  type Rpc,
} from "../../support/aria2.ts";
import { makeDirectory } from "../../support/directory.ts";
import { metalinkOf, TEST_LOCK } from "../../support/metalink.ts";
import {
  file,
  firstDifference,
  forever,
  startOrigin,
} from "../../support/origin.ts";
import { type Sluice, startSluice } from "../../support/sluice.ts";

const SECRET = "sixteen-characters";
const WITH_TOKEN = { environment: { AUTH_TOKEN: SECRET } };
const PAUSED = { pause: "true" };
const NEVER = "http://127.0.0.1:1/a.bin";

function rpcOf({ url, directory }: Sluice): Rpc {
  return { url: `${url.replace(/^ws/, "http")}jsonrpc`, directory };
}

/** Calls one of aria2's methods over a socket; fails if it is refused. */
async function ask(
  sluice: Sluice,
  listener: Listener,
  method: string,
  ...params: unknown[]
): Promise<unknown> {
  const name = `aria2.${method}`;
  const rpc = rpcOf(sluice);
  const { result, error } = await call(rpc, listener, "socket", name, params);
  assertEquals(error, undefined);
  return result;
}

Deno.test("ids come back digit for digit", async () => {
  await using sluice = await startSluice();
  const { url } = rpcOf(sluice);
  const ids = ["1780000000123456789", "12345678901234567890123", "1.0", "-0"];
  for (const id of ids) {
    const body = `{"id":${id},"method":"aria2.getSessionInfo"}`;
    const { text } = await post(url, body);
    assert(text.startsWith(`{"id":${id},`), text);
    const batch = await post(url, `[${body}]`);
    assert(batch.text.startsWith(`[{"id":${id},`), batch.text);
  }
  const body = '{"id":7,"method":"aria2.tellWaiting","params":[0.0,1e1]}';
  assertEquals(JSON.parse((await post(url, body)).text).result, []);
});

Deno.test("a bearer, a subprotocol or a session opens the door, too", async () => {
  await using sluice = await startSluice(WITH_TOKEN);
  const { url } = rpcOf(sluice);
  const body = '{"id":1,"method":"aria2.getGlobalStat"}';
  assertEquals((await post(url, body)).status, 400);
  const bearer = { authorization: `Bearer ${SECRET}` };
  assertEquals((await post(url, body, bearer)).status, 200);
  const form = new URLSearchParams({ token: SECRET });
  const login = await fetch(new URL("/login", url), {
    method: "POST",
    body: form,
    redirect: "manual",
  });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  assertEquals((await post(url, body, { cookie })).status, 200);
  // Another site's page can have a browser ask by GET, with its cookie.
  const query = queryUrl(url, "aria2.getGlobalStat", []);
  const got = await fetch(query, { headers: { cookie } });
  assertEquals(got.status, 400);
  assertEquals((await got.json()).error.message, "Unauthorized");
  const encoded = new TextEncoder().encode(SECRET)
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const socket = new WebSocket(
    url.replace(/^http/, "ws"),
    `sluice.token.${encoded}`,
  );
  const reply = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<void>();
  socket.onopen = () => socket.send(body);
  socket.onmessage = ({ data }) => reply.resolve(data);
  socket.onclose = () => closed.resolve();
  assertMatch(await reply.promise, /"result"/);
  socket.close();
  await closed.promise;
});

Deno.test("ten wrong tokens a minute are heard, however many a message has", async () => {
  await using sluice = await startSluice(WITH_TOKEN);
  const { url } = rpcOf(sluice);
  const calls = (token: string, count: number) =>
    JSON.stringify({
      id: 1,
      method: "system.multicall",
      params: [
        Array.from({ length: count }, () => ({
          methodName: "aria2.getGlobalStat",
          params: [`token:${token}`],
        })),
      ],
    });
  const right = async () => {
    const { text } = await post(url, calls(SECRET, 1));
    return Array.isArray(JSON.parse(text).result[0]);
  };
  for (let n = 0; n < 9; n++) await post(url, calls(`wrong ${n}`, 30));
  assert(await right());
  await post(url, calls("wrong", 1));
  assert(!await right());
  // Who gives none, guesses none.
  const { text } = await post(url, '{"id":1,"method":"aria2.getVersion"}');
  assertMatch(text, /Unauthorized/);
});

Deno.test("who gave no token hears of gids, and of nothing else", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice(WITH_TOKEN);
  const url = origin.serve("/a.bin", file(1_000, 3));
  const rpc = rpcOf(sluice);
  await using stranger = await listen(rpc.url);
  await using listener = await listen(rpc.url);
  const params = [`token:${SECRET}`, [url]];
  const { result } = await call(
    rpc,
    listener,
    "socket",
    "aria2.addUri",
    params,
  );
  const gid = String(result);
  await stranger.notice("onDownloadComplete", gid);
  await listener.notice("onDownloadComplete", gid);
  const heard = ["Start", "Complete"].map((name) => ({
    jsonrpc: "2.0",
    method: `aria2.onDownload${name}`,
    params: [{ gid }],
  }));
  assertEquals(stranger.messages, heard);
  // The reply comes before what it has caused.
  assertEquals(listener.messages.slice(1), heard);
});

Deno.test("who does not know the token does not take the places of who does", async () => {
  await using sluice = await startSluice(WITH_TOKEN);
  const rpc = rpcOf(sluice);
  await using listeners = new AsyncDisposableStack();
  const all: Listener[] = [];
  for (let n = 0; n < 100; n++) {
    all.push(listeners.use(await listen(rpc.url)));
  }
  await assertRejects(() => listen(rpc.url));
  await using _known = await sluice.connect([
    `sluice.token.${btoa(SECRET).replaceAll("=", "")}`,
  ]);
  const [first] = all;
  assert(first !== undefined);
  const params = [`token:${SECRET}`];
  await call(rpc, first, "socket", "aria2.getVersion", params);
  await using _more = await listen(rpc.url);
  await assertRejects(() => listen(rpc.url));
});

Deno.test("pages of allowed origins may ask, and others may not", async () => {
  const origin = "https://ariang.test";
  const extension = "chrome-extension://abcdefghijklmnop";
  await using sluice = await startSluice({
    environment: { ALLOWED_ORIGINS: `${origin},${extension}` },
  });
  const { url } = rpcOf(sluice);
  const body = '{"id":1,"method":"aria2.getVersion"}';
  for (const allowed of [origin, extension]) {
    const { status, headers } = await post(url, body, { origin: allowed });
    assertEquals(status, 200);
    assertEquals(headers.get("access-control-allow-origin"), allowed);
    const wrong = await post(url, "{", { origin: allowed });
    assertEquals(wrong.headers.get("access-control-allow-origin"), allowed);
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin: allowed,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-y",
      },
    });
    await preflight.body?.cancel();
    assertEquals(preflight.status, 200);
    const said = (name: string) =>
      preflight.headers.get(`access-control-${name}`);
    assertEquals(said("allow-origin"), allowed);
    assertEquals(said("allow-methods"), "POST, GET, OPTIONS");
    assertEquals(said("allow-headers"), "content-type,x-y");
    assertEquals(said("max-age"), "1728000");
  }
  for (const method of ["POST", "OPTIONS", "GET"]) {
    const response = await fetch(url, {
      method,
      headers: { origin: "https://evil.test" },
      ...method === "POST" && { body },
    });
    await response.body?.cancel();
    assertEquals(response.status, 403);
    assert(!response.headers.has("access-control-allow-origin"));
  }
});

Deno.test("a script of another site's page adds nothing", async () => {
  await using sluice = await startSluice({
    environment: { ALLOWED_ORIGINS: "https://ariang.test" },
  });
  const { url } = rpcOf(sluice);
  const query = queryUrl(url, "aria2.addUri", [[NEVER], PAUSED]);
  const statusOf = async (headers: Record<string, string>) => {
    const response = await fetch(query, { headers });
    await response.body?.cancel();
    return response.status;
  };
  const site = (name: string) => ({ "sec-fetch-site": name });
  assertEquals(await statusOf(site("cross-site")), 403);
  assertEquals(await statusOf(site("same-site")), 403);
  assertEquals(await statusOf({ referer: "https://evil.test/page" }), 403);
  assertEquals(await statusOf({}), 200);
  assertEquals(await statusOf(site("none")), 200);
  const referer = "https://ariang.test/";
  assertEquals(await statusOf({ ...site("cross-site"), referer }), 200);
});

Deno.test("a body that is too long or too deep is refused", async () => {
  await using sluice = await startSluice({
    environment: { MESSAGE_LENGTH: "2KiB" },
  });
  const { url } = rpcOf(sluice);
  assertEquals((await post(url, " ".repeat(3_000))).status, 413);
  const deep = `{"id":1,"method":"x","params":${"[".repeat(50)}`;
  assertEquals((await post(url, deep)).status, 500);
});

Deno.test("what options ask for reaches the origin, and is read back", async () => {
  await using origin = await startOrigin();
  await using temporary = await makeDirectory();
  const directory = temporary.path;
  const url = origin.serve("/a.bin", file(1_000, 3));
  const options = {
    dir: `${directory}/films/`,
    out: "2026/b.bin",
    header: ["X-One: 1", "Cookie: a=b", "Range: bytes=5-", "no header"],
    "user-agent": "Mozilla/5.0",
    referer: "*",
    "http-user": "me",
    "http-passwd": "secret",
    split: 4,
    "max-connection-per-server": "2",
    "max-download-limit": "1K",
    "stream-piece-selector": "inorder",
    "seed-ratio": "1.0",
    "no-such-option": "x",
    gid: "0123456789abcdef",
  };
  const gid = options.gid;
  {
    await using sluice = await startSluice({ directory });
    await using listener = await listen(rpcOf(sluice).url);
    assertEquals(await ask(sluice, listener, "addUri", [url], options), gid);
    await listener.notice("onDownloadComplete", gid);
    sluice.kill("SIGTERM");
    await sluice.ended;
  }
  const [{ headers } = { headers: new Headers() }] = origin.requests;
  assertEquals(headers.get("x-one"), "1");
  assertEquals(headers.get("cookie"), "a=b");
  assertEquals(headers.get("user-agent"), "Mozilla/5.0");
  assertEquals(headers.get("referer"), url);
  assertEquals(headers.get("authorization"), `Basic ${btoa("me:secret")}`);
  assert(headers.get("range") !== "bytes=5-");
  await using sluice = await startSluice({ directory });
  await using listener = await listen(rpcOf(sluice).url);
  const [status, read] = await Promise.all([
    ask(sluice, listener, "tellStatus", gid, ["status", "dir", "files"]),
    ask(sluice, listener, "getOption", gid),
  ]) as [Record<string, unknown>, Record<string, string>];
  assertEquals(status.dir, `${directory}/films`);
  await using client = await sluice.connect();
  const list = await client.request({ action: "list" });
  assert("data" in list && Array.isArray(list.data));
  assertEquals(list.data[0].order, "sequential");
  const [{ path }] = status.files as [{ path: string }];
  assertEquals(path, `${directory}/films/2026/b.bin`);
  assertEquals(read.dir, `${directory}/films`);
  assertEquals(read.out, "2026/b.bin");
  assertEquals(
    read.header,
    "X-One: 1\nCookie: a=b\nRange: bytes=5-\nno header\n",
  );
  assertEquals(read["max-download-limit"], "1024");
  assertEquals(read.split, "4");
  assertEquals(read["seed-ratio"], "1.0");
  assert(!("gid" in read) && !("no-such-option" in read));
});

Deno.test("each file of a Metalink document comes, from its mirrors, as it must be", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({ deno: TEST_LOCK });
  await using listener = await listen(rpcOf(sluice).url);
  const [one, other] = [file(300_000, 3), file(200_000, 4)];
  const urls = [origin.serve("/gone", null), origin.serve("/one", one)];
  const fileOf = (document: string) =>
    document.match(/<file.*<\/file>/s)?.[0] ?? "";
  const document = metalinkOf({ name: "sub/one.bin", content: one, urls });
  const wrong = metalinkOf({
    name: "wrong.bin",
    content: other,
    urls: [origin.serve("/other", file(200_000, 5))],
  });
  const both = document.replace(
    fileOf(document),
    (text) => text + fileOf(wrong),
  );
  const options = { dir: "films", header: "X-One: 1" };
  const gids = await ask(sluice, listener, "addMetalink", btoa(both), options);
  const [first = "", second = "", ...more] = gids as string[];
  assertEquals(more, []);
  await listener.notice("onDownloadComplete", first);
  await listener.notice("onDownloadError", second);
  const path = `${sluice.directory}/films/sub/one.bin`;
  const [whole, failed] = await Promise.all(
    [first, second].map((gid) => ask(sluice, listener, "tellStatus", gid)),
  ) as [Record<string, unknown>, Record<string, unknown>];
  assertEquals((whole.files as [{ path: string }])[0].path, path);
  assertEquals(await firstDifference(path, one), null);
  assertEquals([whole.totalLength, failed.errorCode], ["300000", "32"]);
  const names = [...Deno.readDirSync(`${sluice.directory}/films`)];
  assertEquals(names.map(({ name }) => name), ["sub"]);
  const [{ headers } = { headers: new Headers() }] = origin.requests;
  assertEquals(headers.get("x-one"), "1");
});

Deno.test("of a Metalink document that makes no sense, nothing is added", async () => {
  await using sluice = await startSluice({
    environment: { URL_LENGTH: "100" },
    deno: TEST_LOCK,
  });
  await using listener = await listen(rpcOf(sluice).url);
  const documentOf = (...urls: string[]) =>
    metalinkOf({ name: "a.bin", content: file(1, 1), urls });
  const long = `http://127.0.0.1:1/${"x".repeat(100)}`;
  const twice = documentOf(NEVER)
    .replace(/<file.*<\/file>/s, (one) => one + one.replace(NEVER, long));
  const said = {
    "<metalink/>": /not in base64: send the whole file/,
    [btoa("<html></html>")]: /no element "metalink".*add the file's own URL/,
    [btoa(documentOf())]: /no URL of http or https for "a\.bin"/,
    [btoa(twice)]: /^"a\.bin": The URL is longer than 100 characters/,
    [btoa(documentOf(NEVER) + " ".repeat(2 ** 20))]: /longer than 1048576/,
  };
  for (const [document, words] of Object.entries(said)) {
    const rpc = rpcOf(sluice);
    const { status, error } = await call(
      rpc,
      listener,
      "post",
      "aria2.addMetalink",
      [document],
    );
    assertEquals([status, error?.code], [400, 1]);
    assertMatch(error?.message ?? "", words);
  }
  const { numWaiting, numStopped } = await ask(
    sluice,
    listener,
    "getGlobalStat",
  ) as Record<string, string>;
  assertEquals([numWaiting, numStopped], ["0", "0"]);
});

Deno.test("no name and no directory leads out of the content directory", async () => {
  await using sluice = await startSluice();
  await using listener = await listen(rpcOf(sluice).url);
  const outs = {
    "/etc/passwd": "etc/passwd",
    "../../x": "x",
    "C:\\Users\\me\\x.zip": "Users/me/x.zip",
    ".sluice/state.db": "state.db",
    "a//./b/": "a/b",
    "~/x": "x",
  };
  for (const [out, below] of Object.entries(outs)) {
    const options = { ...PAUSED, out };
    const gid = await ask(sluice, listener, "addUri", [NEVER], options);
    const files = await ask(sluice, listener, "getFiles", gid);
    const [{ path }] = files as [{ path: string }];
    assertEquals(path, `${sluice.directory}/${below}`);
  }
  for (const dir of ["/", "/etc", "..", "a/../..", "C:\\", "~", ".sluice"]) {
    const params = [[NEVER], { ...PAUSED, dir }];
    const reply = await call(
      rpcOf(sluice),
      listener,
      "post",
      "aria2.addUri",
      params,
    );
    assertEquals(reply.error?.code, 1, dir);
    assertMatch(reply.error?.message ?? "", /^dir /);
  }
});

Deno.test("a setting for all holds for what is added later", async () => {
  await using sluice = await startSluice();
  await using listener = await listen(rpcOf(sluice).url);
  const changed = { dir: "films", "max-overall-download-limit": "2M" };
  assertEquals(
    await ask(sluice, listener, "changeGlobalOption", changed),
    "OK",
  );
  const gid = await ask(sluice, listener, "addUri", [NEVER], PAUSED);
  const status = await ask(sluice, listener, "tellStatus", gid, ["dir"]);
  assertEquals(status, { dir: `${sluice.directory}/films` });
  const all = await ask(sluice, listener, "getGlobalOption");
  const { dir, "max-overall-download-limit": limit } = all as typeof changed;
  assertEquals([dir, limit], [`${sluice.directory}/films`, "2097152"]);
});

Deno.test("limits of a download and of all are in force, and read back", async () => {
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await using listener = await listen(rpcOf(sluice).url);
  const options = { ...PAUSED, "max-download-limit": "500K" };
  const gid = await ask(sluice, listener, "addUri", [NEVER], options);
  const limitOf = async () => {
    const reply = await client.request({ action: "list" });
    assert("data" in reply && Array.isArray(reply.data));
    return reply.data[0]?.limit_rate;
  };
  const read = async (method: string, name: string, ...params: unknown[]) => {
    const options = await ask(sluice, listener, method, ...params);
    return (options as Record<string, string>)[name];
  };
  assertEquals(await limitOf(), 512_000);
  for (const [limit, rate] of [["2M", 2_097_152], ["0", null]] as const) {
    const changed = { "max-download-limit": limit };
    await ask(sluice, listener, "changeOption", gid, changed);
    assertEquals(await limitOf(), rate);
    const option = await read("getOption", "max-download-limit", gid);
    assertEquals(option, String(rate ?? 0));
  }
  const all = "max-overall-download-limit";
  await ask(sluice, listener, "changeGlobalOption", { [all]: "3M" });
  assertEquals(await read("getGlobalOption", all), "3145728");
  await client.request({ action: "limit", limit_rate: 5_000 });
  assertEquals(await read("getGlobalOption", all), "5000");
});

Deno.test("other URIs neither pause a download nor end its pause", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using listener = await listen(rpcOf(sluice).url);
  await using another = await listen(rpcOf(sluice).url);
  const held = { gates: { head: forever } };
  const urls = ["/a", "/b"].map((path, n) =>
    origin.serve(path, file(1_000, n), held)
  );
  const [url, other] = urls;
  const gid = await ask(sluice, listener, "addUri", [url], PAUSED);
  // The second call is read before the first one is carried out.
  const together = (method: string, from?: string, to?: string) =>
    Promise.all([
      ask(sluice, listener, method, gid),
      ask(sluice, another, "changeUri", gid, 1, [from], [to]),
    ]);
  const status = async () =>
    (await ask(sluice, listener, "tellStatus", gid) as Entry).status;
  await together("unpause", url, other);
  assertEquals(await status(), "active");
  await together("pause", other, url);
  assertEquals(await status(), "paused");
});

Deno.test("how many downloads run at a time can be changed as they run", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { MAX_DOWNLOADS: "1" },
  });
  await using listener = await listen(rpcOf(sluice).url);
  const paths = ["/a", "/b", "/c"];
  const urls = paths.map((path, n) =>
    origin.serve(path, file(1_000, n), { gates: { head: forever } })
  );
  const gids: unknown[] = [];
  for (const url of urls) {
    gids.push(await ask(sluice, listener, "addUri", [url]));
  }
  await listener.notice("onDownloadStart", String(gids[0]));
  const name = "max-concurrent-downloads";
  const most = async () => {
    const options = await ask(sluice, listener, "getGlobalOption");
    return (options as Record<string, string>)[name];
  };
  assertEquals(await most(), "1");
  const waiting = async () =>
    (await ask(sluice, listener, "tellWaiting", 0, 9) as unknown[]).length;
  assertEquals(await waiting(), 2);
  await ask(sluice, listener, "changeGlobalOption", { [name]: "2" });
  await listener.notice("onDownloadStart", String(gids[1]));
  assertEquals([await most(), await waiting()], ["2", 1]);
});

interface Entry {
  readonly gid: string;
  readonly status?: string;
}

Deno.test("a thousand removed downloads are told of, the oldest least", async () => {
  await using sluice = await startSluice();
  await using listener = await listen(rpcOf(sluice).url);
  const gids = Array.from(
    { length: 1_002 },
    (_, n) => `f${n.toString(16).padStart(15, "0")}`,
  );
  const multicall = async (calls: [string, ...unknown[]][]) => {
    const inner = calls.map(([name, ...params]) => ({
      methodName: `aria2.${name}`,
      params,
    }));
    const name = "system.multicall";
    const rpc = rpcOf(sluice);
    return (await call(rpc, listener, "post", name, [inner])).result;
  };
  await multicall(gids.map((gid) => ["addUri", [NEVER], { ...PAUSED, gid }]));
  await multicall(gids.map((gid) => ["forceRemove", gid]));
  const [[latest], [first], [stat]] = await multicall([
    ["tellStopped", -1, 2, ["gid", "status"]],
    ["tellStopped", 0, 1, ["gid"]],
    ["getGlobalStat"],
  ]) as [[Entry[]], [Entry[]], [{ numStopped: string }]];
  assertEquals(latest.map(({ gid }) => gid).sort(), gids.slice(-2));
  assertEquals(latest.map(({ status }) => status), ["removed", "removed"]);
  assert(first[0] !== undefined && !gids.slice(0, 2).includes(first[0].gid));
  assertEquals(stat.numStopped, "1000");
  await ask(sluice, listener, "purgeDownloadResult");
  assertEquals(await ask(sluice, listener, "tellStopped", 0, 9), []);
});
