import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, SluiceError, type View } from "../../lib/client/client.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { start } from "../support/process.ts";
import { startSluice } from "../support/sluice.ts";

const NOWHERE = "http://127.0.0.1:1/f";
const TOKEN = "a token; with: odd/characters?".replaceAll(" ", "~");

Deno.test("a client adds, commands, lists and waits for the end", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN, BROADCAST_TIMEOUT: "50" },
  });
  const http = sluice.url.replace(/^ws/, "http");
  using client = await connect(http, { token: TOKEN });
  const held = Promise.withResolvers<void>();
  const url = origin.serve("/f.bin", file(1_000), () => ({
    gates: { head: () => held.promise },
  }));
  const id = await client.add({ url, threads: 2 });
  await client.pause(id);
  assertEquals((await client.ended(id)).process_status, "Paused");
  await client.limit(id, 5_000_000);
  assertEquals((await client.get(id)).limit_rate, 5_000_000);
  await client.resume(id);
  held.resolve();
  assertEquals((await client.ended(id)).process_status, "Downloaded");
  const others = await client.addAll([NOWHERE, { url: NOWHERE, paused: true }]);
  const page = await client.list({ status: "Paused" });
  assertEquals(page.statuses.map(({ id }) => id), others.slice(1));
  await client.refresh(others[1] ?? "", `${NOWHERE}2`);
  await client.remove(id, { deleteFile: true });
  const gone = await assertRejects(() => client.ended(id), SluiceError);
  assertEquals(gone.code, "UNKNOWN_ID");
  const wrong = await assertRejects(() => client.add("ftp://h/"), SluiceError);
  assertEquals(wrong.code, "BAD_URL");
  assertEquals(await client.nodes(), []);
  client.close();
  await assertRejects(() => client.list(), SluiceError, "closed");
});

Deno.test("a client that is not let in, or finds no server, says so", async () => {
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: TOKEN },
  });
  for (const url of [sluice.url, "ws://127.0.0.1:1/"]) {
    const error = await assertRejects(() => connect(url), SluiceError);
    assertEquals(error.code, "REFUSED");
  }
});

Deno.test("a client is told that what answers it is no Sluice", async () => {
  await using sluice = await startSluice();
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = () => socket.send("What?");
      return response;
    },
  );
  const { port } = other.addr as Deno.NetAddr;
  for (const url of [`${sluice.url}jsonrpc`, `ws://127.0.0.1:${port}/`]) {
    const signal = AbortSignal.timeout(20_000);
    using client = await connect(url, { signal });
    for (const ask of [client.list, () => client.pause("x")]) {
      const error = await assertRejects(() => ask(), SluiceError);
      assertEquals(error.code, "BAD_URL", error.message);
    }
  }
});

Deno.test("a client outlives its server's restart, and goes on", async () => {
  await using directory = await makeDirectory();
  const views: View[] = [];
  const changed = new EventTarget();
  const until = (matches: (view: View) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (views.some(matches)) resolve();
    };
    changed.addEventListener("change", look);
    look();
    return promise;
  };
  let first = await startSluice({ directory: directory.path });
  const port = new URL(first.url).port;
  using client = await connect(first.url, {
    onChange(view) {
      views.push(view);
      changed.dispatchEvent(new Event("change"));
    },
  });
  const id = await client.add({ url: NOWHERE, paused: true });
  const ended = client.ended(id);
  first.kill("SIGKILL");
  await first.ended;
  await until(({ connection }) => connection.kind === "lost");
  const later = client.add({ url: `${NOWHERE}2`, paused: true });
  const listed = client.list();
  views.length = 0;
  first = await startSluice({
    directory: directory.path,
    environment: { PORT: port },
  });
  await using _server = first;
  await until(({ connection, downloads }) =>
    connection.kind === "connected" && downloads.has(id)
  );
  assertEquals((await ended).process_status, "Paused");
  assert((await later) !== id);
  assert((await listed).total >= 1);
});

Deno.test("what was asked for as the connection was lost is added once", async () => {
  await using sluice = await startSluice();
  const sockets: WebSocket[] = [];
  /** Ends a connection once something is sent: whether it has come is not known. */
  function cutOff(socket: WebSocket): void {
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      send(data);
      socket.onmessage = null;
      socket.close();
    };
  }
  using client = await connect(sluice.url, {
    open(url, protocols) {
      const socket = new WebSocket(url, protocols);
      if (sockets.push(socket) === 1) cutOff(socket);
      return socket;
    },
  });
  const id = await client.add({ url: NOWHERE, paused: true });
  const { statuses } = await client.list();
  assertEquals(statuses.map(({ id }) => id), [id]);
  assertEquals(sockets.length, 2);
  const last = sockets.at(-1);
  assert(last);
  cutOff(last);
  const lost = await assertRejects(() => client.resume(id), SluiceError);
  assertEquals(lost.code, "REFUSED");
});

Deno.test("a program ends as soon as its client is closed", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  const url = origin.serve("/f.bin", file(1_000));
  const program = `
    import { connect } from "./lib/client/client.ts";
    const sluice = await connect(${JSON.stringify(sluice.url)});
    const id = await sluice.add(${JSON.stringify(url)});
    const { process_status } = await sluice.ended(id);
    sluice.close();
    console.log(process_status);
  `;
  await using running = start(["run", "--no-check", "--allow-net", "-"], {
    stdin: program,
  });
  await running.printed(/Downloaded/);
  const closedAt = performance.now();
  const { code, stderr } = await running.ended;
  assertEquals(code, 0, stderr);
  // A signal that is listened to would keep it running for 8 seconds.
  const lasted = performance.now() - closedAt;
  assert(lasted < 5_000, `${lasted} ms`);
});
