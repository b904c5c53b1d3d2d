import { assert, assertEquals, assertRejects } from "@std/assert";
import { Aria2, NpmAria2 } from "../../support/aria2_clients.ts";
import { file, firstDifference, startOrigin } from "../../support/origin.ts";
import { startSluice } from "../../support/sluice.ts";

const SECRET = "sixteen-characters";

for (
  const [name, Client] of Object.entries({
    "aria2": NpmAria2,
    "@baptistecdr/aria2": Aria2,
  })
) {
  Deno.test(`npm's ${name} fetches a file over a socket`, async () => {
    await using origin = await startOrigin();
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: SECRET },
    });
    const whole = file(300_000, 5);
    const url = origin.serve("/a.bin", whole);
    const aria2 = clientOf(Client, sluice.url, SECRET);
    const done = noticeOf(aria2, "onDownloadComplete");
    await aria2.open();
    const gid = await aria2.call("addUri", [url], { out: "films/b.bin" });
    assertEquals(await done, gid);
    const status = await aria2.call("tellStatus", gid);
    assertEquals(status.status, "complete");
    assertEquals(status.totalLength, "300000");
    const path = status.files[0].path;
    assertEquals(path, `${sluice.directory}/films/b.bin`);
    assertEquals(await firstDifference(path, whole), null);
    const both = await aria2.multicall([
      ["tellStopped", 0, 10, ["gid"]],
      ["tellWaiting", 0, 10],
    ]);
    assertEquals(both, [[[{ gid }]], [[]]]);
    await aria2.close();
  });

  Deno.test(`npm's ${name} asks by POST, and hears of errors`, async () => {
    await using sluice = await startSluice({
      environment: { AUTH_TOKEN: SECRET },
    });
    const aria2 = clientOf(Client, sluice.url, SECRET);
    assertEquals((await aria2.call("getVersion")).version, "1.36.0");
    const batch = await Promise.all(
      await aria2.batch([["getGlobalStat"], ["tellActive"]]),
    );
    assertEquals(batch.length, 2);
    await assertRejects(
      () => aria2.call("tellStatus", "eeeeeeeeeeeeeeee"),
      Error,
      "GID eeeeeeeeeeeeeeee is not found",
    );
    const stranger = clientOf(Client, sluice.url, "another-secret-16");
    await assertRejects(
      () => stranger.call("getVersion"),
      Error,
      "Unauthorized",
    );
    const methods = await aria2.listMethods();
    assert(methods.includes("addUri"), methods.join());
  });
}

/** What both clients can do; only one of them has types. */
interface Aria2Client {
  open(): Promise<unknown>;
  close(): Promise<unknown>;
  // deno-lint-ignore no-explicit-any
  call(method: string, ...params: unknown[]): Promise<any>;
  multicall(calls: unknown[][]): Promise<unknown>;
  batch(calls: unknown[][]): Promise<Promise<unknown>[]>;
  listMethods(): Promise<string[]>;
}

function clientOf(
  Client: new (options: Record<string, unknown>) => unknown,
  url: string,
  secret: string,
): Aria2Client {
  const { hostname, port } = new URL(url);
  const options = { host: hostname, port: Number(port), secure: false, secret };
  return new Client({ ...options, path: "/jsonrpc" }) as Aria2Client;
}

/** The gid of the first notification of a kind. */
function noticeOf(aria2: Aria2Client, name: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const found = (params: [{ gid: string }]) => resolve(params[0].gid);
  if ("on" in aria2 && typeof aria2.on === "function") {
    aria2.on(name, found);
  } else {
    (aria2 as unknown as EventTarget).addEventListener(
      name,
      (event) => found((event as CustomEvent).detail),
    );
  }
  return promise;
}
