/**
 * Asks a URL in all ways that a worker has, where its address is denied, and
 * says what comes of it. Run by tests, with the denials of a public server.
 */

import { connectTo, looksForConnection } from "../../lib/threads/connecting.ts";
import { fetchLeniently } from "../../lib/threads/fetch_leniently.ts";
import { toRecord } from "../../lib/download/errors.ts";

const [address = "", allowed] = Deno.args;
const url = new URL(address);
const way = {
  by: "origin",
  proxy: null,
  isRelayed: false,
  hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
  port: Number(url.port),
  // Neither of them uses it.
  client: Deno.createHttpClient({}),
} as const;
const settings = {
  allowPrivate: allowed === "allowed",
  connectTimeout: 1_000,
  caCerts: [],
  clientCertificate: null,
};
const NOTHING = { [Symbol.dispose]() {} };
const watch = {
  signal: new AbortController().signal,
  touch() {},
  answering: () => NOTHING,
  rest: () => NOTHING,
  ...NOTHING,
};

const { code } = await fetchLeniently(url, {}, way, settings, watch)
  .then(() => ({ code: "ANSWERED" }), toRecord);
const connected = await connectTo(way, settings, watch.signal)
  .then(() => "connected", (error) => error.name);
const look = looksForConnection(way, settings, () => console.log("elsewhere"));
console.log(code, connected, await look.look());
