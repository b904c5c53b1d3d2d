/**
 * Connects to a name with private networks denied, and says at which address.
 * Run by tests, in a network of its own: its addresses count as public ones.
 */

import { connectTo } from "../../lib/threads/connecting.ts";
import { startSilence } from "./silence.ts";

const [name = "", silent = "", taken = ""] = Deno.args;

const listener = Deno.listen({ hostname: taken, port: 0 });
const { port } = listener.addr;
using _silence = await startSilence(port, silent);
const way = {
  by: "origin",
  proxy: null,
  isRelayed: false,
  hostname: name,
  port,
  // It is not used.
  client: Deno.createHttpClient({}),
} as const;
const settings = { allowPrivate: false, connectTimeout: 4_000 };
const { signal } = new AbortController();
const before = performance.now();
const said = await connectTo(way, settings, signal).then((connection) => {
  using _connection = connection;
  return connection.remoteAddr.hostname;
}, (error) => `${error.name}: ${error.message}`);
const isSoon = performance.now() - before < settings.connectTimeout;
console.log(said, isSoon ? "in time" : "late");
listener.close();
