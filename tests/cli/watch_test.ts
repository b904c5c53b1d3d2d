import { assert, assertEquals, assertMatch } from "@std/assert";
import { file, startOrigin } from "../support/origin.ts";
import { start } from "../support/process.ts";
import { startSluice, taskArguments } from "../support/sluice.ts";

function startWatch(url: string, ...args: string[]) {
  return start([...taskArguments("watch", ""), "--server", url, ...args]);
}

Deno.test("watch tells that a download was removed", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  await using json = startWatch(sluice.url, "--json");
  await using text = startWatch(sluice.url);
  const id = await client.add({ url: origin.serve("/a.bin", file(1000)) });
  await client.end(id);
  await json.printed(/"process_status":"Downloaded"/);
  await text.printed(/^a\.bin: done, 1000 B$/m);
  await client.request({ action: "remove", id });
  await json.printed(new RegExp(`^{"id":"${id}","removed":true}$`, "m"));
  await text.printed(/^a\.bin: removed$/m);
  json.kill("SIGINT");
  assertEquals((await json.ended).code, 130);
});

Deno.test("watch --until-idle ends when nothing is queued or running", async () => {
  await using origin = await startOrigin();
  // No news but the greeting, which all clients of 2 s get alike.
  const environment = { BROADCAST_TIMEOUT: "2000" };
  await using sluice = await startSluice({ environment });
  const idle = await startWatch(sluice.url, "--until-idle").ended;
  assertEquals([idle.code, idle.stdout], [0, ""]);

  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/a.bin", file(1000), {
    gates: { head: () => gate.promise },
  });
  await using client = await sluice.connect();
  // Its reply comes after the greeting.
  await client.request({ action: "list" });
  const id = await client.add({ url });
  await using watching = startWatch(sluice.url, "--until-idle");
  await watching.printed(/connected to/);
  await client.request({ action: "list" });
  gate.resolve();
  await client.end(id);
  const { code, stdout } = await watching.ended;
  assertEquals(code, 0);
  assertMatch(stdout, /^a\.bin: done, 1000 B$/m);
});

Deno.test("watch --until-idle says that downloads have failed", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice();
  await using client = await sluice.connect();
  const ids = [
    await client.add({ url: origin.url("/none") }),
    await client.add({ url: origin.url("/nothing") }),
  ];
  for (const id of ids) await client.end(id);
  const two = await startWatch(sluice.url, "--until-idle", "--json").ended;
  assertEquals(two.code, 1);
  assertMatch(two.stderr, /^sluice: 2 downloads stand as failed: see sluice/m);
  await client.request({ action: "remove", id: ids[0] });
  const one = await startWatch(sluice.url, "--until-idle").ended;
  assertMatch(one.stderr, /^sluice: 1 download stands as failed/m);
  await client.request({ action: "remove", id: ids[1] });
  // A pause is a person's wish, unlike one for want of room.
  const gate = Promise.withResolvers<void>();
  const url = origin.serve("/slow", file(10), {
    gates: { head: () => gate.promise },
  });
  const slow = await client.add({ url });
  await client.request({ action: "pause", id: slow });
  const paused = await startWatch(sluice.url, "--until-idle").ended;
  gate.resolve();
  assertEquals(paused.code, 0);
});

Deno.test("watch --until-idle can be stopped while a server is silent", async () => {
  const asked = Promise.withResolvers<void>();
  const none = { Paused: 0, Downloaded: 0, Failed: 0 };
  const totals = { Queued: 0, Downloading: 0, ...none };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      const greeting = JSON.stringify({ data: [], totals, snapshot: true });
      socket.onopen = () => socket.send(greeting);
      socket.onmessage = () => asked.resolve();
      return response;
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  await using watch = startWatch(`ws://127.0.0.1:${port}/`, "--until-idle");
  await asked.promise;
  const start = performance.now();
  watch.kill("SIGINT");
  assertEquals((await watch.ended).code, 130);
  const took = performance.now() - start;
  assert(took < 10_000, `${took} ms, as long as its patience`);
});
